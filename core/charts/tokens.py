"""Attributions as charts: cumulative differences, parts of the uptake, the tokens of one text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts.chart import STYLE, AnyChart
from core.charts.palette import (
    AWAY,
    GROUP_COLOURS,
    GROUP_MARKS,
    NEUTRAL,
    SIDE_MARKS,
    SIDES,
    TOWARDS,
    TRUTH,
    change_axis,
    names_axis,
    setup_encoding,
    tips,
)
from core.measures.cumulative import PARTS
from core.results.names import PART_NAMES, language_order
from core.results.schema import Attributions, RelianceRow, StudyResults
from core.results.token_tables import chosen, seeds_of
from core.text import signed

DECOMPOSED = (*PARTS, "total")
_ZERO = alt.InlineData(values=[{"value": 0}])
# The four parts, and set apart what they add up to.
_SUM, _GAP = "= total", " "
_LINES = [*(PART_NAMES[part] for part in PARTS), _GAP, _SUM]
FULL = 0.62  # opacity of the strongest colour behind a text, which has to be read on it


def cumulative(
    study: StudyResults,
    document: Attributions,
    label: str,
    setup: str,
    seed: int | None,
    *,
    crossed: bool = False,
) -> list[AnyChart]:
    """Cumulative differences of one class: a panel for each part, a language a line (figure 1).

    Args:
        study: from `study_results.summary`, for the order of languages.
        seed: None for the mean over seeds.
        crossed: cross-fitted, else as in the paper.
    """
    order = [x for x in language_order(study) if x in document["languages"]]
    rows = [
        {
            "language": f"{r['language']} {SIDE_MARKS[r['side'] or 'even']}",
            "place": order.index(r["language"]),
            "side": r["side"] or "even",
            "part": r["group"],
            "value": r["value"],
            "low": r["low"],
            "high": r["high"],
            "noise": r["between_balanced"],
            "less": None if r["between_balanced"] is None else -r["between_balanced"],
            "texts": r["n_texts"],
            "tokens": r["tokens"],
        }
        for r in chosen(document, "rows", setup, seed, crossed=crossed)
        if r["label"] == label
    ]
    frame = pd.DataFrame(rows).sort_values("place")
    numbers = ["value", "low", "high", "noise", "less"]
    frame[numbers] = frame[numbers].astype(float)
    reach = float(frame[numbers].abs().max().max()) * 1.05 or 1.0
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    return [_part(frame[frame["part"] == part], part, scale) for part in PARTS]


def _part(frame: pd.DataFrame, part: str, scale: alt.Scale) -> AnyChart:
    y = alt.Y("language:N", sort=None, title=None, axis=names_axis())
    axis = change_axis(tickCount=3, title="probability")
    x = alt.X("value:Q", scale=scale, axis=axis)
    colour = alt.Color(
        "side:N",
        scale=alt.Scale(domain=list(SIDES), range=list(SIDES.values())),
        legend=None,
    )
    tooltip = tips(
        "language", "side", "texts", "tokens", value="+.3f", low="+.3f", high="+.3f", noise=".3f"
    )
    base = alt.Chart()  # the frame is given once, to all layers
    layers: list[Any] = []
    if frame["noise"].notna().any():
        layers.append(
            base.mark_bar(
                size=20, color=NEUTRAL, fillOpacity=0.25, stroke=NEUTRAL, strokeWidth=1
            ).encode(
                y=y,
                x=alt.X("less:Q", scale=scale, axis=axis),
                x2=alt.X2("noise:Q"),
                tooltip=tooltip,
            )
        )
    layers += [
        base.mark_bar(size=11).encode(y=y, x=x, color=colour, tooltip=tooltip),
        base.mark_rule(strokeWidth=1.5, style=STYLE).encode(
            y=y, x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q"), tooltip=tooltip
        ),
    ]
    zero = alt.Chart(_ZERO).mark_rule(color=TRUTH)
    layers.append(zero.encode(x=alt.X("value:Q", scale=scale, axis=axis)))
    name = PART_NAMES[part]
    ours, _, papers = name.removesuffix(")").partition(" (")
    heading = alt.TitleParams(
        name if part == "base" else f"{ours} tokens",
        subtitle=f"({papers} in the paper)" if papers else " ",
        fontSize=13,
        subtitleFontSize=12,
        limit=200,  # not cut where panels are narrow
    )
    return alt.layer(*layers, data=frame).properties(title=heading, height=36 * len(frame) + 90)


def sides_legend(with_noise: bool) -> AnyChart:
    """What colours and marks of the cumulative differences mean."""
    entries = [
        (f"{SIDE_MARKS['over']} over-represented", "", SIDES["over"]),
        (f"{SIDE_MARKS['under']} under-represented", "", SIDES["under"]),
    ]
    if with_noise:
        entries.append(("between balanced models", "", NEUTRAL))
    return _key(entries)


def tokens_legend() -> AnyChart:
    """What colours and signs of the bars of one text mean."""
    pushes = [("towards the class", "", TOWARDS), ("away from it", "", AWAY)]
    groups = [(PART_NAMES[g], mark, GROUP_COLOURS[g]) for g, mark in GROUP_MARKS.items()]
    return _key([*pushes, *groups])


def _key(entries: list[tuple[str, str, str]]) -> AnyChart:
    """Names with their signs, or squares, two beside each other: that fits the narrowest page."""
    frame = pd.DataFrame(entries, columns=["entry", "mark", "colour"])
    frame["across"], frame["down"] = frame.index % 2, frame.index // 2
    rows = int(frame["down"].max()) + 1
    scale = alt.Scale(domain=[-0.5, rows - 0.5], nice=False, reverse=True)
    base = alt.Chart().encode(
        x=alt.X("across:Q", axis=None, scale=alt.Scale(domain=[0, 2], nice=False, range=[0, 350])),
        y=alt.Y("down:Q", axis=None, scale=scale),
    )
    colour = alt.Color("colour:N", scale=None, legend=None)
    squares = base.transform_filter("datum.mark == ''").mark_square(size=70, xOffset=8)
    signs = base.mark_text(dx=8, fontSize=15, fontWeight="bold", baseline="middle")
    marks = [squares.encode(color=colour), signs.encode(text=alt.Text("mark:N"), color=colour)]
    names = base.mark_text(align="left", dx=19, fontSize=12, baseline="middle").encode(
        text=alt.Text("entry:N")
    )
    height = 22 * rows + 14
    return alt.layer(*marks, names, data=frame).properties(width=400, height=height)  # in files


def decomposition(document: Attributions, *, crossed: bool = False) -> AnyChart:
    """Parts of the change of the soft uptake, a part a line, the setups beside each other.

    From three seeds on their mean with its interval, and the seeds as small points; else a seed's
    own.
    """
    setups = list(dict.fromkeys(r["setup"] for r in document["decomposition"]))
    rows = []
    for setup in setups:
        seeds = seeds_of(document, setup)
        for seed in seeds:
            rows += [
                {
                    "part": _SUM if r["part"] == "total" else PART_NAMES[r["part"]],
                    "setup": setup,
                    "seed": "mean" if seed is None else str(seed),
                    "value": r["value"],
                    "low": r["low"] if seed is None or None not in seeds else None,
                    "high": r["high"] if seed is None or None not in seeds else None,
                    "size": 25 if None in seeds and seed is not None else 80,
                    "texts": r["n_texts"],
                }
                for r in chosen(document, "decomposition", setup, seed, crossed=crossed)
                if r["part"] in DECOMPOSED and r["value"] is not None
            ]
    frame = pd.DataFrame(rows)
    encoding = setup_encoding(setups, legend=alt.Legend(title=None, orient="top", columns=2))
    y = alt.Y("part:N", sort=_LINES, title=None, axis=names_axis(), scale=alt.Scale(domain=_LINES))
    offset = alt.YOffset("setup:N", sort=setups)
    axis = change_axis(tickCount=5, title="change of soft uptake (slope)")
    tooltip = tips("part", "setup", "seed", "texts", value="+.3f", low="+.3f", high="+.3f")
    size = alt.Size("size:Q", scale=None, legend=None)
    base = alt.Chart()
    zero = alt.Chart(_ZERO).mark_rule(color=TRUTH, strokeDash=[4, 3])
    return alt.layer(
        zero.encode(x=alt.X("value:Q", axis=axis)),
        base.mark_rule(strokeWidth=2).encode(
            y=y, yOffset=offset, x=alt.X("low:Q", axis=axis), x2=alt.X2("high:Q"),
            color=encoding["color"], tooltip=tooltip,
        ),
        base.mark_point(filled=True, opacity=1).encode(
            y=y, yOffset=offset, x=alt.X("value:Q", axis=axis), size=size, **encoding,
            tooltip=tooltip,
        ),
        data=frame,
    ).properties(height=(18 * len(setups) + 16) * len(_LINES))  # fmt: skip


def reliance(rows: list[RelianceRow]) -> list[AnyChart]:
    """What neutral tokens carry over thresholds: the amount, and the share of the change beside
    the share of the tokens.
    """
    frame = pd.DataFrame(
        [
            {
                "setup": r["setup"],
                "threshold": r["threshold"],
                "value": r["value"],
                "low": r["ci"][0],
                "high": r["ci"][1],
                "share": r["share"],
                "tokens": r["neutral_share_of_tokens"],
            }
            for r in rows
        ]
    ).astype({"share": float})
    setups = list(dict.fromkeys(frame["setup"]))
    key = alt.Legend(title=None, orient="top", columns=1, symbolOpacity=1)  # not the area's
    encoding = setup_encoding(setups, legend=key)
    ends = [float(frame["threshold"].min()), float(frame["threshold"].max())]
    scale = alt.Scale(type="log", domain=ends, nice=False)
    axis = alt.Axis(values=[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1], format="~g")
    x = alt.X("threshold:Q", scale=scale, axis=axis, title="threshold (probability)")
    tooltip = tips("setup", threshold="~g", value="+.3f", low="+.3f", high="+.3f", share=".0%",
                   tokens=".0%")  # fmt: skip
    base = alt.Chart().encode(x=x)
    noise = _noise(rows[0]["standard_error"], ends, scale)
    amount = alt.Y("value:Q", axis=change_axis(tickCount=5), title="change of soft uptake")
    left = [
        alt.Chart(_ZERO).mark_rule(color=TRUTH, strokeDash=[4, 3]).encode(y=amount),
        base.mark_area(opacity=0.2).encode(
            y=alt.Y("low:Q", axis=change_axis(tickCount=5), title="change of soft uptake"),
            y2=alt.Y2("high:Q"), color=encoding["color"],
        ),
        base.mark_line(strokeWidth=2).encode(y=amount, color=encoding["color"]),
        base.mark_point(filled=True, size=45, opacity=1).encode(
            y=amount, **encoding, tooltip=tooltip
        ),
    ]  # fmt: skip
    percent = alt.Axis(format="%", tickCount=5)
    share = alt.Y("share:Q", axis=percent, title="share (dashed: of the tokens)")
    of_tokens = alt.Y("tokens:Q", axis=percent)
    right = [
        base.mark_line(strokeWidth=2, strokeDash=[5, 4]).encode(
            y=of_tokens, detail=alt.Detail("setup:N"), color=alt.value(TRUTH)
        ),
        base.mark_line(strokeWidth=2).encode(y=share, color=encoding["color"]),
        base.mark_point(filled=True, size=45, opacity=1).encode(
            y=share, **encoding, tooltip=tooltip
        ),
    ]
    height = 300 + 20 * len(setups)  # with legend and axis
    return [
        alt.layer(*layers, *noise, data=frame).properties(height=height) for layers in (left, right)
    ]


def _noise(error: float | None, ends: list[float], scale: alt.Scale) -> list[Any]:
    """A vertical rule at the standard error of a value, with its name."""
    if error is None or not ends[0] <= error <= ends[1]:
        return []
    given = alt.InlineData(values=[{"threshold": error, "said": f"standard error {error:.3f}"}])
    base = alt.Chart(given).encode(x=alt.X("threshold:Q", scale=scale))
    return [
        base.mark_rule(color=TRUTH, strokeWidth=1.5),
        base.mark_text(align="right", baseline="top", dx=-5, dy=4, fontSize=12).encode(
            y=alt.value(0), text=alt.Text("said:N")
        ),
    ]


def one_text(frame: pd.DataFrame, value: str) -> AnyChart:
    """A bar a token in the text's order, in its colour in the text (`marked`), with the sign of the
    token's group in the reference beside it.

    Args:
        frame: from `tokens.one_text`.
        value: `reference`, `other` or `difference`.
    """
    largest = strongest(frame)
    given = frame.assign(
        name=[
            f"{p:>3} {t.strip() or '␣'}"
            for p, t in zip(frame["position"], frame["token"], strict=True)
        ],
        colour=[shade(v, largest, FULL) for v in frame[value]],
        edge=[TOWARDS if v > 0 else AWAY for v in frame[value]],
        mark=frame["group"].map(GROUP_MARKS),
        sign=frame["group"].map(GROUP_COLOURS),
        group=frame["group"].map(PART_NAMES),
    )
    title = "difference of SHAP values" if value == "difference" else "SHAP value"
    axis = change_axis(tickCount=4)
    x = alt.X(f"{value}:Q", title=f"{title} (probability)", axis=axis)
    room = names_axis(labelOverlap=False, labelPadding=22)  # the signs stand in it
    base = alt.Chart().encode(y=alt.Y("name:N", sort=None, title=None, axis=room))
    tooltip = tips("token", "group", reference="+.4f", other="+.4f", difference="+.4f")
    bars = base.mark_bar(size=12, strokeWidth=1).encode(
        x=x,
        color=alt.Color("colour:N", scale=None, legend=None),
        stroke=alt.Stroke("edge:N", scale=None, legend=None),
        tooltip=tooltip,
    )
    signs = base.mark_text(fontSize=15, fontWeight="bold", baseline="middle").encode(
        x=alt.value(-11),
        text=alt.Text("mark:N"),
        color=alt.Color("sign:N", scale=None, legend=None),
        tooltip=tooltip,
    )
    return alt.layer(bars, signs, data=given).properties(height=18 * len(given) + 80)


def strongest(frame: pd.DataFrame) -> float:
    """The value of the strongest colour of a text: its largest, of whichever sign."""
    return float(frame[["reference", "other", "difference"]].abs().max().max())


def shade(value: float, largest: float, full: float) -> str:
    """The colour of a value, as CSS: that of its sign, the fainter the nearer it is to 0.

    Args:
        largest: value of the strongest colour.
        full: opacity of that.
    """
    strength = min(1.0, abs(value) / largest) if largest > 0 else 0.0
    colour = TOWARDS if value > 0 else AWAY
    channels = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return f"rgba({channels},{full * strength:.2f})"


def marked(tokens: Sequence[str], values: Sequence[float], largest: float, language: str) -> str:
    """A text as HTML whose tokens are coloured by value, and underlined: those that push towards
    the class with a line, those that push away from it with dots.

    Everything of the text is escaped; each run of the text finds its own direction.

    Args:
        largest: value of the strongest colour.
        language: its code; empty if it is not known.
    """
    parts = []
    for token, value in zip(tokens, values, strict=True):
        line = f"2px {'solid' if value > 0 else 'dotted'} {shade(value, largest, 1)}"
        shown = html.escape(token) or "&#9251;"
        parts.append(
            f'<span title="{signed(value, 3)}" style="background:{shade(value, largest, FULL)};'
            f'border-bottom:{line};border-radius:3px;padding:1px 0">{shown}</span>'
        )
    tongue = f' lang="{html.escape(language)}"' if language else ""
    style = "line-height:1.9;white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<div dir="auto"{tongue} style="{style}">{"".join(parts)}</div>'
