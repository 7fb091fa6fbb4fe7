"""One run from its config to its finished folder."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from core.checkpoints import run_folders
from core.checkpoints.outputs import write_test
from core.config import IMPORTED, Recipe, RunConfig
from core.errors import InputError
from core.mitigation.setups import Setup, parse, trained
from core.models.classifier import Classifier, best_device, build
from core.models.prediction import encode, predict
from core.models.session import Session
from core.models.tokens import Tokens
from core.progress import Progress, Stop
from core.sampling.class_weights import row_weights
from core.sampling.subsets import training_counts
from core.storage import atomic
from core.training.batches import Examples
from core.training.correct import correct
from core.training.objective import Objective
from core.training.parts import parts_of, write_subset
from core.training.trainer import fit

_POLL_SECONDS = 1.0


def train_run(
    run_id: str,
    session: Session | None = None,
    report: Progress | None = None,
    stop: Stop | None = None,
) -> None:
    """Train, predict, measure and store one run; nothing is done where it is complete and sound.

    A run that was stopped goes on from its last evaluation. One that corrects a model takes that of
    the run it corrects, which is trained first where it is not.

    Raises:
        InputError: no such run, another process works on it, its corpus or encoder changed, or not
            even one text at a time fits into memory.
        Cancelled, Terminated: stopped.
    """
    if run_folders.is_current(run_id):
        return
    config = run_folders.read_config(run_id)
    if config.setup == IMPORTED:
        raise InputError(
            f"run {run_id} is an imported model and not complete; import {config.encoder} again."
        )

    shared = session or Session()
    stop_, report_ = stop or Stop(), report or (lambda what, share: None)
    corrects = parse(config.setup).correction is not None
    if corrects:
        _have_trained(trained(config), shared, report_, stop_)

    def work(path: Path) -> None:
        if not run_folders.is_current(run_id):  # another process may have been faster
            run_folders.begin(run_id)
            if corrects:
                correct(path, config, shared, report_)
            else:
                _execute(path, config, shared, report_, stop_)

    run_folders.attempt(run_id, work)


def _have_trained(config: RunConfig, session: Session, report: Progress, stop: Stop) -> None:
    """See to it that the run that is to be corrected is trained: wait for who trains it, or do."""
    run_folders.create(config)
    while run_folders.read_status(config.run_id)["state"] == "running":
        report(f"waits for run {config.run_id}, which it corrects", 0.0)
        time.sleep(_POLL_SECONDS)
    train_run(config.run_id, session, report, stop)


def _execute(path: Path, config: RunConfig, session: Session, report: Progress, stop: Stop) -> None:
    started = time.monotonic()
    report("loading the corpus", 0.0)
    corpus = session.corpus(config)
    report("loading the encoder", 0.0)
    encoder = session.encoder(config)
    recipe = config.training

    def classifier_anew() -> Classifier:
        return build(encoder, config.labels, frozen_layers=recipe.frozen_layers, seed=config.seed)

    classifier = classifier_anew().to(best_device())

    parts = parts_of(config, corpus)
    write_subset(path, parts)

    tokens = {
        split: encode(classifier, part, recipe.max_length, recipe.prefix)
        for split, part in parts.items()
    }
    states = session.states(config)
    every = [t for split in tokens.values() for t in split]
    shared = states.get(classifier, every, lambda done, n: report("frozen layers", done / n))
    hidden: dict[str, list[torch.Tensor] | None] = dict.fromkeys(parts)
    if shared is not None:
        start = 0
        for split, texts in tokens.items():
            hidden[split] = shared[start : start + len(texts)]
            start += len(texts)

    setup = parse(config.setup)
    counts = training_counts(config, "train")
    weights = setup.weights(counts)
    examples = {
        split: _examples(parts[split], tokens[split], hidden[split], config, weights[split])
        for split in ("train", "validation")
    }
    examples["train"] = _drawn(examples["train"], setup, counts, config.seed)

    def progress(line: dict[str, Any]) -> None:
        atomic.append_line(path / "progress.jsonl", line)
        report("training", line["step"] / line["steps"])

    fitting = recipe
    while True:
        try:
            fitted = fit(
                classifier,
                examples["train"],
                examples["validation"],
                fitting,
                config.seed,
                path / "resume",
                progress,
                objective=Objective(setup, counts, encoder.model.config.hidden_size, config.seed),
                entropy=config.entropy,
                stop=stop,
            )
            break
        except (RuntimeError, MemoryError) as error:
            fitting = _in_less_memory(fitting, error)
            message = (
                f"out of memory: going on with micro-batches of {fitting.batch_size} rows, "
                f"{fitting.accumulation} an optimiser step"
            )
            atomic.append_line(path / "progress.jsonl", {"message": message})
            report(message, 0.0)
        classifier.zero_grad()
        clear_device_cache(garbage_collection=True)
        classifier.load_state_dict(classifier_anew().state_dict())
    with atomic.replacing(path / "model") as partial:
        classifier.save(partial)

    evaluating = time.monotonic()
    probabilities, vectors = predict(
        classifier,
        tokens["test"],
        hidden["test"],
        lambda done, n: report("predicting", done / n),
    )
    metrics = write_test(path, config, parts["test"], probabilities, vectors) | {
        "n_train": parts["train"].num_rows,
        "n_validation": parts["validation"].num_rows,
        "training": asdict(fitted)
        | {"batch_size": fitting.batch_size, "accumulation": fitting.accumulation},
        "vocabulary": classifier.model.config.vocab_size,
        "full_vocabulary": encoder.full_vocabulary,
        "device": str(classifier.device),
        "evaluation_seconds": round(time.monotonic() - evaluating, 3),
        "seconds": round(time.monotonic() - started, 3),
    }
    if (drawn := len(examples["train"].labels)) != parts["train"].num_rows:
        metrics["n_drawn"] = drawn
    atomic.write_text(path / "metrics.json", json.dumps(metrics))
    shutil.rmtree(path / "resume", ignore_errors=True)
    atomic.write_text(path / "COMPLETE", "")
    report("done", 1.0)


def _in_less_memory(recipe: Recipe, error: RuntimeError | MemoryError) -> Recipe:
    """Half the micro-batch and more of them: the same rows an optimiser step, the same loss.

    Raises:
        InputError: the micro-batch is a single row already.
        RuntimeError: `error`, where it is not about memory.
    """
    if not isinstance(error, MemoryError) and not should_reduce_batch_size(error):
        raise error
    rows = recipe.batch_size * recipe.accumulation
    sizes = [n for n in range(1, recipe.batch_size // 2 + 1) if rows % n == 0]
    if not sizes:
        raise InputError(
            f"out of memory with a single row of {recipe.max_length} tokens at a time ({error}); "
            "set a smaller max_length, more frozen_layers, or choose a smaller encoder."
        ) from error
    return replace(recipe, batch_size=sizes[-1], accumulation=rows // sizes[-1])


def _examples(
    part: pa.Table,
    tokens: list[Tokens],
    hidden: list[torch.Tensor] | None,
    config: RunConfig,
    weights: pd.DataFrame | None,
) -> Examples:
    languages, labels = part["language"].to_pylist(), part["label"].to_pylist()
    of_rows = row_weights(languages, labels, weights)
    numbers = pd.Index(config.labels).get_indexer(pd.Index(labels))
    spoken = pd.Index(config.languages).get_indexer(pd.Index(languages))
    return Examples(tokens, numbers, of_rows, hidden, spoken)


def _drawn(train: Examples, setup: Setup, counts: pd.DataFrame, seed: int) -> Examples:
    """The training rows that an epoch passes over, where a mitigation draws them."""
    assert train.languages is not None  # `_examples` gives them
    rows = setup.drawn(train.languages * len(counts.columns) + train.labels, counts, seed)
    if np.array_equal(rows, np.arange(len(train.labels))):
        return train
    return Examples(
        [train.tokens[i] for i in rows],
        train.labels[rows],
        train.weights[rows],
        None if train.hidden is None else [train.hidden[i] for i in rows],
        train.languages[rows],
    )
