"""Colours and shapes: a setup and a language look the same in every chart.

Both carry a shape beside the colour, so that a reader who does not see the colours still tells them
apart, and all colours keep a contrast of about 3 to 1 on a white and on a dark ground (WCAG 2.2,
1.4.11).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import altair as alt

from core.results.names import SETUP_ORDER
from core.results.schema import StudyResults

# After Okabe and Ito (2008), as mid-tones.
SETUP_COLOURS = {
    "balanced": "#3B8BC4",
    "balanced (null)": "#8C8C8C",
    "imbalanced": "#D9731A",
    "imbalanced+cw": "#1FA37A",
    "balanced+entropy": "#8CC3E8",
    "balanced+entropy (null)": "#BDBDBD",
    "imbalanced+entropy": "#F0B27A",
    "imbalanced+cw+entropy": "#82CFB4",
    "imported": "#A66BB8",
}
SETUP_SHAPES = {
    "balanced": "circle",
    "balanced (null)": "triangle-up",
    "imbalanced": "square",
    "imbalanced+cw": "diamond",
    "balanced+entropy": "circle",
    "balanced+entropy (null)": "triangle-up",
    "imbalanced+entropy": "square",
    "imbalanced+cw+entropy": "diamond",
    "imported": "cross",
}
# Searched for the largest distance (CIE Lab) between any two as seen with normal, protan and deutan
# vision (Machado, Oliveira and Fernandes 2009), among mid-tones. After eight languages the colours
# come again with other shapes.
LANGUAGE_COLOURS = (
    "#3C9CB4",
    "#FC6000",
    "#8418FC",
    "#C0846C",
    "#B4306C",
    "#4860A8",
    "#8478FC",
    "#CC0024",
)
LANGUAGE_SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
    "stroke",
)
TRUTH = "#888888"
TRAINING = "#B98B6A"
NEUTRAL = "#8C8C8C"
SEQUENTIAL = ("#EAF2F9", "#1F6BA8")
# Below 0 orange, above 0 blue: told apart with every kind of colour vision.
DIVERGING = ("#C8641B", "#F2F2F2", "#2F7AB5")


def names_axis(**more: Any) -> alt.Axis:
    """An axis of names; Streamlit's theme would push those at its ends off their places."""
    return alt.Axis(labelFlush=False, labelLimit=220, **more)


def change_axis(**more: Any) -> alt.Axis:
    """An axis of differences: signed, with as many digits as it takes, and a bare 0."""
    written = "datum.value == 0 ? '0' : format(datum.value, '+~g')"
    return alt.Axis(labelExpr=written, labelFlush=False, **more)


def tips(*fields: str, **formats: str) -> list[alt.Tooltip]:
    """Tooltips of columns as they are, then of numbers with their formats.

    Channels are spelt out here and in the charts: for a shorthand in a string altair looks through
    all its classes, 15 ms each.
    """
    plain = [alt.Tooltip(field=field, type="nominal") for field in fields]
    numbers = [
        alt.Tooltip(field=field, type="quantitative", format=form)
        for field, form in formats.items()
    ]
    return plain + numbers


def setup_encoding(
    setups: Iterable[str], column: str = "setup", legend: alt.Legend | None = None
) -> dict[str, Any]:
    """Colour and shape channels for a column of setup names."""
    given = set(setups)
    shown = [s for s in SETUP_ORDER if s in given]
    shown += sorted(given - set(shown))
    shape = alt.Scale(domain=shown, range=[SETUP_SHAPES.get(s, "cross") for s in shown])
    colour = alt.Scale(domain=shown, range=[SETUP_COLOURS.get(s, NEUTRAL) for s in shown])
    return {
        "color": alt.Color(f"{column}:N", scale=colour, legend=legend),
        "shape": alt.Shape(f"{column}:N", scale=shape, legend=legend),
    }


def language_encoding(
    document: StudyResults, column: str = "language", *, legend: bool = True
) -> dict[str, Any]:
    """Colour and shape channels for a column of languages.

    A language's colour follows from its place among all languages of the study, whichever of them
    a chart shows.
    """
    languages = list(document["languages"])
    colours, shapes = LANGUAGE_COLOURS, LANGUAGE_SHAPES
    key = alt.Legend(title="language") if legend else None
    return {
        "color": alt.Color(
            f"{column}:N",
            scale=alt.Scale(
                domain=languages, range=[colours[i % len(colours)] for i in range(len(languages))]
            ),
            legend=key,
        ),
        "shape": alt.Shape(
            f"{column}:N",
            scale=alt.Scale(
                domain=languages, range=[shapes[i % len(shapes)] for i in range(len(languages))]
            ),
            legend=key,
        ),
    }
