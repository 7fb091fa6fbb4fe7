"""Setups beside balanced training: accuracy against skew uptake, and measure by measure."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import STYLE, AnyChart
from core.charts.comparison import LOOKS
from core.charts.palette import NEUTRAL, TRUTH, change_axis, names_axis, tips

# Where a setup acts, by shape: the hues are those of single setups.
STAGES = {
    "none": "cross",
    "data": "square",
    "loss": "circle",
    "after training": "triangle-up",
}
HEIGHT = 560
NULLS = "between balanced"
_LINE = 15 / 400  # of a label, as a share of the plot, of which axis and key take their part
_ENDS = ["accuracy low", "accuracy high", "uptake low", "uptake high"]


def trade_off(
    frame: pd.DataFrame, nulls: pd.DataFrame, margins: tuple[float, float] | None
) -> AnyChart:
    """Accuracy against skew uptake, both minus balanced; names in a column, joined to their points.

    Args:
        frame: `name`, `stage` (of STAGES), `equivalent`, `seeds`, `uptake`, `accuracy` and the ends
            of both, such as `uptake low` (may be missing).
        nulls: `uptake` and `accuracy` of pairs of balanced runs.
        margins: of uptake and accuracy.
    """
    given = pd.concat([frame, nulls])
    wide, high = margins or (0.0, 0.0)
    left, right = _span(given, "uptake", wide)
    low, top = _span(given, "accuracy", high)
    column = right + 0.04 * (right - left)  # of the names
    end = column + 0.32 * (right - left)
    ticks = change_axis(values=_ticks(left, right))
    y_scale = alt.Scale(domain=[low, top], nice=False, zero=False)
    x_scale = alt.Scale(domain=[left, end], nice=False, zero=False)

    def x(field: str) -> alt.X:
        title = "skew uptake minus balanced (slope)"
        return alt.X(f"{field}:Q", title=title, scale=x_scale, axis=ticks)

    def y(field: str) -> alt.Y:
        title = "accuracy minus balanced (share right)"
        return alt.Y(f"{field}:Q", title=title, scale=y_scale, axis=change_axis(tickCount=6))

    layers: list[AnyChart] = []
    if margins:
        box = pd.DataFrame([{"l": -wide, "r": wide, "b": -high, "t": high}])
        band = alt.Chart(box).mark_rect(color=NEUTRAL, opacity=0.25)
        layers.append(band.encode(x=x("l"), x2=alt.X2("r:Q"), y=y("b"), y2=alt.Y2("t:Q")))
    for axis in ({"x": x("zero")}, {"y": y("zero")}):
        rule = alt.Chart(pd.DataFrame({"zero": [0.0]}))
        layers.append(rule.mark_rule(color=TRUTH, strokeDash=[4, 3]).encode(**axis))
    if len(nulls):
        cloud = alt.Chart(nulls).mark_text(text="×", fontSize=16, color=NEUTRAL)
        layers.append(cloud.encode(x=x("uptake"), y=y("accuracy")))
    placed = frame.assign(place=_apart(frame["accuracy"], low, top), column=column)
    base = alt.Chart(placed)
    names = list(STAGES)
    shapes = alt.Scale(domain=names, range=list(STAGES.values()))
    key = alt.Legend(title="acts on", orient="top", symbolOpacity=1, symbolStrokeColor=NEUTRAL)
    forms = dict.fromkeys(["uptake", "accuracy", *_ENDS], "+.3f")
    tooltip = tips("name", "stage", "seeds", **forms)
    layers += [
        base.mark_rule(color=NEUTRAL, opacity=0.45, strokeWidth=0.8).encode(
            x=x("uptake"), x2=alt.X2("column:Q"), y=y("accuracy"), y2=alt.Y2("place:Q")
        ),
        base.mark_rule(color=NEUTRAL, strokeWidth=1.2).encode(
            x=x("uptake low"), x2=alt.X2("uptake high:Q"), y=y("accuracy")
        ),
        base.mark_rule(color=NEUTRAL, strokeWidth=1.2).encode(
            y=y("accuracy low"), y2=alt.Y2("accuracy high:Q"), x=x("uptake")
        ),
    ]
    for filled in placed["equivalent"].unique().tolist():
        part = alt.Chart(placed[placed["equivalent"] == filled])
        points = part.mark_point(style=STYLE, filled=filled, size=95, strokeWidth=2)
        layers.append(
            points.encode(
                x=x("uptake"),
                y=y("accuracy"),
                shape=alt.Shape("stage:N", scale=shapes, legend=key),
                tooltip=tooltip,
            )
        )
    labels = base.mark_text(align="left", dx=4, fontSize=12)
    layers.append(labels.encode(x=x("column"), y=y("place"), text=alt.Text("name:N")))
    return alt.layer(*layers).properties(height=HEIGHT)


def forest(
    frame: pd.DataFrame,
    nulls: list[float],
    order: list[str],
    measure: str,
    unit: str,
    margin: float | None,
) -> AnyChart:
    """One line a setup: a measure minus balanced with its interval; below, what is noise.

    Args:
        frame: `name`, `verdict`, `difference`, `low`, `high` (may be missing).
        nulls: differences between balanced runs.
        order: names from top to bottom.
        measure: its title.
        unit: its unit.
        margin: of the measure.
    """
    title = f"minus balanced ({unit})"
    lines = [*order, NULLS] if nulls else order
    y = alt.Y("name:N", sort=lines, title=None, axis=names_axis(), scale=alt.Scale(domain=lines))
    axis = change_axis(tickCount=5, titleAnchor="end")
    x = alt.X("difference:Q", title=title, axis=axis)
    layers: list[AnyChart] = []
    if margin is not None:
        box = pd.DataFrame([{"from": -margin, "to": margin}])
        band = alt.Chart(box).mark_rect(color=NEUTRAL, opacity=0.2)
        layers.append(band.encode(x=alt.X("from:Q", title=title, axis=axis), x2=alt.X2("to:Q")))
    zero = alt.Chart(pd.DataFrame({"difference": [0.0]})).mark_rule(color=TRUTH, strokeDash=[4, 3])
    layers.append(zero.encode(x=x))
    forms = dict.fromkeys(("difference", "low", "high"), "+.3f")
    for verdict, (line, point) in LOOKS.items():
        part = frame[frame["verdict"].str.startswith(verdict)]
        if part.empty:
            continue
        base = alt.Chart(part).encode(y=y, tooltip=tips("name", "verdict", **forms))
        rules = base.mark_rule(strokeWidth=2.5, **line)
        points = base.mark_point(size=80, strokeWidth=2, opacity=1, **point)
        layers += [
            rules.encode(x=alt.X("low:Q", title=title, axis=axis), x2=alt.X2("high:Q")),
            points.encode(x=x),
        ]
    noise = pd.DataFrame({"name": NULLS, "difference": nulls})
    crosses = alt.Chart(noise).mark_text(text="×", fontSize=16, color=NEUTRAL)
    layers.append(crosses.encode(x=x, y=y, tooltip=tips("name", difference="+.3f")))
    return alt.layer(*layers).properties(height=22 * len(lines) + 96, title=measure)


def _span(frame: pd.DataFrame, name: str, margin: float) -> tuple[float, float]:
    """Ends of an axis on which all points, intervals and margins have room."""
    values = frame[[c for c in frame if c.startswith(name)]].to_numpy(dtype=float).ravel()
    values = [-margin, margin, *values[values == values]]
    room = 0.05 * (max(values) - min(values)) or 0.01
    return min(values) - room, max(values) + room


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from one end to the other, five to ten of them."""
    raw = (high - low) / 10
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * next(x for x in (1, 2, 5, 10) if x * power >= raw)
    first, last = np.ceil(low / step), np.floor(high / step)
    return [round(float(i * step), 10) for i in np.arange(first, last + 1)]


def _apart(values: pd.Series, low: float, high: float) -> list[float]:
    """Heights near the values, far enough from each other for a line of text."""
    line = min(_LINE, 1 / max(1, len(values))) * (high - low)
    order = values.sort_values(ascending=False, kind="stable").index
    place: dict[int, float] = {}
    above = high + line / 2
    for i in order:  # from the top, each below the one before
        above = min(float(values[i]), above - line)
        place[i] = above
    below = low - line / 2
    for i in reversed(order):  # and back up, where the last ones fell off
        below = max(place[i], below + line)
        place[i] = below
    return [place[i] for i in values.index]
