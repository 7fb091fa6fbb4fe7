"""What a user decides of a source, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from core.corpora.guess import Guess
from core.sources.source import Source

ALL = "all"  # the split of rows that have none yet


@dataclass(frozen=True)
class Choices:
    """What a user has decided of a source; what is left open is found out and said.

    Attributes:
        columns: our column name -> the source's. Several for `label`, with `+` between them, are
            one column a label (one-hot).
        labels: keep only these, in this order; by default all: numbers ascend, known scales have
            their order, all else is alphabetical.
        languages: keep only these, in this order; by default all, alphabetical.
        language: the language of all rows, of a source that does not say it.
        identify: the language is identified from the text (core.corpora.identify).
        splits: names of splits -> ours, beyond the usual ones.
        joined: labels -> the label that they become.
        left_out: labels whose rows are left out.
        several: what becomes of a row with several labels, of RULES or `has:LABEL`: rows with one
            alone; the first; their combination; whether the label is among them.
        labelled: whether labels are needed; if not, a row without one has its language.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] | None = None
    languages: Sequence[str] | None = None
    language: str = ""
    identify: bool = False
    splits: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    several: str = ""
    labelled: bool = True


@dataclass(frozen=True)
class Mapped:
    """A source whose columns are mapped; its rows are not yet read.

    Attributes:
        source: whose rows they are.
        choices: what was decided.
        columns: our column name -> the source's, and why.
        select: SQL over the source: `text`, `text_b`, `label`, `language`, `split`, `sentence`
            (missing where the source has none), and `reason`, why a row is left out; missing for
            those that are kept. A row in the order of the source.
        labels, languages: in their order.
        cells: rows that are kept by `split` (`all` where the source has none), `language` and
            `label`: a frame with these columns and `n`.
        dropped: rows that are left out by `reason` and `language`: a frame with these and `n`.
        notes: what a reader should know.
        several: why the source looks as if a row had several labels; empty if it does not.
    """

    source: Source
    choices: Choices
    columns: Mapping[str, Guess]
    select: str
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    cells: pd.DataFrame
    dropped: pd.DataFrame
    notes: tuple[str, ...]
    several: str = ""

    @property
    def rows(self) -> int:
        """Rows that are kept."""
        return int(self.cells["n"].sum())

    @property
    def is_pair_task(self) -> bool:
        """Whether every row has two texts."""
        return "text_b" in self.columns

    @property
    def has_splits(self) -> bool:
        """Whether the source has splits of its own."""
        return set(self.cells["split"]) != {ALL}
