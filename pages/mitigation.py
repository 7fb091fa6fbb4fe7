"""Which mitigation comes nearest to balanced training, at what cost, and how is it used?"""

import streamlit as st

from core.figures import mitigation_tables
from core.figures import mitigations as figures
from core.mitigation import setups
from core.results import mitigations
from core.results.schema import MitigationResults
from core.text import escaped
from pages.parts import mitigation_use
from pages.shared import access, address, drawing, slices, study_data

access.gate()

st.title("Mitigation")
study, document = study_data.choose_study()
st.caption(
    f"Study **{escaped(study.name)}**: each setup beside balanced training, which has no skew of "
    "language and label to take up."
)
study_data.done_runs(document)
slices.show(study, document, slices.choose(study))
found = mitigations.mitigations(document, study_data.first_reliance_curve(study))
if not found["rows"]:
    st.info("This study has models from elsewhere alone, which no mitigation was tried on.")
    st.stop()
if not mitigations.has_mitigations(found):
    wanted = ", ".join(s for s in setups.suggested() if s.startswith("imbalanced+"))
    st.info(
        "No setup of this study with a mitigation is done. Add some to its setups, on the page "
        f"Train or in its file, such as {wanted}. Runs that are there already are not trained "
        "again."
    )
    st.page_link("pages/train.py", label="Train")
st.markdown(figures.reading(found))
read = [row["setup"] for row in found["rows"] if row["minus_balanced"]]
shown = read
if len(read) > 1:  # one that has learned nothing is so far off that the others lie on one point
    shown = address.choose_some("Setups in the charts", "setups", read)
drawn: MitigationResults = {**found, "rows": [r for r in found["rows"] if r["setup"] in shown]}
for figure in (figures.trade_off(drawn), figures.forest(drawn)):
    if figure is not None:
        drawing.show(figure)
for table in (mitigation_tables.results_table(found), mitigation_tables.cost_table(found)):
    st.markdown(f"#### {table.title}")
    drawing.show_table(table, height="content")
st.divider()
mitigation_use.draw(study, found)
with st.expander("All mitigations"):
    drawing.show_table(mitigation_tables.schemes_table(mitigations.scheme_rows()))
