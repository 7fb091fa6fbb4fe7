"""Cumulative differences of attributions between two runs, by token group (paper, section 2.3).

For one class, tokens are grouped by their value in the reference model (S_bal): positive above the
threshold, negative below minus the threshold, neutral between, the ends included. Of each text the
differences S_other - S_bal are summed over each group; base is the difference of the all-mask
outputs. As tokens are grouped by S_bal, noise alone makes the positive sum negative and the
negative sum positive; the null, a second model of the reference's setup, shows by how much.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.measures.bootstrap import draw_totals, ends, sums_by_sentence

TOKEN_GROUPS = ("positive", "negative", "neutral")
PARTS = (*TOKEN_GROUPS, "base")


@dataclass(frozen=True, eq=False)
class Differences:
    """What two runs differ by on the same texts.

    Attributes:
        rows: one a text: `row`, `sentence`, `language`, `label`.
        labels: the classes.
        languages: in their order.
        parts: texts x classes x parts (positive, negative, neutral, base), units of probability.
        tokens: texts x classes x groups: tokens in each group.
        outputs: texts x classes: difference of the models' probabilities.
    """

    rows: pd.DataFrame
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    parts: np.ndarray
    tokens: np.ndarray
    outputs: np.ndarray

    def minus(self, null: Differences) -> Differences:
        """This less the null, text by text: both are over the groups of the same reference.

        Raises:
            ValueError: they are not of the same texts.
        """
        if self.rows["row"].tolist() != null.rows["row"].tolist():
            raise ValueError("the differences are of other texts than the null")
        return Differences(
            self.rows,
            self.labels,
            self.languages,
            self.parts - null.parts,
            self.tokens,
            self.outputs - null.outputs,
        )

    def only(self, rows: set[str]) -> Differences:
        """On these texts alone."""
        keep = self.rows["row"].isin(rows).to_numpy()
        return Differences(
            self.rows[keep].reset_index(drop=True),
            self.labels,
            self.languages,
            self.parts[keep],
            self.tokens[keep],
            self.outputs[keep],
        )

    @property
    def unexplained(self) -> np.ndarray:
        """What of the outputs' difference the parts leave (texts x classes).

        0 for Shapley values; the error of the integral for integrated gradients.
        """
        left: np.ndarray = self.outputs - self.parts.sum(axis=2)
        return left


class Value(NamedTuple):
    """A measure and its 95 % interval over sentences."""

    value: float
    low: float
    high: float


def cumulative(differences: Differences) -> dict[tuple[str, str, str], Value]:
    """Average cumulative difference by language, class and part (paper, figure 1)."""
    keys = itertools.product(differences.languages, differences.labels, PARTS)
    values = differences.parts.reshape(len(differences.rows), -1)
    return dict(zip(keys, over_languages(differences, values, lambda means: means), strict=True))


def sides(differences: Differences, deviation: pd.DataFrame) -> dict[tuple[str, str, str], Value]:
    """Averages over the languages in which a class is over- and under-represented.

    Args:
        deviation: `joint.deviation` of the study's skewed design, languages x labels.

    Returns:
        By class, part, and `over`, `under` or `over - under`. Classes that have no more or less in
        any language are left out.
    """
    x = deviation.loc[list(differences.languages), list(differences.labels)].to_numpy()
    over, under = (x > 1e-9).astype(float), (x < -1e-9).astype(float)
    skewed = np.flatnonzero((over.sum(axis=0) > 0) & (under.sum(axis=0) > 0))
    weights = np.stack([side[:, skewed] / side[:, skewed].sum(axis=0) for side in (over, under)])

    def averages(means: np.ndarray) -> np.ndarray:
        cube = means.reshape(len(means), *x.shape, len(PARTS))[:, :, skewed]
        both = np.einsum("slc,dlcp->dcps", weights, cube)
        return np.concatenate([both, both[..., :1] - both[..., 1:]], axis=-1)

    labels = [differences.labels[c] for c in skewed]
    keys = itertools.product(labels, PARTS, ("over", "under", "over - under"))
    values = differences.parts.reshape(len(differences.rows), -1)
    return dict(zip(keys, over_languages(differences, values, averages), strict=True))


def over_languages(
    differences: Differences,
    values: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
) -> list[Value]:
    """A statistic of the languages' means, with 95 % intervals over sentences.

    Args:
        values: texts x k, whose means over the texts of each language are taken.
        statistic: from means (draws x languages x k) to values (draws x ...).

    Returns:
        One for each of the statistic's values, the last axis fastest.
    """
    member = members(differences)
    n_languages = member.shape[1]
    spread = (member[:, :, None] * values[:, None, :]).reshape(len(member), -1)
    sentences = differences.rows["sentence"].to_numpy(dtype=str)
    sums = sums_by_sentence(np.hstack([spread, member]), sentences)

    def of(totals: np.ndarray) -> np.ndarray:
        added = totals[:, :-n_languages].reshape(len(totals), n_languages, -1)
        with np.errstate(invalid="ignore"):
            means = added / totals[:, -n_languages:, None]
        return statistic(means).reshape(len(totals), -1)

    low, high = ends(of(draw_totals(sums)))
    value = of(sums.sum(axis=0, keepdims=True))[0]
    return [Value(*map(float, v)) for v in zip(value, low, high, strict=True)]


def token_counts(differences: Differences) -> dict[tuple[str, str, str], int]:
    """Tokens by language, class and group."""
    counts = np.einsum("nl,ncg->lcg", members(differences), differences.tokens).astype(int)
    keys = itertools.product(differences.languages, differences.labels, TOKEN_GROUPS)
    return dict(zip(keys, counts.ravel().tolist(), strict=True))


def token_shares(differences: Differences) -> pd.DataFrame:
    """Share of the tokens in each group, by class (down); `n` tokens (paper, A.4: 20/60/20)."""
    counts = differences.tokens.sum(axis=0)
    shares = pd.DataFrame(
        counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        index=list(differences.labels),
        columns=list(TOKEN_GROUPS),
    )
    return shares.assign(n=counts.sum(axis=1))


def differences_of(
    table: pd.DataFrame, labels: Sequence[str], languages: Sequence[str]
) -> Differences:
    """Differences out of one row a text and class.

    Args:
        table: `row`, `sentence`, `language`, `label`, `class`, `output` and for each part its
            difference; for each token group also `n_<group>`.
    """
    table = table[table["language"].isin(list(languages))]
    number = {label: i for i, label in enumerate(labels)}
    ordered = table.assign(order=table["class"].map(number)).sort_values(["row", "order"])
    n = len(ordered) // len(labels)

    def cube(columns: Sequence[str]) -> np.ndarray:
        values: np.ndarray = ordered[list(columns)].to_numpy(dtype=float)
        return values.reshape(n, len(labels), len(columns))

    texts = ordered.iloc[:: len(labels)][["row", "sentence", "language", "label"]]
    return Differences(
        texts.reset_index(drop=True),
        tuple(labels),
        tuple(languages),
        cube(PARTS),
        cube([f"n_{g}" for g in TOKEN_GROUPS]),
        cube(["output"])[:, :, 0],
    )


def members(differences: Differences) -> np.ndarray:
    """Texts x languages of 0 and 1."""
    index = pd.Index(differences.languages).get_indexer(pd.Index(differences.rows["language"]))
    member: np.ndarray = np.eye(len(differences.languages))[index]
    return member
