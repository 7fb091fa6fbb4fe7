"""The latent space: the map's panels, and the probes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import INK, AnyChart
from core.charts.palette import (
    DIVERGING,
    LANGUAGE_SHAPES,
    NEUTRAL,
    TRUTH,
    language_encoding,
    setup_encoding,
)
from core.charts.tokens import SIDES as SIDE_COLOURS
from core.results import latent
from core.results.latent import BEFORE, SIDES
from core.results.names import setups_in_order
from core.results.schema import StudyResults

RECTANGLE, TEXT, OPEN = "rectangle", "text", "open"  # names of the selections
HEIGHT = 500  # pixels of the large panel; it is as wide as its place
WIDTH = 600  # of its place, where there is so much
SIDE = 128  # of a small panel
GAP, HEADING = 14, 32  # between small panels; above each, for its name and number
SMALL_COLUMNS = 2
DRAWN = 200  # selected texts in a small panel
RIGHT, WRONG = NEUTRAL, "#D55E00"
# Names of a chart's frames: with the same name new rows change the marks of a chart that is there.
POINTS, LINES, AREA, NEAR = "points", "lines", "area", "near"
PANELS, CHOSEN = "panels", "chosen"
SHOW = ("points and outlines", "points", "outlines")
# Shapes of marks within a square from -1 to 1.
_CORNERS = {
    "square": "-.8,-.8 .8,-.8 .8,.8 -.8,.8",
    "triangle-up": "0,-.9 .95,.8 -.95,.8",
    "triangle-down": "0,.9 .95,-.8 -.95,-.8",
    "triangle-right": ".9,0 -.8,.95 -.8,-.95",
    "triangle-left": "-.9,0 .8,.95 .8,-.95",
    "diamond": "0,-1 .75,0 0,1 -.75,0",
    "cross": "-.95,-.35 -.35,-.35 -.35,-.95 .35,-.95 .35,-.35 .95,-.35 .95,.35 .35,.35 .35,.95 "
    "-.35,.95 -.35,.35 -.95,.35",
    "stroke": "-1,-.2 1,-.2 1,.2 -1,.2",
}


def look(document: StudyResults, colour: str) -> dict[str, tuple[str, str]]:
    """Colour and shape of each kind of texts that a colouring tells apart, in the key's order."""
    kinds = latent.kinds(document, colour)
    if colour == "language":
        channels = language_encoding(document, legend=False)
        domain, *ranges = (
            channels["color"]["scale"]["domain"],
            channels["color"]["scale"]["range"],
            channels["shape"]["scale"]["range"],
        )
        of = dict(zip(domain, zip(*ranges, strict=True), strict=True))
        return {kind: of[kind] for kind in kinds}
    if colour == "group":
        colours = [SIDE_COLOURS[side] for side in ("over", "under", "even")]
        shapes = ["triangle-up", "triangle-down", "circle"]
        of = dict(zip(SIDES, zip(colours, shapes, strict=True), strict=True))
        return {kind: of[kind] for kind in kinds}
    if colour == "correctness":
        colours = [RIGHT, WRONG]
    elif colour == "neighbours":
        colours = [NEUTRAL, DIVERGING[2], DIVERGING[0]]
    else:
        colours = _ramp(len(kinds))
    shapes = [LANGUAGE_SHAPES[i % len(LANGUAGE_SHAPES)] for i in range(len(kinds))]
    return dict(zip(kinds, zip(colours, shapes, strict=True), strict=True))


def icon(colour: str, shape: str) -> str:
    """A mark as an image that can stand in a line of text: a data URI."""
    corners = _CORNERS.get(shape)
    mark = (
        f'<polygon points="{corners}" fill="{colour}"/>'
        if corners
        else (f'<circle r=".85" fill="{colour}"/>')
    )
    size = 'width="14" height="14" viewBox="-1 -1 2 2"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{mark}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def large(
    looks: Mapping[str, tuple[str, str]], ends: np.ndarray, show: str, texts: int
) -> AnyChart:
    """One panel of the map: what stands out in its colours, the rest in grey behind it.

    A rectangle can be drawn on it and a text be clicked. Its frames are POINTS (`x`, `y`, `value`,
    `out`, and what the tooltip has), LINES (of `core.results.density`), AREA (`x`, `x2`, `y`, `y2`:
    the rectangle that is kept) and NEAR (`x`, `y`, `what`: a text and its neighbours).

    Args:
        looks: from `look`.
        ends: lowest and highest x, then y.
        show: one of SHOW.
        texts: how many; more of them are smaller.
    """
    place = _places(ends)
    value = _kinds(looks)
    layers = []
    rectangle = alt.selection_interval(name=RECTANGLE, encodings=["x", "y"])
    clicked = alt.selection_point(name=TEXT, fields=["row"], on="click", toggle=False, empty=False)
    size = float(np.clip(26_000 / max(texts, 1), 5, 22))
    tooltip = [
        alt.Tooltip(field=field, type="nominal", title=title)
        for field, title in (
            ("shown", "text"),
            ("language", "language"),
            ("label", "label"),
            ("predicted", "predicted"),
        )
    ]
    behind = "!datum.out"
    coloured = value["color"].copy(deep=False)
    coloured.condition = {"test": behind, "value": TRUTH}
    points = (
        alt.Chart(alt.NamedData(POINTS))
        .mark_point(filled=True)
        .encode(
            **place,
            color=coloured,
            shape=value["shape"],
            opacity=alt.OpacityValue(1, condition={"test": behind, "value": 0.12}),
            size=alt.SizeValue(size if show != SHOW[2] else 0),
            tooltip=tooltip,
        )
        .add_params(rectangle, clicked)
    )
    layers.append(points)
    if show != SHOW[1]:
        layers += _lines(place, value, 2.5)
    corners = {"x2": alt.X2(field="x2"), "y2": alt.Y2(field="y2")}
    layers.append(
        alt.Chart(alt.NamedData(AREA))
        .mark_rect(filled=False, stroke=TRUTH, strokeWidth=1.5, strokeDash=[4, 3])
        .encode(**place, **corners)
    )
    rings = alt.Chart(alt.NamedData(NEAR)).encode(
        **place,
        size=alt.Size(
            field="what",
            type="ordinal",
            scale=alt.Scale(domain=["text", "neighbour"], range=[260, 90]),
            legend=None,
        ),
    )
    for stroke, width in (("white", 4.0), ("black", 1.8)):  # seen on any ground
        layers.append(rings.mark_point(filled=False, stroke=stroke, strokeWidth=width, opacity=1))
    return alt.layer(*layers).properties(
        height=HEIGHT, view=alt.ViewBackground(stroke=TRUTH, strokeWidth=0.5)
    )


def tiles(
    names: Mapping[str, tuple[str, str]], current: str = "", columns: int = SMALL_COLUMNS
) -> pd.DataFrame:
    """Where the small panels are, in pixels of their chart: a row a panel.

    Args:
        names: of each panel, by its key: what it is called, and its number.
        current: the key of the one that is large.
    """
    at = np.arange(len(names))
    left, top = at % columns * (SIDE + GAP), at // columns * (SIDE + HEADING + GAP) + HEADING
    frame = pd.DataFrame(list(names.values()), columns=["name", "number"], dtype=object)
    ends = {"x": left, "x2": left + SIDE, "y": top, "y2": top + SIDE}
    return frame.assign(panel=list(names), current=np.array(list(names)) == current, **ends)


def tiled(frame: pd.DataFrame, panels: pd.DataFrame, ends: np.ndarray) -> pd.DataFrame:
    """Places on the map (`panel`, `x`, `y`) as places on the small panels.

    Args:
        panels: from `tiles`.
        ends: lowest and highest x, then y.
    """
    of = panels.set_index("panel").loc[frame["panel"]]
    x, y = ((frame[k] - low) / (high - low) for k, (low, high) in zip("xy", ends, strict=True))
    return frame.assign(
        x=of["x"].to_numpy() + SIDE * x.to_numpy(), y=of["y2"].to_numpy() - SIDE * y.to_numpy()
    )


def small(looks: Mapping[str, tuple[str, str]], panels: pd.DataFrame) -> AnyChart:
    """All panels as outlines, small; one can be clicked. Chosen texts are marks on them.

    One chart whatever their number, since one a panel takes a tenth of a second each. Its frames
    are PANELS (of `tiles`), LINES and CHOSEN (`x`, `y`, `value`), both of `tiled`.

    Args:
        panels: from `tiles`.
    """
    width, height = int(panels["x2"].max()) + 2, int(panels["y2"].max()) + 2
    place = _places(np.array([[-1, width - 1], [height - 1, 0]]))
    value = _kinds(looks)
    clicked = alt.selection_point(
        name=OPEN, fields=["panel"], on="click", toggle=False, empty=False
    )
    ground = alt.Chart(alt.NamedData(PANELS)).encode(
        **place, x2=alt.X2(field="x2"), y2=alt.Y2(field="y2")
    )
    frame = ground.mark_rect(filled=False, stroke=TRUTH).encode(
        strokeWidth=alt.StrokeWidthValue(0.5, condition={"test": "datum.current", "value": 3})
    )
    # On top of all, so that a click is on it; seen by none.
    touched = ground.mark_rect(fill="transparent", cursor="pointer").add_params(clicked)
    heading = alt.Chart(alt.NamedData(PANELS)).encode(**place)
    said: dict[str, Any] = {"align": "left", "limit": SIDE, "style": INK}
    names = heading.mark_text(dy=-22, fontSize=12, fontWeight="bold", **said)
    numbers = heading.mark_text(dy=-8, fontSize=11, fontWeight="normal", **said)
    marks = alt.Chart(alt.NamedData(CHOSEN)).mark_point(filled=True, size=7, opacity=1)
    layers = [
        frame,
        names.encode(text=alt.Text(field="name", type="nominal")),
        numbers.encode(text=alt.Text(field="number", type="nominal")),
        marks.encode(**place, **value),
        *_lines(place, value, 1.5),
        touched,
    ]
    return alt.layer(*layers).properties(
        width=width, height=height, view=alt.ViewBackground(stroke=None)
    )


def legend(looks: Mapping[str, tuple[str, str]]) -> AnyChart:
    """Colours and shapes of the kinds of texts, for files; a page has them as images."""
    frame = pd.DataFrame({"value": list(looks)})
    key = alt.Legend(
        orient="top", direction="horizontal", columns=6, title=None, symbolSize=70, offset=0
    )
    channels = _kinds(looks)
    for channel in channels.values():
        channel.legend = key
    # Nothing but the legend is seen of this chart.
    points = alt.Chart(frame).mark_point(filled=True, size=0)
    return points.encode(**channels).properties(height=24 * (1 + (len(frame) - 1) // 6))


def _places(ends: np.ndarray) -> dict[str, Any]:
    return {
        axis: channel(
            field=axis,
            type="quantitative",
            axis=None,
            scale=alt.Scale(domain=domain.tolist(), zero=False, nice=False),
        )
        for axis, channel, domain in (("x", alt.X, ends[0]), ("y", alt.Y, ends[1]))
    }


def _kinds(looks: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Colour and shape by the column `value`; grey where a text is of no kind."""
    shown = {**looks, latent.UNTOLD: (NEUTRAL, "circle")}
    scales = [
        alt.Scale(domain=list(shown), range=[of[i] for of in shown.values()]) for i in range(2)
    ]
    return {
        "color": alt.Color(field="value", type="nominal", scale=scales[0], legend=None),
        "shape": alt.Shape(field="value", type="nominal", scale=scales[1], legend=None),
    }


def _lines(place: Mapping[str, Any], value: Mapping[str, Any], width: float) -> list[AnyChart]:
    """Outlines, with a rim that keeps them apart from marks of their own colour."""
    chart = alt.Chart(alt.NamedData(LINES)).encode(
        **place, detail=alt.Detail(field="line"), order=alt.Order(field="at", type="quantitative")
    )
    return [
        chart.mark_line(color="#00000099", strokeWidth=width + 1.5),
        chart.mark_line(strokeWidth=width).encode(color=value["color"]),
    ]


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
