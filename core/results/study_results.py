"""A study's results: its runs' files through the measures, as one document."""

from __future__ import annotations

import json

import pandas as pd

from core.checkpoints import run_folders
from core.checkpoints.studies import Member, Started
from core.errors import InputError
from core.results import cache
from core.results.comparisons import setup_comparisons
from core.results.run_measures import (
    groups_of,
    measure,
    on_other_sentences,
    skewed_design,
    within_language,
)
from core.results.schema import OpenRun, OpenRunDocument, Run, RunDocument, RunResults, StudyResults
from core.storage import reading


def summary(study: Started) -> StudyResults:
    """The results of a started study, as far as its runs are done.

    A run that is not done, or whose files do not read, has its state and a message in place of
    measures. What was measured is kept in the study's folder until a file of a run changes.

    Raises:
        InputError: not one of the study's runs has a config that reads.
    """
    return cache.kept(study.folder / "summary.json", study.stamp, lambda: _summary(study))


def _summary(study: Started) -> StudyResults:
    first, skewed = study.config, skewed_design(study.configs)
    odd = on_other_sentences(study)
    return {
        "study": study.name,
        "corpus": first.corpus,
        "encoder": first.encoder,
        "labels": list(first.labels),
        "languages": list(first.languages),
        "groups": [list(g) for g in groups_of(skewed)] if skewed is not None else [],
        "training_shares": within_language(skewed) if skewed is not None else {},
        "runs": [_run(member, skewed, odd.get(member.run, "")) for member in study.members],
        "comparisons": setup_comparisons(study, skewed, odd),
    }


def _run(member: Member, skewed: pd.DataFrame | None, problem: str) -> RunResults | OpenRun:
    run: Run = {"run": member.run, "setup": member.setup, "seed": member.seed, "null": member.null}
    if run_folders.is_deleted(member.run):
        return {**run, "state": "deleted", "message": run_folders.DELETED}
    if member.config is None:
        return {**run, "state": "failed", "message": member.problem}
    status = run_folders.read_status(member.run)
    message = status["message"]
    if status["state"] != "done":
        return {**run, "state": status["state"], "message": message}
    if problem:
        return {**run, "state": "failed", "message": problem}
    try:
        with reading.reading(run_folders.folder(member.run), run_folders.MEND):
            measures = measure(member.run, member.config, skewed)
    except InputError as error:
        return {**run, "state": "failed", "message": str(error)}
    return {**run, "state": "done", "message": message, **measures}


def done_runs(document: StudyResults) -> list[RunResults]:
    """Those of a study's runs that are done."""
    return [run for run in document["runs"] if run["state"] == "done"]


def run_summary(run_id: str) -> RunDocument | OpenRunDocument:
    """Config, state and, where it is done, the measures of one run."""
    config = run_folders.read_config(run_id)
    status, given = run_folders.read_status(run_id), json.loads(config.canonical_json())
    message = status["message"]
    if status["state"] != "done":
        return {"run": run_id, "state": status["state"], "message": message, "config": given}
    with reading.reading(run_folders.folder(run_id), run_folders.MEND):
        measures = measure(run_id, config, skewed_design({run_id: config}))
    return {"run": run_id, "state": "done", "message": message, "config": given, **measures}
