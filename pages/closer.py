"""The parts of the page Predictions that look closer; one is drawn at a time."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import rows, tables
from core.charts import mistakes, predictions
from core.charts.palette import run_name, short_names
from core.errors import InputError
from core.texts import ANY
from core.words import escaped
from pages import common, view

Runs = list[dict[str, Any]]


def accuracy(document: dict[str, Any], runs: Runs) -> None:
    common.figure(
        predictions.accuracy_by_language(document, runs),
        "Accuracy by language",
        name=f"{document['study']}-accuracy-by-language",
        legend=predictions.legend(runs),
        caption=f"n = {runs[0]['n_test'] // len(document['languages']):,} test rows a language. "
        "Bars: 95 % interval over test sentences, one training each.",
        how="A gap between languages that the balanced models have too comes from the encoder or "
        "the translation; one that only the imbalanced model has comes from the skew. (Paper, "
        "section 4.1, Table 3 over all languages.)",
    )
    with st.expander("As a table"):
        common.table(tables.accuracy_by_language(runs), f"{document['study']}-accuracy-by-language")


def confusion(document: dict[str, Any], runs: Runs) -> None:
    run = _one_run("Run", "run", runs, default="imbalanced")
    common.figure(
        mistakes.confusion(document, run),
        f"What {run_name(run)} predicts for each label, by language",
        name=f"{document['study']}-confusion-{run['run']}",
        caption=f"n = {run['n_test'] // len(document['languages']):,} test rows a language. "
        "Labels down, predictions across; each row of cells sums to 100 %.",
        how="On the diagonal the share that is right. A model that predicts by language errs "
        "towards another class in one group of languages than in the other: compare the cells "
        "beside the diagonal. (Paper, section 4.1, behind Table 2.)",
    )
    with st.expander("As a table"):
        common.table(tables.confusion(document, run), f"{document['study']}-confusion-{run['run']}")


def calibration(document: dict[str, Any], runs: Runs) -> None:
    common.figure(
        mistakes.reliability(document, runs),
        "How often a prediction is right, by how sure the model was",
        name=f"{document['study']}-reliability",
        legend=predictions.legend(runs),
        caption=f"n = {runs[0]['n_test']:,} test rows, "
        f"{runs[0]['n_test'] // len(document['languages']):,} a language, in 15 bins; larger "
        "points stand for more rows.",
        how="On the dashed line a class predicted with probability 0.8 is right in 80 % of the "
        "cases; below it the model is too sure. The expected calibration error is the mean "
        "distance from the line; noise alone makes it positive, the more so the fewer rows there "
        "are. (Guo et al. 2017; not in the paper.)",
    )
    st.markdown("##### Expected calibration error")
    common.table(tables.calibration(runs), f"{document['study']}-calibration")


def disagreements(document: dict[str, Any], runs: Runs) -> None:
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
        language = view.choose("Language", "language", [ANY, *document["languages"]])
    with filters[1]:
        label = view.choose("Label", "label", [ANY, *document["labels"]])
    with filters[2]:
        direction = view.choose("Which is right", "direction", rows.DIRECTIONS)
    file = common.texts_file(document)
    try:
        found, n = rows.disagreements(
            first["run"], second["run"], file, language=language, label=label, direction=direction
        )
    except InputError as error:
        st.warning(escaped(str(error)))
        return
    st.caption(
        f"n = {n:,} of {runs[0]['n_test']:,} test rows; the table has the {len(found):,} whose "
        "probabilities differ most (total variation). First and second: the classes predicted."
    )
    common.table(found, f"{document['study']}-disagreements", isolate=common.texts_in(found))


def translations(document: dict[str, Any], runs: Runs) -> None:
    places = st.columns(2)
    with places[0]:
        run = _one_run("Run", "run", runs, default="imbalanced")
    with places[1]:
        label = view.choose("Label", "label", [ANY, *document["labels"]])
    try:
        found, n, translated = rows.changing(run["run"], label)
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
    event = common.table(
        found,
        f"{document['study']}-changing-{run['run']}",
        on_select="rerun",
        selection_mode="single-row",
    )
    at = event.selection.rows[0] if event.selection.rows else 0
    sentence = str(found["sentence"].iloc[at])
    together = rows.translations(run["run"], sentence, common.texts_file(document))
    st.markdown("##### The sentence in all languages")
    common.table(together, f"{document['study']}-{sentence}", isolate=common.texts_in(together))


def _one_run(label: str, name: str, runs: Runs, default: str) -> dict[str, Any]:
    """A run by its id in the address bar; by default the first of a setup, where it has one."""
    by_id = {run["run"]: run for run in runs}
    names = short_names(runs)
    start = next((run["run"] for run in runs if run["setup"] == default), runs[0]["run"])
    chosen = view.choose(label, name, list(by_id), start, show=lambda run: names[run])
    return by_id[chosen]


PARTS = {
    "accuracy by language": accuracy,
    "confusion": confusion,
    "calibration": calibration,
    "disagreements": disagreements,
    "translations": translations,
}
