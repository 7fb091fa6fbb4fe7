"""Do the models of a study copy the skew of their training set, and what does it cost?"""

import streamlit as st

from core.figures import comparison, verdict
from core.figures import predictions as figures
from core.figures import tokens as token_figures
from core.results import power
from core.results.attributions import THRESHOLD
from core.studies import overview
from core.text import escaped
from pages.shared import access, contents, drawing, slices, study_data

access.gate()

ABOUT = """A training set can be balanced over labels and over languages and still be skewed: French
reviews mostly good, German ones mostly bad. A fine-tuned encoder then predicts partly by language.
"""
EXPECT = """What to expect of the demo: on a test set in which every class is a third of every
language, a model trained on balanced data predicts each class about a third of the time in all
of them. The one trained on the skewed set copies a good part of the skew and its CLS vectors give
the language away; what that costs in accuracy, and how much of it class weights per language take
back, is measured seed by seed. With one seed you see the numbers, with three or more verdicts.
"""


def show_pages() -> None:
    """Each page with its question."""
    st.markdown("#### What each page answers")
    contents.list_questions()


st.title("Overview")
studies, broken = overview.studies(), overview.broken_runs()
if studies.empty:
    st.markdown(ABOUT)
    show_pages()
study, document = study_data.choose_study(f"{study_data.NO_STUDY}\n{EXPECT}")
name = study.name
said = verdict.of_study(document)
st.subheader(said.sentence)
if said.cost:
    st.markdown(said.cost)
st.caption(
    f"Study {escaped(name)}: corpus {escaped(document['corpus'])}, encoder "
    f"{escaped(document['encoder'])}; languages {escaped(' '.join(document['languages']))}, "
    f"classes {escaped(', '.join(document['labels']))}. {ABOUT}"
)
for doubt in said.doubts:
    st.warning(doubt)
study_data.done_runs(document)
slices.show(study, document, slices.choose(study))
first, *others = figures.cards(document)
with st.container(border=True):
    drawing.show(first)
curve = study_data.first_reliance_curve(study)
if curve:
    setups = list(dict.fromkeys(row["setup"] for row in curve))
    setup = "imbalanced" if "imbalanced" in setups else setups[0]
    others.insert(1, token_figures.reliance(name, curve, setup, THRESHOLD))
places = st.columns(2)
for i, figure in enumerate(others):
    with places[i % 2], st.container(border=True):
        drawing.show(figure)
st.caption(
    f"{comparison.UNCORRECTED} {comparison.NO_VERDICT}"
    if all(c["verdict"] == "no verdict" for c in document["comparisons"])
    else f"Verdicts: {comparison.VERDICTS} Beyond chance over the pairs of setups of one measure "
    f"together (Holm), mitigations beyond the paper's apart. {comparison.UNCORRECTED}"
)
guide = power.for_study(document)
if guide is not None:
    st.markdown(power.reading(guide))
    with st.expander("How many seeds a difference takes"):
        drawing.table(power.table(guide), f"{name}-power")
        st.caption(power.source(guide))
show_pages()
if len(studies) > 1 or (document["runs"] and (studies["state"] != "done").any()):
    with st.expander(f"Studies: {len(studies)}", expanded=bool((studies["state"] != "done").any())):
        drawing.table(studies, "studies")
if len(broken):
    with st.expander(f"Run folders with something wrong: {len(broken)}"):
        drawing.table(broken, "broken-runs")
