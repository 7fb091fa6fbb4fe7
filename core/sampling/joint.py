"""Joint distributions of language and label: counts, measures of skew, deviation.

Tables here are pandas DataFrames, languages down, labels across, in the corpus's orders.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pandas as pd

from core.errors import InputError

Groups = tuple[tuple[str, ...], tuple[str, ...]]


def count(rows: pd.DataFrame, languages: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """Rows by language (down) and label (across), zeros included.

    Args:
        rows: has the columns `language` and `label`.
    """
    table = pd.crosstab(rows["language"], rows["label"])
    return table.reindex(index=list(languages), columns=list(labels), fill_value=0).astype(int)


def mutual_information_bits(counts: pd.DataFrame) -> float:
    """I(language; label) in bits of the empirical joint distribution; 0 if independent.

    Cover and Thomas, Elements of Information Theory, equation 2.28.
    """
    p = _shares(counts)
    independent = np.outer(p.sum(1), p.sum(0))
    seen = p > 0
    return max(0.0, float((p[seen] * np.log2(p[seen] / independent[seen])).sum()))


def normalised_mutual_information(counts: pd.DataFrame) -> float:
    """I(language; label) over the mean of the two entropies, 0 to 1 (scikit-learn's default)."""
    p = _shares(counts)
    mean_entropy = (_entropy_bits(p.sum(1)) + _entropy_bits(p.sum(0))) / 2
    return mutual_information_bits(counts) / mean_entropy if mean_entropy > 0 else 0.0


def cramers_v(counts: pd.DataFrame) -> float:
    """Cramér's V, 0 (independent) to 1, without bias correction.

    Cramér, Mathematical Methods of Statistics (1946), section 21.9. Languages and labels without a
    row do not count towards the smaller side; with fewer than two of either it is 0.
    """
    p = _shares(counts)
    p = p[p.sum(1) > 0][:, p.sum(0) > 0]
    if min(p.shape) < 2:
        return 0.0
    independent = np.outer(p.sum(1), p.sum(0))
    phi_squared = ((p - independent) ** 2 / independent).sum()
    return float(math.sqrt(phi_squared / (min(p.shape) - 1)))


def language_only_accuracy(counts: pd.DataFrame) -> float:
    """Accuracy of the best classifier that sees only the language: each language's commonest label.

    On a uniform joint distribution it is 1 / (number of labels).
    """
    return float(counts.max(axis=1).sum() / counts.to_numpy().sum())


def divergence_bits(counts: pd.DataFrame) -> pd.Series:
    """Kullback-Leibler divergence in bits of each language's labels from the pooled labels.

    Its mean over rows is the mutual information (Cover and Thomas, equation 2.35). A language
    without rows has no divergence (NaN).
    """
    p = _shares(counts)
    pooled = p.sum(0)
    totals = p.sum(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        conditional = p / totals
        terms = np.where(conditional > 0, conditional * np.log2(conditional / pooled), 0.0)
    # Rounding can leave an exact 0 slightly below it.
    values = np.where(totals[:, 0] > 0, np.maximum(terms.sum(1), 0.0), np.nan)
    return pd.Series(values, index=counts.index, name="divergence_bits")


class Skew(TypedDict):
    """How much languages and labels of some rows have to do with each other."""

    mutual_information_bits: float
    normalised_mutual_information: float  # over the mean of the two entropies
    cramers_v: float
    language_only_accuracy: float  # of the best guess by the language alone


def skew(counts: pd.DataFrame) -> Skew:
    """The measures of skew by name."""
    return {
        "mutual_information_bits": mutual_information_bits(counts),
        "normalised_mutual_information": normalised_mutual_information(counts),
        "cramers_v": cramers_v(counts),
        "language_only_accuracy": language_only_accuracy(counts),
    }


def _shares(counts: pd.DataFrame) -> np.ndarray:
    values = counts.to_numpy(dtype=float)
    if values.sum() <= 0:
        raise InputError("a joint distribution needs at least one row; found none.")
    return values / values.sum()


def _entropy_bits(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def deviation(shares: pd.DataFrame) -> pd.DataFrame:
    """p(label | language) - p(label): how far each cell is over- (> 0) or under-represented (< 0).

    The regressor of skew uptake (share in training minus share under independence).
    """
    return shares.div(shares.sum(axis=1), axis=0) - shares.sum(axis=0) / shares.to_numpy().sum()


def weights(shares: pd.DataFrame) -> pd.Series:
    """p(language), by which cells of the deviation count in a slope on it.

    Weighted so, the deviation sums to 0 over the languages for each label, whatever the marginals:
    what is the same in every language has slope 0.
    """
    by_language: pd.Series = shares.sum(axis=1) / shares.to_numpy().sum()
    return by_language
