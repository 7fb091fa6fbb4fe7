"""How many seeds it takes to see a difference, and which difference so many seeds can see.

Of the test in `core.measures.intervals`, seed-paired, at a two-sided level. The observed effect is
no part of it: what counts is what differences vary by.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtri, ndtr

from core.measures.comparison import Spread, weighted_quantile
from core.measures.intervals import FEWEST_SEEDS

POWER = 0.8
MOST_SEEDS = 200
_STEPS = 400  # of the chi-squared distribution that the variance over seeds is drawn from


class Sources(NamedTuple):
    """Variances of a seed-paired difference of two setups on one test set.

    Attributes:
        seed: between seeds, on all sentences that there could be.
        sentence: of the test set's sentences, the same for all seeds.
        both: what a seed makes of single sentences, one seed's on this test set.
    """

    seed: float
    sentence: float
    both: float

    def on(self, times: float) -> Sources:
        """On a test set with so many times the sentences."""
        return Sources(self.seed, self.sentence / times, self.both / times)


def sources(spread: Spread, seeds: int) -> Sources:
    """Components of variance out of what a finished comparison varied by.

    The variance over seeds on these sentences is seed + both, that of one seed over sentences
    sentence + both, that of the mean over S seeds sentence + both / S.

    Args:
        spread: of a comparison over three seeds or more.
        seeds: that it has.
    """
    assert spread.seeds is not None
    both = max(0.0, spread.one_seed**2 - spread.sentences**2) / (1 - 1 / seeds)
    sentence = max(0.0, spread.sentences**2 - both / seeds)
    return Sources(max(0.0, spread.seeds**2 - both), sentence, both)


def power(effect: float, seeds: int, of: Sources, alpha: float = 0.05) -> float:
    """Chance that a true difference is found beyond chance.

    Exact for normal values: the mean over normal values given the variance over seeds, averaged
    over the chi-squared distribution of that variance. The variance over sentences is taken as
    known. Without one it is the noncentral t distribution's.

    Args:
        effect: the true difference.
        seeds: of each setup, three or more.
        alpha: two-sided level of the test.
    """
    if seeds < FEWEST_SEEDS:
        return 0.0  # no verdict
    return _found(effect, *_test(seeds, of, alpha))


def _test(seeds: int, of: Sources, alpha: float) -> tuple[float, np.ndarray]:
    """Standard deviation of the mean difference; what it has to exceed, by the seeds' variance."""
    true = (of.seed + of.both) / seeds + of.sentence
    quantiles = chdtri(seeds - 1, (np.arange(_STEPS) + 0.5) / _STEPS)
    between = (of.seed + of.both) * quantiles / (seeds - 1) / seeds
    variance = between + of.sentence + of.both / seeds
    share = np.divide(between, variance, out=np.zeros(_STEPS), where=variance > 0)
    return true**0.5, weighted_quantile(share, seeds, alpha) * np.sqrt(variance)


def _found(effect: float, deviation: float, critical: np.ndarray) -> float:
    if deviation == 0:
        return float(effect != 0)
    sides = ndtr((np.array([[effect], [-effect]]) - critical) / deviation)
    return float(sides.sum(axis=0).mean())


def seeds_needed(
    effect: float, of: Sources, alpha: float = 0.05, wanted: float = POWER
) -> int | None:
    """Fewest seeds that find a true difference with the wanted power; None above MOST_SEEDS.

    None means that seeds alone do not do it: the test set has too few sentences.
    """
    if power(effect, MOST_SEEDS, of, alpha) < wanted:
        return None
    low, high = FEWEST_SEEDS - 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, middle, of, alpha) >= wanted else (middle, high)
    return high


def detectable(seeds: int, of: Sources, alpha: float = 0.05, wanted: float = POWER) -> float | None:
    """Smallest true difference that so many seeds find with the wanted power; None below three."""
    if seeds < FEWEST_SEEDS:
        return None
    deviation, critical = _test(seeds, of, alpha)
    low, high = 0.0, deviation
    while _found(high, deviation, critical) < wanted and high > 0:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, seeds, of, alpha) >= wanted else (middle, high)
    return high
