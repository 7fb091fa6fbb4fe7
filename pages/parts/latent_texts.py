"""Under the map of the page Latent space: the texts that stand out, and one text's neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import latent_sentences as reading
from core.results import latent, neighbours, references
from core.results.names import run_name
from core.results.projection import Projection
from core.results.schema import RunResults, StudyResults
from core.results.selection import Selection
from core.text import escaped, isolated
from pages.shared import address, drawing, study_data

LISTED = 1000  # texts in the table
OFFERED = 200  # texts in the select box


@dataclass(frozen=True)
class Shown:
    """What the map shows.

    Attributes:
        panel: key of the large panel.
        panels: of `latent.panels`.
        frame: of `latent.texts`.
        predicted: of `latent.predictions`, by run.
        selection: what is asked of texts that stand out.
        out: which texts (bool) do.
        text: place in `frame` of the text whose neighbours are shown; None without one.
        near: of `neighbours.of_text`, with `at`, the places of the neighbours in `frame`.
    """

    panel: str
    panels: Mapping[str, RunResults | None]
    frame: pd.DataFrame
    predicted: Mapping[str, pd.DataFrame]
    selection: Selection
    out: np.ndarray
    text: int | None = None
    near: pd.DataFrame | None = None

    @property
    def runs(self) -> list[RunResults]:
        """Those of the panels."""
        return [run for run in self.panels.values() if run is not None]


def chosen_text(
    study: Started, found: Projection, panel: str, frame: pd.DataFrame
) -> tuple[int | None, pd.DataFrame | None]:
    """The text of the link, and its neighbours in a panel, of `Shown`."""
    row = address.remember("row", None)
    places = np.flatnonzero(frame["row"] == row)
    if not len(places):
        return None, None
    if not found.same:
        return int(places[0]), None
    try:
        near = neighbours.of_text(study, panel, str(row), frame["row"])
    except InputError as error:
        st.error(escaped(str(error)))
        return int(places[0]), None
    return int(places[0]), near.assign(at=pd.Index(frame["row"]).get_indexer(pd.Index(near["row"])))


def draw(study: Started, document: StudyResults, found: Projection, shown: Shown) -> None:
    """The list of what stands out, and the neighbours of one text."""
    chosen = shown.frame[shown.out]
    if not shown.selection.is_empty:
        st.subheader("Selected texts")
        _list(document, shown, chosen)
    st.subheader("Nearest neighbours of a text")
    _choose(shown, chosen)
    if shown.text is None:
        st.info(
            "Choose a text above, or click a mark on the map, to see which texts lie nearest to it "
            "and in which languages they are."
        )
        return
    _one(study, found, shown)


def _list(document: StudyResults, shown: Shown, chosen: pd.DataFrame) -> None:
    if chosen.empty:
        st.info(
            "No text is all that is asked. Let go of the rectangle, choose other languages, or "
            "search for fewer letters."
        )
        return
    st.markdown(reading.selection_reading(document, shown.runs, chosen, shown.predicted))
    listed = chosen.head(LISTED)
    table, columns = latent.selection_table(listed, shown.runs, shown.predicted, document["labels"])
    if len(listed) < len(chosen):
        st.caption(f"The table has the first {len(listed):,} of {len(chosen):,} texts.")
    isolate = [column for column in latent.TEXTS if column in table]
    drawing.table(
        table,
        f"{document['study']}-selected-texts",
        latent.FORMATS,
        columns,
        isolate=isolate,
        on_select=_taken(f"table-{document['study']}-selected-texts", listed["row"].tolist()),
        selection_mode="single-row",
    )


def _taken(key: str, rows: list[str]) -> Callable[[], None]:
    """Takes a row of a table for the chosen text when the reader selects one."""

    def take() -> None:
        at = st.session_state[key].selection.rows
        if at:
            address.remember("row", rows[at[0]])

    return take


def _choose(shown: Shown, chosen: pd.DataFrame) -> None:
    """A select box that is searched by typing: the way to a text by keyboard."""
    frame = shown.frame
    offered = chosen.index[:OFFERED].tolist()
    if shown.text is not None and shown.text not in offered:
        offered.insert(0, shown.text)
    key = "latent-text"
    st.session_state[key] = shown.text

    def name(at: int) -> str:
        text = frame.iloc[at]
        return f"{text['language']} · {text['label']} · {text['shown']}"

    def take() -> None:
        at = st.session_state[key]
        if at is None:
            address.forget("row")
        else:
            address.remember("row", str(frame["row"].iloc[at]))

    st.selectbox(
        "Text",
        offered,
        key=key,
        index=None,
        format_func=name,
        on_change=take,
        placeholder="Choose a text; type to search",
        help=f"The first {OFFERED} of the texts that stand out.",
    )


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs=study_data.ATTRIBUTIONS)
def _attributed(study: Started) -> set[str]:
    return references.attributed(study)


def _one(study: Started, found: Projection, shown: Shown) -> None:
    text = shown.frame.iloc[shown.text]
    columns = [c for c in ("text", "text_b") if c in shown.frame]
    said = " | ".join(str(text[c]) for c in columns)
    st.markdown(f"> {isolated(escaped(said))}")
    what = [f"language {escaped(text['language'])}", f"label {escaped(text['label'])}"]
    for run in shown.runs:
        predicted = shown.predicted[run["run"]]["predicted"].iloc[shown.text]
        what.append(f"{run_name(run)}: {escaped(str(predicted))}")
    st.caption("; ".join(what))
    _links(study, str(text["row"]))
    if shown.near is None:
        return
    near = shown.frame.iloc[shown.near["at"]].assign(distance=shown.near["distance"].to_numpy())
    panel = shown.panel
    st.markdown(reading.neighbours_reading(near, text, found.same[panel].chance))
    first = ["language", "label", "distance"]
    if panel in shown.predicted:
        near = near.assign(predicted=shown.predicted[panel]["predicted"].loc[near.index])
        first.append("predicted")
    drawing.table(
        near[[*first, *columns, "row"]],
        f"{study.name}-neighbours-{text['row'][:12]}-{panel}",
        latent.FORMATS,
        [*first, *columns],
        isolate=columns,
    )
    st.caption(reading.NEAR_CAPTION)


def _links(study: Started, row: str) -> None:
    """The same text on other pages, where they have it."""
    try:
        attributed = row in _attributed(study)
    except InputError:  # the page Tokens says what is wrong
        attributed = False
    if attributed:
        st.page_link(
            "pages/tokens.py",
            label="This text on Tokens",
            query_params={"study": study.name, "row": row},
        )
