"""How are languages and labels spread over the corpus and the training sets of a study?"""

import pandas as pd
import streamlit as st

from core.charts import data as charts
from core.corpora import texts
from core.errors import InputError
from core.figures import data as figures
from core.results import overlap, study_results, tables
from core.text import escaped
from pages.parts import data_texts
from pages.shared import access, address, drawing, study_data

access.gate()


@st.cache_data(show_spinner="Counting …", max_entries=32)
def shared_rows(runs: list[str], split: str, fingerprint: str) -> pd.DataFrame:
    return overlap.shared_rows(runs, split)


@st.cache_data(max_entries=32)
def designs_of(runs: list[str], fingerprint: str) -> dict[str, pd.DataFrame]:
    return overlap.designs(runs)


st.title("Data")
document = study_data.choose_study()
name, labels, languages = (document[key] for key in ("study", "labels", "languages"))
runs, fingerprint = [run["run"] for run in document["runs"]], study_results.fingerprint(name)
st.caption(
    f"Study **{escaped(name)}**, corpus {escaped(document['corpus'])}. Training and validation set "
    "follow the design of a setup; one uniform test set serves all runs."
)
file = study_data.texts_file(document)
corpus = texts.counts(file, languages, labels) if file else {}
designs = designs_of(runs, fingerprint)

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
    shared = shared_rows(runs, split, fingerprint)
except InputError as error:
    st.warning(escaped(str(error)))
    shared = pd.DataFrame()
if len(shared):
    drawing.show(figures.shared_rows(document, shared, split))
    with st.expander("As a table, with the most that two designs could share"):
        drawing.table(tables.named_runs(shared, document["runs"]), f"{name}-shared-rows")

if file:
    data_texts.browse(document, file, list(corpus))
