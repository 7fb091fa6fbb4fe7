"""Which difference between two setups is beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.special import stdtr, stdtrit

from core.errors import InputError
from core.measures.bootstrap import LEVEL, Totals, centred, draw_totals, ends, sums_by_sentence

FEWEST_SEEDS = 3
# More than an interval needs: no p falls below 2 / (draws + 1), and Holm asks for very small ones.
DRAWS = 10_000
ROUNDING = 1e-12  # differences up to this are none


@dataclass(frozen=True)
class Comparison:
    """The difference a - b of one measure, with its 95 % interval.

    Attributes:
        a: setup.
        b: setup that it is read against.
        measure: what is compared.
        difference: mean over the seeds that both have; `low` and `high` are its interval's ends.
        p: two-sided, not corrected for the number of comparisons.
        n_seeds: seeds that both have.
        method: `seeds` (t-test over seed-paired differences), `sentences` (bootstrap with the same
            draws for both) or `none` (too few seeds and no sentences).
        beyond_chance: set by `holm`; None before it, and where there is no p.
    """

    a: str
    b: str
    measure: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    n_seeds: int
    method: Literal["sentences", "seeds", "none"]
    beyond_chance: bool | None = None


def compare(
    a: str,
    b: str,
    measure: str,
    runs_a: Mapping[Any, Totals | float],
    runs_b: Mapping[Any, Totals | float],
    draws: int = DRAWS,
) -> Comparison:
    """Compare two setups by one measure, run by run of the same seed.

    From three common seeds on the interval covers other seeds on the same test set; with fewer,
    other test sentences for the same trained models, although another seed may differ more.

    Args:
        runs_a: by seed, the measure's totals (their first value is compared) or just its value.
        runs_b: the same; seeds that only one side has are left out.

    Raises:
        InputError: no seed in common, or the runs were not measured on the same test rows.
    """
    common = [seed for seed in runs_a if seed in runs_b]
    if not common:
        raise InputError(
            f"no seed in common: {a} has {[*runs_a]}, {b} has {[*runs_b]}; train both on one seed."
        )
    pairs = [(runs_a[seed], runs_b[seed]) for seed in common]
    runs = [run for pair in pairs for run in pair if isinstance(run, Totals)]
    for run in runs[1:]:
        _require_same_rows(a, b, measure, runs[0], run)
    differences = np.array([_value(x) - _value(y) for x, y in pairs])
    mean = float(differences.mean())
    found = Comparison(a, b, measure, mean, None, None, None, len(pairs), "none")
    if not np.isfinite(differences).all():
        return found
    if len(pairs) >= FEWEST_SEEDS:
        low, high, p = over_seeds(differences)
        return replace(found, low=low, high=high, p=p, method="seeds")
    if len(runs) == 2 * len(pairs):
        low, high, p = _over_sentences(runs, mean, draws)
        return replace(found, low=low, high=high, p=p, method="sentences")
    return found


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Say which differences are beyond chance, at 5 % over all comparisons that have a p.

    Step-down procedure of Holm, A simple sequentially rejective multiple test procedure, 1979:
    the chance that one or more of them is called so wrongly is at most 5 %.

    Returns:
        The comparisons in their order, with `beyond_chance` set.
    """
    ranked = sorted((c.p, i) for i, c in enumerate(comparisons) if c.p is not None)
    judged = [replace(c, beyond_chance=None if c.p is None else False) for c in comparisons]
    for rank, (p, i) in enumerate(ranked):
        if p > (1 - LEVEL) / (len(ranked) - rank):
            break
        judged[i] = replace(judged[i], beyond_chance=True)
    return judged


def over_seeds(differences: np.ndarray) -> tuple[float, float, float]:
    """95 % t-interval of the mean difference over seeds, and the two-sided p of the t-test.

    Args:
        differences: one a seed, of two or more.
    """
    mean, n = float(differences.mean()), len(differences)
    if np.ptp(differences) < ROUNDING:  # equal but for rounding: the t-statistic has no value
        return mean, mean, 1.0 if abs(mean) < ROUNDING else 0.0
    error = float(differences.std(ddof=1)) / n**0.5
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    return mean - half, mean + half, float(2 * stdtr(n - 1, -abs(mean) / error))


def _over_sentences(
    runs: list[Totals], difference: float, draws: int
) -> tuple[float, float, float]:
    """Interval and p of the mean difference; runs: a, b, a, b ... One set of draws serves all."""
    sums = [sums_by_sentence(run.quantities, run.sentences) for run in runs]
    columns = np.cumsum([s.shape[1] for s in sums])[:-1]
    totals = np.split(draw_totals(np.hstack(sums), draws), columns, axis=1)
    values = [run.statistic(t)[:, 0] for run, t in zip(runs, totals, strict=True)]
    drawn = np.mean(values[::2], axis=0) - np.mean(values[1::2], axis=0)
    drawn = drawn[np.isfinite(drawn)]
    if any(run.folded for run in runs):
        drawn = centred(drawn, difference)
    low, high = ends(drawn)
    # A draw without a difference counts on both sides, whatever rounding has made of it.
    fewer = min((drawn <= ROUNDING).sum(), (drawn >= -ROUNDING).sum())
    return float(low), float(high), min(1.0, float(2 * (fewer + 1) / (len(drawn) + 1)))


def _value(run: Totals | float) -> float:
    return float(run.values[0]) if isinstance(run, Totals) else float(run)


def _require_same_rows(a: str, b: str, measure: str, one: Totals, other: Totals) -> None:
    if np.array_equal(np.sort(one.rows), np.sort(other.rows)):
        return
    both = len(np.intersect1d(one.rows, other.rows))
    raise InputError(
        f"{measure} of {a} and {b} was measured on different test rows: {len(one.rows)} and "
        f"{len(other.rows)}, of which {both} in both; compare runs of one study, or train both "
        "on the same corpus with the same test_per_language."
    )
