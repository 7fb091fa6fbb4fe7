"""Differences of two runs or setups, measure by measure, with their intervals."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import NEUTRAL, TRUTH, names_axis, tips

# Colour and fill by how the verdict begins; told apart without the colours too.
LOOKS = {
    "differs": ("#2F7AB5", "#2F7AB5"),
    "equivalent": (NEUTRAL, NEUTRAL),
    "cannot tell": (NEUTRAL, "transparent"),
    "no verdict": (NEUTRAL, "transparent"),
}
FORMS = (
    "Filled and blue: differs. Filled and grey: equivalent. Hollow: cannot tell, or no verdict. "
    "Pale bands: the margins."
)


def differences(frame: pd.DataFrame) -> AnyChart:
    """One line a measure; FORMS says what the marks mean.

    Args:
        frame: from `comparison_tables.table`.
    """
    title, ticks = "difference, first minus second", alt.Axis(tickCount=7)
    y = alt.Y("measure:N", sort=frame["measure"].tolist(), title=None, axis=names_axis())
    forms = dict.fromkeys(("first", "second"), ".3f")
    forms |= dict.fromkeys(("difference", "from", "to"), "+.3f")
    zero = alt.Chart(pd.DataFrame({"difference": [0.0]})).mark_rule(color=TRUTH, strokeDash=[4, 3])
    layers: list[AnyChart] = [zero.encode(x=alt.X("difference:Q", axis=ticks))]
    bands = frame[frame["margin"].notna()].assign(below=-frame["margin"])
    band = alt.Chart(bands).mark_rule(strokeWidth=14, color=NEUTRAL, opacity=0.2).encode(
        y=y, x=alt.X("below:Q", title=title, axis=ticks), x2=alt.X2("margin:Q")
    )  # fmt: skip
    layers.append(band)
    for verdict, (colour, fill) in LOOKS.items():
        part = frame["verdict"].str.startswith(verdict)
        if not part.any():
            continue
        base = alt.Chart(frame[part]).encode(
            y=y, tooltip=tips("measure", "verdict", "margin", **forms)
        )
        rules = base.mark_rule(strokeWidth=2.5, color=colour)
        points = base.mark_point(size=80, strokeWidth=2, opacity=1, color=colour, fill=fill)
        layers += [
            rules.encode(x=alt.X("from:Q", title=title, axis=ticks), x2=alt.X2("to:Q")),
            points.encode(x=alt.X("difference:Q", title=title, axis=ticks)),
        ]
    return alt.layer(*layers).properties(height=30 * len(frame) + 60)
