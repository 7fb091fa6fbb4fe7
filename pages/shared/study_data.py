"""What all pages share: choosing a study and its runs, what was measured of them, empty states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.checkpoints import studies
from core.checkpoints.studies import Started
from core.corpora import texts as corpora_texts
from core.errors import InputError
from core.jobs import ask
from core.results import study_results, thresholds
from core.results.attributions import Texts
from core.results.names import short_names
from core.results.schema import Attributions, RelianceRow, RunResults, StudyResults
from core.studies import study
from core.text import escaped
from pages.shared import access, address, report_button

HashFuncs = dict[str | type, Callable[[Any], Any]]
NO_STUDY = """No study has been trained yet. The demo study fetches a small real corpus and encoder
(once, 450 MB) and trains five models in some minutes on a laptop; then this page shows what the
skew of a training set does to them. The page Train does the same for your own corpus; in a
terminal, in the folder of LangSkew, so do `make demo` and `python -m core study FILE.toml`.
"""

# How a cache of a page tells one state of a study from another, by what it holds.
RESULTS: HashFuncs = {Started: lambda study: (study.name, study.stamp)}
ATTRIBUTIONS: HashFuncs = {Started: lambda study: (study.name, study.attributions_stamp)}


def choose_study(no_study: str = NO_STUDY) -> tuple[Started, StudyResults]:
    """The study chosen in the sidebar and its results; stops the page where there is none."""
    names = studies.started()
    if not names:
        st.info(no_study)
        access.explain()
        if st.button("Make the demo study", type="primary", **access.limits()):
            by = access.acting()
            ask.ask_study(study.read("demo"), ("attribute", "project"), by)
            st.switch_page("pages/train.py")
        st.stop()
    damaged = studies.damaged()
    name = address.choose(
        "Study",
        "study",
        [name for name in names if name not in damaged] + damaged,  # a page begins with the first
        widget=st.sidebar.selectbox,
        always=True,
        help="Runs that belong together: one corpus and encoder, trained with and without skew.",
    )
    if damaged:
        st.sidebar.caption(f"Does not read: {escaped(', '.join(damaged))}. Choose it to see why.")
    try:
        started = studies.read_started(name)
        document = _summary(started)
    except InputError as error:
        st.error(escaped(str(error)))
        st.stop()
    report_button.draw(started)
    _warn_of_unsound(document)
    return started, document


def _warn_of_unsound(document: StudyResults) -> None:
    """What is wrong with finished runs, on every page that shows their numbers."""
    runs = [run for run in study_results.done_runs(document) if run["message"]]
    for message in dict.fromkeys(run["message"] for run in runs):
        number = sum(run["message"] == message for run in runs)
        st.error(
            f"**{number} of {len(document['runs'])} runs:** {escaped(message)}. *Train anew* on "
            f"the page Train, or `python -m core study {document['study']}`, does so."
        )


# A resource is not copied for each script run, which took a tenth of a second: pages only read it.
@st.cache_resource(
    show_spinner="Measuring the study's predictions …", max_entries=8, hash_funcs=RESULTS
)
def _summary(study: Started) -> StudyResults:
    return study_results.summary(study)


@st.cache_resource(show_spinner="Adding up attributions …", max_entries=64, hash_funcs=ATTRIBUTIONS)
def _attributions(
    study: Started, reference: str, threshold: float, key: str, texts: Texts
) -> Attributions:
    return thresholds.attributions(study, reference, threshold, key, texts)


@st.cache_resource(show_spinner="Adding up attributions …", max_entries=16, hash_funcs=ATTRIBUTIONS)
def reliance_curve(study: Started, reference: str, key: str) -> list[RelianceRow]:
    """The curve of language reliance (`core.results.attributions`)."""
    return thresholds.reliance_curve(study, reference, key)


# Which attributions there are takes a tenth of a second to list for a study of many files.
@st.cache_resource(show_spinner="Adding up attributions …", max_entries=16, hash_funcs=ATTRIBUTIONS)
def first_reliance_curve(study: Started) -> list[RelianceRow]:
    """The curve of the attributions that the page Tokens opens with; nothing without any."""
    return thresholds.first_curve(study)


def attributions(
    study: Started, reference: str, threshold: float, key: str, texts: Texts = "all"
) -> Attributions | None:
    """What a study's attributions say (core.results.attributions), or a message on the page."""
    try:
        return _attributions(study, reference, threshold, key, texts)
    except InputError as error:
        st.error(escaped(str(error)))
        return None


def texts_file(study: Started) -> Path | None:
    """The texts of a study's corpus, for core.corpora.texts, or a message on the page."""
    try:
        with st.spinner("Reading the corpus …"):
            return corpora_texts.texts_file(study.config)
    except InputError as error:
        st.warning(escaped(str(error)))
        return None


def done_runs(document: StudyResults) -> list[RunResults]:
    """The runs that are done; says what is missing, and stops the page where all are."""
    missing = [run for run in document["runs"] if run["state"] != "done"]
    unfinished = [run for run in missing if run["state"] != "deleted"]
    for run in unfinished:
        text = f"**{run['setup']}, seed {run['seed']}** ({run['run']}) is {run['state']}"
        message = f": {escaped(run['message'])}" if run["message"] else "."
        show = st.warning if run["state"] in ("failed", "interrupted", "cancelled") else st.info
        show(f"{text}{message}")
    if unfinished:
        st.caption(f"`python -m core study {document['study']}` trains what is missing.")
    if gone := [f"{run['setup']}, seed {run['seed']}" for run in missing if run not in unfinished]:
        st.caption(
            f"Deleted: {escaped('; '.join(gone))}. On the page Runs it is trained again, or "
            "removed from the study."
        )
    done = study_results.done_runs(document)
    if not done:
        st.stop()
    return done


def choose_runs(runs: list[RunResults]) -> list[RunResults]:
    """Those of the done runs that the reader wants to see, chosen in the sidebar; by default all.

    Stops the page where none is chosen.
    """
    names = short_names(runs)
    chosen = address.choose_some(
        "Runs",
        "runs",
        list(names),
        widget=st.sidebar.multiselect,
        show=lambda run: names[run],
        help="One setup trained with one seed. A null is a further balanced run.",
    )
    if not chosen:
        st.info("No run is chosen; choose one or more in the sidebar.")
        st.stop()
    return [run for run in runs if run["run"] in chosen]
