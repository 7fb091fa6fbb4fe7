"""The part of the page Data on the sets that a study trains on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.charts import data as charts
from core.checkpoints.studies import Started
from core.corpora import texts
from core.errors import InputError
from core.figures import data as figures
from core.results import label_errors, overlap, tables
from core.text import escaped
from pages.parts import data_texts
from pages.shared import address, drawing, study_data


@st.cache_data(show_spinner="Counting …", max_entries=32, hash_funcs=study_data.RESULTS)
def shared_rows(study: Started, split: str) -> pd.DataFrame:
    """Rows that runs share, of one split."""
    return overlap.shared_rows(study, split)


@st.cache_data(max_entries=32, hash_funcs=study_data.RESULTS)
def designs_of(study: Started) -> dict[str, pd.DataFrame]:
    """Rows of each cell of the sets that a study trains on."""
    return overlap.designs(study)


def show() -> None:
    """The corpus, the designs, what they share, and texts, of the study that is chosen."""
    study, document = study_data.choose_study()
    name, labels, languages = study.name, document["labels"], document["languages"]
    st.caption(
        f"Study **{escaped(name)}**, corpus {escaped(document['corpus'])}. Training and validation "
        "set follow the design of a setup; one test set serves all runs."
    )
    file = study_data.texts_file(study)
    corpus = texts.counts(file, languages, labels) if file else {}
    designs = designs_of(study)

    way = address.choose("Cells show", "cells", charts.SHOWN, widget=st.segmented_control)
    if corpus:
        split = address.choose("Split", "split", list(corpus), widget=st.segmented_control)
        drawing.show(figures.corpus(name, split, corpus[split], way))
    if designs:
        drawing.show(figures.designs(name, designs, way))
    if corpus or designs:
        st.markdown("#### How skewed each of them is")
        said = tables.SKEW_SAYS.items()
        st.markdown("\n".join(f"- **{measure}**: {says}" for measure, says in said))
        both = {f"corpus, {k}": t for k, t in corpus.items()} | designs
        drawing.table(tables.skew_measures(both), f"{name}-skew")

    split = address.choose("Rows of", "rows", ("train", "validation"), widget=st.segmented_control)
    try:
        shared = shared_rows(study, split)
    except InputError as error:
        st.warning(escaped(str(error)))
        shared = pd.DataFrame()
    if len(shared):
        drawing.show(figures.shared_rows(document, shared, split))
        with st.expander("As a table, with the most that two designs could share"):
            drawing.table(tables.named_runs(shared, document["runs"]), f"{name}-shared-rows")

    _label_errors(study, file)
    if file:
        data_texts.browse(document, file, list(corpus))


@st.cache_data(
    show_spinner="Looking for label errors …", max_entries=8, hash_funcs=study_data.RESULTS
)
def _errors_of(study: Started, file: Path | None) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    return label_errors.of_study(study, file)


def _label_errors(study: Started, file: Path | None) -> None:
    """Likely label errors; asked for, since it takes seconds."""
    st.markdown("#### Likely label errors")
    if not st.toggle("Look for them in the test set", key=f"label-errors-{study.name}"):
        st.caption("Noise in the labels that differs by language looks like skew.")
        return
    try:
        shares, rows, runs = _errors_of(study, file)
    except InputError as error:
        st.info(escaped(str(error)))
        return
    drawing.show_table(figures.label_errors(study.name, shares, runs))
    st.caption(f"{shares.loc[shares['label'] != 'all', 'flagged'].sum():,} rows are flagged; the "
               f"table has the first {len(rows):,}, the least likely label first.")  # fmt: skip
    drawing.table(rows, f"{study.name}-flagged", isolate=drawing.texts_in(rows))
