"""Percentile bootstrap over sentences.

Translations of one sentence are not independent, so whole sentences are drawn (cluster bootstrap:
Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). The interval says
what other test sentences could have given, with the same trained model; it does not cover the
variation between seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DRAWS = 2000
LEVEL = 0.95


def sums_by_sentence(values: np.ndarray, sentences: np.ndarray) -> np.ndarray:
    """Add up rows of one sentence.

    Args:
        values: rows x quantities.
        sentences: id of each row.

    Returns:
        sentences x quantities, in the order of the sorted ids.
    """
    _, index = np.unique(sentences, return_inverse=True)
    sums = np.zeros((index.max() + 1, values.shape[1]))
    np.add.at(sums, index, values)
    return sums


def draw_totals(sums: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Totals over resampled sentences (draws x quantities).

    Args:
        sums: sentences x quantities.
    """
    rng = np.random.default_rng(seed)
    n = len(sums)
    totals = np.empty((draws, sums.shape[1]))
    for start in range(0, draws, 100):  # a chunk at a time bounds the memory
        size = min(100, draws - start)
        times = rng.multinomial(n, np.full(n, 1 / n), size=size)
        totals[start : start + size] = times @ sums
    return totals


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
    tail = (1 - LEVEL) / 2
    lower, upper = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    return lower, upper
