"""Cumulative differences of attributions between two runs, by token group (paper, section 2.3).

For one class, tokens are grouped by their value in the reference model (S_bal): positive above the
threshold, negative below minus the threshold, neutral between, the ends included. Of each text the
differences S_other - S_bal are summed over each group; base is the difference of the all-mask
outputs. As tokens are grouped by S_bal, noise alone makes the positive sum negative and the
negative sum positive; the null, a second model of the reference's setup, shows by how much.
"""

from __future__ import annotations

import itertools
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


class Value(NamedTuple):
    """A measure and its 95 % interval over sentences."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Means:
    """Means over the texts of each language, and what they are on resampled sentences.

    All measures here are linear in them, and resampling draws the same sentences for all runs, so
    that the null can be taken off draw by draw.

    Attributes:
        labels, languages: in their order.
        drawn: 1 + draws x languages x classes x (parts, then the difference of outputs); the first
            is of the texts as they are. Without draws there are no intervals (NaN).
    """

    labels: tuple[str, ...]
    languages: tuple[str, ...]
    drawn: np.ndarray

    def minus(self, null: Means) -> Means:
        """These less the null's, over the same texts and the groups of the same reference."""
        return Means(self.labels, self.languages, self.drawn - null.drawn)

    def undrawn(self) -> Means:
        """The means alone, whose values have no interval."""
        return Means(self.labels, self.languages, self.drawn[:1])

    def values(self, statistic: np.ndarray) -> list[Value]:
        """Values and intervals of a linear statistic that was taken of `drawn` (draws x ...)."""
        flat = statistic.reshape(len(statistic), -1)
        low, high = ends(flat[1:]) if len(flat) > 1 else np.full((2, flat.shape[1]), np.nan)
        return [Value(*map(float, v)) for v in zip(flat[0], low, high, strict=True)]


def means_of(differences: Differences) -> Means:
    """Means of parts and outputs over the texts of each language, on 2,000 draws of sentences."""
    member = members(differences)
    n, n_languages = member.shape
    given = np.concatenate([differences.parts, differences.outputs[:, :, None]], axis=2)
    spread = (member[:, :, None] * given.reshape(n, 1, -1)).reshape(n, -1)
    sentences = differences.rows["sentence"].to_numpy(dtype=str)
    sums = sums_by_sentence(np.hstack([spread, member]), sentences)
    totals = np.concatenate([sums.sum(axis=0, keepdims=True), draw_totals(sums)])
    added = totals[:, :-n_languages].reshape(len(totals), n_languages, *given.shape[1:])
    with np.errstate(invalid="ignore"):
        drawn = added / totals[:, -n_languages:, None, None]
    return Means(differences.labels, differences.languages, drawn)


def cumulative(means: Means) -> dict[tuple[str, str, str], Value]:
    """Average cumulative difference by language, class and part (paper, figure 1)."""
    keys = itertools.product(means.languages, means.labels, PARTS)
    return dict(zip(keys, means.values(means.drawn[..., : len(PARTS)]), strict=True))


def sides(means: Means, deviation: pd.DataFrame) -> dict[tuple[str, str, str], Value]:
    """Averages over the languages in which a class is over- and under-represented.

    Args:
        deviation: `joint.deviation` of the study's skewed design, languages x labels.

    Returns:
        By class, part, and `over`, `under` or `over - under`. Classes that have no more or less in
        any language are left out.
    """
    x = aligned(deviation, means)
    over, under = (x > 1e-9).astype(float), (x < -1e-9).astype(float)
    skewed = np.flatnonzero((over.sum(axis=0) > 0) & (under.sum(axis=0) > 0))
    weights = np.stack([side[:, skewed] / side[:, skewed].sum(axis=0) for side in (over, under)])
    parts = means.drawn[:, :, skewed, : len(PARTS)]
    both = np.einsum("slc,dlcp->dcps", weights, parts)
    statistic = np.concatenate([both, both[..., :1] - both[..., 1:]], axis=-1)
    labels = [means.labels[c] for c in skewed]
    keys = itertools.product(labels, PARTS, ("over", "under", "over - under"))
    return dict(zip(keys, means.values(statistic), strict=True))


def aligned(deviation: pd.DataFrame, means: Means) -> np.ndarray:
    """A design's deviation in the order of the means: languages x labels."""
    order = (list(means.languages), list(means.labels))
    if (list(deviation.index), list(deviation.columns)) != order:  # pandas looks up slowly
        deviation = deviation.loc[order]
    x: np.ndarray = deviation.to_numpy()
    return x


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
    return shares.assign(n=counts.sum(axis=1).astype(int))


def members(differences: Differences) -> np.ndarray:
    """Texts x languages of 0 and 1."""
    index = pd.Index(differences.languages).get_indexer(pd.Index(differences.rows["language"]))
    member: np.ndarray = np.eye(len(differences.languages))[index]
    return member
