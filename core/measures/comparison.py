"""Which difference between two setups is beyond chance, which is small enough to be none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri, stdtrit

from core.errors import InputError
from core.measures.bootstrap import (
    DRAWS,
    LEVEL,
    Drawn,
    Totals,
    centred,
    drawn,
    ends,
)
from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences

ALPHA = 1 - LEVEL

# Differences below these are of no consequence: what they are held against is the paper's effects.
MARGINS = {
    "accuracy": 0.01,  # the smallest loss in the paper is .010, the usual one .024 (Tables 3 and 6)
    "skew_uptake": 0.10,  # less than a third of the paper's .34 and .36 (Table 2)
    "soft_uptake": 0.10,
    "language_effect": 0.02,  # of 100 predictions two change with the language
    "calibration": 0.02,  # of 100 predictions two are more or less often right than they say
    "base_values": 0.05,  # total variation from uniform, 1 at most
    "probe": 0.05,  # the paper's changes from balanced are .07 to .36 (Tables 4 and 7)
}

_OTHER_ROWS = (
    "{} of {} and {} was measured on different test rows: {}; compare runs of one study, or train "
    "both on the same corpus with the same test_per_language."
)

Method = Literal["seeds and sentences", "seeds", "sentences", "none"]
COVERS: dict[Method, str] = {
    "seeds and sentences": "other seeds and other test sentences",
    "seeds": "other seeds, on these test sentences",
    "sentences": "other test sentences, these trained models",
    "none": "nothing: fewer than three seeds, and one value a run",
}
Verdict = Literal["differs", "equivalent", "cannot tell", "no verdict"]


@dataclass(frozen=True)
class Spread:
    """What a difference of two setups varies by, as standard deviations; for `power`.

    Attributes:
        seeds: of the seed-paired differences over seeds, on these test sentences; None below three.
        sentences: of the mean difference over test sentences; 0 where it has one value a run.
        one_seed: of the difference of a single seed over test sentences, root mean square.
    """

    seeds: float | None
    sentences: float
    one_seed: float

    @classmethod
    def of(cls, differences: np.ndarray, drawn: np.ndarray | None) -> Spread:
        """From the differences of each seed, and those over resampled sentences (draws x seeds)."""
        enough = len(differences) >= FEWEST_SEEDS
        seeds = float(differences.std(ddof=1)) if enough else None
        if drawn is None:
            return cls(seeds, 0.0, 0.0)
        single = float(np.sqrt(drawn.var(axis=0, ddof=1).mean()))
        return cls(seeds, float(drawn.mean(axis=1).std(ddof=1)), single)


@dataclass(frozen=True)
class Comparison:
    """The difference a - b of one measure, with its 95 % interval.

    Attributes:
        a: setup.
        b: setup that it is read against.
        measure: what is compared.
        difference: mean over the seeds that both have; `low` and `high` are its interval's ends.
        p: two-sided, not corrected for the number of comparisons; None below three seeds.
        n_seeds: seeds that both have.
        method: what the interval is over; in words `covers`.
        narrow: 90 % interval, by which equivalence is judged; None below three seeds.
        margin: differences smaller than this are of no consequence.
        spread: what the difference varies by; None where it has no interval.
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
    method: Method
    narrow: tuple[float, float] | None = None
    margin: float | None = None
    spread: Spread | None = None
    beyond_chance: bool | None = None

    @property
    def covers(self) -> str:
        """What the interval covers, in words."""
        return COVERS[self.method]

    @property
    def within_margin(self) -> bool | None:
        """Whether it is smaller than the margin, at 5 %; None below three seeds.

        Two one-sided t-tests, which is whether the 90 % interval lies inside the margin
        (Schuirmann, A comparison of the two one-sided tests procedure and the power approach,
        1987).
        """
        if self.narrow is None or self.margin is None:
            return None
        return -self.margin < self.narrow[0] and self.narrow[1] < self.margin

    @property
    def verdict(self) -> Verdict:
        """What may be said; a difference can be beyond chance and `within_margin` both."""
        if self.beyond_chance is None:
            return "no verdict"
        if self.beyond_chance:
            return "differs"
        return "equivalent" if self.within_margin else "cannot tell"


def margin_of(measure: str) -> float | None:
    """Of a measure by its name in a study's comparisons, such as `accuracy, de`."""
    name = measure.partition(",")[0]
    return MARGINS.get("probe" if name.startswith("probe_") else name)


def compare(
    a: str,
    b: str,
    measure: str,
    runs_a: Mapping[Any, Totals | Drawn | float],
    runs_b: Mapping[Any, Totals | Drawn | float],
    draws: int = DRAWS,
    margin: float | None = None,
) -> Comparison:
    """Compare two setups by one measure, run by run of the same seed.

    From three common seeds on the interval covers other seeds and other test sentences; with fewer,
    other test sentences for the same trained models alone. Another seed may differ more, so that
    then there is neither p nor verdict: of eight balanced models that differ by nothing but their
    seed, 43 % of the pairs are apart by soft uptake over sentences.

    Args:
        runs_a: by seed, the measure's totals (their first value is compared), what they gave over
            resampled sentences, or just its value.
        runs_b: the same; seeds that only one side has are left out.
        draws: of totals.
        margin: by default that of the measure.

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
    kept = [run for pair in pairs for run in pair if isinstance(run, Drawn)]
    if len({run.rows for run in kept}) > 1:
        counts = " and ".join(dict.fromkeys(run.rows.partition(" ")[0] for run in kept))
        raise InputError(_OTHER_ROWS.format(measure, a, b, f"{counts}, not the same ones"))
    differences = np.array([_value(x) - _value(y) for x, y in pairs])
    mean = float(differences.mean())
    margin = margin_of(measure) if margin is None else margin
    n = len(pairs)
    found = Comparison(a, b, measure, mean, None, None, None, n, "none", margin=margin)
    if not np.isfinite(differences).all():
        return found
    if len(runs) == 2 * n:
        kept = drawn(runs, draws)
    resampled = _differences(kept, differences) if len(kept) == 2 * n else None
    spread = Spread.of(differences, resampled)
    if n >= FEWEST_SEEDS:
        shared = None if resampled is None else resampled.mean(axis=1, keepdims=True)
        estimate = seeds_and_sentences(differences[:, None], shared)
        low, high, error, _, p = (float(x[0]) for x in estimate[1:])
        share = differences.var(ddof=1) / n / error**2 if error else 0.0
        half = float(weighted_quantile(share, n, 2 * ALPHA)) * error
        method: Method = "seeds" if resampled is None else "seeds and sentences"
        narrow = (mean - half, mean + half)
        return replace(found, low=low, high=high, p=p, method=method, narrow=narrow, spread=spread)
    if resampled is None:
        return found
    low, high = (float(x) for x in ends(resampled.mean(axis=1)))
    return replace(found, low=low, high=high, method="sentences", spread=spread)


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
        if p > ALPHA / (len(ranked) - rank):
            break
        judged[i] = replace(judged[i], beyond_chance=True)
    return judged


def weighted_quantile(share: np.ndarray | float, seeds: int, alpha: float) -> np.ndarray:
    """Quantile of a two-sided interval that leaves out alpha: see `seeds_and_sentences`.

    Args:
        share: of the squared error, what comes from seeds.
    """
    tail = 1 - alpha / 2
    quantile: np.ndarray = share * stdtrit(seeds - 1, tail) + (1 - share) * ndtri(tail)
    return quantile


def _differences(runs: list[Drawn], differences: np.ndarray) -> np.ndarray | None:
    """Differences of each seed over resampled sentences (draws x seeds).

    Draws in which one has no value (a language that was not drawn) are left out; None without any.

    Args:
        runs: a, b, a, b ...
        differences: of each seed on the sentences as they are.
    """
    values = [run.values for run in runs]
    found = np.column_stack([x - y for x, y in zip(values[::2], values[1::2], strict=True)])
    found = found[np.isfinite(found).all(axis=1)]
    if len(found) < 2:
        return None
    return centred(found, differences) if any(run.folded for run in runs) else found


def _value(run: Totals | Drawn | float) -> float:
    if isinstance(run, Drawn):
        return run.value
    return float(run.values[0]) if isinstance(run, Totals) else float(run)


def _require_same_rows(a: str, b: str, measure: str, one: Totals, other: Totals) -> None:
    if np.array_equal(np.sort(one.rows), np.sort(other.rows)):
        return
    both = len(np.intersect1d(one.rows, other.rows))
    rows = f"{len(one.rows)} and {len(other.rows)}, of which {both} in both"
    raise InputError(_OTHER_ROWS.format(measure, a, b, rows))
