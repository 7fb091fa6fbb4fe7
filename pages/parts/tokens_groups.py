"""The upper half of the page Tokens: cumulative differences and the parts of the uptake."""

from __future__ import annotations

import streamlit as st

from core.checkpoints.studies import Started
from core.figures import tokens as figures
from core.figures import tokens_sentences
from core.results import token_tables
from core.results.schema import Attributions, StudyResults
from pages.shared import address, drawing, study_data

CROSSED, PAPER = "crossed", "paper"
GROUPS = {CROSSED: "Cross-fitted", PAPER: "As in the paper"}


def choose_groups(document: Attributions, setup: str) -> bool:
    """Whether token groups are cross-fitted, where another balanced run can choose them."""
    options = list(GROUPS) if token_tables.can_cross(document, setup) else [PAPER]
    chosen = address.choose(
        "Token groups",
        "groups",
        options,
        widget=st.segmented_control,
        show=GROUPS.__getitem__,
        help="As in the paper, one balanced model chooses the groups and is subtracted too: then "
        "supporting tokens fall and opposing ones rise by selection alone. Cross-fitted, a "
        "balanced model of another seed chooses them; that takes two balanced runs.",
    )
    return chosen == CROSSED


def draw(
    started: Started,
    study: StudyResults,
    document: Attributions,
    label: str,
    setup: str,
    seed: int | None,
    *,
    crossed: bool,
) -> None:
    """What one setup does to one class, then what carries the change of the uptake.

    Args:
        seed: None for the mean over seeds.
    """
    name, of = started.name, (document, label, setup, seed)
    drawing.show(figures.cumulative(study, *of, crossed=crossed))
    with st.expander("As a table"):
        drawing.show_table(figures.cumulative_table(name, *of, crossed=crossed))
    with st.expander("Tokens a text and means a token"):
        drawing.show_table(figures.per_token_table(name, *of, crossed=crossed))
    with st.expander("Share of tokens in each group of the reference"):
        drawing.show_table(figures.shares_table(name, document))
    _uptake(started, document, label, setup, seed, crossed=crossed)


def _uptake(
    study: Started,
    document: Attributions,
    label: str,
    setup: str,
    seed: int | None,
    *,
    crossed: bool,
) -> None:
    """What carries the change of the soft uptake, which is of all texts."""
    name, reference, key = study.name, document["reference"], document["key"]
    of_all = study_data.attributions(study, reference, document["threshold"], key)
    if of_all is None or not of_all["decomposition"]:
        return
    n = tokens_sentences.amount(of_all, label, setup, seed)
    drawing.show(figures.decomposition(name, of_all, n, crossed=crossed))
    rows = study_data.reliance_curve(study, reference, key)
    if rows:
        drawing.show(figures.reliance(name, rows, setup, document["threshold"]))
        with st.expander("As a table"):
            drawing.show_table(figures.reliance_table(name, rows))
