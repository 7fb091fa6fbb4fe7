"""A study's results: its runs' files through the measures, as one document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from core import checkpoints, study
from core.config import RunConfig
from core.corpus import Corpus
from core.errors import InputError
from core.joint import Groups, count, deviation, divergence_bits, skew
from core.measures.predictions import Predictions, group_shares, predicted_shares, true_shares
from core.measures.uptake import skew_uptake


def audit(corpus: Corpus) -> dict[str, Any]:
    """What is in a corpus and how skewed it is, over all splits and in each."""
    everything = pd.concat([corpus.rows(s) for s in ("train", "validation", "test")])
    joint = count(everything, corpus.languages, corpus.labels)
    divergences = divergence_bits(joint)
    splits = {}
    for split in ("train", "validation", "test"):
        counts = count(corpus.rows(split), corpus.languages, corpus.labels)
        rows = int(counts.to_numpy().sum())
        splits[split] = {"rows": rows, **(skew(counts) if rows else {})}
    return {
        "corpus": corpus.name,
        "rows": corpus.table.num_rows,
        "dropped": dict(corpus.dropped),
        "notes": list(corpus.notes),
        "pairs": corpus.is_pair_task,
        "languages": list(corpus.languages),
        "labels": list(corpus.labels),
        "joint": joint.to_dict("index"),
        **skew(joint),
        "divergence_bits": {k: v for k, v in divergences.items() if v == v},
        "splits": splits,
        "content_hash": corpus.content_hash,
    }


def summary(name: str) -> dict[str, Any]:
    """The results of a started study, as far as its runs are done.

    A run that is not done, or whose files do not read, has its state and a message in place of
    measures.

    Raises:
        InputError: the study was never started, or not one of its runs has a config that reads.
    """
    configs: dict[str, RunConfig] = {}
    wrong: dict[str, InputError] = {}
    entries = study.entries(name)
    for entry in entries:
        try:
            configs[entry["run"]] = checkpoints.read_config(entry["run"])
        except InputError as error:
            wrong[entry["run"]] = error
    if not configs:
        raise next(iter(wrong.values()))
    skewed = _skewed(configs)
    skewed_seeds = {e["seed"] for e in entries if e["setup"] != "balanced"}
    runs = []
    for entry in entries:
        run_id = entry["run"]
        # With one seed the null is the balanced run whose seed no other setup has.
        null = entry["setup"] == "balanced" and entry["seed"] not in skewed_seeds
        null = null and bool(skewed_seeds)
        run: dict[str, Any] = {**entry, "null": null, **_state(run_id)}
        try:
            if run_id in wrong:
                raise wrong[run_id]
            if run["state"] == "done":
                run |= _measured(run_id, configs[run_id], skewed)
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
        "training_shares": _within_language(skewed) if skewed is not None else {},
        "runs": runs,
    }


def run_summary(run_id: str) -> dict[str, Any]:
    """Config, state and, where it is done, the measures of one run."""
    config = checkpoints.read_config(run_id)
    document = {
        "run": run_id,
        **_state(run_id),
        "config": json.loads(config.canonical_json()),
    }
    if document["state"] == "done":
        document |= _measured(run_id, config, _skewed({run_id: config}))
    return document


def _state(run_id: str) -> dict[str, str]:
    status = checkpoints.read_status(run_id)
    return {key: status[key] for key in ("state", "message")}


def groups_of(skewed: pd.DataFrame) -> Groups:
    """The two sides of a skewed design: languages where the last label is over-represented, and
    where it is under-represented."""
    last = deviation(skewed).iloc[:, -1]
    over = tuple(str(x) for x in last.index[last > 1e-9])
    return over, tuple(str(x) for x in last.index[last < -1e-9])


def _skewed(configs: Mapping[str, RunConfig]) -> pd.DataFrame | None:
    """The study's skewed design; None where no run has one."""
    tables = [c.shares_table() for c in configs.values() if c.setup != "balanced"]
    skewed = [t for t in tables if (deviation(t).abs() > 1e-9).to_numpy().any()]
    return skewed[0] if skewed else None


def _measured(run_id: str, config: RunConfig, skewed: pd.DataFrame | None) -> dict[str, Any]:
    predictions = checkpoints.read_predictions(run_id)
    path = checkpoints.folder(run_id) / "metrics.json"
    try:
        metrics = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path} does not read: {error}") from error
    shares = predicted_shares(predictions)
    measured = {
        **{k: metrics[k] for k in ("n_train", "n_validation", "n_test", "accuracy", "accuracy_ci")},
        "accuracy_by_language": metrics["accuracy_by_language"],
        "best_epoch": metrics["training"]["best_epoch"],
        "validation_loss": metrics["training"]["validation_loss"],
        "seconds": metrics["seconds"],
        "skew_uptake": None,
        "skew_uptake_ci": None,
        "soft_uptake": None,
        "soft_uptake_ci": None,
        "predictions": shares.to_dict("index"),
        "soft_predictions": predicted_shares(predictions, soft=True).to_dict("index"),
        "truth": true_shares(predictions).to_dict("index"),
        "training_shares": _within_language(config.shares_table()),
    }
    if skewed is not None:
        hard = skew_uptake(predictions, deviation(skewed))
        soft = skew_uptake(predictions, deviation(skewed), soft=True)
        measured |= {
            "skew_uptake": hard.value,
            "skew_uptake_ci": [hard.low, hard.high],
            "soft_uptake": soft.value,
            "soft_uptake_ci": [soft.low, soft.high],
            "predictions_by_group": _by_group(predictions, shares, groups_of(skewed)),
        }
    return measured


def _by_group(
    predictions: Predictions, shares: pd.DataFrame, groups: Groups
) -> dict[str, dict[str, float]]:
    n = predictions.rows["language"].value_counts()
    document: dict[str, dict[str, float]] = group_shares(shares, n, groups).to_dict("index")
    return document


def _within_language(shares: pd.DataFrame) -> dict[str, dict[str, float]]:
    document: dict[str, dict[str, float]] = shares.div(shares.sum(axis=1), axis=0).to_dict("index")
    return document


def fingerprint(name: str) -> str:
    """Changes whenever a study's results may have changed; cheap, for caches."""
    files = [study.started_folder(name) / "study.toml"]
    for run_id in study.run_ids(name):
        files += [checkpoints.folder(run_id) / file for file in _READ]
    times = (f"{f.stat().st_mtime_ns}" if f.exists() else "-" for f in files)
    return " ".join([str(checkpoints.root()), *times])


_READ = ("config.json", "status.json", "metrics.json", "predictions.parquet", "COMPLETE")
