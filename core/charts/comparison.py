"""Differences of two runs or setups, measure by measure, with their intervals."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts import AnyChart
from core.charts.palette import NEUTRAL, TRUTH, names_axis

# Filled and blue: beyond chance. Hollow and grey: not, or not known.
_BEYOND = "#2F7AB5"


def differences(frame: pd.DataFrame) -> AnyChart:
    """One line a measure.

    Args:
        frame: from `comparison.table`.
    """
    base = alt.Chart(frame).encode(
        y=alt.Y("measure:N", sort=frame["measure"].tolist(), title=None, axis=names_axis()),
        color=alt.condition(
            "datum.verdict == 'beyond chance'", alt.value(_BEYOND), alt.value(NEUTRAL)
        ),
        tooltip=[
            "measure",
            *(alt.Tooltip(f"{c}:Q", format=".3f") for c in ("first", "second")),
            *(alt.Tooltip(f"{c}:Q", format="+.3f") for c in ("difference", "from", "to")),
            "verdict",
        ],
    )
    title = "difference, first minus second"
    zero = alt.Chart(pd.DataFrame({"difference": [0.0]})).mark_rule(color=TRUTH, strokeDash=[4, 3])
    ticks = alt.Axis(tickCount=7)
    rules = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("from:Q", title=title, axis=ticks), x2="to:Q"
    )
    points = base.mark_point(size=80, strokeWidth=2, opacity=1).encode(
        x=alt.X("difference:Q", title=title, axis=ticks),
        fill=alt.condition(
            "datum.verdict == 'beyond chance'", alt.value(_BEYOND), alt.value("transparent")
        ),
    )
    layers = alt.layer(zero.encode(x=alt.X("difference:Q", axis=ticks)), rules, points)
    return layers.properties(height=30 * len(frame) + 60)
