"""The reader: one test text, wherever it was chosen, with all that is known of it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.results import reader, references
from core.results.schema import RunResults
from core.text import escaped
from pages.shared import drawing, study_data


def show(study: Started, runs: list[RunResults], row: str | None, *, here: str = "") -> None:
    """A text with its translations, what all runs predict, and links to it on other pages.

    Args:
        runs: finished ones.
        row: its id; None shows nothing.
        here: the page's own file, which needs no link.
    """
    if row is None:
        return
    file = study_data.texts_file(study)
    try:
        found = _read(study, runs, row, file, names=tuple(run["run"] for run in runs))
    except InputError as error:
        st.warning(escaped(str(error)))
        return
    with st.container(border=True):
        st.markdown(f"#### The text: {escaped(found.language)}, labelled {escaped(found.label)}")
        isolate = drawing.texts_in(found.texts)
        shown = ["language", *isolate]
        name = f"{study.name}-text-{row[:12]}"
        drawing.table(found.texts, name, None, shown, isolate=isolate)
        if len(found.texts) > 1:
            st.markdown(_says(found))
        drawing.table(found.predicted, f"{name}-predictions")
        _links(study, row, here)


def _links(study: Started, row: str, here: str) -> None:
    """The same text on other pages, where they have it."""
    try:
        attributed = row in _attributed(study)
    except InputError:  # the page Tokens says what is wrong
        attributed = False
    places = {"pages/latent.py": "Its place in the latent space"}
    if attributed:
        places["pages/tokens.py"] = "Its tokens"
    link: dict[str, str | list[str]] = {"study": study.name, "row": row}
    with st.container(horizontal=True):
        for path, label in places.items():
            if path != here:
                st.page_link(path, label=f"{label} →", query_params=link)
        if here != "pages/predictions.py":
            there = {**link, "part": "texts"}
            st.page_link("pages/predictions.py", label="On Predictions →", query_params=there)


# Two queries a run; a page draws the same text at every move.
@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=study_data.RESULTS)
def _read(
    study: Started, _runs: list[RunResults], row: str, file: Path | None, *, names: tuple[str, ...]
) -> reader.Reading:
    return reader.read(_runs, row, file)


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs=study_data.ATTRIBUTIONS)
def _attributed(study: Started) -> set[str]:
    return references.attributed(study)


def _says(found: reader.Reading) -> str:
    """Which runs change their mind with the language."""
    n, of = len(found.changes), len(found.predicted)
    if not n:
        return f"None of the {of} runs changes its prediction with the language."
    return (
        f"**{n} of {of} runs** predict another class in another language: "
        f"{escaped(', '.join(found.changes))}."
    )
