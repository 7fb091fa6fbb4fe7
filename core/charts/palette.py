"""Colours and shapes: one thing looks the same in every chart, and two things never look alike.

Setups, languages, the sides of a skew, pushes towards and away from a class, and token groups each
have hues of their own. All carry a shape or a sign beside the colour, for a reader who does not see
it, and have a contrast of 3 to 1 or more on a white and on a dark ground (WCAG 2.2, 1.4.11).

The colours were searched for among mid-tones for the largest distances (CIE Lab) between any two of
a kind as seen with normal, protan, deutan and tritan vision (Machado, Oliveira and Fernandes 2009),
and between kinds; tests/charts/test_palette.py has what they keep.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from core.results.names import further_setups, setups_in_order
from core.results.schema import StudyResults

# Setups with the entropy loss have the hue of those without it.
SETUP_COLOURS = {
    "balanced": "#0B9BE9",
    "balanced (null)": "#7E8E91",
    "imbalanced": "#DE6B15",
    "imbalanced+cw": "#1A743C",
    "balanced+entropy": "#1F78BB",
    "balanced+entropy (null)": "#5C655D",
    "imbalanced+entropy": "#BA692B",
    "imbalanced+cw+entropy": "#5D8F70",
    "imported": "#9B3A9C",
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
# After eight languages the colours come again with other shapes.
LANGUAGE_COLOURS = (
    "#DF1508",
    "#AF8E56",
    "#249ED0",
    "#940FFF",
    "#216F50",
    "#D20297",
    "#8971F7",
    "#E06F93",
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
# Of setups with other mitigations than the paper's: one of these colours, a shape of its own.
FURTHER_COLOURS = tuple(SETUP_COLOURS.values())[3:]
FURTHER_SHAPES = (
    "triangle-down",
    "triangle-right",
    "triangle-left",
    "stroke",
    "M0,-1L.3,-.3L1,-.3L.45,.15L.65,.9L0,.45L-.65,.9L-.45,.15L-1,-.3L-.3,-.3Z",  # a star
    "M-.9,0L-.45,-.8H.45L.9,0L.45,.8H-.45Z",  # a hexagon
    "M-.8,-.9H.8L-.8,.9H.8Z",  # an hourglass
)
# For a class, languages that were over- or under-represented in training, or neither.
NEUTRAL = "#8C8C8C"
SIDES = {"over": "#00A2B7", "under": "#E0163C", "even": NEUTRAL}
SIDE_MARKS = {"over": "▲", "under": "▼", "even": "·"}
# A value or difference that pushes towards a class, or away from it.
TOWARDS, AWAY = "#6255D3", "#B18B07"
GROUP_COLOURS = {"positive": "#2E9E2B", "negative": "#E600B5", "neutral": NEUTRAL}
GROUP_MARKS = {"positive": "+", "negative": "\u2212", "neutral": "·"}
TRUTH = "#888888"
TRAINING = "#8A7A5C"
# Amounts have no hue; a difference from an even distribution has those of its two sides.
SEQUENTIAL = ("#F0F1F3", "#556072")
DIVERGING = (SIDES["under"], "#F2F2F2", SIDES["over"])


def dark_from(colours: Sequence[str]) -> float:
    """Share of the way from the first to the last colour from where white is read, black no more.

    Colours between are those of CIE Lab, in which lightness goes straight; at lightness 49.5 black
    and white are read equally well.
    """
    first, last = (_lightness(colours[i]) for i in (0, -1))
    return min(1.0, (first - 49.5) / max(first - last, 1e-9))


def _lightness(colour: str) -> float:
    """CIE L* of a colour."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    y = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * float(y ** (1 / 3)) - 16 if y > 0.008856 else 903.3 * y


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
