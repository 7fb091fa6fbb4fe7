"""Cumulative differences of attributions between two runs, by token group (paper, section 2.3).

For one class, tokens are grouped by their value in a balanced model: positive above the threshold,
negative below minus the threshold, neutral between, the ends included. Of each text the differences
S_other - S_bal are summed over each group; base is the difference of the all-mask outputs.

In the paper one balanced model is both: it chooses the groups and is what differences are taken
against. Then noise in its values alone makes the positive sum negative and the negative sum
positive. Cross-fitted, the groups are chosen by the balanced model of another seed: given that one,
the two models of a seed can change places if the setup does nothing, so that the expectation is 0
whatever the noise is.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, TypeVar

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
        own_label: whether for a class only the texts count whose true label it is.
    """

    rows: pd.DataFrame
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    parts: np.ndarray
    tokens: np.ndarray
    outputs: np.ndarray
    own_label: bool = False

    def of_own_label(self) -> Differences:
        """The same, where for a class only the texts count whose true label it is."""
        return replace(self, own_label=True)

    @property
    def counted(self) -> np.ndarray:
        """Texts x classes: 1 where a text counts for a class, else 0."""
        if not self.own_label:
            return np.ones(self.outputs.shape)
        truth = self.rows["label"].to_numpy(dtype=str)
        found: np.ndarray = (truth[:, None] == np.array(self.labels, dtype=str)).astype(float)
        return found


class Value(NamedTuple):
    """A measure and its 95 % interval over sentences."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Means:
    """Means over the texts of each language, and what they are on resampled sentences.

    All measures here are linear in them, and resampling draws the same sentences for all runs on
    the same texts, so that measures of several runs can be averaged draw by draw.

    Attributes:
        labels, languages: in their order.
        drawn: 1 + draws x languages x classes x (parts, then the difference of outputs); the first
            is of the texts as they are. Without draws there are no intervals (NaN).
    """

    labels: tuple[str, ...]
    languages: tuple[str, ...]
    drawn: np.ndarray


T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Measured(Generic[T]):
    """Values by name and what they are on resampled sentences.

    Attributes:
        names: of the k values.
        drawn: 1 + draws x k, as in `Means`.
    """

    names: tuple[T, ...]
    drawn: np.ndarray

    def values(self) -> dict[T, Value]:
        """Each value with its interval over sentences."""
        flat = self.drawn
        low, high = ends(flat[1:]) if len(flat) > 1 else np.full((2, flat.shape[1]), np.nan)
        found = (Value(*map(float, v)) for v in zip(flat[0], low, high, strict=True))
        return dict(zip(self.names, found, strict=True))


def mean_of(measured: Sequence[Measured[T]]) -> Measured[T]:
    """The mean of several, draw by draw: they are of the same texts.

    Raises:
        ValueError: they have not the same names.
    """
    first = measured[0]
    if any(other.names != first.names for other in measured):
        raise ValueError("only measures of the same cells have a mean")
    return Measured(first.names, np.mean([each.drawn for each in measured], axis=0))


def means_of(differences: Differences, *, draw: bool = True) -> Means:
    """Means of parts and outputs over the texts of each language, on 2,000 draws of sentences.

    Args:
        draw: without draws there are no intervals.
    """
    member = members(differences)
    counted = differences.counted
    n, classes = counted.shape
    given = np.concatenate([differences.parts, differences.outputs[:, :, None]], axis=2)
    counts = member[:, :, None] * counted[:, None]  # texts x languages x classes
    spread = counts[..., None] * given[:, None]
    sentences = differences.rows["sentence"].to_numpy(dtype=str)
    columns = [spread.reshape(n, -1), counts.reshape(n, -1)]
    sums = sums_by_sentence(np.hstack(columns), sentences)
    totals = sums.sum(axis=0, keepdims=True)
    if draw:
        totals = np.concatenate([totals, draw_totals(sums)])
    shape = (len(totals), member.shape[1], classes)
    added, times = np.split(totals, [columns[0].shape[1]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = added.reshape(*shape, -1) / times.reshape(*shape, 1)
    return Means(differences.labels, differences.languages, drawn)


def cumulative(means: Means) -> Measured[tuple[str, str, str]]:
    """Average cumulative difference by language, class and part (paper, figure 1)."""
    keys = itertools.product(means.languages, means.labels, PARTS)
    parts = means.drawn[..., : len(PARTS)]
    return Measured(tuple(keys), parts.reshape(len(parts), -1))


def sides(means: Means, deviation: pd.DataFrame) -> Measured[tuple[str, str, str]]:
    """Averages over the languages in which a class is over- and under-represented.

    Args:
        deviation: `joint.deviation` of the study's skewed design, languages x labels.

    Returns:
        By class, part, and `over`, `under` or `over - under`. Classes that have no more or less in
        any language are left out.
    """
    x = aligned(deviation, means.languages, means.labels)
    over, under = (x > 1e-9).astype(float), (x < -1e-9).astype(float)
    skewed = np.flatnonzero((over.sum(axis=0) > 0) & (under.sum(axis=0) > 0))
    weights = np.stack([side[:, skewed] / side[:, skewed].sum(axis=0) for side in (over, under)])
    parts = means.drawn[:, :, skewed, : len(PARTS)]
    # A language without a text of the class (NaN) that is on neither side takes no part.
    parts = np.where((weights.sum(axis=0) > 0)[None, ..., None], parts, 0.0)
    both = np.einsum("slc,dlcp->dcps", weights, parts)
    statistic = np.concatenate([both, both[..., :1] - both[..., 1:]], axis=-1)
    labels = [means.labels[c] for c in skewed]
    keys = itertools.product(labels, PARTS, ("over", "under", "over - under"))
    return Measured(tuple(keys), statistic.reshape(len(statistic), -1))


def aligned(table: pd.DataFrame, languages: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """A table in these orders: languages x labels."""
    order = (list(languages), list(labels))
    if (list(table.index), list(table.columns)) != order:  # pandas looks up slowly
        table = table.loc[order]
    found: np.ndarray = table.to_numpy()
    return found


def text_counts(differences: Differences) -> dict[tuple[str, str], int]:
    """Texts that count, by language and class."""
    counts = np.einsum("nl,nc->lc", members(differences), differences.counted).astype(int)
    keys = itertools.product(differences.languages, differences.labels)
    return dict(zip(keys, counts.ravel().tolist(), strict=True))


def token_counts(differences: Differences) -> dict[tuple[str, str, str], float]:
    """Tokens by language, class and group, over the texts that count."""
    tokens = differences.tokens * differences.counted[:, :, None]
    counts = np.einsum("nl,ncg->lcg", members(differences), tokens)
    keys = itertools.product(differences.languages, differences.labels, TOKEN_GROUPS)
    return dict(zip(keys, counts.ravel().tolist(), strict=True))


def token_shares(differences: Differences) -> pd.DataFrame:
    """Share of the tokens in each group, by class (down); `n` tokens (paper, A.4: 20/60/20)."""
    counts = (differences.tokens * differences.counted[:, :, None]).sum(axis=0)
    shares = pd.DataFrame(
        counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        index=list(differences.labels),
        columns=list(TOKEN_GROUPS),
    )
    return shares.assign(n=counts.sum(axis=1).round().astype(int))


def members(differences: Differences) -> np.ndarray:
    """Texts x languages of 0 and 1."""
    index = pd.Index(differences.languages).get_indexer(pd.Index(differences.rows["language"]))
    member: np.ndarray = np.eye(len(differences.languages))[index]
    return member
