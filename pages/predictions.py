"""How often is each class predicted in each language, how accurately, and how skewed?"""

import streamlit as st

from core import tables
from core.charts import predictions as charts
from pages import common

st.title("Predictions")
document = common.choose_study()
st.caption(
    f"Study **{document['study']}**: corpus {document['corpus']}, encoder {document['encoder']}. "
    "One uniform test set serves all runs; what is shown is predicted on it."
)
runs = common.done_runs(document)
name = document["study"]

if reading := tables.reading(document, runs):
    st.markdown(reading)

common.figure(
    [charts.predicted_shares(document, runs, label) for label in document["labels"]],
    "Share of each class predicted, by language",
    name=f"{name}-predicted-shares",
    legend=charts.legend(runs),
    caption=f"n = {runs[0]['n_test']:,} test rows, "
    f"{runs[0]['n_test'] // len(document['languages']):,} a language. Brown tick: share in the "
    "skewed training set. Grey line: truth. Languages by group: "
    f"{' | '.join(' '.join(g) for g in document['groups'])}.",
    how="Points on the grey line: the model predicts the class as often as it occurs. Points that "
    "move towards the brown tick copy the skew of the training set. The null is a second balanced "
    "run with another seed: differences of its size are noise. (Paper, section 4.1, Table 2.)",
)
with st.expander("As a table"):
    common.table(tables.shares(document, runs), f"{name}-predictions", tables.FORMATS)

left, right = st.columns(2)
with left:
    st.subheader("Skew uptake")
    if runs[0]["skew_uptake"] is None:
        st.info("No run of this study has a skewed training set, so there is no skew to take up.")
    else:
        chart = charts.intervals(runs, "skew_uptake", "skew uptake (slope)", zero_line=True)
        st.altair_chart(chart, width="stretch")
        st.caption(
            "0: ignores the skew. 1: copies it. Bars: 95 % interval over test sentences, one "
            f"training each; n = {runs[0]['n_test']:,}. (Paper, Table 2, gives 0.34 and 0.36.)"
        )
with right:
    st.subheader("Accuracy")
    st.altair_chart(charts.intervals(runs, "accuracy", "accuracy (share right)"), width="stretch")
    st.caption(
        f"On the uniform test set. Bars: 95 % interval over test sentences, one training each; "
        f"n = {runs[0]['n_test']:,}. (Paper, Table 3.)"
    )

st.subheader("Every number")
st.caption("95 % intervals and run ids are in the download.")
common.table(tables.headline(runs), f"{name}-runs", tables.FORMATS, tables.HEADLINE)
st.markdown("**Accuracy by language**")
common.table(tables.accuracy_by_language(runs), f"{name}-accuracy-by-language", tables.FORMATS)
