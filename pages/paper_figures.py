"""The parts of the page Paper that need attributions: figures 1 to 3, and the threshold study."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import paper, paper_figures
from core.attribution import compared
from core.errors import InputError
from core.figures import paper as figures
from core.words import escaped
from pages import background, common, drawing, view


def draw(study: dict[str, Any], corpus: str, encoder: str) -> None:
    """One figure's directions and panels."""
    name = study["study"]
    figure = _figure(encoder)
    threshold = view.choose(
        "Threshold of the token groups (probability)",
        "threshold",
        tuple(paper.THRESHOLDS),
        0.01,
        widget=st.segmented_control,
    )
    document = _document(study, figure, threshold)
    if document is None:
        return
    for text in paper_figures.readings(document, _without(study, figure, threshold), study, figure):
        st.markdown(text)
    for table in figures.directions(name, document, corpus, figure):
        drawing.show_block(table)
    crossed = view.switch(
        "Cross-fitted",
        "crossed",
        help="Beyond the paper: groups are chosen by the balanced model of another seed.",
    )
    panels = figures.panels(study, document, figure, crossed=crossed)
    if not panels:
        st.info("Cross-fitting needs a second balanced model with attributions.")
    for panel in panels:
        drawing.show(panel)


def thresholds(study: dict[str, Any], encoder: str) -> None:
    """Shares of the token groups at the paper's three thresholds."""
    figure = _figure(encoder)
    documents = {}
    for threshold in paper.THRESHOLDS:
        document = _document(study, figure, threshold)
        if document is None:
            return
        documents[threshold] = document
    drawing.show_block(figures.thresholds(study["study"], documents))
    st.caption("The panels at each threshold are under *figures*.")


def _figure(encoder: str) -> int:
    return view.choose(
        "Figure",
        "figure",
        paper.figures_of(encoder),
        show=lambda figure: f"figure {figure}: {paper.FIGURES[figure]}",
    )


def _document(study: dict[str, Any], figure: int, threshold: float) -> dict[str, Any] | None:
    """Attributions read against the balanced setup of a figure; says how to make missing ones."""
    name, reference = study["study"], f"balanced{paper.suffix_of(figure)}"
    try:
        kept = compared.available(name)
    except InputError as error:
        st.error(escaped(str(error)))
        return None
    if kept and reference in compared.references(name):
        return common.attributions(name, reference, threshold, next(iter(kept)))
    there = {run["setup"] for run in study["runs"]}
    if reference in there:
        st.info(f"No attributions of {reference}: `python -m core attribute {name}` makes them.")
        background.ask("attribute", name, {"study": name}, "Explain 20 texts a language")
    else:
        st.info(f"Figure {figure} is read against {reference}, which this study does not have.")
    return None


def _without(study: dict[str, Any], figure: int, threshold: float) -> dict[str, Any] | None:
    """Attributions without equation 3, to read figure 3 against."""
    if figure != 3 or "balanced" not in compared.references(study["study"]):
        return None
    return _document(study, 1, threshold)
