"""Differences of two runs or setups, measure by measure, with their intervals."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from core.charts.chart import STYLE, AnyChart
from core.charts.palette import NEUTRAL, TRUTH, change_axis, names_axis, tips

# Rules and points by how the verdict begins: without a hue, which stand for things.
_HOLLOW = ({"color": NEUTRAL}, {"color": NEUTRAL, "fill": "transparent"})
LOOKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "differs": ({"style": STYLE}, {"style": STYLE, "filled": True}),
    "equivalent": ({"color": NEUTRAL}, {"color": NEUTRAL, "filled": True}),
    "cannot tell": _HOLLOW,
    "no verdict": _HOLLOW,
}
FORMS = (
    "Filled, in the colour of the text: differs. Filled and grey: equivalent. Hollow: cannot tell, "
    "or no verdict. Pale bands: the margins."
)


def differences(frame: pd.DataFrame) -> list[AnyChart]:
    """One line a measure, a panel a unit, since slopes are larger; FORMS says what marks mean.

    Args:
        frame: from `comparison_tables.table`.
    """
    slopes = frame["measure"].str.contains("uptake")
    panels = {"slope": frame[slopes], "share or probability": frame[~slopes]}
    return [_panel(part, unit) for unit, part in panels.items() if len(part)]


def _panel(frame: pd.DataFrame, unit: str) -> AnyChart:
    title, ticks = f"difference, first minus second ({unit})", change_axis(tickCount=7)
    y = alt.Y(
        "measure:N", sort=frame["measure"].tolist(), title=None, axis=names_axis(minExtent=130)
    )
    forms = dict.fromkeys(("first", "second"), ".3f")
    forms |= dict.fromkeys(("difference", "from", "to"), "+.3f")
    zero = alt.Chart(pd.DataFrame({"difference": [0.0]})).mark_rule(color=TRUTH, strokeDash=[4, 3])
    layers: list[AnyChart] = [zero.encode(x=alt.X("difference:Q", axis=ticks))]
    bands = frame[frame["margin"].notna()].assign(below=-frame["margin"])
    band = alt.Chart(bands).mark_rule(strokeWidth=14, color=NEUTRAL, opacity=0.2).encode(
        y=y, x=alt.X("below:Q", title=title, axis=ticks), x2=alt.X2("margin:Q")
    )  # fmt: skip
    layers.append(band)
    for verdict, (line, point) in LOOKS.items():
        part = frame["verdict"].str.startswith(verdict)
        if not part.any():
            continue
        base = alt.Chart(frame[part]).encode(
            y=y, tooltip=tips("measure", "verdict", "margin", **forms)
        )
        rules = base.mark_rule(strokeWidth=2.5, **line)
        points = base.mark_point(size=80, strokeWidth=2, opacity=1, **point)
        layers += [
            rules.encode(x=alt.X("from:Q", title=title, axis=ticks), x2=alt.X2("to:Q")),
            points.encode(x=alt.X("difference:Q", title=title, axis=ticks)),
        ]
    return alt.layer(*layers).properties(height=30 * len(frame) + 62)
