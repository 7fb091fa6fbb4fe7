"""How often is each class predicted in each language, how accurately, and how skewed?"""

import streamlit as st

from core import tables
from core.charts import predictions as charts
from core.words import escaped
from pages import access, closer, common, view

access.gate()

st.title("Predictions")
document = common.choose_study()
name = document["study"]
st.caption(
    f"Study **{escaped(name)}**: corpus {escaped(document['corpus'])}, encoder "
    f"{escaped(document['encoder'])}. One uniform test set serves all runs; what is shown is "
    "predicted on it."
)
runs = common.choose_runs(common.done_runs(document))
n = f"n = {runs[0]['n_test']:,} test rows"
each = f"{runs[0]['n_test'] // len(document['languages']):,} a language"

common.figure(
    [charts.predicted_shares(document, runs, label) for label in document["labels"]],
    "Share of each class predicted, by language",
    name=f"{name}-predicted-shares",
    reading=tables.reading(document, runs),
    legend=charts.legend(runs),
    caption=f"{n}, {each}. Brown tick: share in the skewed training set. Grey line: truth. "
    f"Languages by group: {' | '.join(' '.join(g) for g in document['groups'])}.",
    how="Points on the grey line: the model predicts the class as often as it occurs. Points that "
    "move towards the brown tick copy the skew of the training set. The null is a second balanced "
    "run with another seed: differences of its size are noise. (Paper, section 4.1, Table 2.)",
)
with st.expander("As a table"):
    common.table(tables.shares(document, runs), f"{name}-predictions", tables.FORMATS)

INTERVALS = f"Bars: 95 % interval over test sentences, one training each; {n}."
left, right = st.columns(2)
with left:
    if runs[0]["skew_uptake"] is None:
        st.info("No run of this study has a skewed training set, so there is no skew to take up.")
    else:
        common.figure(
            charts.intervals(runs, "skew_uptake", "skew uptake (slope)", zero_line=True),
            "Skew uptake",
            name=f"{name}-skew-uptake",
            caption=INTERVALS,
            how="Slope of what is predicted too often on what was there too often in training, "
            "over all languages and classes. 0: the model ignores the skew. 1: it copies it. "
            "(Paper, section 4.1; its Table 2 gives 0.34 and 0.36.)",
        )
with right:
    common.figure(
        charts.intervals(runs, "accuracy", "accuracy (share right)"),
        "Accuracy by setup",
        name=f"{name}-accuracy",
        caption=INTERVALS,
        how="Share of rows whose label is predicted, on the uniform test set. Intervals that "
        "overlap can still belong to a difference beyond chance: the runs see the same sentences, "
        "and Compare pairs them. (Paper, section 4.1, Table 3.)",
    )
with st.expander("As a table, one run a row"):
    st.caption("95 % intervals and run ids are in the CSV file.")
    common.table(tables.headline(runs), f"{name}-runs", shown=tables.HEADLINE)

st.divider()
part = view.choose("Look closer at", "part", list(closer.PARTS), widget=st.segmented_control)
closer.PARTS[part](document, runs)
