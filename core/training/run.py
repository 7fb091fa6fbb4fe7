"""One run from its config to its finished folder."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from core.checkpoints import run_folders
from core.checkpoints.outputs import write_test
from core.config import IMPORTED, Recipe, RunConfig
from core.errors import InputError
from core.models.classifier import Classifier, best_device, build
from core.models.prediction import encode, predict
from core.models.session import Session
from core.models.tokens import Tokens
from core.progress import Progress, Stop
from core.sampling.class_weights import class_weights, row_weights
from core.sampling.subsets import rows_of, subset, training_counts
from core.storage import atomic
from core.training.batches import Examples
from core.training.trainer import fit


def train_run(
    run_id: str,
    session: Session | None = None,
    report: Progress | None = None,
    stop: Stop | None = None,
) -> None:
    """Train, predict, measure and store one run; nothing is done where it is complete and sound.

    A run that was stopped goes on from its last evaluation.

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

    def work(path: Path) -> None:
        if not run_folders.is_current(run_id):  # another process may have been faster
            run_folders.begin(run_id)
            report_ = report or (lambda what, share: None)
            _execute(path, config, session or Session(), report_, stop or Stop())

    run_folders.attempt(run_id, work)


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

    parts = {}
    for split in ("train", "validation", "test"):
        part = rows_of(corpus, subset(config, corpus, split))
        # Training must not hang on the order of a file; the test set keeps the corpus's order.
        part = part if split == "test" else part.sort_by("row")
        if split == "validation":  # of like length together: less padding, the same mean loss
            lengths = pc.utf8_length(part["text"])
            part = part.take(pc.sort_indices(lengths))
        parts[split] = part
    _write_subset(path, parts)

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

    counts = training_counts(config, "train")
    weights = class_weights(counts) if config.weighted else None
    examples = {
        split: _examples(parts[split], tokens[split], hidden[split], config, weights)
        for split in ("train", "validation")
    }

    def progress(line: dict[str, Any]) -> None:
        atomic.append_line(path / "progress.jsonl", line)
        report("training", line["step"] / line["steps"])

    fitting = recipe
    while True:
        try:
            trained = fit(
                classifier,
                examples["train"],
                examples["validation"],
                fitting,
                config.seed,
                path / "resume",
                progress,
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
        "training": asdict(trained)
        | {"batch_size": fitting.batch_size, "accumulation": fitting.accumulation},
        "vocabulary": classifier.model.config.vocab_size,
        "full_vocabulary": encoder.full_vocabulary,
        "device": str(classifier.device),
        "evaluation_seconds": round(time.monotonic() - evaluating, 3),
        "seconds": round(time.monotonic() - started, 3),
    }
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
    numbers = pd.Index(config.labels).get_indexer(pd.Index(labels))
    return Examples(tokens, numbers, row_weights(languages, labels, weights), hidden)


def _write_subset(path: Path, parts: dict[str, pa.Table]) -> None:
    table = pa.concat_tables([part.select(["row", "split"]) for part in parts.values()])
    with atomic.replacing(path / "subset.parquet") as partial:
        pq.write_table(table, partial, compression="zstd")
