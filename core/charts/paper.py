"""The paper's numbers beside a study's, with their intervals."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import NEUTRAL, TRUTH, change_axis, names_axis, tips

# Hollow and grey: published. Filled, in the colour of the text: here.
PUBLISHED, OURS = "the paper", "this study"
_COLOURS = {PUBLISHED: NEUTRAL, OURS: "#2F7AB5"}


def beside(frame: pd.DataFrame, title: str) -> list[AnyChart]:
    """Two panels: a measure by setup, and what setups differ by.

    Args:
        frame: `setup` and the columns of `paper_verdicts.SHOWN`, in the order shown.
        title: of the axis of the first panel, with the unit.
    """
    changes = frame["setup"].str.contains(" − ")
    return [
        _panel(frame[~changes], title, zero=False),
        _panel(frame[changes], "difference of setups", zero=True),
    ]


def _panel(frame: pd.DataFrame, title: str, *, zero: bool) -> AnyChart:
    sources = {
        PUBLISHED: ("published", "published from", "published to"),
        OURS: ("ours", "from", "to"),
    }
    rows = [
        {"setup": row["setup"], "source": source, "value": row[v], "low": row[low], "high": row[hi]}
        for row in frame.to_dict("records")
        for source, (v, low, hi) in sources.items()
        if row[v] == row[v]
    ]
    given = pd.DataFrame(rows)
    order = frame["setup"].tolist()
    axis = change_axis(tickCount=4) if zero else alt.Axis(tickCount=4)
    lines = "split(replace(datum.label, ' − ', '|− '), '|')"  # a difference in two lines
    y = alt.Y("setup:N", sort=order, title=None, axis=names_axis(labelExpr=lines))
    colour = alt.Color(
        "source:N",
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
        legend=None,
    )
    form = "+.3f" if zero else ".3f"
    tooltip = tips("setup", "source", value=form, low=form, high=form)
    layers: list[AnyChart] = []
    if zero:
        line = alt.Chart(pd.DataFrame({"value": [0.0]})).mark_rule(strokeDash=[4, 3], color=TRUTH)
        layers.append(line.encode(x=alt.X("value:Q", axis=axis)))
    for source, place in ((PUBLISHED, -6), (OURS, 6)):
        base = alt.Chart(given[given["source"] == source])
        fill = "transparent" if source == PUBLISHED else _COLOURS[OURS]

        def x(column: str) -> alt.X:
            return alt.X(f"{column}:Q", title=title, axis=axis, scale=alt.Scale(zero=zero))

        layers += [
            base.mark_rule(strokeWidth=2, yOffset=place).encode(
                y=y, x=x("low"), x2=alt.X2("high:Q"), color=colour, tooltip=tooltip
            ),
            base.mark_point(size=70, strokeWidth=2, opacity=1, fill=fill, yOffset=place).encode(
                y=y, x=x("value"), color=colour, tooltip=tooltip
            ),
        ]
    return alt.layer(*layers).properties(height=40 * len(order) + 62)


def legend(*, ours: bool) -> AnyChart:
    """What the marks of `beside` mean.

    Args:
        ours: whether the study has a value at all.
    """
    shown = [PUBLISHED, OURS] if ours else [PUBLISHED]
    frame = pd.DataFrame({"source": shown, "place": [0.0, 130.0][: len(shown)]})
    x = alt.X("place:Q", axis=None, scale=alt.Scale(domain=[-10, 530], nice=False))
    colour = alt.Color(
        "source:N",
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
        legend=None,
    )
    layers: list[AnyChart] = []
    for source in shown:
        fill = "transparent" if source == PUBLISHED else _COLOURS[OURS]
        points = alt.Chart(frame[frame["source"] == source])
        layers.append(
            points.mark_point(size=70, strokeWidth=2, opacity=1, fill=fill).encode(
                x=x, color=colour
            )
        )
    names = alt.Chart(frame).mark_text(align="left", dx=9, fontSize=12, color=TRUTH)
    layers.append(names.encode(x=x, text=alt.Text("source:N")))
    return alt.layer(*layers).properties(width=540, height=24)
