"""A measure over the setups of a study: means with intervals, seeds as dots."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import TRUTH, names_axis, setup_encoding, tips
from core.text import signed


def over_setups(
    setups: pd.DataFrame,
    runs: pd.DataFrame,
    title: str,
    *,
    zero: bool = False,
    percent: bool = False,
    noise: float | None = None,
) -> AnyChart:
    """One line a setup, its value and interval written beside it.

    Args:
        setups: `setup`, `value`, `low`, `high`, `seeds` (`seeds.over_seeds`).
        runs: `setup`, `seed`, `value`; drawn where a setup has several seeds.
        title: of the axis, with the unit.
        zero: the axis starts at 0, with a line there.
        percent: values are written in hundredths.
        noise: half the width of a band about 0.
    """
    digits = 1 if percent and setups["value"].abs().max() < 0.1 else 0
    # An axis label in two lines: the theme colours it, light or dark.
    write = (lambda x: signed(100 * x, digits)) if percent else signed
    unit = "\u00a0%" if percent else ""
    name = {s: f"{s}|{_written(v, lo, hi, write, unit)}" for s, v, lo, hi in _four(setups)}
    frame = setups.assign(line=setups["setup"].map(name), low=setups["low"].astype(float))
    frame["high"] = frame["high"].astype(float)
    lines = frame["line"].tolist()
    axis = names_axis(labelExpr="split(datum.label, '|')", labelOverlap=False)
    y = alt.Y("line:N", sort=lines, title=None, axis=axis)
    scale = alt.Scale(zero=zero)
    # In a narrow card the title reaches to the left.
    ticks = alt.Axis(tickCount=4, titleAnchor="end", format="~%" if percent else alt.Undefined)
    encoding = setup_encoding(frame["setup"])
    tooltip = tips("setup", "seeds", value=".3f", low=".3f", high=".3f")
    low = alt.X("low:Q", title=title, scale=scale, axis=ticks)
    rules = alt.Chart(frame.dropna(subset=["low", "high"])).mark_rule(strokeWidth=2.5).encode(
        y=y, x=low, x2=alt.X2("high:Q"), color=encoding["color"], tooltip=tooltip
    )  # fmt: skip
    means = alt.Chart(frame).mark_point(filled=True, size=110, opacity=1).encode(
        y=y, x=alt.X("value:Q", title=title, scale=scale, axis=ticks), **encoding,
        tooltip=tooltip,
    )  # fmt: skip
    layers = [rules, means]
    several = runs[runs.groupby("setup")["seed"].transform("size") > 1]
    if len(several):
        dots = several.assign(line=several["setup"].map(name))
        layers.append(
            alt.Chart(dots)
            .mark_point(size=45, strokeWidth=1.5, yOffset=-9)
            .encode(
                y=y,
                x=alt.X("value:Q"),
                color=encoding["color"],
                tooltip=tips("setup", "seed", value=".3f"),
            )
        )
    if zero:
        rule = alt.Chart(pd.DataFrame({"value": [0.0]})).mark_rule(strokeDash=[4, 3], color=TRUTH)
        layers.insert(0, rule.encode(x=alt.X("value:Q")))
    if noise is not None:
        ends = pd.DataFrame({"low": [-noise], "high": [noise]})
        band = alt.Chart(ends).mark_rect(color=TRUTH, opacity=0.18)
        layers.insert(0, band.encode(x=alt.X("low:Q", title=title), x2="high:Q"))
    return alt.layer(*layers).properties(height=42 * len(frame) + 62)


def _four(setups: pd.DataFrame) -> list[tuple[str, float, float, float]]:
    columns = ["setup", "value", "low", "high"]
    return list(setups[columns].itertuples(index=False, name=None))


def _written(
    value: float,
    low: float | None,
    high: float | None,
    write: Callable[[float], str],
    unit: str,
) -> str:
    if low is None or low != low or high is None:
        return f"{write(value)}{unit}"
    return f"{write(value)}{unit} [{write(low)}, {write(high)}]"
