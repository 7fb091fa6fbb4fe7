"""Predictions of one run on the test set, and what is predicted in each language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.measures.bootstrap import Totals
from core.sampling.joint import Groups


@dataclass(frozen=True)
class Predictions:
    """Predictions of one run on test rows.

    Attributes:
        rows: `row`, `sentence`, `language`, `label` of each test row, in the corpus's order.
        probabilities: rows x classes.
        labels: class names in their order.
        languages: in their order.
        weights: of the rows, of a test set that is not uniform: target share of the row's language
            and label over their share in the test set. None: every row counts once.
    """

    rows: pd.DataFrame
    probabilities: np.ndarray
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    weights: np.ndarray | None = None

    @property
    def predicted(self) -> np.ndarray:
        """Class number with the highest probability, the first one where several tie."""
        numbers: np.ndarray = self.probabilities.argmax(axis=1)
        return numbers

    @property
    def truth(self) -> np.ndarray:
        """Class number of each row's label."""
        return pd.Index(self.labels).get_indexer(pd.Index(self.rows["label"]))

    @property
    def sentences(self) -> np.ndarray:
        """Sentence id of each row."""
        ids: np.ndarray = self.rows["sentence"].to_numpy(dtype=str)
        return ids

    def one_hot(self, numbers: np.ndarray) -> np.ndarray:
        """Class numbers as rows x classes of 0 and 1."""
        return np.eye(len(self.labels))[numbers]

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """Values (rows x k), each row's times its weight; as they are where there are none."""
        return values if self.weights is None else values * self.weights[:, None]

    def by_language(self, values: np.ndarray) -> np.ndarray:
        """Spread values (rows x k) over languages: rows x (languages * k), 0 elsewhere."""
        number = pd.Index(self.languages).get_indexer(pd.Index(self.rows["language"]))
        member = np.eye(len(self.languages))[number]
        spread: np.ndarray = (member[:, :, None] * values[:, None, :]).reshape(len(values), -1)
        return spread

    def with_all(self, values: np.ndarray) -> np.ndarray:
        """Values (rows x k), then those spread over languages: rows x ((1 + languages) * k)."""
        return np.hstack([values, self.by_language(values)])

    @property
    def sizes(self) -> np.ndarray:
        """Number of rows, of all and of each language (1 + languages)."""
        sizes: np.ndarray = self.with_all(np.ones((len(self.rows), 1))).sum(axis=0).astype(int)
        return sizes

    @property
    def effective_sizes(self) -> np.ndarray:
        """How many rows of equal weight tell as much, of all and of each language (1 + languages).

        Kish (Survey sampling, 1965, section 8.2): the square of the sum of the weights over the sum
        of their squares; the number of rows where there are no weights.
        """
        if self.weights is None:
            return self.sizes.astype(float)
        sums, squares = (
            self.with_all(w[:, None]).sum(axis=0) for w in (self.weights, self.weights**2)
        )
        return np.divide(sums**2, squares, out=np.zeros(len(sums)), where=squares > 0)

    def totals(
        self,
        names: tuple[str, ...],
        quantities: np.ndarray,
        statistic: Callable[[np.ndarray], np.ndarray],
        *,
        folded: bool = False,
    ) -> Totals:
        """A measure that is a function of totals of quantities of these rows (rows x K)."""
        ids = self.rows["row"].to_numpy(dtype=str)
        return Totals(names, quantities, ids, self.sentences, statistic, folded)


def predicted_shares(predictions: Predictions, *, soft: bool = False) -> pd.DataFrame:
    """Share of each class predicted in each language (paper, Table 2), of the rows as weighted.

    Args:
        soft: mean probability in place of the share of rows.
    """
    values = predictions.probabilities if soft else predictions.one_hot(predictions.predicted)
    return _mean_by_language(predictions, values)


def true_shares(predictions: Predictions) -> pd.DataFrame:
    """Share of each label in each language of the test set, of the rows as weighted."""
    return _mean_by_language(predictions, predictions.one_hot(predictions.truth))


def group_shares(shares: pd.DataFrame, n: pd.Series, groups: Groups) -> pd.DataFrame:
    """Shares pooled over the languages of each group.

    Args:
        shares: languages x labels.
        n: rows of each language.

    Returns:
        One row a group, named by its languages.
    """
    pooled: dict[str, np.ndarray] = {}
    for group in groups:
        members = [x for x in group if x in shares.index]
        if members:
            pooled[" ".join(members)] = np.average(
                shares.loc[members], axis=0, weights=n.loc[members]
            )
    return pd.DataFrame(pooled, index=shares.columns).T


def _mean_by_language(predictions: Predictions, values: np.ndarray) -> pd.DataFrame:
    if predictions.weights is not None:
        once = np.ones((len(values), 1))
        sums, n = (
            predictions.by_language(predictions.weighted(x)).sum(axis=0) for x in (values, once)
        )
        with np.errstate(invalid="ignore"):
            shares = sums.reshape(len(n), -1) / n[:, None]
        return pd.DataFrame(shares, list(predictions.languages), list(predictions.labels))
    frame = pd.DataFrame(values, columns=list(predictions.labels))
    means = frame.groupby(predictions.rows["language"].to_numpy()).mean()
    return means.reindex(list(predictions.languages))
