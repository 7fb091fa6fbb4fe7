"""How are languages and labels spread over the corpus and the training sets of a study?"""

import pandas as pd
import streamlit as st

from core import overlap, results, tables, texts
from core.charts import data as charts
from core.errors import InputError
from core.words import escaped
from pages import access, cells, common, view

access.gate()

HOW = (
    "A cell is one language and class; the grey numbers are the marginals, which can be even while "
    "the cells are not: that is the skew. In the difference from uniform, orange cells are "
    "under-represented and blue ones over-represented. (Paper, sections 2.1 and 3, Table 1.)"
)


@st.cache_data(show_spinner="Counting …", max_entries=32)
def shared_rows(runs: list[str], split: str, fingerprint: str) -> pd.DataFrame:
    return overlap.shared_rows(runs, split)


@st.cache_data(max_entries=32)
def designs_of(runs: list[str], fingerprint: str) -> dict[str, pd.DataFrame]:
    return overlap.designs(runs)


st.title("Data")
document = common.choose_study()
name, labels, languages = (document[key] for key in ("study", "labels", "languages"))
runs, fingerprint = [run["run"] for run in document["runs"]], results.fingerprint(name)
st.caption(
    f"Study **{escaped(name)}**, corpus {escaped(document['corpus'])}. Training and validation set "
    "follow the design of a setup; one uniform test set serves all runs."
)
file = common.texts_file(document)
corpus = texts.counts(file, languages, labels) if file else {}
designs = designs_of(runs, fingerprint)

way = view.choose("Cells show", "cells", charts.SHOWN, widget=st.segmented_control)
if corpus:
    split = view.choose("Split", "split", list(corpus), widget=st.segmented_control)
    common.figure(
        charts.joint(corpus[split], way),
        f"Language and label in the corpus, {split}: {way}",
        name=f"{name}-corpus",
        caption=f"n = {corpus[split].to_numpy().sum():,} texts.",
        how=HOW,
    )
if designs:
    common.figure(
        [charts.joint(table, way, title) for title, table in designs.items()],
        f"Language and label in the sets that the study trains on: {way}",
        name=f"{name}-designs",
        caption="; ".join(f"{x}: n = {t.to_numpy().sum():,}" for x, t in designs.items()) + ".",
        how=f"{HOW} All setups of a study get sets of the same size.",
        columns=2,
    )
if corpus or designs:
    st.markdown("#### How skewed each of them is")
    st.markdown("\n".join(f"- **{measure}**: {says}" for measure, says in tables.SKEW_SAYS.items()))
    common.table(
        tables.skew_measures({f"corpus, {k}": t for k, t in corpus.items()} | designs),
        f"{name}-skew",
    )

split = view.choose("Rows of", "rows", ("train", "validation"), widget=st.segmented_control)
try:
    shared = shared_rows(runs, split, fingerprint)
except InputError as error:
    st.warning(escaped(str(error)))
    shared = pd.DataFrame()
if len(shared):
    common.figure(
        charts.shared_rows(shared, document["runs"]),
        f"Rows of the {split} sets that two runs share",
        name=f"{name}-shared-rows",
        caption="Number of rows; on the diagonal the size of a run's set.",
        how="Runs of one seed share as many rows as their designs allow, so that what differs "
        "between two models is the skew and not the texts; another seed draws anew. (Paper, "
        "section 2.1: the largest overlap.)",
    )
    with st.expander("As a table, with the most that two designs could share"):
        common.table(tables.named_runs(shared, document["runs"]), f"{name}-shared-rows")

if file:
    cells.browse(document, file, list(corpus))
