"""Weights of rows and draws of rows: what each leaves of language and label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import InputError
from core.mitigation import (
    cw,
    dro,
    effective_cw,
    global_cw,
    independent_cw,
    oversample,
    setups,
    smooth_cw,
    undersample,
)

LANGUAGES, LABELS = ["de", "en", "fr"], ["bad", "good"]


def table(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(values, index=LANGUAGES, columns=LABELS)


filled = arrays(int, (3, 2), elements=st.integers(1, 400)).map(table)
holes = arrays(int, (3, 2), elements=st.integers(0, 40)).map(table)
holes = holes.filter(lambda counts: bool((counts.sum(axis=1) > 0).all()))


def joint(weighted: pd.DataFrame) -> np.ndarray:
    found: np.ndarray = (weighted / weighted.to_numpy().sum()).to_numpy()
    return found


def product_of_marginals(counts: pd.DataFrame) -> np.ndarray:
    p = joint(counts)
    return np.outer(p.sum(axis=1), p.sum(axis=0))


@given(filled)
def test_weights_to_independence_leave_the_marginals_and_no_skew(counts) -> None:
    weighted = counts * independent_cw.weights(counts)
    assert joint(weighted) == pytest.approx(product_of_marginals(counts))
    assert weighted.sum(axis=1).to_numpy() == pytest.approx(counts.sum(axis=1).to_numpy())


@given(st.integers(1, 300), st.integers(1, 300))
def test_where_labels_are_even_over_all_they_are_those_of_the_paper(a, b) -> None:
    counts = pd.DataFrame([[a, b], [b, a]], index=LANGUAGES[:2], columns=LABELS)
    assert independent_cw.weights(counts).to_numpy() == pytest.approx(cw.weights(counts).to_numpy())


@given(filled)
def test_global_weights_even_the_labels_and_not_within_languages(counts) -> None:
    weights = global_cw.weights(counts)
    assert (weights.nunique() == 1).all()
    assert joint(counts * weights).sum(axis=0) == pytest.approx([0.5, 0.5])


@given(filled)
def test_without_prior_and_bound_smoothing_is_equation_2(counts) -> None:
    found = smooth_cw.weights(counts, prior=0.0, most=np.inf)
    assert found.to_numpy() == pytest.approx(cw.weights(counts).to_numpy())


@given(holes)
def test_smoothed_weights_are_bounded_and_take_empty_cells(counts) -> None:
    weights = smooth_cw.weights(counts)
    assert np.isfinite(weights.to_numpy()).all() and (weights > 0).all().all()
    assert (weights.max(axis=1) / weights.min(axis=1)).max() <= smooth_cw.MOST**2 + 1e-9
    assert (weights * counts).sum(axis=1).to_numpy() == pytest.approx(counts.sum(axis=1).to_numpy())


def test_one_row_of_a_thousand_does_not_weigh_five_hundred() -> None:
    counts = pd.DataFrame([[1, 999], [500, 500]], index=LANGUAGES[:2], columns=LABELS)
    assert cw.weights(counts).loc["de", "bad"] == 500
    weights = smooth_cw.weights(counts).loc["de"]
    # p~ = (1 + 100 * 501/2000) / 1100, clipped to 5; the other (999 + 100 * 1499/2000) / 1100
    of_bad, of_good = 5.0, 0.5 / ((999 + 100 * 1499 / 2000) / 1100)
    mean = (of_bad + 999 * of_good) / 1000
    assert weights.tolist() == pytest.approx([of_bad / mean, of_good / mean])


@given(filled)
def test_the_effective_number_lies_between_no_weights_and_those_of_the_paper(counts) -> None:
    near_none = effective_cw.weights(counts, beta=1e-9)
    near_all = effective_cw.weights(counts, beta=1 - 1e-9)
    assert near_none.to_numpy() == pytest.approx(np.ones(counts.shape), abs=1e-6)
    assert near_all.to_numpy() == pytest.approx(cw.weights(counts).to_numpy(), rel=1e-3)
    # Cui et al. 2019: the number of samples is (1 - b^n) / (1 - b), summed as they do.
    beta, n = effective_cw.BETA, int(counts.iloc[0, 0])
    assert (1 - beta**n) / (1 - beta) == pytest.approx(sum(beta**i for i in range(n)))


@given(holes)
def test_group_weights_begin_even_over_the_groups_that_have_rows(counts) -> None:
    weighted = joint(counts * dro.weights(counts))
    has = counts.to_numpy() > 0
    assert weighted[has] == pytest.approx(1 / has.sum())
    assert (weighted[~has] == 0).all()


@given(filled, st.integers(0, 3))
def test_drawn_rows_are_independent_up_to_rounding(counts, seed) -> None:
    cells = np.random.default_rng(0).permutation(
        np.repeat(np.arange(counts.size), counts.to_numpy().ravel())
    )
    expected = product_of_marginals(counts)
    for scheme, repeats in ((undersample, False), (oversample, True)):
        rows = scheme.draw(cells, counts, seed)
        drawn = np.bincount(cells[rows], minlength=counts.size).reshape(counts.shape)
        assert np.abs(drawn - len(rows) * expected).max() < len(LANGUAGES) + len(LABELS)
        assert list(rows) == sorted(rows)
        times = np.bincount(rows, minlength=len(cells))
        assert repeats or times.max(initial=0) <= 1
        for cell in range(counts.size):  # no row of a cell comes twice more often than another
            of_cell = times[cells == cell]
            assert of_cell.max() - of_cell.min() <= 1
        assert (scheme.draw(cells, counts, seed) == rows).all()
    assert len(rows) == len(cells)


@given(filled)
def test_undersampling_leaves_out_no_more_than_it_must(counts) -> None:
    cells = np.repeat(np.arange(counts.size), counts.to_numpy().ravel())
    n = len(undersample.draw(cells, counts, 0))
    most = (counts.to_numpy() / product_of_marginals(counts)).min()
    assert most - len(LANGUAGES) * len(LABELS) <= n <= most + len(LANGUAGES) * len(LABELS)


@pytest.mark.parametrize(
    "name", [n for n, s in setups.schemes().items() if s.evens and n not in ("smooth-cw", "dro")]
)
def test_an_empty_cell_is_refused_by_name_before_anything_is_trained(name) -> None:
    counts = table(np.array([[3, 0], [2, 2], [5, 1]]))
    with pytest.raises(InputError, match=r"\(de, good\).*(Choose|smooth-cw)"):
        setups.parse(f"imbalanced+{name}").check(counts, counts)


@pytest.mark.parametrize("name", list(setups.schemes()))
def test_filled_cells_are_taken_by_all(name) -> None:
    counts = table(np.array([[3, 1], [2, 2], [5, 1]]))
    setups.parse(f"imbalanced+{name}").check(counts, 5 * counts)


def test_too_few_validation_rows_are_refused_before_anything_is_trained() -> None:
    counts = table(np.array([[30, 10], [20, 20], [50, 10]]))
    validation = table(np.array([[9, 4], [7, 7], [15, 5]]))
    setups.parse("imbalanced+leace").check(counts, validation)
    with pytest.raises(InputError, match="5 validation rows in every cell; the smallest has 4"):
        setups.parse("imbalanced+last-layer").check(counts, validation)
