"""The pages, each with the question that it answers, in the order of the navigation."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st


class Entry(NamedTuple):
    """A page of the dashboard.

    Attributes:
        path: its file, from the folder of app.py.
        title: in the navigation.
        question: what a reader opens it for.
    """

    path: str
    title: str
    question: str


OVERVIEW = "pages/overview.py"
PAGES = (
    Entry(OVERVIEW, "Overview", "Do the models of a study copy the skew, and what does it cost?"),
    Entry("pages/train.py", "Train", "What would this study take, and how far is it?"),
    Entry("pages/runs.py", "Runs", "Which runs are there, how good, how large, and how trained?"),
    Entry("pages/data.py", "Data", "Is a corpus skewed, where, and what is wrong with it?"),
    Entry("pages/predictions.py", "Predictions", "What is predicted in which language?"),
    Entry("pages/latent.py", "Latent space", "Do the CLS vectors give the language away?"),
    Entry("pages/tokens.py", "Tokens", "Which tokens carry the skew?"),
    Entry("pages/sentence.py", "Try a sentence", "What do the models make of my own sentences?"),
    Entry("pages/paper.py", "Paper", "Does the study show what the paper did?"),
    Entry("pages/compare.py", "Compare", "In what do setups differ, beyond chance or not?"),
    Entry("pages/mitigation.py", "Mitigation", "Which remedy helps, and what does it cost?"),
)


def list_questions() -> None:
    """Every other page with its question and a link, which keeps what is chosen."""
    others = [entry for entry in PAGES if entry.path != OVERVIEW]
    for start in range(0, len(others), 2):
        for place, entry in zip(st.columns(2), others[start : start + 2], strict=False):
            place.page_link(entry.path, label=f"**{entry.title}**: {entry.question}")
