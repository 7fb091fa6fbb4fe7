"""The latent space: the map's panels, and the probes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import (
    DIVERGING,
    LANGUAGE_SHAPES,
    NEUTRAL,
    TRUTH,
    language_encoding,
    setup_encoding,
)
from core.results.latent import BEFORE
from core.results.names import language_order, run_name, setups_in_order
from core.results.schema import RunResults, StudyResults

RECTANGLE = "rectangle"  # the selection's name
COLOURS = ("language", "label", "prediction", "correctness")
SIDE = 262  # pixels of a panel
WIDTH = 580  # of two panels and what is around them: fits a page of 1024
WRONG = "#D55E00"


def panels(
    document: StudyResults, runs: Sequence[RunResults], frame: pd.DataFrame, colour: str
) -> AnyChart:
    """One panel a run, two side by side; a rectangle drawn on one marks its texts in all.

    Args:
        runs: those shown.
        frame: from `core.results.latent.points`.
        colour: one of COLOURS.
    """
    rectangle = alt.selection_interval(name=RECTANGLE, encodings=["x", "y"])
    axes = {}
    for axis in "xy":
        values = frame[[f"{axis}_{run['run']}" for run in runs]].to_numpy()
        room = 0.03 * np.ptp(values)
        axes[axis] = [values.min() - room, values.max() + room]

    def panel(run: RunResults) -> alt.Chart:
        key = run["run"]
        columns = {"prediction": f"predicted_{key}", "correctness": f"correct_{key}"}
        places = {
            axis: channel(f"{axis}_{key}:Q", axis=None, scale=alt.Scale(domain=axes[axis]))
            for axis, channel in (("x", alt.X), ("y", alt.Y))
        }
        tooltip = [
            alt.Tooltip("shown:N", title="text"),
            alt.Tooltip("language:N"),
            alt.Tooltip("label:N"),
            alt.Tooltip(f"predicted_{key}:N", title="predicted"),
        ]
        title = alt.TitleParams(
            run_name(run), subtitle=_subtitle(run), subtitleColor=TRUTH, anchor="start", fontSize=13
        )
        return (
            alt.Chart()
            .mark_point(filled=True, size=16)
            .encode(
                **places,
                **_colour_encoding(document, columns.get(colour, colour), colour),
                opacity=alt.when(rectangle).then(alt.value(0.8)).otherwise(alt.value(0.1)),
                tooltip=tooltip,
            )
            .properties(
                width=SIDE,
                height=SIDE,
                title=title,
                view=alt.ViewBackground(stroke=TRUTH, strokeWidth=0.5),
            )
        )

    sent = ["row", "shown", "language", "label"]  # not whole texts and probabilities
    for run in runs:
        sent += [f"{name}_{run['run']}" for name in ("x", "y", "predicted", "correct")]
    chart = alt.concat(*map(panel, runs), columns=2, data=frame[sent], spacing=14)
    with warnings.catch_warnings():  # one rectangle for all panels is what is meant
        warnings.filterwarnings("ignore", message="Automatically deduplicated")
        return chart.add_params(rectangle)


def legend(document: StudyResults, colour: str) -> AnyChart:
    """Colours and shapes of the points, once for all panels."""
    shown = {"language": language_order(document), "correctness": ["right", "wrong"]}
    frame = pd.DataFrame({"value": shown.get(colour, document["labels"])})
    key = alt.Legend(
        orient="top", direction="horizontal", columns=6, title=None, symbolSize=70, offset=0
    )
    encoding = _colour_encoding(document, "value", colour)
    for channel in encoding.values():
        channel.legend = key
    # Nothing but the legend is seen of this chart.
    points = alt.Chart(frame).mark_point(filled=True, size=0)
    return points.encode(**encoding).properties(height=24 * (1 + (len(frame) - 1) // 6))


def _subtitle(run: RunResults) -> str:
    found = run["probe"].get("original")
    return f"15-NN probe {found['knn']:.2f}, chance {found['chance']:.2f}" if found else ""


def _colour_encoding(document: StudyResults, column: str, colour: str) -> dict[str, Any]:
    """Colour and shape of points by a column that holds what COLOURS says."""
    if colour == "language":
        return language_encoding(document, column, legend=False)
    labels = list(document["labels"])
    domain, colours = labels, _ramp(len(labels))
    if colour == "correctness":
        domain, colours = ["right", "wrong"], [NEUTRAL, WRONG]
    shapes = [LANGUAGE_SHAPES[i % len(LANGUAGE_SHAPES)] for i in range(len(domain))]
    scales = [alt.Scale(domain=domain, range=look) for look in (colours, shapes)]
    return {
        "color": alt.Color(f"{column}:N", scale=scales[0], legend=None),
        "shape": alt.Shape(f"{column}:N", scale=scales[1], legend=None),
    }


def _ramp(n: int) -> list[str]:
    """Colours of ordered classes, from orange over grey to blue."""
    ends = (DIVERGING[0], NEUTRAL, DIVERGING[2])
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in ends])
    at = np.linspace(0, 2, n)
    between = np.stack([np.interp(at, [0, 1, 2], channel) for channel in rgb.T], axis=1)
    return ["#{:02X}{:02X}{:02X}".format(*map(round, colour)) for colour in between.tolist()]


def probes(table: pd.DataFrame) -> list[AnyChart]:
    """Accuracy of each probe, a panel a probe and a dot a run, beside chance.

    Args:
        table: of `core.results.latent.probe_table`, one kind of texts.
    """
    setups = sorted(setups_in_order(table["setup"]), key=lambda s: s != BEFORE)  # that comes first
    names = list(dict.fromkeys(table["probe"]))
    scale = alt.Scale(domain=[0, 1])

    def panel(probe: str) -> AnyChart:
        rows = table[table["probe"] == probe]
        title = "accuracy (share of texts)" if probe == names[-1] else None
        chance = alt.Chart(rows.head(1)).mark_rule(strokeDash=[4, 3], color=TRUTH)
        dots = alt.Chart(rows).mark_point(filled=True, size=80, opacity=0.9)
        dots = dots.encode(
            x=alt.X("accuracy:Q", title=title, scale=scale),
            y=alt.Y("setup:N", sort=setups, title=None, axis=alt.Axis(labelLimit=200)),
            **setup_encoding(setups),
            tooltip=[
                "setup",
                "seed",
                alt.Tooltip("accuracy:Q", format=".3f"),
                alt.Tooltip("chance:Q", format=".3f"),
                "n",
            ],
        )
        layers = alt.layer(chance.encode(x=alt.X("chance:Q", title=title, scale=scale)), dots)
        return layers.properties(title=probe, height=alt.Step(18))

    return [panel(probe) for probe in names]
