"""A study's results: its runs' files through the measures, as one document."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from core.checkpoints import run_folders
from core.checkpoints.studies import Member, Started
from core.errors import InputError
from core.results import cache
from core.results.comparisons import setup_comparisons
from core.results.run_measures import groups_of, measure, skewed_design, within_language


def summary(study: Started) -> dict[str, Any]:
    """The results of a started study, as far as its runs are done.

    A run that is not done, or whose files do not read, has its state and a message in place of
    measures. What was measured is kept in the study's folder until a file of a run changes.

    Raises:
        InputError: not one of the study's runs has a config that reads.
    """
    return cache.kept(study.folder / "summary.json", study.stamp, lambda: _summary(study))


def _summary(study: Started) -> dict[str, Any]:
    first, skewed = study.config, skewed_design(study.configs)
    return {
        "study": study.name,
        "corpus": first.corpus,
        "encoder": first.encoder,
        "labels": list(first.labels),
        "languages": list(first.languages),
        "groups": [list(g) for g in groups_of(skewed)] if skewed is not None else [],
        "training_shares": within_language(skewed) if skewed is not None else {},
        "runs": [_run(member, skewed) for member in study.members],
        "comparisons": setup_comparisons(study, skewed),
    }


def _run(member: Member, skewed: pd.DataFrame | None) -> dict[str, Any]:
    run = {"run": member.run, "setup": member.setup, "seed": member.seed, "null": member.null}
    run |= _state(member.run)
    if member.config is None:
        return run | {"state": "failed", "message": member.problem}
    try:
        return run | (measure(member.run, member.config, skewed) if run["state"] == "done" else {})
    except InputError as error:
        return run | {"state": "failed", "message": str(error)}


def run_summary(run_id: str) -> dict[str, Any]:
    """Config, state and, where it is done, the measures of one run."""
    config = run_folders.read_config(run_id)
    document = {
        "run": run_id,
        **_state(run_id),
        "config": json.loads(config.canonical_json()),
    }
    if document["state"] == "done":
        document |= measure(run_id, config, skewed_design({run_id: config}))
    return document


def _state(run_id: str) -> dict[str, str]:
    status = run_folders.read_status(run_id)
    return {key: status[key] for key in ("state", "message")}
