"""The upper half of the page Tokens: cumulative differences and the parts of the uptake."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import token_reading
from core.figures import tokens as figures
from pages import drawing, view


def draw(
    study: dict[str, Any], document: dict[str, Any], label: str, setup: str, seed: int
) -> None:
    """What one setup does to one class, then what carries the change of the uptake."""
    name = study["study"]
    minus = figures.has_null(document, setup, seed) and view.switch(
        "Minus the null",
        "minus-null",
        help="The null is another balanced model: what differs between it and the reference is "
        "noise and selection. Off: the null stands beside each bar.",
    )
    drawing.show(figures.cumulative(study, document, label, setup, seed, minus_null=minus))
    with st.expander("As a table"):
        drawing.show_table(figures.cumulative_table(name, document, label, setup, seed))
    with st.expander("Tokens a text and means a token"):
        drawing.show_table(figures.per_token_table(name, document, label, setup, seed))
    with st.expander("Share of tokens in each group of the reference"):
        drawing.show_table(figures.shares_table(name, document))
    if document["decomposition"]:
        n = token_reading.amount(document, label, setup, seed)
        drawing.show(figures.decomposition(name, document, n, minus_null=minus))
