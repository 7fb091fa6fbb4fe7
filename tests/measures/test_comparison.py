"""Comparisons of setups, and Holm's correction."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.measures.accuracy import accuracy, accuracy_totals
from core.measures.bootstrap import Totals
from core.measures.calibration import calibration_error, calibration_totals
from core.measures.comparison import Comparison, compare, holm
from core.measures.language_effect import effect_totals, language_effect
from core.measures.predictions import Predictions
from core.measures.skew_uptake import skew_uptake, uptake_totals
from core.sampling import designs
from tests.helpers.predictions import GROUPS, LABELS, SIX, predictions, rows


def a_run(right: np.ndarray) -> Totals:
    """A run on one language, by which rows it has right."""
    ids = [str(i) for i in range(len(right))]
    table = pd.DataFrame({"row": ids, "sentence": ids, "language": "de", "label": "good"})
    sure = np.where(right[:, None], [0, 0, 1.0], [1.0, 0, 0])
    return accuracy_totals(Predictions(table, sure, LABELS, ("de",)))


@given(st.integers(3, 9), st.integers(0, 2**31))
@settings(max_examples=50)
def test_values_of_three_seeds_are_compared_by_scipys_paired_t_test(n, seed) -> None:
    x, y = np.random.default_rng(seed).normal(size=(2, n))
    extra = {100 + n: 9.0}  # a seed that only one setup has does not count
    found = compare(
        "imbalanced", "balanced", "probe", dict(enumerate(x)) | extra, dict(enumerate(y))
    )
    oracle = scipy.stats.ttest_rel(x, y)
    assert found.p == pytest.approx(oracle.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval()))
    assert found.narrow == pytest.approx(tuple(oracle.confidence_interval(0.9)))
    assert found.difference == pytest.approx((x - y).mean())
    assert (found.n_seeds, found.method, found.beyond_chance) == (n, "seeds", None)
    assert found.covers == "other seeds, on these test sentences"


def test_totals_of_three_seeds_are_compared_over_seeds_and_sentences() -> None:
    rng = np.random.default_rng(0)
    a, b = ([a_run(rng.uniform(size=50) < 0.6) for _ in range(3)] for _ in "ab")
    found = compare("a", "b", "accuracy", dict(enumerate(a)), dict(enumerate(b)))
    seeds = np.array([x.values[0] - y.values[0] for x, y in zip(a, b, strict=True)])
    rows = np.mean([x.quantities[:, 0] - y.quantities[:, 0] for x, y in zip(a, b, strict=True)], 0)
    error = (seeds.var(ddof=1) / 3 + rows.var() / 50) ** 0.5  # each row is a sentence here
    assert (found.method, found.covers) == (
        "seeds and sentences", "other seeds and other test sentences"
    )  # fmt: skip
    between = 1.96 * error, scipy.stats.t.ppf(0.975, 2) * error
    assert between[0] < (found.high - found.low) / 2 < between[1] * 1.05
    assert found.spread.seeds == pytest.approx(seeds.std(ddof=1))
    assert found.spread.sentences == pytest.approx((rows.var() / 50) ** 0.5, rel=0.05)
    assert found.spread.one_seed > found.spread.sentences


@pytest.mark.parametrize(("by", "p"), [(0.0, 1.0), (0.1, 0.0), (-0.1, 0.0)])
def test_seeds_that_all_differ_by_the_same(by, p) -> None:
    b = {13: 0.5, 14: 0.6, 15: 0.7}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare("a", "b", "probe", {seed: v + by for seed, v in b.items()}, b)
    assert (found.low, found.high, found.p) == (found.difference, found.difference, p)
    assert found.difference == pytest.approx(by)


def test_values_of_fewer_than_three_seeds_have_no_interval() -> None:
    found = compare("a", "b", "probe", {13: 0.9, 14: 0.8}, {14: 0.5, 13: 0.5})
    assert (found.difference, found.low, found.p) == (pytest.approx(0.35), None, None)
    assert (found.n_seeds, found.method, found.verdict) == (2, "none", "no verdict")
    assert holm([found]) == [found]


def test_one_seed_is_compared_over_sentences_with_the_same_draws() -> None:
    """Two runs that err on the same sentences differ by far less than either varies."""
    rng = np.random.default_rng(0)
    right = rng.uniform(size=1000) < 0.6
    other = right.copy()
    other[rng.choice(1000, 30, replace=False)] ^= True
    a, b = a_run(right), a_run(other)
    found = compare("a", "b", "accuracy", {13: a}, {13: b})
    assert (found.method, found.n_seeds) == ("sentences", 1)
    assert found.difference == pytest.approx(a.values[0] - b.values[0])
    low, high = (np.ravel(x)[0] for x in a.interval())
    assert found.high - found.low < 0.4 * (high - low)
    # McNemar's variance of a paired difference of two shares.
    d = right.astype(float) - other
    assert found.high - found.low == pytest.approx(2 * 1.96 * d.std() / 1000**0.5, rel=0.05)


def test_two_seeds_are_drawn_together() -> None:
    """Noise of single models that cancels in the mean over seeds does not widen the interval."""
    right = np.random.default_rng(0).uniform(size=400) < 0.5
    a = {13: a_run(right), 14: a_run(~right)}
    b = {13: a_run(np.zeros(400, bool)), 14: a_run(np.zeros(400, bool))}
    found = compare("a", "b", "accuracy", a, b)
    assert (found.low, found.high, found.n_seeds) == (pytest.approx(0.5), pytest.approx(0.5), 2)
    assert (found.p, found.verdict, found.covers) == (
        None, "no verdict", "other test sentences, these trained models"
    )  # fmt: skip
    alone = compare("a", "b", "accuracy", {13: a[13]}, {13: b[13]})
    assert alone.high - alone.low > 0.05


def test_a_run_does_not_differ_from_itself() -> None:
    run = a_run(np.arange(50) % 3 > 0)
    found = compare("balanced", "balanced (null)", "accuracy", {"null": run}, {"null": run})
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, None)


def test_every_measure_compares() -> None:
    made, other = predictions(60, 0), predictions(60, 1)
    other = Predictions(made.rows, other.probabilities, LABELS, SIX)
    design = designs.design_shares("linear", SIX, LABELS, GROUPS)
    uptake = [skew_uptake(p, design).value for p in (made, other)]
    errors = [calibration_error(p).loc["all", "rms"] for p in (made, other)]
    french = [accuracy(p).loc["fr", "accuracy"] for p in (made, other)]
    effect = [language_effect(p, GROUPS).value for p in (made, other)]
    both = (made, other)
    for values, totals in (
        (uptake, [uptake_totals(p, design) for p in both]),
        (errors, [calibration_totals(p) for p in both]),
        (french, [accuracy_totals(p).only("fr") for p in both]),
        (effect, [effect_totals(p, GROUPS) for p in both]),
    ):
        found = compare("a", "b", "it", {1: totals[0]}, {1: totals[1]}, draws=500)
        assert found.difference == pytest.approx(values[0] - values[1])
        assert found.low < found.high
        back = compare("b", "a", "it", {1: totals[1]}, {1: totals[0]}, draws=500)
        assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_the_order_of_rows_does_not_matter() -> None:
    made, other = predictions(30, 0), predictions(30, 1)
    order = np.random.default_rng(0).permutation(len(made.rows))
    mixed = Predictions(
        made.rows.iloc[order].reset_index(drop=True), other.probabilities[order], LABELS, SIX
    )
    straight = Predictions(made.rows, other.probabilities, LABELS, SIX)
    a = accuracy_totals(made)
    one, two = (
        compare("a", "b", "accuracy", {1: a}, {1: accuracy_totals(p)}) for p in (straight, mixed)
    )
    assert (one.low, one.high) == pytest.approx((two.low, two.high))


@pytest.mark.parametrize("seeds", [1, 3])
def test_different_test_rows_are_an_error(seeds) -> None:
    a, b = accuracy_totals(predictions(9, 0)), accuracy_totals(predictions(7, 0))
    with pytest.raises(InputError, match="54 and 42, of which 42 in both; compare runs of one"):
        compare(
            "a", "b", "accuracy", dict.fromkeys(range(seeds), a), dict.fromkeys(range(seeds), b)
        )
    with pytest.raises(InputError, match=r"a has \[13\], b has \[14, 15\]; train both"):
        compare("a", "b", "accuracy", {13: a}, {14: a, 15: a})


@given(st.lists(st.none() | st.sampled_from([0.0, 0.004, 0.01, 0.0125, 0.02, 0.04, 0.05, 0.2, 1.0])
                | st.floats(0, 1), max_size=9))  # fmt: skip
def test_holm_by_its_definition(p_values) -> None:
    """Hypothesis i falls if every hypothesis with a p up to its own passes its step."""
    made = [Comparison("a", "b", str(i), 0, 0, 0, p, 1, "seeds") for i, p in enumerate(p_values)]
    p = [x for x in p_values if x is not None]

    def falls(x: float) -> bool:
        return all(y * sum(z >= y for z in p) <= 0.05 + 1e-12 for y in p if y <= x)

    judged = holm(made)
    assert [c.beyond_chance for c in judged] == [None if x is None else falls(x) for x in p_values]
    assert [c.measure for c in judged] == [c.measure for c in made]


def test_holm_stops_at_the_first_that_fails() -> None:
    made = [Comparison("a", "b", "", 0, 0, 0, p, 1, "seeds") for p in (0.04, 0.001, 0.03, 0.02)]
    # 0.001 <= 0.05 / 4; 0.02 > 0.05 / 3 stops it, although 0.04 <= 0.05 / 1.
    assert [c.beyond_chance for c in holm(made)] == [False, True, False, False]


def test_draws_of_an_error_that_noise_enlarges_are_centred() -> None:
    """Of a well calibrated model most draws lie above its own error."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 300)
    table = rows(300, ("de",), rng)
    table["label"] = np.array(LABELS)[(p.cumsum(axis=1) > rng.uniform(size=(300, 1))).argmax(1)]
    sure = Predictions(table.assign(label="good"), np.tile([0, 0, 1.0], (300, 1)), LABELS, ("de",))
    a, b = (calibration_totals(x) for x in (Predictions(table, p, LABELS, ("de",)), sure))
    both = compare("a", "b", "calibration", {1: a}, {1: b})
    middle = (both.low + both.high) / 2
    assert both.difference == pytest.approx(middle, abs=0.2 * (both.high - both.low))


@pytest.mark.parametrize("languages", [SIX, ("de",)])
def test_thirty_thousand_rows_take_seconds(languages) -> None:
    made = predictions(30_000 // len(languages), 0, languages)
    started = time.process_time()
    calibration_error(made)
    assert time.process_time() - started < 15
    if len(languages) > 1:
        started = time.process_time()
        language_effect(made, GROUPS)
        assert time.process_time() - started < 6
