"""Tables of language by label, and of run by run, as heatmaps with their numbers in the cells."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from core.charts import AnyChart
from core.charts.palette import DIVERGING, NEUTRAL, SEQUENTIAL, names_axis, short_names, tips

SHOWN = ("counts", "shares", "difference from uniform")
ALL = "all"


def joint_cells(counts: pd.DataFrame, shown: str) -> pd.DataFrame:
    """Cells of a joint distribution, with its marginals.

    Args:
        counts: rows by language (down) and label (across), or shares.
        shown: of SHOWN, what a cell's `value` is; shares are of all rows, differences
            are shares minus those of the uniform distribution.

    Returns:
        `language`, `label` (`all` for a marginal), `value`, `margin`.
    """
    table = counts.astype(float)
    table.loc[ALL] = table.sum()
    table[ALL] = table.sum(axis=1)
    if shown != "counts":
        table = table / table.loc[ALL, ALL]
    if shown == "difference from uniform":
        uniform = pd.DataFrame(1.0, index=counts.index, columns=counts.columns)
        table = (table - joint_table(uniform)).round(12) + 0.0  # no -0.0
    cells = table.rename_axis("language").reset_index()
    cells = cells.melt("language", var_name="label", value_name="value")
    return cells.assign(margin=(cells["language"] == ALL) | (cells["label"] == ALL))


def joint_table(counts: pd.DataFrame) -> pd.DataFrame:
    """Shares of all rows, with the marginals as a last row and column."""
    table = counts / counts.to_numpy().sum()
    table.loc[ALL] = table.sum()
    table[ALL] = table.sum(axis=1)
    return table


def joint(counts: pd.DataFrame, shown: str, title: str = "") -> AnyChart:
    """The joint distribution of language and label, its marginals at the right and below.

    Args:
        counts: rows by language (down) and label (across).
        title: of a panel among others.
    """
    cells = joint_cells(counts, shown)
    unit = {"counts": "rows", "shares": "share of all rows"}.get(shown, "share minus uniform")
    form = {"counts": ",.0f", "shares": ".1%"}.get(shown, "+.1%")
    # Colours mean the same in every panel: the strongest is an empty cell, or twice its due.
    uniform = 1 / counts.size
    upper = {"counts": None, "shares": 2 * uniform}.get(shown, uniform)
    return heatmap(
        cells,
        x="label",
        y="language",
        form=form,
        unit=unit,
        order_x=[*map(str, counts.columns), ALL],
        order_y=[*map(str, counts.index), ALL],
        diverging=shown == "difference from uniform",
        title=title,
        upper=upper,
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
    scale = alt.Scale(domain=[0, upper], range=list(SEQUENTIAL), clamp=True)
    if diverging:
        scale = alt.Scale(domain=[-upper, 0, upper], range=list(DIVERGING), clamp=True)
    tooltip = [*tips(x, y), alt.Tooltip("value:Q", format=form, title=unit)]
    base = alt.Chart(frame).encode(**axes, tooltip=tooltip)
    text = alt.Text("value:Q", format=form)
    # The cells look the same in both themes, and so do the numbers on them.
    numbers = {
        f"!datum.margin && abs(datum.value) > {0.6 * upper}": "white",
        f"!datum.margin && abs(datum.value) <= {0.6 * upper}": "#222222",
        "datum.margin": NEUTRAL,
    }
    layers = [
        base.transform_filter("!datum.margin")
        .mark_rect(cornerRadius=2)
        .encode(color=alt.Color("value:Q", scale=scale, legend=None)),
        *(
            base.transform_filter(where).mark_text(fontSize=11, color=colour).encode(text=text)
            for where, colour in numbers.items()
        ),
    ]
    named = {"title": title} if title else {}
    return alt.layer(*layers).properties(
        height=lines * len(order_y) + (100 if title else 60) + (70 if slant else 0), **named
    )


def shared_rows(shared: pd.DataFrame, runs: list[dict[str, Any]]) -> AnyChart:
    """Rows that two runs share, a run a row and a column.

    Args:
        shared: from `overlap.shared_rows`.
        runs: of the study, for the names.
    """
    names = short_names(runs)
    cells = pd.DataFrame(
        {"run": shared["run"].map(names), "other": shared["other"].map(names), "value": shared["n"]}
    )
    order = [names[run] for run in dict.fromkeys(shared["run"])]
    chart = heatmap(
        cells,
        x="other",
        y="run",
        form=",d",
        unit="rows in both",
        order_x=order,
        order_y=order,
        slant=-40,
    )
    return chart
