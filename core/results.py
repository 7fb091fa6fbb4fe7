"""A study's results: its runs' files through the measures, as one document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import pandas as pd

from core import checkpoints, derived, study
from core.attribution import compared
from core.config import BALANCED, IMPORTED, RunConfig
from core.corpus import Corpus
from core.errors import InputError
from core.joint import count, divergence_bits, skew
from core.measured import comparable, groups_of, measure, skewed_design, within_language
from core.measures.accuracy import accuracy_totals
from core.measures.bootstrap import Totals
from core.measures.compare import Comparison, compare, holm, margin_of


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
    measures. What was measured is kept in the study's folder until a file of a run changes.

    Raises:
        InputError: the study was never started, or not one of its runs has a config that reads.
    """
    path = study.started_folder(name) / "summary.json"
    return derived.kept(path, fingerprint(name), lambda: _summary(name))


def _summary(name: str) -> dict[str, Any]:
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
        "comparisons": _comparisons(entries, configs, skewed),
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
        document |= measure(run_id, config, skewed_design({run_id: config}))
    return document


def _state(run_id: str) -> dict[str, str]:
    status = checkpoints.read_status(run_id)
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


def _comparisons(
    entries: list[dict[str, Any]], configs: Mapping[str, RunConfig], skewed: pd.DataFrame | None
) -> list[dict[str, Any]]:
    measures: dict[str, dict[int, dict[str, Totals | float]]] = {}
    for entry in entries:
        run_id = entry["run"]
        if run_id in configs and checkpoints.is_complete(run_id):
            with suppress(InputError):  # summary says what is wrong with it
                found = comparable(run_id, configs[run_id], skewed)
                measures.setdefault(entry["setup"], {})[entry["seed"]] = found
    compared = []
    for a, b in pairs(list(measures)):
        compared += _compare(a, b, measures[a], measures[b])
    others = {s for x, runs in measures.items() if x not in (*BALANCED, IMPORTED) for s in runs}
    for setup in BALANCED:
        seeds = sorted(measures.get(setup, {}))
        if len(others) == 1 and len(seeds) > 1 and seeds[0] in others:
            # Two at most: differences from one and the same run are no seeds for a verdict.
            nulls = {s: measures[setup][s] for s in seeds[1:3]}
            one = dict.fromkeys(nulls, measures[setup][seeds[0]])
            compared += _compare(f"{setup} (null)", setup, nulls, one)
    names = dict.fromkeys(c.measure for c in compared)
    judged = [c for name in names for c in holm([c for c in compared if c.measure == name])]
    return [_document(c) for c in judged]


def compare_runs(
    name: str, a: Sequence[str], b: Sequence[str], margins: float = 1.0
) -> list[dict[str, Any]]:
    """Every measure of some runs of a study against others of it, such as two setups or two runs.

    Runs of one seed are paired; a single run is compared with a single one whatever their seeds.
    Each measure is a question of its own, at 5 %; accuracy by language is one question, corrected
    (Holm) over the languages.

    Args:
        name: the study.
        a: ids of finished runs, of different seeds.
        b: what they are read against.
        margins: what the usual ones are multiplied by.

    Returns:
        As `comparisons`, with the means `value_a` and `value_b`; accuracy in each language too.

    Raises:
        InputError: no seed in common, different test rows, or a file does not read.
    """
    entries = study.entries(name)
    configs = checkpoints.read_configs(entry["run"] for entry in entries)
    table = skewed_design(configs)
    seeds = {entry["run"]: entry["seed"] for entry in entries}
    sides = []
    for runs in (a, b):
        side: dict[int, dict[str, Totals | float]] = {}
        for run_id in runs:
            config = configs.get(run_id) or checkpoints.read_config(run_id)
            seed = 0 if len(a) == len(b) == 1 else seeds.get(run_id, config.seed)
            side[seed] = comparable(run_id, config, table)
            accuracy = accuracy_totals(checkpoints.read_predictions(run_id))
            side[seed] |= {f"accuracy, {x}": accuracy.only(x) for x in config.languages}
        sides.append(side)
    common = set(sides[0]) & set(sides[1])
    if not common:
        raise InputError(
            f"no seed in common: one side has {sorted(sides[0])}, the other {sorted(sides[1])}; "
            "choose single runs, or train both setups on one seed."
        )
    documents = []
    compared = _compare("a", "b", sides[0], sides[1], margins)
    questions = dict.fromkeys(_question(c) for c in compared)
    for judged in (c for q in questions for c in holm([c for c in compared if _question(c) == q])):
        document = _document(judged)
        for key, side in zip(("value_a", "value_b"), sides, strict=True):
            found = [side[seed][judged.measure] for seed in common]
            values = [float(x.values[0]) if isinstance(x, Totals) else x for x in found]
            document[key] = sum(values) / len(values)
        documents.append(document)
    return documents


def _question(c: Comparison) -> str:
    return c.measure.partition(", ")[0] + ("," if ", " in c.measure else "")


def _compare(
    a: str,
    b: str,
    runs_a: Mapping[int, Mapping[str, Totals | float]],
    runs_b: Mapping[int, Mapping[str, Totals | float]],
    margins: float = 1.0,
) -> list[Comparison]:
    """By every measure that all runs of the common seeds have; nothing where there is none."""
    common = sorted(set(runs_a) & set(runs_b))
    if not common:
        return []
    of_a, of_b = ([runs[s] for s in common] for runs in (runs_a, runs_b))
    return [
        compare(
            a,
            b,
            m,
            dict(enumerate(x[m] for x in of_a)),
            dict(enumerate(x[m] for x in of_b)),
            margin=None if (usual := margin_of(m)) is None else margins * usual,
        )
        for m in of_a[0]
        if all(m in x for x in (*of_a, *of_b))
    ]


def _document(c: Comparison) -> dict[str, Any]:
    return {
        "a": c.a,
        "b": c.b,
        "measure": c.measure,
        "difference": c.difference,
        "ci": None if c.low is None else [c.low, c.high],
        "p": c.p,
        "n_seeds": c.n_seeds,
        "method": c.method,
        "covers": c.covers,
        "beyond_chance": c.beyond_chance,
        "margin": c.margin,
        "within_margin": c.within_margin,
        "verdict": c.verdict,
        "spread": c.spread and asdict(c.spread),
    }


def pairs(setups: Sequence[str]) -> list[tuple[str, str]]:
    """The setups of a study that are compared, each with the one it is read against."""
    wanted = [
        ("imbalanced", "balanced"),
        ("imbalanced+cw", "imbalanced"),
        ("imbalanced+cw", "balanced"),
        *((s, s.removesuffix("+entropy")) for s in setups if s.endswith("+entropy")),
        ("imbalanced+entropy", "balanced+entropy"),
        ("imbalanced+cw+entropy", "imbalanced+entropy"),
        ("imbalanced+cw+entropy", "balanced+entropy"),
        (IMPORTED, "balanced"),
    ]
    return [(a, b) for a, b in wanted if a in setups and b in setups]


def fingerprint(name: str) -> str:
    """Changes whenever a study's results may have changed; cheap, for caches."""
    files = [study.started_folder(name) / "study.toml"]
    for run_id in study.run_ids(name):
        files += [checkpoints.folder(run_id) / file for file in _READ]
    times = (f"{f.stat().st_mtime_ns}" if f.exists() else "-" for f in files)
    return " ".join([str(checkpoints.root()), *times, compared.fingerprint(name)])


_READ = (
    "config.json",
    "status.json",
    "metrics.json",
    "predictions.parquet",
    "base_values.parquet",
    "probes.json",
    "COMPLETE",
)
