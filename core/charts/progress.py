"""How a run trains: losses and speed by step."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import setup_encoding, tips

_COLOURS = {"training": "#3B8BC4", "validation": "#D9731A"}


def losses(lines: pd.DataFrame) -> AnyChart:
    """Training loss at each logging step, validation loss at each evaluation.

    Args:
        lines: from `monitoring.curves`.
    """
    long = lines.rename(columns={"loss": "training", "validation_loss": "validation"}).melt(
        ["step", "epoch"], list(_COLOURS), var_name="loss", value_name="value"
    )
    colour = alt.Color(
        "loss:N",
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
        legend=alt.Legend(title=None, orient="top"),
    )
    base = alt.Chart(long.dropna()).encode(
        x=alt.X("step:Q", title="optimiser step"),
        y=alt.Y("value:Q", title="loss (nats)", scale=alt.Scale(zero=False)),
        color=colour,
        tooltip=tips("loss", step=".0f", epoch=".2f", value=".4f"),
    )
    epochs = base.transform_filter(alt.datum.loss == "validation").mark_point(filled=True, size=50)
    return alt.layer(base.mark_line(), epochs).properties(height=280)


def _top_of_speed(lines: pd.DataFrame) -> float:
    """Where the axis of speed ends: well above the usual points, whatever single ones are."""
    rates = lines["samples_per_second"].dropna()
    return float(min(rates.max(), 1.5 * rates.median())) if len(rates) else 1.0


def above_axis(lines: pd.DataFrame) -> int:
    """Points of `speed` that lie above its axis."""
    return int((lines["samples_per_second"] > _top_of_speed(lines)).sum())


def speed(lines: pd.DataFrame) -> AnyChart:
    """Training rows a second at each logging step; the axis is that of the usual ones."""
    scale = alt.Scale(domain=[0, _top_of_speed(lines)])
    return (
        alt.Chart(lines.dropna(subset=["samples_per_second"]))
        .mark_line(color=_COLOURS["training"], clip=True)
        .encode(
            x=alt.X("step:Q", title="optimiser step"),
            y=alt.Y("samples_per_second:Q", title="samples per second", scale=scale),
            tooltip=tips(step=".0f", samples_per_second=".1f"),
        )
        .properties(height=280)
    )


def overlay(lines: pd.DataFrame, title: str) -> AnyChart:
    """The loss of several runs, a line each, in the colours of their setups.

    Args:
        lines: `run`, `setup`, `step`, `epoch`, `loss`.
        title: of the axis, without its unit.
    """
    look = setup_encoding(
        lines["setup"], legend=alt.Legend(title=None, orient="top", columns=4, labelLimit=260)
    )
    base = alt.Chart(lines).encode(
        x=alt.X("step:Q", title="optimiser step"),
        y=alt.Y("loss:Q", title=f"{title} (nats)", scale=alt.Scale(zero=False)),
        color=look["color"],
        detail=alt.Detail("run:N"),
        tooltip=tips("run", step=".0f", epoch=".2f", loss=".4f"),
    )
    # Few points are evaluations; of many, some tell the setups apart without their colours.
    every = max(1, len(lines) // max(1, lines["run"].nunique()) // 12)
    marked = lines[lines.groupby("run").cumcount() % every == 0]
    points = base.properties(data=marked).mark_point(filled=True, size=45, opacity=1)
    return alt.layer(
        base.mark_line(strokeWidth=1.5), points.encode(shape=look["shape"])
    ).properties(height=320)
