"""Differences from balanced on a slice, on the whole test set, and on slices by chance."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import TRUTH, names_axis, setup_encoding, tips


def differences(frame: pd.DataFrame, title: str) -> AnyChart:
    """A setup a line: the slice's difference with its interval, the whole's, a band of chance.

    Args:
        frame: `setup`, `difference`, `low`, `high`, `whole`, `whole low`, `whole high`,
            `chance low`, `chance high`, `n`, `seeds`.
        title: of the axis, with the unit.
    """
    numbers = ["difference", "low", "high", "whole", "whole low", "whole high"]
    numbers += ["chance low", "chance high"]
    frame = frame.assign(**{name: frame[name].astype(float) for name in numbers})
    y = alt.Y("setup:N", sort=frame["setup"].tolist(), title=None, axis=names_axis())

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=title, axis=alt.Axis(tickCount=4, format="~%"))

    told = tips(
        "setup", "seeds", "n", **dict.fromkeys(("difference", "low", "high", "whole"), ".3f")
    )
    colour = setup_encoding(frame["setup"])
    base = alt.Chart(frame)
    band = (
        base.transform_filter("isValid(datum['chance low'])")
        .mark_bar(height=16, color=TRUTH, opacity=0.25)
        .encode(y=y, x=x("chance low"), x2=alt.X2("chance high"), tooltip=told)
    )
    whole = base.mark_point(shape="stroke", angle=90, size=260, color=TRUTH, strokeWidth=2).encode(
        y=y, x=x("whole"), tooltip=told
    )
    rules = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2.5).encode(
        y=y, x=x("low"), x2=alt.X2("high"), color=colour["color"], tooltip=told
    )  # fmt: skip
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        y=y, x=x("difference"), **colour, tooltip=told
    )
    zero = alt.Chart(pd.DataFrame({"difference": [0.0]})).mark_rule(strokeDash=[4, 3], color=TRUTH)
    layers = alt.layer(zero.encode(x=x("difference")), band, whole, rules, points)
    return layers.properties(height=42 * len(frame) + 62)
