from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.audit.cells import cells
from core.sampling import joint
from tests.audit.tables import MARGINALS, STRONG, drawn, frame, linear


@given(arrays(int, (3, 4), elements=st.integers(0, 40)))
def test_parts_add_up_and_deviations_are_the_sampling_rooms(values) -> None:
    counts = frame(values)
    assume(values.sum() > 0)
    found = cells(counts)
    assert (found["share"] >= 0).all() and found["n"].sum() == values.sum()
    if joint.mutual_information_bits(counts) > 1e-9:
        assert found["share"].sum() == pytest.approx(1)
    deviation = joint.deviation(counts.astype(float))
    for row in found.itertuples():
        assert row.deviation == pytest.approx(deviation.loc[row.language, row.label], abs=1e-12)
        if row.low == row.low:
            assert row.low - 1e-9 <= row.deviation <= row.high + 1e-9


def test_the_part_of_a_cell_is_its_term_of_the_divergence() -> None:
    counts = frame([[30, 10], [10, 50]])
    p = counts.to_numpy() / 100
    q = np.outer(p.sum(axis=1), p.sum(axis=0))
    terms = p * np.log(p / q) - p + q
    found = cells(counts).set_index(["language", "label"])["share"]
    assert found["de", "bad"] == pytest.approx(terms[0, 0] / terms.sum())
    assert terms.sum() / np.log(2) == pytest.approx(joint.mutual_information_bits(counts))


@pytest.mark.parametrize(
    ("p", "n"), [(linear(6, 5, 0), 600), (linear(6, 5), 600), (MARGINALS, 2000), (STRONG, 500)]
)
def test_all_intervals_hold_together(p, n) -> None:
    rng = np.random.default_rng(0)
    truth = joint.deviation(frame(p / p.sum()))
    covered = []
    for _ in range(150):
        found = cells(drawn(rng, p, n)).set_index(["language", "label"])
        true = pd.Series({cell: truth.loc[cell] for cell in found.index})
        covered.append(bool(((found["low"] <= true) & (true <= found["high"])).all()))
    assert np.mean(covered) >= 0.92


def test_one_language_has_nothing_to_differ_from() -> None:
    found = cells(frame([[3, 4, 5]]))
    assert found["low"].isna().all() and (found["share"] == 0).all()
