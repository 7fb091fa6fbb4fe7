"""Intervals that cover other seeds and other test sentences at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtridf, stdtrit

from core.measures.bootstrap import LEVEL

FEWEST_SEEDS = 3
ROUNDING = 1e-12  # what seeds that agree differ by
_LEAST_T = 1.96000  # 97.5 % quantiles up to this are the normal distribution's


class Estimate(NamedTuple):
    """Means with 95 % intervals, each an array of k.

    Attributes:
        value: mean over the seeds.
        low, high: ends of the interval.
        error: standard error, of seeds and sentences together.
        df: degrees of freedom of the t distribution that has the interval's quantile; infinite
            where seeds agree.
        p: two-sided, of the mean being 0.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    df: np.ndarray
    p: np.ndarray


def seeds_and_sentences(values: np.ndarray, drawn: np.ndarray | None) -> Estimate:
    """95 % t-interval of means over seeds, for other seeds on other test sentences.

    The error's square is the variance between the seeds' values over their number, plus the
    variance of the mean over resampled sentences. The two are independent parts but for what a seed
    makes of single sentences, which is in both: the interval is a little too wide rather than too
    narrow. The first has the t distribution's quantile for the number of seeds, the second, of many
    sentences, the normal one's; the interval takes their mean, weighted by the two variances
    (Cochran, Approximate significance levels of the Behrens-Fisher test, 1964). It covers 95 to 98
    %, where degrees of freedom by Satterthwaite, from so few seeds, cover down to 92 %.

    Args:
        values: seeds x k, of two seeds or more; what runs of one seed make is one value.
        drawn: draws x k, the mean over the same seeds on resampled sentences, the same sentences
            for all; None gives an interval over seeds alone. A draw without a value (NaN) is left
            out.

    Raises:
        ValueError: fewer than two seeds, which say nothing of other seeds.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} seed: how far seeds differ is not known below two")
    values = np.asarray(values, dtype=float)
    mean = values.mean(axis=0)
    # Values that are equal but for rounding have no variance to divide by.
    between = np.where(np.ptp(values, axis=0) < ROUNDING, 0.0, values.var(axis=0, ddof=1) / n)
    within = np.zeros_like(mean) if drawn is None else _variance(np.asarray(drawn, dtype=float))
    error = np.sqrt(between + within)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = between / (between + within)
        t = np.abs(mean) / error
    quantile = share * stdtrit(n - 1, (1 + LEVEL) / 2) + (1 - share) * ndtri((1 + LEVEL) / 2)
    df = np.where(quantile > _LEAST_T, stdtridf((1 + LEVEL) / 2, quantile), np.inf)
    half = np.where(error == 0, 0.0, quantile * error)
    p = np.where(error == 0, np.where(np.abs(mean) < ROUNDING, 1.0, 0.0), _p(t, share, n - 1))
    df = np.where(np.isnan(error), np.nan, df)
    return Estimate(mean, mean - half, mean + half, error, df, p)


def _p(t: np.ndarray, share: np.ndarray, df: int) -> np.ndarray:
    """Two-sided p at which the weighted mean of the t and the normal quantile is `t`."""
    low, high = np.zeros_like(t), np.where(np.isfinite(t), t, 0.0)
    for _ in range(60):  # halves the range of the normal quantile; t's own is the larger
        z = (low + high) / 2
        above = share * -stdtrit(df, ndtr(-z)) + (1 - share) * z > t
        low, high = np.where(above, low, z), np.where(above, z, high)
    return np.where(np.isnan(t), np.nan, 2 * ndtr(-(low + high) / 2))


def _variance(drawn: np.ndarray) -> np.ndarray:
    found: np.ndarray
    if not np.isnan(drawn).any():  # nanvar copies all of it
        found = drawn.var(axis=0, ddof=1)
        return found
    with np.errstate(invalid="ignore", divide="ignore"):
        there = ~np.isnan(drawn)
        n = there.sum(axis=0)
        centred = np.where(there, drawn - np.nansum(drawn, axis=0) / n, 0.0)
        found = (centred**2).sum(axis=0) / (n - 1)
    return found
