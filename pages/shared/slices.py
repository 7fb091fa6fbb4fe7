"""The slice that a page is narrowed to: chosen in the sidebar, kept from a list, in the link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.checkpoints import slices as files
from core.checkpoints.slices import Slice
from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import slices as figures
from core.results import slices
from core.results.schema import StudyResults
from core.results.slices import SliceRow
from core.text import escaped
from pages.shared import access, address, drawing, study_data

WHOLE = "the whole test set"
_KEPT = "slice-kept"  # what a visit has just kept, said once


def choose(study: Started) -> Slice | None:
    """The slice chosen in the sidebar; None for the whole test set, or where there is none."""
    found = files.names(study)
    if not found and "slice" not in st.query_params:
        return None
    name = address.choose(
        "Texts",
        "slice",
        [WHOLE, *found],
        widget=st.sidebar.selectbox,
        help="A slice is a named set of test texts, kept from a list on Predictions or Latent "
        "space. Pages are narrowed to it, and show its measures beside the whole's.",
    )
    if name == WHOLE:
        return None
    try:
        chosen = files.read(study, name)
    except InputError as error:
        st.error(escaped(str(error)))
        return None
    with st.sidebar:
        more: dict[str, Any] = {"on_click": _remove, "args": (study, name), "type": "tertiary"}
        st.button("Forget this slice", **more | access.limits())
    return chosen


def show(study: Started, document: StudyResults, chosen: Slice | None) -> None:
    """Measures on the chosen slice beside the whole's; nothing without one."""
    if chosen is None:
        return
    with st.container(border=True):
        st.subheader(f"Slice {escaped(chosen.name)}")
        st.caption(f"Chosen by: {escaped(chosen.how)}. Below, the page is of {WHOLE}.")
        try:
            rows = _measured(study, document, chosen)
        except InputError as error:
            st.error(escaped(str(error)))
            return
        if chosen.by_predictions:
            st.warning(figures.SELECTED)
        made = figures.figures(study.name, chosen, rows)
        for place, figure in zip(st.columns(max(1, len(made))), made, strict=False):
            with place:
                drawing.show(figure)
        with st.expander("As a table", expanded=not made):
            drawing.show_table(figures.table(study.name, chosen, rows))


@st.cache_data(show_spinner="Measuring the slice …", max_entries=32, hash_funcs=study_data.RESULTS)
def _measured(study: Started, _document: StudyResults, chosen: Slice) -> list[SliceRow]:
    return slices.measured(study, _document, chosen)


def keep(study: Started, rows: Sequence[str], how: str, *, by_predictions: bool) -> None:
    """A button by which texts get a name, so that every page can be narrowed to them.

    Args:
        rows: ids of test rows.
        how: by what they were chosen, in words.
        by_predictions: whether that were predictions of the study's models.
    """
    if kept := st.session_state.pop(_KEPT, ""):
        st.success(f"Kept as the slice {escaped(kept)}; choose it in the sidebar of any page.")
    if not rows:
        return
    with st.popover(f"Keep these {len(rows):,} texts as a slice"), st.form(f"slice-{how}"):
        name = st.text_input("Name of the slice", max_chars=files.LONGEST)
        if not st.form_submit_button("Keep", **access.limits()):
            return
        try:
            access.acting()
            files.write(study, Slice(name.strip(), how, tuple(map(str, rows)), by_predictions))
        except InputError as error:
            st.error(escaped(str(error)))
            return
    st.session_state[_KEPT] = name.strip()
    address.set_to("slice", name.strip())
    st.rerun()


def _remove(study: Started, name: str) -> None:
    access.acting()
    files.remove(study, name)
    address.set_to("slice", WHOLE)
