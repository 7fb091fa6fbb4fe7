"""Percentile bootstrap over sentences, for measures that are functions of totals.

Translations of one sentence are not independent, so whole sentences are drawn (cluster bootstrap:
Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). The interval says
what other test sentences could have given, with the same trained model; it does not cover the
variation between seeds.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from threadpoolctl import threadpool_limits

DRAWS = 2000
LEVEL = 0.95
_CHUNK = 100


@dataclass(frozen=True, eq=False)
class Drawn:
    """A measure of one run over resampled sentences: all of it that a comparison needs.

    Attributes:
        value: on the rows as they are.
        values: a draw each; NaN where a draw gives none.
        rows: says which rows these are; runs are comparable where it is the same.
        folded: as of `Totals`.
    """

    value: float
    values: np.ndarray
    rows: str
    folded: bool = False


@dataclass(frozen=True, eq=False)
class Totals:
    """A measure of one run as a function of totals of per-row quantities.

    In this form one bootstrap serves every measure, and two runs can be given the same draws.

    Attributes:
        names: of the measure's k values; the first is the one that runs are compared by.
        quantities: rows x K, what is added up.
        rows: id of each row; runs are comparable where these are the same.
        sentences: id of each row's sentence.
        statistic: from totals (draws x K) to values (draws x k); NaN where a draw gives none.
        folded: the statistic sums absolute values, so that its draws need to be `centred`.
    """

    names: tuple[str, ...]
    quantities: np.ndarray
    rows: np.ndarray
    sentences: np.ndarray
    statistic: Callable[[np.ndarray], np.ndarray]
    folded: bool = False

    @property
    def values(self) -> np.ndarray:
        """The measure's values on the rows as they are (k)."""
        point: np.ndarray = self.statistic(self.quantities.sum(axis=0, keepdims=True))[0]
        return point

    def only(self, name: str) -> Totals:
        """One of the values, such as one language's accuracy.

        Raises:
            ValueError: no value has that name.
        """
        at = self.names.index(name)
        return replace(
            self, names=(name,), statistic=lambda totals: self.statistic(totals)[:, at : at + 1]
        )

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """95 % interval of each value over sentences: lower and upper ends (k each)."""
        drawn = self.statistic(draw_totals(sums_by_sentence(self.quantities, self.sentences)))
        return ends(centred(drawn, self.values) if self.folded else drawn)


def drawn(runs: Sequence[Totals], draws: int = DRAWS) -> list[Drawn]:
    """The first value of each over resampled sentences, the same ones for all of as many."""
    sums = [sums_by_sentence(run.quantities, run.sentences) for run in runs]
    found: dict[int, Drawn] = {}
    for n in dict.fromkeys(map(len, sums)):  # so many sentences are drawn once
        of = [i for i, s in enumerate(sums) if len(s) == n]
        columns = np.cumsum([sums[i].shape[1] for i in of])[:-1]
        totals = np.split(draw_totals(np.hstack([sums[i] for i in of]), draws), columns, axis=1)
        for i, own in zip(of, totals, strict=True):
            run = runs[i]
            value, values = float(run.values[0]), run.statistic(own)[:, 0]
            found[i] = Drawn(value, values, _which(run.rows), run.folded)
    return [found[i] for i in range(len(runs))]


def _which(rows: np.ndarray) -> str:
    """How many rows, and what tells them from others, in whatever order."""
    digest = hashlib.sha256("\n".join(map(str, np.sort(rows))).encode())
    return f"{len(rows)} {digest.hexdigest()[:16]}"


def sums_by_sentence(values: np.ndarray, sentences: np.ndarray) -> np.ndarray:
    """Add up rows of one sentence.

    Args:
        values: rows x quantities.
        sentences: id of each row.

    Returns:
        sentences x quantities, in the order of the sorted ids.
    """
    order = np.argsort(sentences, kind="stable")
    ids = sentences[order]
    starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    sums: np.ndarray = np.add.reduceat(values[order].astype(float), starts, axis=0)
    return sums


def draw_totals(sums: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Totals over resampled sentences (draws x quantities).

    The same seed gives the same sentences in every call, so that measures and runs are read against
    each other.

    Args:
        sums: sentences x quantities.
    """
    totals = np.empty((draws, sums.shape[1]))
    # On busy cores BLAS threads spin: these products are 5 to 10 times faster on one.
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, draws, _CHUNK):  # a chunk at a time bounds the memory
            times = _times(len(sums), seed, start // _CHUNK)[: draws - start]
            totals[start : start + _CHUNK] = times.astype(float) @ sums
    return totals


# All measures of all runs of a study ask for the same draws.
@lru_cache(maxsize=DRAWS // _CHUNK)
def _times(n: int, seed: int, chunk: int) -> np.ndarray:
    """How often each of n sentences is drawn when n are (a chunk of draws x n)."""
    rng = np.random.default_rng([seed, chunk])
    drawn = rng.integers(n, size=(_CHUNK, n), dtype=np.int32)
    drawn += np.arange(_CHUNK, dtype=np.int32)[:, None] * n
    times = np.bincount(drawn.ravel(), minlength=_CHUNK * n).reshape(_CHUNK, n)
    # The mean is 1: that one sentence comes more than 255 times in n does not happen.
    return times.astype(np.uint8)


def interval(
    values: np.ndarray,
    sentences: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile interval of a statistic of totals.

    Args:
        values: rows x quantities that the statistic is a function of when added up.
        sentences: id of each row.
        statistic: from totals (draws x quantities) to values (draws, or draws x k). A draw in
            which it has no value (NaN: a language that was not drawn) is left out.

    Returns:
        Lower and upper end (0-d, or k).
    """
    drawn = statistic(draw_totals(sums_by_sentence(values, sentences), draws, seed))
    return ends(drawn)


def centred(drawn: np.ndarray, value: np.ndarray | float) -> np.ndarray:
    """Draws shifted so that their mean is the value.

    Resampling adds noise to the rows' own. Where a measure sums absolute values, more noise makes
    it larger, so that all draws may lie above the value (bootstrap estimate of bias: Efron and
    Tibshirani, An introduction to the bootstrap, 1993, section 10.2).
    """
    shifted: np.ndarray = drawn + (value - np.nanmean(drawn, axis=0))
    return shifted


def ends(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile interval out of draws (draws, or draws x k)."""
    tail = (1 - LEVEL) / 2
    # nanquantile goes column by column, some 50 times slower.
    if not np.isnan(drawn).any():
        lower, upper = np.quantile(drawn, [tail, 1 - tail], axis=0)
        return lower, upper
    with warnings.catch_warnings():  # a measure that no draw defines has no interval
        warnings.filterwarnings("ignore", message="All-NaN")
        lower, upper = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    return lower, upper
