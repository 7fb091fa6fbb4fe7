"""What the page Compare compares: one or more sides, the baseline and the margins."""

from __future__ import annotations

import streamlit as st

from pages.shared import address

Sides = dict[str, tuple[str, list[str]]]


def choose(sides: Sides) -> tuple[list[str], str, float]:
    """Those that are compared (without the baseline itself), the baseline, the margins."""
    places = st.columns([4, 2, 1])
    usual = "imbalanced" if "imbalanced" in sides else next(reversed(sides))
    with places[0]:
        firsts = address.choose_some(
            "Compare",
            "a",
            list(sides),
            [usual],
            show=lambda x: sides[x][0],
            always=True,
            placeholder="setups or runs",
        )
    with places[1]:
        other = next((x for x in sides if x not in firsts), next(iter(sides)))
        baseline = address.choose(
            "With the baseline", "b", list(sides), other, show=lambda x: sides[x][0], always=True
        )
    with places[2]:
        margins = address.choose(
            "Margins",
            "margins",
            (0.5, 1.0, 2.0),
            1.0,
            show=lambda x: "as usual" if x == 1 else f"× {x:g}",
            help="A difference that is smaller is of no consequence: equivalent. The usual ones "
            "are accuracy .01 (the paper's smallest loss), uptake .10 (less than a third of the "
            "paper's), language effect and calibration .02, base values and language "
            "identification .05.",
        )
    return [side for side in firsts if side != baseline], baseline, margins
