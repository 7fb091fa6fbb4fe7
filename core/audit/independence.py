"""Whether language and label depend on each other, how much, and what could have been seen.

Tables are counts, languages down, labels across. Languages and labels without a row are left out.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtri, chndtrinc
from scipy.stats import random_table

from core.errors import InputError
from core.measures.bootstrap import LEVEL

DRAWS = 999  # the smallest p is .001
POWER = 0.8
ALPHA = 0.05
# Cohen, Statistical power analysis for the behavioral sciences (1988), section 7.2: w, the root of
# chi-squared over n, from which an association is called so.
COHEN = (("small", 0.1), ("medium", 0.3), ("large", 0.5))


class Independence(NamedTuple):
    """Mutual information against tables in which language and label are independent.

    Attributes:
        bits: mutual information of the table.
        chance: mean of the mutual information of the independent tables; noise alone gives it.
        as_large: how many of them have as much as the table.
        draws: of them.
        p: (1 + as_large) / (1 + draws); 1 where there is one language or label.
    """

    bits: float
    chance: float
    as_large: int
    draws: int
    p: float


class Association(NamedTuple):
    """Cramér's V without its bias, with its 95 % interval."""

    v: float
    low: float
    high: float


def used(counts: pd.DataFrame) -> pd.DataFrame:
    """The table without languages and labels that have no row.

    Raises:
        InputError: no row at all.
    """
    if counts.to_numpy().sum() <= 0:
        raise InputError(
            "a verdict on skew needs rows; the table of languages and labels has none. Choose "
            "languages and labels that the corpus has."
        )
    return counts.loc[counts.sum(axis=1) > 0, counts.sum(axis=0) > 0]


def permutation_test(counts: pd.DataFrame, draws: int = DRAWS, seed: int = 0) -> Independence:
    """Test of independence: labels permuted over the rows, the marginals as they are.

    The tables are drawn from their exact distribution given both marginals (Patefield 1981), so
    that the p is valid at any number of rows, empty cells included (Phipson and Smyth, Permutation
    p-values should never be zero, 2010). It takes rows as independent. Translations of one sentence
    share their label, which makes languages more alike: for parallel texts it errs towards no
    evidence.
    """
    table = used(counts).to_numpy()
    bits = float(_bits(table[None])[0])
    if min(table.shape) < 2:
        return Independence(bits, 0.0, draws, draws, 1.0)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    drawn = _bits(random_table(rows, columns).rvs(draws, random_state=seed))
    as_large = int((drawn >= bits - 1e-12).sum())
    return Independence(bits, float(drawn.mean()), as_large, draws, (1 + as_large) / (1 + draws))


def association(counts: pd.DataFrame) -> Association:
    """Cramér's V corrected for bias, with a 95 % interval for other rows of the same source.

    V is that of Bergsma (A bias-correction for Cramér's V and Tschuprow's T, 2013). The interval
    holds all V for which the table's chi-squared lies between the 2.5th and the 97.5th percentile:
    of the noncentral distribution, exact enough where the association is small, scaled to the
    variance that chi-squared has in multinomial tables (delta method: Bishop, Fienberg and Holland,
    Discrete multivariate analysis, 1975, section 11.3) where it is not. In simulations it covers in
    91 (60 rows, a large V) to 99 % (no skew). V itself is .03 too small of 60 rows with a V of .41.

    Returns:
        Zeros where there is one language or label.
    """
    table = used(counts).to_numpy(dtype=float)
    n, (r, c) = table.sum(), table.shape
    if min(r, c) < 2 or n < 2:
        return Association(0.0, 0.0, 0.0)
    df = (r - 1) * (c - 1)
    phi_squared, variance = _phi_squared(table / n)
    sides = (k - (k - 1) ** 2 / (n - 1) for k in (r, c))
    # With fewer rows than cells the correction takes away the sides; no V is above 1.
    scale = max(min(sides) - 1, 1 / n)
    value = max(0.0, phi_squared - df / (n - 1)) / scale
    # What of chi-squared is not noise has the variance of its estimate; noise has the null's.
    signal = max(0.0, 1 - df / (n * phi_squared)) if phi_squared > 0 else 0.0
    stretch = 1 + signal * (variance / (4 * phi_squared) - 1) if signal else 1.0
    stretch = max(stretch, 0.01)
    # Chi-squared below what noise alone gives on average says no more than that average.
    statistic = np.array([n * phi_squared, max(n * phi_squared, df)]) / stretch
    tails = np.array([(1 + LEVEL) / 2, (1 - LEVEL) / 2])
    ends = np.maximum(chndtrinc(statistic, df, tails), 0.0) * stretch / n / (min(r, c) - 1)
    v, low, high = (min(1.0, math.sqrt(x)) for x in (value, *ends.tolist()))
    return Association(v, min(v, low), max(v, high))


def detectable(n: int, languages: int, labels: int, wanted: float = POWER) -> float:
    """The Cramér's V that the test finds with the wanted power in n rows; above 1, none.

    Of the chi-squared test at 5 %, from the noncentral distribution (Cohen 1988, section 7.4).
    """
    if min(languages, labels) < 2 or n < 1:
        return math.inf
    df = (languages - 1) * (labels - 1)
    noncentral = float(chndtrinc(chdtri(df, ALPHA), df, 1 - wanted))
    return math.sqrt(noncentral / n / (min(languages, labels) - 1))


def convention(languages: int, labels: int) -> dict[str, float]:
    """The V from which Cohen calls an association in a table of this size small, medium, large."""
    side = math.sqrt(max(1, min(languages, labels) - 1))
    return {word: w / side for word, w in COHEN}


def of_linear(languages: int, labels: int) -> float:
    """V of the paper's design (Tables 1a and 1b: shares 1..C against C..1), in such a table."""
    if min(languages, labels) < 2:
        return 0.0
    shares = np.arange(1, labels + 1) / (labels * (labels + 1) / 2)
    phi_squared = float(labels * ((shares - 1 / labels) ** 2).sum())
    return math.sqrt(phi_squared / (min(languages, labels) - 1))


def _phi_squared(p: np.ndarray) -> tuple[float, float]:
    """Chi-squared over n of shares, and n times its variance (delta method)."""
    ratio = p / np.outer(p.sum(axis=1), p.sum(axis=0))
    by_language = (p * ratio).sum(axis=1, keepdims=True) / p.sum(axis=1, keepdims=True)
    by_label = (p * ratio).sum(axis=0, keepdims=True) / p.sum(axis=0, keepdims=True)
    gradient = 2 * ratio - by_language - by_label  # its mean is 0
    return max(0.0, float((p * ratio).sum() - 1)), float((p * gradient**2).sum())


def _bits(tables: np.ndarray) -> np.ndarray:
    """Mutual information in bits of tables of counts (tables x languages x labels)."""
    p = tables / tables.sum(axis=(1, 2), keepdims=True)
    independent = p.sum(axis=2, keepdims=True) * p.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / independent), 0.0)
    bits: np.ndarray = np.maximum(terms.sum(axis=(1, 2)), 0.0)
    return bits
