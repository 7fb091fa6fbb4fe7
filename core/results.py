"""A study's results: its runs' files through the measures, as one document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pandas as pd

from core import checkpoints, study
from core.config import IMPORTED, RunConfig
from core.corpus import Corpus
from core.errors import InputError
from core.joint import count, deviation, divergence_bits, skew
from core.measured import comparable, groups_of, measure, within_language
from core.measures.bootstrap import Totals
from core.measures.compare import compare, holm


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
    other_seeds = {e["seed"] for e in entries if e["setup"] not in ("balanced", IMPORTED)}
    runs = []
    for entry in entries:
        run_id = entry["run"]
        # With one seed the null is the balanced run whose seed no other setup has.
        null = entry["setup"] == "balanced" and entry["seed"] not in other_seeds
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
        document |= measure(run_id, config, _skewed({run_id: config}))
    return document


def _state(run_id: str) -> dict[str, str]:
    status = checkpoints.read_status(run_id)
    return {key: status[key] for key in ("state", "message")}


def _skewed(configs: Mapping[str, RunConfig]) -> pd.DataFrame | None:
    """The study's skewed design; None where no run has one."""
    tables = [c.shares_table() for c in configs.values() if c.skewed]
    skewed = [t for t in tables if (deviation(t).abs() > 1e-9).to_numpy().any()]
    return skewed[0] if skewed else None


def comparisons(name: str) -> list[dict[str, Any]]:
    """Every measure of each setup of a study against the setup it is read against.

    Imbalanced against balanced, with class weights against without, with the masked-input entropy
    against without, and with one seed the null against balanced. `beyond_chance` is corrected
    (Holm) for the pairs of setups compared by the same measure: each measure is a question of its
    own, and with few seeds a correction over all of them would find nothing.
    """
    measures: dict[str, dict[int, dict[str, Totals | float]]] = {}
    configs: dict[str, RunConfig] = {}
    entries = study.entries(name)
    for entry in entries:
        with suppress(InputError):  # summary says what is wrong with it
            configs[entry["run"]] = checkpoints.read_config(entry["run"])
    table = _skewed(configs)
    for entry in entries:
        run_id = entry["run"]
        if run_id in configs and checkpoints.is_complete(run_id):
            with suppress(InputError):
                found = comparable(run_id, configs[run_id], table)
                measures.setdefault(entry["setup"], {})[entry["seed"]] = found
    pairs = []
    for a, b in _pairs(list(measures)):
        common = sorted(set(measures[a]) & set(measures[b]))
        pairs.append((a, b, [measures[a][s] for s in common], [measures[b][s] for s in common]))
    seeds = sorted(measures.get("balanced", {}))
    if (
        len({s for x, runs in measures.items() if x not in ("balanced", IMPORTED) for s in runs})
        == 1
    ):
        one, null = ([measures["balanced"][s]] for s in seeds) if len(seeds) == 2 else ([], [])
        pairs.append(("balanced (null)", "balanced", null, one))
    compared = [
        compare(a, b, m, dict(enumerate(x[m] for x in of_a)), dict(enumerate(x[m] for x in of_b)))
        for a, b, of_a, of_b in pairs
        if of_a
        for m in of_a[0]
        if all(m in x for x in (*of_a, *of_b))
    ]
    names = dict.fromkeys(c.measure for c in compared)
    judged = [c for name in names for c in holm([c for c in compared if c.measure == name])]
    return [
        {
            "a": c.a,
            "b": c.b,
            "measure": c.measure,
            "difference": c.difference,
            "ci": None if c.low is None else [c.low, c.high],
            "p": c.p,
            "n_seeds": c.n_seeds,
            "method": c.method,
            "beyond_chance": c.beyond_chance,
        }
        for c in judged
    ]


def _pairs(setups: list[str]) -> list[tuple[str, str]]:
    wanted = [
        ("imbalanced", "balanced"),
        ("imbalanced+cw", "imbalanced"),
        ("imbalanced+cw", "balanced"),
        *((s, s.removesuffix("+entropy")) for s in setups if s.endswith("+entropy")),
        ("imbalanced+entropy", "balanced+entropy"),
        (IMPORTED, "balanced"),
    ]
    return [(a, b) for a, b in wanted if a in setups and b in setups]


def fingerprint(name: str) -> str:
    """Changes whenever a study's results may have changed; cheap, for caches."""
    files = [study.started_folder(name) / "study.toml"]
    for run_id in study.run_ids(name):
        files += [checkpoints.folder(run_id) / file for file in _READ]
    times = (f"{f.stat().st_mtime_ns}" if f.exists() else "-" for f in files)
    return " ".join([str(checkpoints.root()), *times])


_READ = (
    "config.json",
    "status.json",
    "metrics.json",
    "predictions.parquet",
    "base_values.parquet",
    "probes.json",
    "COMPLETE",
)
