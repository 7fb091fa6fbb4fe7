"""What a plan will take: runs, rows, time, memory, disk; and what speaks against it."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from core.checkpoints import outputs, run_folders
from core.config import RunConfig
from core.errors import InputError
from core.mitigation.setups import parse
from core.models import hub, kinds
from core.sampling.subsets import training_counts
from core.storage import memory as system_memory
from core.storage import places, reading, sql
from core.studies.planning import Plan
from core.studies.study import SPLITS

_MEGABYTE = 1e6
_BASE_BYTES = 800 * _MEGABYTE  # Python with its libraries, and a small corpus
_STATE_BYTES = 2 * 2**30  # as much as core.models.frozen keeps


class PlannedRun(TypedDict):
    """A run that a plan stands for."""

    run: str
    setup: str
    seed: int
    state: str  # of `run_folders.state_to_plan_by`


class Forecast(TypedDict):
    """What a plan will take."""

    study: str
    runs: list[PlannedRun]
    new: int  # runs to be trained
    reused: int
    rows: dict[str, int]  # a language (the mean, rounded down), by split
    cells: dict[str, dict[str, dict[str, dict[str, int]]]]  # by design, split, language and label
    measured: int  # earlier runs with the same encoder, frozen layers and length
    seconds_a_run: float | None  # by their speed; None without any
    seconds: float | None  # of all new ones
    memory: float | None  # bytes, an estimate; None where the encoder's config does not read
    memory_of_machine: float
    disk: float | None  # bytes, at most; None as for memory
    disk_kept: float | None  # of it what stays: the models of the new runs
    disk_free: float
    problems: list[str]  # sentences; with any, it cannot work (core.studies.checks has more)
    notes: list[str]  # sentences of core.studies.checks that stand in no way


def of(plan: Plan) -> Forecast:
    """What will run, and what it takes."""
    configs = list(plan.runs.values())
    first = configs[0]
    states = {run: run_folders.state_to_plan_by(run) for run in plan.runs}
    new = [run for run, state in states.items() if state != "done"]
    # What corrects a model takes seconds, and little of the disk.
    trained = [run for run in new if parse(plan.runs[run].setup).correction is None]
    speed = _measured(first)
    each = speed.seconds(first) if speed else None
    shape = _shape(first)
    memory = _memory(shape, first) if shape else None
    kept = disk = None
    if shape:
        kept = float(shape.stored * len(trained))
        disk = kept + _while_training(shape, len(trained))
    found: Forecast = {
        "study": plan.study.name,
        "runs": [
            {"run": run, "setup": c.setup, "seed": c.seed, "state": states[run]}
            for run, c in plan.runs.items()
        ],
        "new": len(new),
        "reused": len(configs) - len(new),
        "rows": {s: first.rows(s) // len(first.languages) for s in SPLITS},
        "cells": _cells(configs),
        "measured": speed.runs if speed else 0,
        "seconds_a_run": each,
        "seconds": None if each is None else each * len(trained),
        "memory": memory,
        "memory_of_machine": system_memory.of_machine(),
        "disk": disk,
        "disk_kept": kept,
        "disk_free": _disk_free(),
        "problems": [],
        "notes": [],
    }
    found["problems"] = too_large(found["disk"], found["disk_free"], memory)
    return found


@dataclass(frozen=True)
class _Shape:
    """Of an encoder: what its config says, and how many of its embedding rows are kept."""

    layers: int
    hidden: int
    intermediate: int
    positions: int
    full_vocabulary: int
    vocabulary: int

    @property
    def layer_parameters(self) -> int:
        """Weights and biases of one layer: attention, feed-forward, two normalisations."""
        h, i = self.hidden, self.intermediate
        return 4 * h * h + 2 * h * i + 9 * h + i

    def parameters(self, vocabulary: int) -> int:
        """Of the encoder with so many embedding rows."""
        embeddings = (vocabulary + self.positions + 4) * self.hidden
        return embeddings + self.layers * self.layer_parameters

    @property
    def stored(self) -> int:
        """Bytes of a stored model."""
        return 4 * self.parameters(self.vocabulary)


@dataclass(frozen=True)
class _Speed:
    """Of earlier runs: medians over `runs` of rows a second, and of seconds around training."""

    runs: int
    rows_a_second: float
    around: float

    def seconds(self, config: RunConfig) -> float:
        """What a run takes."""
        rows = config.rows("train") * config.training.epochs
        return rows / self.rows_a_second + self.around


def _measured(config: RunConfig) -> _Speed | None:
    alike = [
        run
        for run, other in _finished().items()
        if other.encoder == config.encoder
        and other.training.frozen_layers == config.training.frozen_layers
        and other.training.max_length == config.training.max_length
    ]
    files = [p for r in alike if (p := run_folders.folder(r) / "progress.jsonl").exists()]
    if not files:
        return None
    rates, around = [], []
    for path in files:
        with suppress(InputError):  # a broken run tells nothing
            rate = _rate(path)
            if rate > 0:
                around.append(_seconds_around(path.parent.name, rate))
                rates.append(rate)
    if not rates:
        return None
    return _Speed(len(rates), float(pd.Series(rates).median()), float(pd.Series(around).median()))


def _rate(path: Path) -> float:
    """Median of the samples a second in a run's progress; 0 where there are none."""
    with reading.reading(path, run_folders.MEND):
        measured = sql.query(
            """SELECT median(samples_per_second) AS rate
               FROM read_json(?, columns = {samples_per_second: 'DOUBLE'},
                              format = 'newline_delimited', ignore_errors = true)""",
            [str(path)],
        )
        rate = measured["rate"].iloc[0]
        return 0.0 if pd.isna(rate) else float(rate)


def _seconds_around(run_id: str, rate: float) -> float:
    """Seconds of a run in which it did not train: loading, validating, predicting."""
    config = run_folders.read_config(run_id)
    metrics = outputs.read_metrics(run_id, config)
    rows = metrics["n_train"] * config.training.epochs
    return max(0.0, float(metrics["seconds"]) - rows / rate)


def _finished() -> dict[str, RunConfig]:
    found = {}
    for path in sorted(places.checkpoints_dir().glob("*/COMPLETE")):
        with suppress(InputError):  # a broken run tells nothing
            found[path.parent.name] = run_folders.read_config(path.parent.name)
    return found


def _cells(configs: list[RunConfig]) -> dict[str, Any]:
    cells = {}
    for config in configs:
        design = "imbalanced" if config.skewed else "balanced"
        if design not in cells:
            tables = {s: training_counts(config, s) for s in SPLITS}
            cells[design] = {s: json.loads(t.T.to_json()) for s, t in tables.items()}
    return cells


def _shape(config: RunConfig) -> _Shape | None:
    try:
        tiny = config.encoder == hub.TINY
        found = kinds.TINY if tiny else kinds.settings(hub.locate(config.encoder)[0])
    except InputError:  # core.studies.checks says what is wrong
        return None
    if (of := kinds.shape(found)) is None:
        return None
    kept = of.vocabulary if tiny else _vocabulary(config, of.vocabulary)
    return _Shape(of.layers, of.hidden, of.intermediate, of.positions or 0, of.vocabulary, kept)


def _vocabulary(config: RunConfig, full: int) -> int:
    """Embedding rows after trimming, where an earlier run tells; else all of them."""
    if config.training.trim:
        for run, other in _finished().items():
            same = ("encoder", "corpus_hash", "external_hash")
            if all(getattr(other, k) == getattr(config, k) for k in same) and other.training.trim:
                with suppress(InputError):  # a broken run tells nothing
                    rows = outputs.read_metrics(run, other).get("vocabulary", full)
                    return int(rows) if reading.is_number(rows, 1, full) else full
    return full


def _memory(shape: _Shape, config: RunConfig) -> float:
    """Bytes of a run, roughly: encoder as loaded, weights, gradients, AdamW, activations, states.

    Activations of a layer in float32: some 80 bytes a token and hidden unit (after Korthikanti et
    al. 2022, section 4.1, with attention scores that are not kept).
    """
    recipe = config.training
    total = shape.parameters(shape.vocabulary)
    frozen = 0
    if recipe.frozen_layers:
        frozen = total - (shape.layers - recipe.frozen_layers) * shape.layer_parameters
    activations = 80.0 * recipe.batch_size * recipe.max_length * shape.hidden * shape.layers
    texts = sum(config.rows(split) for split in SPLITS)
    states = min(4.0 * texts * recipe.max_length * shape.hidden, _STATE_BYTES) if frozen else 0.0
    loaded = 4.0 * shape.parameters(shape.full_vocabulary)
    return _BASE_BYTES + loaded + 4 * frozen + 16 * (total - frozen) + activations + states


def _while_training(shape: _Shape, new: int) -> float:
    """Bytes of the checkpoints of the run that trains, where there is a new one.

    These are the newest, the best, and one that is being written; AdamW adds two numbers a weight.
    """
    return float(3 * 3 * shape.stored if new else 0)


def _disk_free() -> int:
    path = places.checkpoints_dir()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def too_large(disk: float | None, free: float, memory: float | None) -> list[str]:
    """What of disk and memory, in bytes, does not suffice, as sentences."""
    problems = []
    if disk and disk > free:
        problems.append(
            f"it needs up to {disk / 1e9:.1f} GB of disk, {free / 1e9:.1f} "
            "GB are free; delete runs (`python -m core prune`) or train fewer."
        )
    if memory and memory > (machine := system_memory.of_machine()):
        problems.append(
            f"it needs some {memory / 1e9:.1f} GB of memory, the machine has "
            f"{machine / 1e9:.1f}; set a smaller max_length or batch_size, more "
            "frozen_layers, or choose a smaller encoder."
        )
    return problems
