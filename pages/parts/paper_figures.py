"""The parts of the page Paper that need attributions: figures 1 to 3, and the threshold study."""

from __future__ import annotations

import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import paper as figures
from core.paper import directions as paper_directions
from core.paper import published as paper
from core.paper import whole as paper_whole
from core.results import references
from core.results.schema import Attributions, StudyResults
from core.text import escaped
from pages.shared import address, drawing, job_button, study_data

BARS = {"paper": "As in the paper", "crossed": "Cross-fitted"}


def draw(started: Started, study: StudyResults, corpus: str, encoder: str) -> None:
    """One figure's directions and panels."""
    figure = _figure(encoder)
    threshold = address.choose(
        "Threshold of the token groups (probability)",
        "threshold",
        tuple(paper.THRESHOLDS),
        0.01,
        widget=st.segmented_control,
    )
    document = _document(started, study, figure, threshold)
    if document is None:
        return
    tables = figures.directions(started.name, document, corpus, figure)
    st.markdown(paper_directions.reading([table.frame for table in tables]))
    for text in paper_whole.readings(
        document, _without(started, study, figure, threshold), study, figure
    ):
        st.markdown(text)
    for table in tables:
        drawing.show_block(table)
    chosen = address.choose("Bars", "bars", tuple(BARS), show=BARS.__getitem__,
                         widget=st.segmented_control)  # fmt: skip
    st.caption(paper_directions.WHY_TWO)
    panels = figures.panels(study, document, figure, crossed=chosen == "crossed")
    if not panels:
        st.info("Cross-fitting needs a second balanced model with attributions.")
    for panel in panels:
        drawing.show(panel)


def thresholds(started: Started, study: StudyResults, encoder: str) -> None:
    """Shares of the token groups at the paper's three thresholds."""
    figure = _figure(encoder)
    documents = {}
    for threshold in paper.THRESHOLDS:
        document = _document(started, study, figure, threshold)
        if document is None:
            return
        documents[threshold] = document
    drawing.show_block(figures.thresholds(started.name, documents))
    st.caption("The panels at each threshold are under *figures*.")


def _figure(encoder: str) -> int:
    return address.choose(
        "Figure",
        "figure",
        paper.figures_of(encoder),
        show=lambda figure: f"figure {figure}: {paper.FIGURES[figure]}",
    )


def _document(
    started: Started, study: StudyResults, figure: int, threshold: float
) -> Attributions | None:
    """Attributions read against the balanced setup of a figure; says how to make missing ones."""
    name, reference = started.name, f"balanced{paper.suffix_of(figure)}"
    try:
        kept = references.available(started)
    except InputError as error:
        st.error(escaped(str(error)))
        return None
    if kept and reference in references.references(started):
        return study_data.attributions(started, reference, threshold, next(iter(kept)))
    there = {run["setup"] for run in study["runs"]}
    if reference in there:
        st.info(f"No attributions of {reference}: `python -m core attribute {name}` makes them.")
        job_button.ask("attribute", name, {"study": name}, "Explain 20 texts a language")
    else:
        st.info(f"Figure {figure} is read against {reference}, which this study does not have.")
    return None


def _without(
    started: Started, study: StudyResults, figure: int, threshold: float
) -> Attributions | None:
    """Attributions without equation 3, to read figure 3 against."""
    if figure != 3 or "balanced" not in references.references(started):
        return None
    return _document(started, study, 1, threshold)
