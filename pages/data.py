"""What is in a corpus, how skewed it is, and what a study makes of it."""

import streamlit as st

from pages.parts import data_corpus, data_study
from pages.shared import access, address

access.gate()

CORPUS, STUDY = "a corpus", "the sets of a study"

st.title("Data")
begins = STUDY if "study" in st.query_params else CORPUS
look = address.choose(
    "Look at", "look", (CORPUS, STUDY), begins, widget=st.segmented_control, always=True
)
if look == STUDY:
    data_study.show()
else:
    data_corpus.show()
