"""Attributions as charts: cumulative differences, parts of the uptake, the tokens of one text."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from core.charts import AnyChart
from core.charts.palette import (
    NEUTRAL,
    TRUTH,
    change_axis,
    language_order,
    names_axis,
    setup_encoding,
    tips,
)
from core.measures.cumulative import PARTS

# Over-represented blue, under-represented orange, as values above and below 0 elsewhere.
SIDES = {"over": "#2F7AB5", "under": "#C8641B", "even": NEUTRAL}
SIDE_MARKS = {"over": "▲", "under": "▼", "even": "·"}
GROUP_COLOURS = {"positive": "#2F7AB5", "negative": "#C8641B", "neutral": NEUTRAL}
DECOMPOSED = (*PARTS, "language_reliance", "total")
_ZERO = alt.InlineData(values=[{"value": 0}])
_PART_NAMES = {"base": "base value", "language_reliance": "language reliance"}


def cumulative(
    study: dict[str, Any],
    document: dict[str, Any],
    label: str,
    setup: str,
    seed: int,
    *,
    minus_null: bool = False,
) -> list[AnyChart]:
    """Cumulative differences of one class: a panel for each part, a language a line (figure 1).

    Args:
        study: from `results.summary`, for the order of languages.
        document: from `attributed.attributions`.
        minus_null: draw the differences minus the null, without the null's own bars.
    """
    order = [x for x in language_order(study) if x in document["languages"]]
    name = "minus_null" if minus_null else "mean"
    ends = "minus_null_ci" if minus_null else "ci"
    rows = [
        {
            "language": f"{r['language']} {SIDE_MARKS[r['side'] or 'even']}",
            "place": order.index(r["language"]),
            "side": r["side"] or "even",
            "part": r["group"],
            "value": r[name],
            "low": (r[ends] or [None, None])[0],
            "high": (r[ends] or [None, None])[1],
            "null": r["null"],
            "null low": (r["null_ci"] or [None, None])[0],
            "null high": (r["null_ci"] or [None, None])[1],
            "texts": r["n_texts"],
            "tokens": r["n_tokens"],
        }
        for r in document["rows"]
        if (r["label"], r["setup"], r["seed"]) == (label, setup, seed)
    ]
    frame = pd.DataFrame(rows).sort_values("place")
    own, of_null = ["value", "low", "high"], ["null", "null low", "null high"]
    frame[own + of_null] = frame[own + of_null].astype(float)
    shown = own if minus_null else own + of_null
    reach = float(frame[shown].abs().max().max()) * 1.05 or 1.0
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    return [
        _part(frame[frame["part"] == part], part, scale, with_null=not minus_null) for part in PARTS
    ]


def _part(frame: pd.DataFrame, part: str, scale: alt.Scale, *, with_null: bool) -> AnyChart:
    y = alt.Y("language:N", sort=None, title=None, axis=names_axis())
    axis = change_axis(tickCount=3, title="probability")
    x = alt.X("value:Q", scale=scale, axis=axis)
    colour = alt.Color(
        "side:N",
        scale=alt.Scale(domain=list(SIDES), range=list(SIDES.values())),
        legend=None,
    )
    tooltip = tips(
        "language", "side", "texts", "tokens", value="+.3f", low="+.3f", high="+.3f", null="+.3f"
    )
    base = alt.Chart()  # the frame is given once, to all layers
    layers: list[Any] = [
        base.mark_bar(size=11, yOffset=-4 if with_null else 0).encode(
            y=y, x=x, color=colour, tooltip=tooltip
        ),
        base.mark_rule(strokeWidth=1.5, color=TRUTH, yOffset=-4 if with_null else 0).encode(
            y=y, x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q"), tooltip=tooltip
        ),
    ]
    if with_null and frame["null"].notna().any():
        layers += [
            base.mark_bar(size=5, yOffset=7, color=NEUTRAL, opacity=0.75).encode(
                y=y, x=alt.X("null:Q", scale=scale, axis=axis), tooltip=tooltip
            ),
            base.mark_rule(strokeWidth=1, color=TRUTH, yOffset=7).encode(
                y=y,
                x=alt.X("null low:Q", scale=scale, axis=axis),
                x2=alt.X2("null high:Q"),
                tooltip=tooltip,
            ),
        ]
    zero = alt.Chart(_ZERO).mark_rule(color=TRUTH)
    layers.append(zero.encode(x=alt.X("value:Q", scale=scale, axis=axis)))
    title = "base value" if part == "base" else f"{part} tokens"
    heading = alt.TitleParams(title, fontSize=13, limit=200)  # not cut where panels are narrow
    return alt.layer(*layers, data=frame).properties(title=heading, height=36 * len(frame) + 90)


def sides_legend(with_null: bool) -> AnyChart:
    """What colours and marks of the cumulative differences mean."""
    entries = [
        ("▲ over-represented", SIDES["over"]),
        ("▼ under-represented", SIDES["under"]),
    ]
    if with_null:
        entries.append(("thin: null", NEUTRAL))
    frame = pd.DataFrame(entries, columns=["entry", "colour"])
    base = alt.Chart().encode(x=alt.X("entry:N", sort=None, axis=None))
    points = base.mark_square(size=90, opacity=1).encode(
        color=alt.Color("colour:N", scale=None, legend=None)
    )
    names = base.mark_text(align="left", dx=9, fontSize=12, color=TRUTH).encode(
        text=alt.Text("entry:N")
    )
    return alt.layer(points, names, data=frame).properties(
        width=540, height=24
    )  # the width in files


def decomposition(document: dict[str, Any], *, minus_null: bool = False) -> AnyChart:
    """Parts of the change of the soft uptake, a part a line, the setups beside each other."""
    name, ends = ("minus_null", "minus_null_ci") if minus_null else ("mean", "ci")
    rows = [
        {
            "part": _PART_NAMES.get(r["part"], r["part"]),
            "setup": r["setup"],
            "seed": r["seed"],
            "value": r[name],
            "low": (r[ends] or [None, None])[0],
            "high": (r[ends] or [None, None])[1],
            "texts": r["n_texts"],
        }
        for r in document["decomposition"]
        if r["part"] in DECOMPOSED and r[name] is not None
    ]
    frame = pd.DataFrame(rows)
    setups = list(dict.fromkeys(frame["setup"]))
    parts = [_PART_NAMES.get(p, p) for p in DECOMPOSED]
    encoding = setup_encoding(setups, legend=alt.Legend(title=None, orient="top", columns=2))
    y = alt.Y("part:N", sort=parts, title=None, axis=names_axis())
    offset = alt.YOffset("setup:N", sort=setups)
    axis = change_axis(tickCount=5, title="change of soft uptake (slope)")
    tooltip = tips("part", "setup", "seed", "texts", value="+.3f", low="+.3f", high="+.3f")
    base = alt.Chart()
    zero = alt.Chart(_ZERO).mark_rule(color=TRUTH, strokeDash=[4, 3])
    return alt.layer(
        zero.encode(x=alt.X("value:Q", axis=axis)),
        base.mark_rule(strokeWidth=2).encode(
            y=y, yOffset=offset, x=alt.X("low:Q", axis=axis), x2=alt.X2("high:Q"),
            color=encoding["color"], tooltip=tooltip,
        ),
        base.mark_point(filled=True, size=80, opacity=1).encode(
            y=y, yOffset=offset, x=alt.X("value:Q", axis=axis), **encoding, tooltip=tooltip,
        ),
        data=frame,
    ).properties(height=(18 * len(setups) + 16) * len(parts))  # fmt: skip


def one_text(frame: pd.DataFrame, value: str) -> AnyChart:
    """A bar a token in the text's order, coloured by the token's group in the reference.

    Args:
        frame: from `tokens.one_text`.
        value: `reference`, `other` or `difference`.
    """
    given = frame.assign(
        name=[
            f"{p:>3} {t.strip() or '␣'}"
            for p, t in zip(frame["position"], frame["token"], strict=True)
        ]
    )
    colour = alt.Color(
        "group:N",
        scale=alt.Scale(domain=list(GROUP_COLOURS), range=list(GROUP_COLOURS.values())),
        legend=alt.Legend(title="group in the reference", orient="top"),
    )
    title = "difference of SHAP values" if value == "difference" else "SHAP value"
    x = alt.X(f"{value}:Q", title=f"{title} (probability)", axis=change_axis(tickCount=4))
    y = alt.Y("name:N", sort=None, title=None, axis=names_axis(labelOverlap=False))
    tooltip = tips("token", "group", reference="+.4f", other="+.4f", difference="+.4f")
    bars = alt.Chart(given).mark_bar(size=12).encode(x=x, y=y, color=colour, tooltip=tooltip)
    return bars.properties(height=18 * len(given) + 140)  # with legend and axis
