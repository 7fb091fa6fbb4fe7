"""The parts of the page Predictions that look closer; one is drawn at a time."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.checkpoints.slices import Slice
from core.checkpoints.studies import Started
from core.corpora.texts import ANY
from core.errors import InputError
from core.figures import predictions as figures
from core.results import disagreements as result_disagreements
from core.results.names import short_names
from core.results.schema import RunResults, StudyResults
from core.text import escaped
from pages.shared import address, drawing, reader, slices, study_data

Runs = list[RunResults]


def accuracy(_: Started, document: StudyResults, runs: Runs, __: Slice | None) -> None:
    drawing.show(figures.by_language(document, runs))
    with st.expander("As a table"):
        drawing.show_table(figures.by_language_table(document, runs))


def uptake(_: Started, document: StudyResults, runs: Runs, __: Slice | None) -> None:
    if runs[0]["skew_uptake"] is None:
        st.info("No run of this study has a skewed training set, so there is no skew to take up.")
        return
    drawing.show(figures.uptake_by(document, runs))
    with st.expander("As a table"):
        drawing.show_table(figures.uptake_by_table(document, runs))


def confusion(_: Started, document: StudyResults, runs: Runs, __: Slice | None) -> None:
    run = _one_run("Run", "run", runs, default="imbalanced")
    drawing.show(figures.confusion(document, run))
    with st.expander("As a table"):
        drawing.show_table(figures.confusion_table(document, run))


def calibration(_: Started, document: StudyResults, runs: Runs, __: Slice | None) -> None:
    drawing.show(figures.reliability(document, runs))
    st.markdown("##### Calibration error")
    drawing.show_table(figures.calibration_table(document, runs))


def disagreements(study: Started, document: StudyResults, runs: Runs, chosen: Slice | None) -> None:
    if len(runs) < 2:
        st.info("Choose two or more runs in the sidebar to see where they disagree.")
        return
    places = st.columns(2)
    with places[0]:
        first = _one_run("First run", "first", runs, default="balanced")
    with places[1]:
        second = _one_run("Second run", "second", runs, default="imbalanced")
    filters = st.columns(3)
    with filters[0]:
        language = address.choose("Language", "language", [ANY, *document["languages"]])
    with filters[1]:
        label = address.choose("Label", "label", [ANY, *document["labels"]])
    with filters[2]:
        direction = address.choose("Which is right", "direction", result_disagreements.DIRECTIONS)
    file = study_data.texts_file(study)
    try:
        found, n = result_disagreements.disagreements(
            first["run"],
            second["run"],
            file,
            language=language,
            label=label,
            direction=direction,
            within=chosen.rows if chosen else None,
        )
    except InputError as error:
        st.warning(escaped(str(error)))
        return
    st.caption(
        f"n = {n:,} of {_of(chosen, runs)}; the table has the {len(found):,} whose "
        "probabilities differ most (total variation). First and second: the classes predicted. A "
        "click on a row opens the text."
    )
    _open(study, runs, found, "disagreements", shown=_FIRST_COLUMNS)


def translations(study: Started, document: StudyResults, runs: Runs, chosen: Slice | None) -> None:
    places = st.columns(2)
    with places[0]:
        run = _one_run("Run", "run", runs, default="imbalanced")
    with places[1]:
        label = address.choose("Label", "label", [ANY, *document["labels"]])
    try:
        found, n, translated = result_disagreements.changing(run["run"], label)
    except InputError as error:
        st.warning(escaped(str(error)))
        return
    if not translated:
        st.info(
            "No sentence of this test set stands in two languages. A corpus with a column "
            "`sentence`, an id that translations share, shows here what the language changes."
        )
        return
    st.markdown("#### Sentences whose prediction changes with the language")
    st.caption(
        f"n = {n:,} of {translated:,} translated sentences; the table has the {len(found):,} in "
        "which the most languages differ from the commonest prediction. Select one to read it."
    )
    if not len(found):
        return
    opened = drawing.open_row(found, f"{document['study']}-changing-{run['run']}")
    sentence = str(found["sentence"].iloc[opened or 0])
    together = result_disagreements.translations(run["run"], sentence, None)
    row = address.remember("row", None if opened is None else str(together["row"].iloc[0]))
    reader.show(study, runs, row or str(together["row"].iloc[0]), here=_PAGE)


def texts(study: Started, document: StudyResults, runs: Runs, chosen: Slice | None) -> None:
    """Any set of test texts: by language, label and prediction, or by their words."""
    places = st.columns(5)
    with places[0]:
        run = _one_run("Run", "run", runs, default="imbalanced")
    with places[1]:
        language = address.choose("Language", "language", [ANY, *document["languages"]])
    with places[2]:
        label = address.choose("Label", "label", [ANY, *document["labels"]])
    with places[3]:
        predicted = address.choose("Predicted", "predicted", [ANY, *document["labels"]])
    with places[4]:
        containing = address.write("Holding the letters", "search").strip()
    file = study_data.texts_file(study)
    try:
        found, rows = result_disagreements.texts(
            run["run"],
            file,
            language=language,
            label=label,
            predicted=predicted,
            containing=containing,
            within=chosen.rows if chosen else None,
        )
    except InputError as error:
        st.warning(escaped(str(error)))
        return
    if not rows:
        st.info("No test text is so; choose fewer conditions.")
        return
    st.caption(
        f"n = {len(rows):,} of {_of(chosen, runs)}; the table has the first {len(found):,}. A "
        "click on a row opens the text."
    )
    told = {"language": language, "labelled": label, f"{run['setup']} predicts": predicted}
    how = [f"{name} {value}" for name, value in told.items() if value != ANY]
    how += [f"holding {containing!r}"] if containing else []
    how += [f"of the slice {chosen.name}"] if chosen else []
    selected = predicted != ANY or (chosen is not None and chosen.by_predictions)
    slices.keep(study, rows, ", ".join(how) or "all test texts", by_predictions=selected)
    _open(study, runs, found, "texts", shown=_FIRST_COLUMNS)


# The text before ids, or a narrow page would not show it.
_FIRST_COLUMNS = ("language", "label", "predicted", "p", "first", "second", "difference")
_PAGE = "pages/predictions.py"


def _open(
    study: Started, runs: Runs, found: pd.DataFrame, name: str, shown: tuple[str, ...]
) -> None:
    """A table of texts and the one that is open, also by a link."""
    isolate = drawing.texts_in(found)
    order = [column for column in (*shown, *isolate) if column in found]
    opened = drawing.open_row(found, f"{study.name}-{name}", None, order, isolate=isolate)
    now = None if opened is None else str(found["row"].iloc[opened])
    reader.show(study, runs, address.remember("row", now), here=_PAGE)


def _of(chosen: Slice | None, runs: Runs) -> str:
    if chosen is None:
        return f"{runs[0]['n_test']:,} test rows"
    return f"the slice {escaped(chosen.name)} ({len(chosen.rows):,} test rows)"


def _one_run(label: str, name: str, runs: Runs, default: str) -> RunResults:
    """A run by its id in the address bar; by default the first of a setup, where it has one."""
    by_id = {run["run"]: run for run in runs}
    names = short_names(runs)
    start = next((run["run"] for run in runs if run["setup"] == default), runs[0]["run"])
    chosen = address.choose(label, name, list(by_id), start, show=lambda run: names[run])
    return by_id[chosen]


PARTS = {
    "accuracy by language": accuracy,
    "uptake by class and language": uptake,
    "confusion": confusion,
    "calibration": calibration,
    "disagreements": disagreements,
    "translations": translations,
    "texts": texts,
}
