"""Colours and shapes: a setup and a language look the same in every chart.

Both carry a shape beside the colour, so that a reader who does not see the colours still tells them
apart, and all colours keep a contrast of about 3 to 1 on a white and on a dark ground (WCAG 2.2,
1.4.11).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import altair as alt

from core.results.names import further_setups, setups_in_order
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
# Of setups with other mitigations than the paper's: each a colour and shape of its own.
FURTHER_COLOURS = LANGUAGE_COLOURS[2:]
FURTHER_SHAPES = LANGUAGE_SHAPES[2:]
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


def setup_look(setup: str) -> tuple[str, str]:
    """Colour and shape of a setup, the same in every chart; of several mitigations, by its name."""
    if setup in SETUP_COLOURS:
        return SETUP_COLOURS[setup], SETUP_SHAPES[setup]
    known = further_setups()
    place = known.index(setup) if setup in known else zlib.crc32(setup.encode())
    colour = FURTHER_COLOURS[place % len(FURTHER_COLOURS)]
    return colour, FURTHER_SHAPES[place % len(FURTHER_SHAPES)]


def setup_encoding(
    setups: Iterable[str], column: str = "setup", legend: alt.Legend | None = None
) -> dict[str, Any]:
    """Colour and shape channels for a column of setup names."""
    shown = setups_in_order(setups)
    colours, shapes = zip(*map(setup_look, shown), strict=True) if shown else ((), ())
    shape = alt.Scale(domain=shown, range=list(shapes))
    colour = alt.Scale(domain=shown, range=list(colours))
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
