"""Tables of language by label, and of run by run, as heatmaps with their numbers in the cells."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.charts.chart import AnyChart
from core.charts.heatmap import heatmap
from core.results.names import short_names
from core.results.schema import Run

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


def shared_rows(shared: pd.DataFrame, runs: Sequence[Run]) -> AnyChart:
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
