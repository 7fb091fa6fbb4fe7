"""What verdicts claim, held against models whose differences are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.measures.bootstrap import Totals
from core.measures.comparison import MARGINS, Comparison, compare, holm, margin_of

SENTENCES, DRAWS, STUDIES = 60, 200, 150
SETUPS = ("balanced", "imbalanced", "imbalanced+cw")
PAIRS = (SETUPS[1::-1], SETUPS[2:0:-1], (SETUPS[2], SETUPS[0]))


def models(rng, seeds: int, shift=(0.0, 0.0, 0.0)) -> dict[str, dict[int, Totals]]:
    """Of three setups: what each model gets in each sentence, with a seed's own on top of it."""
    hard = rng.normal(0, 0.3, SENTENCES)
    ids = np.arange(SENTENCES).astype(str)
    ones = np.ones(SENTENCES)

    def model(mean: float) -> Totals:
        values = mean + hard + rng.normal(0, 0.04) + rng.normal(0, 0.2, SENTENCES)
        return Totals(
            ("accuracy",), np.column_stack([values, ones]), ids, ids, lambda t: t[:, :1] / t[:, 1:]
        )

    return {
        setup: {seed: model(mean) for seed in range(seeds)}
        for setup, mean in zip(SETUPS, shift, strict=True)
    }


def judged(rng, seeds: int, shift=(0.0, 0.0, 0.0), margin: float = 0.1) -> list[Comparison]:
    made = models(rng, seeds, shift)
    return holm([compare(a, b, "accuracy", made[a], made[b], DRAWS, margin) for a, b in PAIRS])


def one_pair(rng, seeds: int, difference: float, margin: float) -> Comparison:
    made = models(rng, seeds, (0, difference, 0))
    return compare(*PAIRS[0], "accuracy", made["imbalanced"], made["balanced"], DRAWS, margin)


@pytest.mark.parametrize("seeds", [1, 2])
def test_below_three_seeds_there_is_never_a_verdict(seeds) -> None:
    """Models that differ by their seed alone: over sentences many pairs are apart."""
    rng = np.random.default_rng(seeds)
    found = [c for _ in range(25) for c in judged(rng, seeds, (0, 0, 5.0))]
    assert {c.verdict for c in found} == {"no verdict"}
    assert {c.beyond_chance for c in found} == {c.p for c in found} == {None}
    apart = [c.low > 0 or c.high < 0 for c in found if c.a == "imbalanced" and c.b == "balanced"]
    assert np.mean(apart) > 0.1  # what a verdict over sentences would have said wrongly


@pytest.mark.parametrize("seeds", [3, 5])
def test_without_a_difference_one_in_twenty_is_beyond_chance_and_fewer_after_holm(seeds) -> None:
    rng = np.random.default_rng(seeds)
    found = [judged(rng, seeds) for _ in range(STUDIES)]
    assert 0.01 <= np.mean([c.p <= 0.05 for study in found for c in study]) <= 0.065
    family = np.mean([any(c.verdict == "differs" for c in study) for study in found])
    assert family <= 0.05 + 2 * (0.05 * 0.95 / STUDIES) ** 0.5  # Monte Carlo error


@pytest.mark.parametrize("seeds", [3, 8])
def test_at_the_margin_one_in_twenty_is_called_equivalent_at_most(seeds) -> None:
    rng = np.random.default_rng(seeds)
    found = [one_pair(rng, seeds, 0.15, margin=0.15) for _ in range(STUDIES)]
    assert np.mean([c.within_margin for c in found]) <= 0.05 + 2 * (0.05 * 0.95 / STUDIES) ** 0.5
    assert np.mean([c.low <= 0.15 <= c.high for c in found]) >= 0.93
    # The test can find what it is for: no difference, and a margin that is not too small.
    none = [one_pair(rng, seeds, 0.0, margin=0.3) for _ in range(40)]
    assert np.mean([c.within_margin for c in none]) > 0.4


def test_each_of_several_at_the_margin_is_called_equivalent_by_itself() -> None:
    """Equivalence is judged pair by pair, which a recommendation among setups must say."""
    rng = np.random.default_rng(0)
    studies = []
    for _ in range(40):
        made = models(rng, 3, (0, 0.15, 0.15))
        names = [name for name in made if name != "balanced"]
        compared = [
            compare(name, "balanced", "accuracy", made[name], made["balanced"], DRAWS, 0.15)
            for name in names
        ]
        studies.append([c.within_margin for c in compared])
    alone, any_of = np.mean(studies), np.mean([any(study) for study in studies])
    assert alone <= 0.05 + 2 * (0.05 * 0.95 / np.size(studies)) ** 0.5
    assert any_of <= 2 * 0.05 + 0.1  # not corrected for being two


def test_a_verdict_follows_from_holm_and_the_margin() -> None:
    base = Comparison("a", "b", "accuracy", 0, -1, 1, 0.5, 3, "seeds", (-0.01, 0.01), 0.02)
    assert base.verdict == "no verdict"
    for narrow, beyond, verdict, within in (
        ((-0.01, 0.015), False, "equivalent", True),
        ((-0.01, 0.02), False, "cannot tell", False),
        ((-0.021, 0.01), False, "cannot tell", False),
        ((0.005, 0.015), True, "differs", True),
        ((0.005, 0.05), True, "differs", False),
    ):
        found = replace(base, narrow=narrow, beyond_chance=beyond)
        assert (found.verdict, found.within_margin) == (verdict, within)
    assert replace(base, margin=None, beyond_chance=False).verdict == "cannot tell"


def test_every_measure_has_a_margin() -> None:
    assert margin_of("accuracy, de") == margin_of("accuracy") == MARGINS["accuracy"]
    assert margin_of("probe_external_knn") == MARGINS["probe"]
    assert margin_of("something new") is None
