"""How do the paper's tables and figures stand beside those of the chosen study?"""

import streamlit as st

from core.checkpoints.studies import Started
from core.figures import paper as figures
from core.paper import measured as paper_measured
from core.paper import published as paper
from core.paper import reasons as paper_reasons
from core.paper import tables as paper_tables
from core.results.schema import StudyResults
from core.text import escaped
from pages.parts import paper_figures
from pages.shared import access, address, drawing, study_data

access.gate()

PARTS = ("tables", "figures", "thresholds")

st.title("Paper")
started, study = study_data.choose_study()
name = started.name
st.caption(
    f"Study **{escaped(name)}** beside the paper: {paper.CITATION}. Published values are one run "
    "each; XLM-R's are of setups with the masked-input entropy loss."
)
study_data.done_runs(study)
corpus, encoder = paper_tables.defaults(study)
places = st.columns([1, 1, 2], vertical_alignment="bottom")
with places[0]:
    corpus = address.choose("Published corpus", "corpus", paper.CORPORA, corpus)
with places[1]:
    encoder = address.choose("Published encoder", "encoder", tuple(paper.ENCODERS), encoder)
with places[2]:
    part = address.choose("Show", "show", PARTS, widget=st.segmented_control)


@st.cache_data(
    show_spinner="Comparing over resampled sentences …",
    max_entries=32,
    hash_funcs=study_data.RESULTS,
)
def measured(started: Started, _study: StudyResults, suffix: str) -> paper_measured.Measured:
    return paper_measured.measured(_study, suffix)


found = measured(started, study, paper.SUFFIX[encoder])
if lacks := paper_reasons.missing(study, corpus, encoder):
    st.info(lacks)
with st.expander("Why the numbers may differ", expanded=part == "tables"):
    configs = list(started.configs.values())
    st.markdown(paper_reasons.why(study, corpus, encoder, configs))

if part == "tables":
    st.markdown(paper_reasons.tables_reading(study, corpus, encoder, found))
    for block in figures.tables(study, corpus, encoder, found):
        drawing.show_block(block)
    if encoder != "mBERT":
        st.caption("Table 2 is of mBERT alone.")
elif part == "figures":
    paper_figures.draw(started, study, corpus, encoder)
else:
    paper_figures.thresholds(started, study, encoder)
