"""Language effect: what the language alone changes in the predictions of translated sentences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr

from core.measures.bootstrap import LEVEL, Totals, draw_totals
from core.measures.predictions import Predictions
from core.sampling.joint import Groups

PERMUTATIONS = 999  # the smallest p is .001
_CHUNK = 50


class Effect(NamedTuple):
    """Language effect with its 95 % interval over sentences, and what chance gives.

    Attributes:
        value: about 0 where the language does not matter, at most 1.
        low: lower end; 0 or below where the test sentences do not tell the effect from none.
        high: upper end.
        observed: total variation between the two groups, positive by noise alone.
        null: the same when a sentence's languages are permuted, mean over permutations.
        p: share of the permutations (and the order as it is) with as large a total variation.
        n_sentences: sentences that stand in every language of both groups.
    """

    value: float
    low: float
    high: float
    observed: float
    null: float
    p: float
    n_sentences: int


def language_effect(
    predictions: Predictions, groups: Groups, permutations: int = PERMUTATIONS, seed: int = 0
) -> Effect | None:
    """Total variation between two groups' mean predictions on the same sentences, less its noise.

    Total variation: half the sum over classes of |difference of the groups' mean probabilities|.
    Since it is the same sentences, neither their content nor their labels can make the difference.
    Noise makes it positive; what is reported takes each class's sign from one half of the sentences
    and its size from the other, on average over all ways to halve them (`cross_fitted`). The
    interval holds every total variation that is as near to the observed one as the means of 95 % of
    the resampled sentences are to the means. By the triangle inequality it covers the truth at
    least as often, and where there is no effect exactly so.

    The p belongs to no effect of any language: given the sentence, predictions are exchangeable
    over the languages (permutation test: Phipson and Smyth, Permutation p-values should never be
    zero, 2010).

    Where the test rows have weights, a sentence has that of its label: the label's share in what
    the weights aim at, over its share in the sentences that count.

    Args:
        groups: languages on either side; a sentence counts where it has exactly one row in each.
        permutations: random assignments of each sentence's rows to the languages.
        seed: of the permutations.

    Returns:
        None where fewer than two sentences count: the test set is not translated, or a group is
        empty.
    """
    found = _differences(predictions, groups)
    if found is None:
        return None
    ids, sides, probabilities, weights = found
    differences = np.einsum("l,slc->sc", sides, probabilities)
    value, observed = _totals(ids, differences, weights).values.tolist()
    if weights is None:
        drawn, mean = draw_totals(differences) / len(ids), differences.mean(axis=0)
    else:
        probabilities = probabilities * weights[:, None, None]  # their mean is 1
        summed = draw_totals(np.hstack([differences * weights[:, None], weights[:, None]]))
        drawn, mean = summed[:, :-1] / summed[:, -1:], weights @ differences / len(ids)
    reach = float(np.quantile(_variation(drawn - mean), LEVEL))
    permuted = _permuted(sides, probabilities, permutations, seed)
    as_large = int((permuted >= observed - 1e-12).sum())
    return Effect(
        value,
        observed - reach,
        observed + reach,
        observed,
        float(permuted.mean()),
        (1 + as_large) / (1 + permutations),
        len(ids),
    )


def effect_totals(predictions: Predictions, groups: Groups) -> Totals | None:
    """Language effect and observed total variation as a function of totals over sentences.

    Arguments as in `language_effect`; None where it has none.
    """
    found = _differences(predictions, groups)
    if found is None:
        return None
    ids, sides, probabilities, weights = found
    return _totals(ids, np.einsum("l,slc->sc", sides, probabilities), weights)


def _totals(ids: np.ndarray, differences: np.ndarray, weights: np.ndarray | None) -> Totals:
    """Of the sentences' differences between the groups (sentences x classes)."""
    if weights is not None:
        return _weighted_totals(ids, differences, weights[:, None])
    c = differences.shape[1]

    def effect(totals: np.ndarray) -> np.ndarray:
        n = totals[:, -1:]
        mean = totals[:, :c] / n
        variance = np.maximum(totals[:, c : 2 * c] / n - mean**2, 0)
        corrected = cross_fitted(mean, np.sqrt(variance / (n - 1)))
        return np.column_stack([corrected.sum(axis=1) / 2, _variation(mean)])

    quantities = np.hstack([differences, differences**2, np.ones((len(ids), 1))])
    return Totals(("language effect", "observed"), quantities, ids, ids, effect, folded=True)


def _weighted_totals(ids: np.ndarray, differences: np.ndarray, weights: np.ndarray) -> Totals:
    """The same of sentences that have weights (sentences x 1).

    The error of a weighted mean: the root of sum w^2 (x - mean)^2 / (sum w)^2, times m / (m - 1), m
    the effective number of sentences (sum w)^2 / sum w^2.
    """
    c = differences.shape[1]

    def effect(totals: np.ndarray) -> np.ndarray:
        sums, by_square, squares = totals[:, :c], totals[:, c : 2 * c], totals[:, 2 * c : 3 * c]
        w, w2 = totals[:, -2:-1], totals[:, -1:]
        mean = sums / w
        spread = np.maximum(squares - 2 * mean * by_square + mean**2 * w2, 0) / w**2
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(spread / np.maximum(1 - w2 / w**2, 0))
        corrected = cross_fitted(mean, error)
        return np.column_stack([corrected.sum(axis=1) / 2, _variation(mean)])

    weighted = [weights * differences, weights**2 * differences, (weights * differences) ** 2]
    quantities = np.hstack([*weighted, weights, weights**2])
    return Totals(("language effect", "observed"), quantities, ids, ids, effect, folded=True)


def cross_fitted(mean: np.ndarray, error: np.ndarray) -> np.ndarray:
    """|mean| less what noise adds: its sign from half of a sample, its size from the other half.

    On average over all halves of a large sample, given mean and standard error of the whole. Its
    expectation is 0 where the true mean is 0, and |mean| where that is some errors off; between, it
    is too small, by half an error at most (one of the whole's, at a mean of one).
    """
    size = np.abs(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, size / error, np.inf)
    corrected: np.ndarray = size * (2 * ndtr(t) - 1) - 2 * error * _density(t)
    return corrected


def _density(t: np.ndarray) -> np.ndarray:
    normal: np.ndarray = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    return normal


def _variation(differences: np.ndarray) -> np.ndarray:
    """Total variation: half the sum of absolute differences over the last axis."""
    halves: np.ndarray = np.abs(differences).sum(axis=-1) / 2
    return halves


def _permuted(
    sides: np.ndarray, probabilities: np.ndarray, permutations: int, seed: int
) -> np.ndarray:
    """Total variation when each sentence's rows are assigned to the languages at random."""
    n, k, c = probabilities.shape
    rng = np.random.default_rng(seed)
    flat = probabilities.reshape(n * k, c)
    found = []
    for start in range(0, permutations, _CHUNK):  # a chunk at a time bounds the memory
        # To permute a sentence's rows over the languages is to permute their coefficients.
        many = min(_CHUNK, permutations - start)
        coefficients = rng.permuted(np.broadcast_to(sides, (many, n, k)), axis=2)
        found.append(_variation(coefficients.reshape(many, n * k) @ flat / n))
    return np.concatenate(found)


def _differences(
    predictions: Predictions, groups: Groups
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None] | None:
    """Ids of the sentences that count, each language's coefficient in the difference of the
    groups' means, probabilities (sentences x languages x classes), and the sentences' weights, if
    the rows have some; None without two."""
    ids, rows = _complete(predictions, [*groups[0], *groups[1]])
    probabilities = predictions.probabilities[rows]
    if len(ids) < 2 or not all(groups):
        return None
    sides = np.concatenate(
        [np.full(len(g), sign / len(g)) for g, sign in zip(groups, (1, -1), strict=True)]
    )
    return ids, sides, probabilities, _of_sentences(predictions, rows)


def _of_sentences(predictions: Predictions, rows: np.ndarray) -> np.ndarray | None:
    """Weights of sentences with these rows (sentences x languages); their mean is 1."""
    if predictions.weights is None:
        return None
    classes = len(predictions.labels)
    target = np.bincount(predictions.truth, predictions.weights, classes)
    labels = predictions.truth[rows]
    found = np.bincount(labels.ravel(), minlength=classes)
    weights = (target / target.sum() / np.maximum(found / found.sum(), 1e-12))[labels].mean(axis=1)
    of_sentences: np.ndarray = weights / weights.mean()
    return of_sentences


def _complete(predictions: Predictions, languages: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the sentences with one row in each language, and the rows (sentences x languages)."""
    column = pd.Index(languages).get_indexer(pd.Index(predictions.rows["language"]))
    rows = np.flatnonzero(column >= 0)
    ids, sentence = np.unique(predictions.sentences[rows], return_inverse=True)
    times = np.zeros((len(ids), len(languages)), dtype=int)
    np.add.at(times, (sentence, column[rows]), 1)
    row = np.zeros_like(times)
    row[sentence, column[rows]] = rows
    complete = (times == 1).all(axis=1)
    return ids[complete], row[complete]
