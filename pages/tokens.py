"""Which tokens carry the skew: how attributions move between two models."""

import streamlit as st

from core.errors import InputError
from core.results import attributions, references, thresholds, token_tables
from core.text import escaped
from pages.parts import tokens_groups, tokens_text
from pages.shared import access, address, job_button, reader, slices, study_data

access.gate()

st.title("Tokens")
started, study = study_data.choose_study()
name = started.name
study_data.done_runs(study)
try:
    kept = references.available(started)
except InputError as error:
    st.error(escaped(str(error)))
    st.stop()
ASK = "Explain 20 texts a language with every finished run"
if not kept:
    st.info(
        "No attributions yet: SHAP values say how much each token pushes a text towards a class. "
        "They take minutes on a laptop; `python -m core attribute "
        f"{name} --per-language 100` asks for more."
    )
    job_button.ask("attribute", name, {"study": name}, ASK)
    st.stop()

with st.sidebar:
    key = address.choose("Method and budget", "method", list(kept))
    reference = address.choose("Reference setup", "reference", references.references(started))
top = st.columns([4, 4, 3, 5])
with top[3]:
    threshold = address.choose(
        "Threshold of the token groups (probability)",
        "threshold",
        thresholds.THRESHOLDS,
        attributions.THRESHOLD,
        widget=st.select_slider,
        help="By their value in the reference model tokens above it support the class (the paper's "
        "positive tokens), those below its negative oppose it (negative), the others are neutral. "
        "The paper takes 0.01 (section 2.3) and "
        "tries others (appendix A.4).",
    )
try:
    pairs = attributions.pairs_of(started, reference, key)
    if not pairs:
        st.info(f"Only runs of {reference} have attributions; nothing to compare them with.")
        st.stop()
    with top[1]:
        setup = address.choose("Setup", "setup", list(dict.fromkeys(setup for setup, _ in pairs)))
except InputError as error:
    st.error(escaped(str(error)))
    st.stop()
second = st.columns(2)
with second[1]:
    texts = address.choose(
        "Texts that count for a class",
        "texts",
        attributions.TEXTS,
        widget=st.segmented_control,
        show={"all": "All", "label": "Those labelled so"}.__getitem__,
        help="The paper leaves open (section 2.3) whether a bar is over all test texts or over "
        "those whose true label the class is. The uptake below is of all texts.",
    )
document = study_data.attributions(started, reference, threshold, key, texts)
if document is None:
    st.stop()
if missing := document["missing"]:
    st.caption(f"Without attributions by {key}: {', '.join(missing)}.")
    job_button.ask("attribute", name, {"study": name}, ASK)
for run, why in document["left_out"].items():
    st.caption(f"Run {run} is left out: {escaped(why)}.")
seeds = token_tables.seeds_of(document, setup)
if not seeds:
    st.info("This setup has no text in the same tokens as its reference; choose another.")
    st.stop()
with top[0]:
    label = address.choose("Class", "class", document["labels"])
with top[2]:
    names = {"all" if seed is None else str(seed): seed for seed in seeds}
    seed = names[address.choose("Seed", "seed", list(names))]
with second[0]:
    crossed = tokens_groups.choose_groups(document, setup)

tokens_groups.draw(started, study, document, label, setup, seed, crossed=crossed)
st.divider()
one = min(s for s in seeds if s is not None) if seed is None else seed
row = tokens_text.draw(started, document, label, setup, one, slices.choose(started))
reader.show(started, study_data.done_runs(study), row, here="pages/tokens.py")
st.divider()
st.page_link(
    "pages/sentence.py",
    label="Try a sentence of your own with these two models",
    query_params={"study": name, "models": attributions.runs_of(document, setup, one)},
)
