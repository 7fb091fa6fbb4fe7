"""Curves over a grid: a measure minus balanced, over the strength of the skew or the size."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import NEUTRAL, TRUTH, setup_encoding, tips

_APART = 0.012  # of the axis, between the setups at one place


def curve(
    frame: pd.DataFrame, setups: list[str], over: str, title: str, ends: tuple[float, float]
) -> AnyChart:
    """One panel: a curve a setup with its intervals, the noise of balanced runs as a band about 0.

    Args:
        frame: rows of `core.results.dose.table` of one measure.
        setups: of all panels, in their order: each has its colour and its place.
        over: column of the axis, `strength` or `size`.
        title: of the vertical axis, with the unit.
        ends: of the vertical axis, which panels of one measure share.
    """
    at, width = frame[over].astype(float), max(float(frame[over].max()), 1e-9)
    aside = frame["setup"].map({s: i - (len(setups) - 1) / 2 for i, s in enumerate(setups)})
    frame = frame.assign(at=at + aside * _APART * width * at.gt(0))
    names = {"strength": "strength of the skew", "size": "training rows"}
    x = alt.X("at:Q", title=names[over], scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=6))
    scale = alt.Scale(domain=list(ends), nice=False)

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6))

    noise = frame.groupby(over, as_index=False)["between_balanced"].max().dropna()
    noise = noise.assign(at=noise[over].astype(float), below=-noise["between_balanced"])
    zero = alt.Chart(pd.DataFrame({"difference": [0.0]})).mark_rule(strokeDash=[4, 3], color=TRUTH)
    encoding = setup_encoding(setups)
    base = alt.Chart(frame).encode(x=x)
    forms = dict.fromkeys(("value", "difference", "low", "high", "between_balanced"), ".3f")
    forms |= {over: "~g", "cramers_v": ".3f", "mutual_information_bits": ".4f"}
    return alt.layer(
        alt.Chart(noise)
        .mark_area(color=NEUTRAL, opacity=0.2, clip=True)
        .encode(x=x, y=y("below"), y2=alt.Y2("between_balanced:Q")),
        zero.encode(y=y("difference")),
        base.mark_line(strokeWidth=1.5).encode(y=y("difference"), color=encoding["color"]),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2.5)
        .encode(y=y("low"), y2=alt.Y2("high:Q"), color=encoding["color"]),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            y=y("difference"), **encoding, tooltip=tips("setup", "verdict", "seeds", **forms)
        ),
    ).properties(height=240)
