from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2_contingency, kstest

from core.audit import independence
from core.errors import InputError
from core.sampling import designs, joint
from tests.audit.tables import MARGINALS, STRONG, drawn, frame, linear, true_v


def test_mutual_information_is_that_of_the_sampling_room() -> None:
    counts = drawn(np.random.default_rng(0), linear(6, 5), 500)
    assert independence.permutation_test(counts).bits == pytest.approx(
        joint.mutual_information_bits(counts)
    )


@pytest.mark.parametrize(("p", "n"), [(linear(6, 5, 0), 60), (MARGINALS, 300), (MARGINALS, 5000)])
def test_without_skew_the_p_is_uniform(p, n) -> None:
    rng = np.random.default_rng(1)
    found = [independence.permutation_test(drawn(rng, p, n), 199, i).p for i in range(400)]
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.08
    assert kstest(found, "uniform").statistic < 0.09  # steps of 1/200 and ties included


def test_the_p_of_a_two_by_two_table_is_near_the_chi_squared_test() -> None:
    counts = frame([[60, 40], [45, 55]])
    asymptotic = chi2_contingency(counts.to_numpy(), correction=False, lambda_="log-likelihood")[1]
    found = independence.permutation_test(counts, 9999)
    assert found.p == pytest.approx(asymptotic, abs=0.015)
    assert found == independence.permutation_test(counts, 9999)


@pytest.mark.parametrize(
    ("p", "n"),
    [
        *((linear(6, 5, 0), 600), (MARGINALS, 600), (linear(6, 5, 0.3), 600)),
        *((linear(6, 5), 200), (linear(6, 5), 6000), (linear(2, 3), 60), (STRONG, 1000)),
    ],
)
def test_v_is_recovered_and_its_interval_covers(p, n) -> None:
    rng = np.random.default_rng(2)
    found = np.array([independence.association(drawn(rng, p, n)) for _ in range(400)])
    truth = true_v(p)
    covered = (found[:, 1] <= truth + 1e-12) & (truth <= found[:, 2])
    assert 0.91 <= covered.mean() <= 0.995
    # Of few rows the corrected V is too small, being the root of what is right on average.
    few = n < 200
    assert found[:, 0].mean() == pytest.approx(truth, abs=0.04 if few else 0.03)
    assert not few or found[:, 0].mean() < truth
    plain = np.mean([joint.cramers_v(drawn(rng, p, n)) for _ in range(100)])
    assert few or abs(found[:, 0].mean() - truth) < abs(plain - truth) + 0.003


def test_the_detectable_v_is_found_in_four_of_five() -> None:
    rng = np.random.default_rng(3)
    n = 600
    wanted = independence.detectable(n, 6, 5)
    p = linear(6, 5, wanted / true_v(linear(6, 5)))
    assert true_v(p) == pytest.approx(wanted)
    found = [independence.permutation_test(drawn(rng, p, n), 199, i).p <= 0.05 for i in range(400)]
    assert 0.74 <= np.mean(found) <= 0.86


def test_the_papers_design_in_tables_of_its_sizes() -> None:
    for languages, labels, side in ((6, 5, 3), (2, 3, 1)):
        names = [str(i) for i in range(languages)]
        groups = (tuple(names[:side]), tuple(names[side:]))
        shares = designs.design_shares("linear", names, list("abcde")[:labels], groups)
        assert independence.of_linear(languages, labels) == pytest.approx(
            joint.cramers_v(shares * 1e6)
        )


@given(arrays(int, (3, 4), elements=st.integers(0, 40)))
def test_any_table_has_a_v_within_its_interval(values) -> None:
    counts = frame(values)
    if values.sum() == 0:
        with pytest.raises(InputError, match="needs rows"):
            independence.association(counts)
        return
    found = independence.association(counts)
    assert 0 <= found.low <= found.v <= found.high <= 1
    test = independence.permutation_test(counts, 19)
    assert 0.05 <= test.p <= 1
    assert np.isfinite(found).all() and np.isfinite(test).all()


def test_of_1_200_000_rows_tables_are_drawn_all_the_same() -> None:
    counts = drawn(np.random.default_rng(4), 1 + 0.02 * (linear(6, 5) * 30 - 1), 1_200_000)
    assert independence.permutation_test(counts).p == 0.001
    assert independence.association(counts).high < 0.02
    assert independence.detectable(1_200_000, 6, 5) < 0.003
