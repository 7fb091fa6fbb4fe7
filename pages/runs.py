"""Which runs are there, of all studies, and how do they compare at a glance?"""

import streamlit as st

from core.results import run_table
from core.text import escaped
from pages.parts import runs_chosen, runs_data, runs_table
from pages.shared import access, address, study_data

access.gate()

st.title("Runs")
st.caption(
    "All runs of all studies. Choose rows to overlay their training curves, or to delete them; pin "
    "a baseline to see differences to it. What a difference is worth, with its interval and "
    "verdict, is on the page Compare."
)
runs_chosen.say_what_was_done()
runs = runs_data.read()
if runs.empty:
    st.info(study_data.NO_STUDY)
    access.explain()
    st.page_link("pages/train.py", label="Train a study")
    st.stop()

places = st.columns([3, 2, 2, 2])
with places[0]:
    text = address.write("Search", "q", placeholder="setup, seed, corpus, encoder, id …")
of = {}
for place, column in zip(places[1:], ("study", "setup", "state"), strict=True):
    values = sorted(set(runs[column]))
    with place:
        of[column] = address.choose_some(
            column.capitalize(),
            column if column != "study" else "studies",
            values,
            [],
            show=lambda x: x or "(none)",
            placeholder="any",
        )
found = run_table.filtered(runs, text, of)
measured = [m for m in run_table.MEASURES.values() if runs[m].notna().any()]
places = st.columns([3, 4, 3], vertical_alignment="bottom")
with places[0]:
    rows = address.choose(
        "Rows",
        "rows",
        ("runs", "setups"),
        widget=st.segmented_control,
        show={"runs": "Runs", "setups": "Setups"}.__getitem__,
        help="Setups: means over the seeds of a setup in its study, with 95 % t-intervals from "
        "three seeds on.",
    )
with places[1]:
    columns = runs_table.choose_columns(rows, measured)
with places[2]:
    baseline = runs_table.choose_baseline(rows, runs)
if found.empty:
    st.info(f"None of {len(runs)} rows has all of that. Choose less, or search for something else.")
    st.stop()
if rows == "setups":
    runs_table.setups(found, columns, baseline, runs)
    st.stop()
chosen = runs_table.each(found, columns, baseline, runs)
runs_chosen.deleted(found)
if chosen.empty:
    st.info("Choose rows by their boxes: their training curves are drawn here.")
else:
    st.markdown(f"#### {len(chosen)} chosen: {escaped(runs_chosen.in_short(chosen))}")
    runs_chosen.curves(chosen)
    runs_chosen.delete(chosen)
