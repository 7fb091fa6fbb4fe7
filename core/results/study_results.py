"""A study's results: its runs' files through the measures, as one document."""

from __future__ import annotations

import json
from typing import Any

from core.checkpoints import run_folders, studies
from core.config import BALANCED, IMPORTED, RunConfig
from core.errors import InputError
from core.results import cache, references
from core.results.comparisons import setup_comparisons
from core.results.run_measures import groups_of, measure, skewed_design, within_language
from core.storage import places


def summary(name: str) -> dict[str, Any]:
    """The results of a started study, as far as its runs are done.

    A run that is not done, or whose files do not read, has its state and a message in place of
    measures. What was measured is kept in the study's folder until a file of a run changes.

    Raises:
        InputError: the study was never started, or not one of its runs has a config that reads.
    """
    path = studies.started_folder(name) / "summary.json"
    return cache.kept(path, fingerprint(name), lambda: _summary(name))


def _summary(name: str) -> dict[str, Any]:
    configs: dict[str, RunConfig] = {}
    wrong: dict[str, InputError] = {}
    entries = studies.entries(name)
    for entry in entries:
        try:
            configs[entry["run"]] = run_folders.read_config(entry["run"])
        except InputError as error:
            wrong[entry["run"]] = error
    if not configs:
        raise next(iter(wrong.values()))
    skewed = skewed_design(configs)
    other_seeds = {e["seed"] for e in entries if e["setup"] not in (*BALANCED, IMPORTED)}
    runs = []
    for entry in entries:
        run_id = entry["run"]
        # With one seed a null is a balanced run whose seed no imbalanced setup has.
        null = entry["setup"] in BALANCED and entry["seed"] not in other_seeds
        null = null and bool(other_seeds)
        run: dict[str, Any] = {**entry, "null": null, **_state(run_id)}
        try:
            if run_id in wrong:
                raise wrong[run_id]
            if run["state"] == "done":
                run |= measure(run_id, configs[run_id], skewed)
        except InputError as error:
            run |= {"state": "failed", "message": str(error)}
        runs.append(run)
    first = next(iter(configs.values()))
    return {
        "study": name,
        "corpus": first.corpus,
        "encoder": first.encoder,
        "labels": list(first.labels),
        "languages": list(first.languages),
        "groups": [list(g) for g in groups_of(skewed)] if skewed is not None else [],
        "training_shares": within_language(skewed) if skewed is not None else {},
        "runs": runs,
        "comparisons": setup_comparisons(entries, configs, skewed),
    }


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


def comparisons(name: str) -> list[dict[str, Any]]:
    """Every measure of each setup of a study against the setup it is read against.

    Imbalanced against balanced, with class weights against without and against balanced, with the
    masked-input entropy against without, and with one seed its nulls against balanced.
    `beyond_chance` is corrected (Holm) for the pairs of setups compared by the same measure, not
    over the measures: each is a question of its own, and with few seeds a correction over all of
    them would find nothing. Below three seeds it is None, and the `verdict` "no verdict".

    Raises:
        InputError: as `summary`, of which this is a part.
    """
    found: list[dict[str, Any]] = summary(name)["comparisons"]
    return found


def fingerprint(name: str) -> str:
    """Changes whenever a study's results may have changed; cheap, for caches."""
    files = [studies.started_folder(name) / "study.toml"]
    for run_id in studies.run_ids(name):
        files += [run_folders.folder(run_id) / file for file in _READ]
    times = (f"{f.stat().st_mtime_ns}" if f.exists() else "-" for f in files)
    return " ".join([str(places.checkpoints_dir()), *times, references.fingerprint(name)])


_READ = (
    "config.json",
    "status.json",
    "metrics.json",
    "predictions.parquet",
    "base_values.parquet",
    "probes.json",
    "COMPLETE",
)
