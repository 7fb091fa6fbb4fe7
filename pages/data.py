"""How are languages and labels spread over the corpus and the training sets of a study?"""

import pandas as pd
import streamlit as st

from core.charts import data as charts
from core.checkpoints.studies import Started
from core.corpora import texts
from core.errors import InputError
from core.figures import data as figures
from core.results import overlap, tables
from core.text import escaped
from pages.parts import data_texts
from pages.shared import access, address, drawing, study_data

access.gate()


@st.cache_data(show_spinner="Counting …", max_entries=32, hash_funcs=study_data.RESULTS)
def shared_rows(study: Started, split: str) -> pd.DataFrame:
    return overlap.shared_rows(study, split)


@st.cache_data(max_entries=32, hash_funcs=study_data.RESULTS)
def designs_of(study: Started) -> dict[str, pd.DataFrame]:
    return overlap.designs(study)


st.title("Data")
study, document = study_data.choose_study()
name, labels, languages = study.name, document["labels"], document["languages"]
st.caption(
    f"Study **{escaped(name)}**, corpus {escaped(document['corpus'])}. Training and validation set "
    "follow the design of a setup; one test set serves all runs."
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
    st.markdown("\n".join(f"- **{measure}**: {says}" for measure, says in tables.SKEW_SAYS.items()))
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

if file:
    data_texts.browse(document, file, list(corpus))
