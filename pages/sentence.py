"""What the models say of a sentence, in one language and another, and which tokens do it."""

import streamlit as st

from core.corpora import texts
from core.figures import sentences as figures
from core.results import sentences
from core.results.names import short_names
from pages.parts import sentence_boxes, sentence_compare, sentence_table
from pages.shared import access, address, study_data

access.gate()

st.title("Try a sentence")
st.caption(
    "The same content in two languages, by models trained with and without skew: does the language "
    "change what they say?"
)
answer = st.container()  # of what stands below it
started, study = study_data.choose_study()
done = study_data.done_runs(study)
names = short_names(done)
chosen = address.choose_some(
    "Models",
    "models",
    list(names),
    sentences.first_of_each(done),
    widget=st.sidebar.multiselect,
    show=names.__getitem__,
    help="One setup trained with one seed, and models from elsewhere that were imported.",
)
runs = [run for run in done if run["run"] in chosen]
if not runs:
    st.info("No model is chosen; choose one or more in the sidebar.")
    st.stop()
file = study_data.texts_file(started)
if file is not None:
    sentence_boxes.examples(started, study, done, file)
pair = file is not None and texts.has_pairs(file)
boxes, asked = sentence_boxes.draw(study, pair=pair)
before = sentence_boxes.earlier()
sentence_table.say_what_is_empty(boxes, asked=asked)
shown = [sentence for sentence in [*boxes, *(x.sentence for x in before)] if sentence is not None]
if not any(boxes):
    st.stop()
tested = sentence_table.in_test_set(file, shown)
ids = [run["run"] for run in runs]
answers, busy = sentence_table.answered(shown, ids)
rows = sentence_table.rows_of(boxes, before, ids, tested, answers)
if asked:
    sentence_table.ask(rows, ids)
answer.markdown(figures.answer(rows, runs, study["labels"]))
sentence_table.draw(study, rows, runs)
if not busy:  # which cells are compared first hangs on what is coming
    st.divider()
    sentence_compare.draw(started, study, rows, runs, tested, answers)
