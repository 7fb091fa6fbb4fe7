"""Figures and tables of the latent space."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.charts import latent as charts
from core.figures import latent_sentences as reading
from core.figures.figure import Figure, Table
from core.results import latent
from core.results.projection import Projection
from core.results.schema import RunResults, StudyResults


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
        reading.probe_caption(part),
        reading.PROBE_HOW,
        reading.probe_reading(part),
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


def mapped(
    document: StudyResults,
    runs: Sequence[RunResults],
    projection: Projection,
    frame: pd.DataFrame,
    colour: str,
) -> Figure:
    """The map of a study's runs, a panel a run.

    Args:
        runs: those that could be shown; those that the map has, at most PANELS, are.
        frame: from `latent.points`.
        colour: of `charts.latent.COLOURS`.
    """
    shown = latent.on_map(runs, projection)
    return Figure(
        f"{document['study']}-map-{colour}",
        f"Map of {len(frame):,} texts by {colour}",
        [charts.panels(document, shown, frame, colour)],
        reading.map_caption(document, runs, projection),
        reading.MAP_HOW,
        legend=charts.legend(document, colour),
    )
