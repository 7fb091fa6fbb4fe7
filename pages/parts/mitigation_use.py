"""Using a mitigation elsewhere: its numbers cell by cell, and its loss for the Trainer."""

from __future__ import annotations

import json

import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import mitigation_tables
from core.mitigation import setups, snippet
from core.results import overlap
from core.results.schema import MitigationResults
from core.text import escaped, file_name
from pages.shared import address, drawing


def draw(study: Started, found: MitigationResults) -> None:
    """A chooser of a setup, what it is, its cells and its source, to copy and to download."""
    st.markdown("#### Use one in your own training")
    counts = overlap.designs(study).get("imbalanced, train")
    if counts is None:
        st.info("This study has no skewed training set whose cells could be weighed.")
        return
    own = [row["setup"] for row in found["rows"] if row["mitigations"]]
    known = [f"imbalanced+{name}" for name in setups.schemes()]
    options = list(dict.fromkeys([*known, *(s for s in own if s.startswith("imbalanced"))]))
    advised = found["advice"]["setup"] if found["advice"]["state"] == "recommended" else None
    default = advised if advised in options else "imbalanced+cw"
    chosen = setups.parse(address.choose("Setup", "scheme", options, default))
    for name, module in chosen.parts.items():
        scheme = module.SCHEME
        st.markdown(f"**{name}**: {escaped(scheme.about)} ({escaped(scheme.source)}).")
    try:
        cells = snippet.cells(chosen, counts)
    except InputError as error:
        st.warning(escaped(str(error)))
        return
    drawing.show_table(
        mitigation_tables.cells_table(study.name, chosen.name, cells), height="content"
    )
    stem = file_name(f"{study.name}-{chosen.name}")
    document = {"setup": chosen.name, "cells": cells.to_dict("records")}
    _download("JSON", f"{stem}.json", "application/json", json.dumps(document, indent=1))
    st.markdown("#### For the transformers Trainer")
    try:
        source = snippet.source(chosen, counts)
    except InputError as error:
        st.info(escaped(str(error)))
        return
    st.caption(
        "With the numbers of the cells in it. Its loss and gradients are tested to be those that "
        "LangSkew trains with."
    )
    st.code(source, language="python", height=360)
    _download("Python", f"{stem}.py", "text/x-python", source)


def _download(kind: str, file: str, mime: str, content: str) -> None:
    st.download_button(
        f"↓ {kind}", content, file_name=file, mime=mime, type="tertiary", on_click="ignore"
    )
