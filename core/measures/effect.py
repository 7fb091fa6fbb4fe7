"""Language effect: what the language alone changes in the predictions of translated sentences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from core.joint import Groups
from core.measures.bootstrap import Totals
from core.measures.predictions import Predictions

PERMUTATIONS = 50


class Effect(NamedTuple):
    """Language effect: `observed` - `null`, with its 95 % interval over sentences.

    Attributes:
        value: about 0 where the language does not matter, at most 1.
        low: lower end.
        high: upper end.
        observed: total variation between the two groups.
        null: the same when a sentence's languages are permuted, mean over permutations.
        n_sentences: sentences that stand in every language of both groups.
    """

    value: float
    low: float
    high: float
    observed: float
    null: float
    n_sentences: int


def language_effect(
    predictions: Predictions, groups: Groups, permutations: int = PERMUTATIONS, seed: int = 0
) -> Effect | None:
    """Total variation between two groups' mean predictions on the same sentences, less chance.

    Half the sum over classes of |difference of the groups' mean probabilities|, minus its mean
    over random assignments of each sentence's rows to the languages. Since it is the same
    sentences, neither their content nor their labels can make the difference. What is taken off
    grows with the effect itself, by up to effect / sqrt(sentences): a strong one is understated.

    Args:
        groups: languages on either side; a sentence counts where it has exactly one row in each.
        permutations: random assignments, the same ones in every draw of the bootstrap.
        seed: of the permutations.

    Returns:
        None where no sentence counts: the test set is not translated, or a group is empty.
    """
    totals = effect_totals(predictions, groups, permutations, seed)
    if totals is None:
        return None
    low, high = totals.interval()
    value, observed, null = (float(x) for x in totals.values)
    return Effect(value, float(low[0]), float(high[0]), observed, null, len(totals.rows))


def effect_totals(
    predictions: Predictions, groups: Groups, permutations: int = PERMUTATIONS, seed: int = 0
) -> Totals | None:
    """Language effect, observed and null as a function of totals over sentences.

    Arguments as in `language_effect`; None where it has none.
    """
    ids, probabilities = _complete(predictions, [*groups[0], *groups[1]])
    if not len(ids) or not all(groups):
        return None
    sides = np.concatenate([np.full(len(g), 1 / len(g)) for g in groups])
    sides[len(groups[0]) :] *= -1
    rng = np.random.default_rng(seed)
    # To permute a sentence's rows over the languages is to permute the languages' coefficients.
    coefficients = [np.broadcast_to(sides, (len(ids), len(sides)))]
    coefficients += [rng.permuted(coefficients[0], axis=1) for _ in range(permutations)]
    differences = [np.einsum("sl,slc->sc", x, probabilities) for x in coefficients]

    def effect(totals: np.ndarray) -> np.ndarray:
        shape = (len(totals), 1 + permutations, len(predictions.labels))
        variation = np.abs(totals[:, :-1]).reshape(shape).sum(axis=2) / 2 / totals[:, -1:]
        observed, null = variation[:, 0], variation[:, 1:].mean(axis=1)
        return np.column_stack([observed - null, observed, null])

    names = ("language effect", "observed", "null")
    quantities = np.hstack([*differences, np.ones((len(ids), 1))])
    return Totals(names, quantities, ids, ids, effect, folded=True)


def _complete(predictions: Predictions, languages: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the sentences with one row in each language; sentences x languages x classes."""
    column = pd.Index(languages).get_indexer(pd.Index(predictions.rows["language"]))
    rows = np.flatnonzero(column >= 0)
    ids, sentence = np.unique(predictions.sentences[rows], return_inverse=True)
    times = np.zeros((len(ids), len(languages)), dtype=int)
    np.add.at(times, (sentence, column[rows]), 1)
    row = np.zeros_like(times)
    row[sentence, column[rows]] = rows
    complete = (times == 1).all(axis=1)
    return ids[complete], predictions.probabilities[row[complete]]
