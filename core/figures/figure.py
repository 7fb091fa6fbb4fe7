"""What pages and the report show: charts and tables with their words. One file a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from core.charts.chart import AnyChart
from core.figures import export


@dataclass(frozen=True)
class Figure:
    """Charts with title, caption and how to read them.

    Attributes:
        name: of its files; says what is shown and of which study.
        title: says what is shown; plain text, as the caption, since both go into the files.
        charts: panels that share their scales, or one.
        caption: names n, and what marks and intervals mean.
        how: two or three sentences on how to read it, with the section of the paper; Markdown.
        reading: what the numbers say, as Markdown.
        legend: above the panels, once for all.
        columns: panels side by side.
        frames: rows that charts name (`alt.NamedData`), where there are too many to be part of
            them.
    """

    name: str
    title: str
    charts: Sequence[AnyChart]
    caption: str
    how: str
    reading: str = ""
    legend: AnyChart | None = None
    columns: int = 3
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def specification(self) -> dict[str, Any]:
        """All of it as one Vega-Lite document, for files; not to be changed."""
        above = [] if self.legend is None else [self.legend]
        found = export.specification(self.charts, self.title, self.caption, self.columns, above)
        rows = {name: frame.to_dict("records") for name, frame in self.frames.items()}
        return {**found, "datasets": {**found.get("datasets", {}), **rows}}

    def bare(self) -> dict[str, Any]:
        """The same without title and caption, where they stand beside it as text."""
        return {key: value for key, value in self.specification.items() if key != "title"}


@dataclass(frozen=True)
class Table:
    """A table with what it takes to show and store it.

    Attributes:
        name: of its files.
        title: says what is shown; plain text.
        frame: all its numbers, unrounded.
        formats: how a column's numbers are shown, `percent` or such as `%.3f`.
        shown: columns for a reader; by default all.
        caption: n, and what its columns mean; plain text.
    """

    name: str
    title: str
    frame: pd.DataFrame
    formats: Mapping[str, str] = field(default_factory=dict)
    shown: Sequence[str] | None = None
    caption: str = ""
