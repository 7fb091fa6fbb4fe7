"""How often is each class predicted in each language, how accurately, and how skewed?"""

import streamlit as st

from core.figures import predictions as figures
from core.figures import test_rows
from core.results import study_results
from core.text import escaped
from pages.parts import predictions_closer
from pages.shared import access, address, drawing, slices, study_data

access.gate()

st.title("Predictions")
study, document = study_data.choose_study()
st.caption(
    f"Study **{escaped(study.name)}**: corpus {escaped(document['corpus'])}, encoder "
    f"{escaped(document['encoder'])}. {test_rows.line(study_results.done_runs(document))} What is "
    "shown is predicted on it."
)
runs = study_data.choose_runs(study_data.done_runs(document))
chosen = slices.choose(study)
slices.show(study, document, chosen)
drawing.show(figures.shares(document, runs))
with st.expander("As a table"):
    drawing.show_table(figures.shares_table(document, runs))

left, right = st.columns(2)
with left:
    if runs[0]["skew_uptake"] is None:
        st.info("No run of this study has a skewed training set, so there is no skew to take up.")
    else:
        drawing.show(figures.uptake(document, runs))
with right:
    drawing.show(figures.accuracy(document, runs))
with st.expander("As a table, one run a row"):
    st.caption("95 % intervals and run ids are in the CSV file.")
    drawing.show_table(figures.runs_table(document, runs))

st.divider()
part = address.choose(
    "Look closer at", "part", list(predictions_closer.PARTS), widget=st.segmented_control
)
predictions_closer.PARTS[part](study, document, runs, chosen)
