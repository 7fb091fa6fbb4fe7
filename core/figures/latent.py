"""Figures and tables of the latent space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.charts import latent as charts
from core.figures import latent_sentences as reading
from core.figures import probe_sentences
from core.figures.figure import Figure, Table
from core.results import latent
from core.results.projection import Projection
from core.results.schema import RunResults, StudyResults

IN_REPORT = 5  # small panels side by side


def probes(name: str, part: pd.DataFrame) -> Figure:
    """Accuracy of the probes on one kind of texts.

    Args:
        name: of the study.
        part: rows of `latent.probe_table` with one `texts`.
    """
    kind = str(part["texts"].iloc[0])
    return Figure(
        f"{name}-probes-{kind.split()[0]}",
        f"Language identification, {kind}",
        charts.probes(part),
        probe_sentences.probe_caption(part),
        probe_sentences.PROBE_HOW,
        probe_sentences.probe_reading(part),
        columns=1,
    )


def probes_table(name: str, table: pd.DataFrame) -> Table:
    """All probes, a run a row."""
    return Table(
        f"{name}-probes",
        "Language identification",
        table,
        latent.FORMATS,
        latent.PROBE_COLUMNS,
    )


def large(
    document: StudyResults,
    projection: Projection,
    panel: str,
    run: RunResults | None,
    colour: str,
    ends: np.ndarray,
    frames: Mapping[str, pd.DataFrame],
    show: str,
) -> Figure:
    """One panel of the map.

    Args:
        panel, run: its key, and its run; None for the encoder before fine-tuning.
        colour: of `latent.COLOURS`.
        ends: from `latent.extent`.
        frames: of `charts.large`.
        show: of `charts.SHOW`.
    """
    looks = charts.look(document, colour)
    name = latent.panel_name(panel, run)
    return Figure(
        f"{document['study']}-map-{panel}-{colour}",
        f"{name}: {len(projection.texts):,} texts by {colour}",
        [charts.large(looks, ends, show, len(projection.texts))],
        reading.large_caption(projection, panel),
        reading.MAP_HOW,
        legend=charts.legend(looks),
        frames=frames,
    )


def small(
    document: StudyResults,
    projection: Projection,
    panels: Mapping[str, RunResults | None],
    colour: str,
    ends: np.ndarray,
    frames: Mapping[str, pd.DataFrame],
    current: str = "",
    columns: int = charts.SMALL_COLUMNS,
) -> Figure:
    """All panels as outlines of where each kind of texts lies densest.

    Args:
        panels: from `latent.panels`.
        frames: LINES and CHOSEN of `charts`, with `panel`, by their places on the map.
        current: the key of the panel that is large.
        columns: panels side by side.
    """
    looks = charts.look(document, colour)
    names = {
        key: (latent.panel_name(key, run), reading.number(document, run))
        for key, run in panels.items()
    }
    tiles = charts.tiles(names, current, columns)
    placed = {name: charts.tiled(frame, tiles, ends) for name, frame in frames.items()}
    return Figure(
        f"{document['study']}-outlines-{colour}",
        f"All panels, outlines by {colour}",
        [charts.small(looks, tiles)],
        reading.map_caption(document, panels, projection),
        reading.OUTLINES_HOW,
        legend=charts.legend(looks),
        frames={charts.PANELS: tiles, **placed},
    )


def outlined(
    document: StudyResults, runs: Sequence[RunResults], projection: Projection, colour: str
) -> Figure:
    """As `small`, for a report: no texts, by what runs can be coloured by without predictions."""
    panels = latent.panels(runs, projection)
    kinds = {
        key: latent.kind_of_texts(document, projection, key, None, colour, "") for key in panels
    }
    ends = latent.extent(projection, list(panels))
    frames = {
        charts.LINES: latent.outlines(projection, kinds, ends),
        charts.CHOSEN: pd.DataFrame(columns=["panel", "x", "y", "value"]),
    }
    return small(document, projection, panels, colour, ends, frames, columns=IN_REPORT)
