"""Two-way tables as coloured cells with their numbers."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import (
    DIVERGING,
    SEQUENTIAL,
    dark_from,
    names_axis,
    tips,
)


def heatmap(
    cells: pd.DataFrame,
    *,
    x: str,
    y: str,
    form: str,
    unit: str,
    order_x: list[str],
    order_y: list[str],
    diverging: bool = False,
    title: str = "",
    upper: float | None = None,
    lines: int = 30,
    slant: int = 0,
) -> AnyChart:
    """Cells coloured by `value`, with the number in each; those of a `margin` are not coloured.

    Args:
        cells: `value` and the columns named x and y; `margin` where some are marginals.
        form: of the numbers.
        unit: of the numbers, for the tooltip.
        diverging: 0 is the middle of the colours.
        upper: value of the strongest colour; by default the largest in a cell.
        lines: height of a row.
        slant: of the labels above, in degrees; slanted ones get more room.
    """
    frame = cells if "margin" in cells else cells.assign(margin=False)
    inner = frame.loc[~frame["margin"], "value"].abs()
    upper = upper or float(inner.max() or 1) if len(inner) else 1.0
    bare = {"domain": False, "ticks": False}
    axes: dict[str, Any] = {
        "x": alt.X(
            f"{x}:N",
            sort=order_x,
            title=x,
            axis=names_axis(labelAngle=slant, labelOverlap=False, orient="top", **bare),
        ),
        "y": alt.Y(f"{y}:N", sort=order_y, title=None, axis=names_axis(**bare)),
    }
    scale = alt.Scale(domain=[0, upper], range=list(SEQUENTIAL), clamp=True, interpolate="lab")
    if diverging:
        scale = alt.Scale(
            domain=[-upper, 0, upper], range=list(DIVERGING), clamp=True, interpolate="lab"
        )
    tooltip = [*tips(x, y), alt.Tooltip("value:Q", format=form, title=unit)]
    base = alt.Chart(frame).encode(**axes, tooltip=tooltip)
    text = alt.Text("value:Q", format=form)
    # The cells look the same in both themes, and so do the numbers on them.
    if diverging:  # from the middle to either end
        below, above = dark_from(DIVERGING[1::-1]), dark_from(DIVERGING[1:])
        strong = f"(datum.value > {above * upper} || datum.value < {-below * upper})"
    else:
        strong = f"datum.value > {dark_from(SEQUENTIAL) * upper}"
    numbers: dict[str, dict[str, Any]] = {
        f"!datum.margin && {strong}": {"color": "white"},
        f"!datum.margin && !({strong})": {"color": "black"},
        "datum.margin": {},
    }
    layers = [
        base.transform_filter("!datum.margin")
        .mark_rect(cornerRadius=2)
        .encode(color=alt.Color("value:Q", scale=scale, legend=None)),
        *(
            base.transform_filter(where).mark_text(fontSize=11, **look).encode(text=text)
            for where, look in numbers.items()
        ),
    ]
    named = {"title": title} if title else {}
    return alt.layer(*layers).properties(
        height=lines * len(order_y) + (100 if title else 60) + (70 if slant else 0), **named
    )
