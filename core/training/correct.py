"""A run that corrects the model of another one, which is trained already."""

from __future__ import annotations

import json
import os
import shutil
import time
from functools import cache
from pathlib import Path

import numpy as np
import torch

from core.checkpoints import run_folders
from core.checkpoints.outputs import read_metrics, write_test
from core.config import RunConfig
from core.mitigation.after import Correction, Part, Trained
from core.mitigation.setups import languages_told, parse, trained
from core.models.classifier import Classifier, best_device
from core.models.corrected import Corrected
from core.models.imported import open_model
from core.models.prediction import encode, predict
from core.models.session import Session
from core.progress import Progress
from core.sampling.subsets import training_counts
from core.storage import atomic
from core.training.parts import parts_of, write_subset

MOST = 20_000  # texts of a split that a correction is fitted to


def correct(path: Path, config: RunConfig, session: Session, report: Progress) -> None:
    """Correct, predict, measure and store, from the finished run that `trained` names.

    Raises:
        InputError: the mitigation cannot do with the rows or the encoder.
    """
    started = time.monotonic()
    report("loading the corpus", 0.0)
    corpus = session.corpus(config)
    before = trained(config)
    source = run_folders.folder(before.run_id)
    classifier = open_model(source / "model", before).to(best_device())
    parts = parts_of(config, corpus)
    write_subset(path, parts)
    recipe = config.training
    seed = config.seed

    @cache
    def part(split: str) -> Part:
        report(f"reading {split} texts", 0.2)
        rows = parts[split]
        if rows.num_rows > MOST:
            chosen = np.random.default_rng(seed).choice(rows.num_rows, MOST, replace=False)
            rows = rows.take(np.sort(chosen))
        tokens = encode(classifier, rows, recipe.max_length, recipe.prefix)
        _, vectors = predict(classifier, tokens, session.states(config).get(classifier, tokens))
        with torch.no_grad():
            features = classifier.features(torch.from_numpy(vectors).to(classifier.device))
        of_rows = {
            name: np.array([known.index(x) for x in rows[name].to_pylist()])
            for name, known in (("language", config.languages), ("label", config.labels))
        }
        labels = None if split == "test" else of_rows["label"]
        return Part(features.cpu().double().numpy(), of_rows["language"], labels)

    weight, bias = (p.detach().cpu().double().numpy() for p in classifier.head_parameters())
    reads_cls = getattr(classifier.model, "head", None) is None
    counts = training_counts(config, "train")
    report("correcting", 0.6)
    model = Trained(counts, weight, bias, part, reads_cls, seed)
    correction: Correction = parse(config.setup).correction.correct(model)
    fitted = time.monotonic()
    with atomic.replacing(path / "model") as partial:
        _save(classifier, correction, config, source / "model", partial)

    report("predicting", 0.8)
    corrected = open_model(path / "model", config).to(best_device())
    test = parts["test"]
    tokens = encode(corrected, test, recipe.max_length, recipe.prefix)
    hidden = session.states(config).get(corrected, tokens)
    languages = languages_told(config, test["text"].to_pylist(), test["language"].to_pylist())
    probabilities, vectors = predict(corrected, tokens, hidden, languages=languages)
    of_training = read_metrics(before.run_id, before)
    metrics = write_test(path, config, test, probabilities, vectors) | {
        "n_train": of_training["n_train"],
        "n_validation": of_training["n_validation"],
        "training": of_training["training"],
        "vocabulary": corrected.model.config.vocab_size,
        "full_vocabulary": of_training.get("full_vocabulary"),
        "device": str(corrected.device),
        "corrects": before.run_id,
        "correction": correction.told or {},
        "evaluation_seconds": round(time.monotonic() - fitted, 3),
        "seconds": round(time.monotonic() - started, 3),
    }
    atomic.write_text(path / "metrics.json", json.dumps(metrics))
    atomic.write_text(path / "COMPLETE", "")
    report("done", 1.0)


def _save(
    classifier: Classifier, correction: Correction, config: RunConfig, source: Path, folder: Path
) -> None:
    """Write the corrected model; weights that stay are the trained run's file, by a hard link."""
    head = classifier.head_parameters()
    values = [p.detach().cpu().double().numpy() for p in head]
    if correction.weight is not None and correction.bias is not None:
        values = [correction.weight, correction.bias]
    if correction.map is not None and correction.shift is not None:
        weight, bias = values
        values = [weight @ correction.map, bias + weight @ correction.shift]
    changed = not all(
        torch.equal(p.detach().cpu(), torch.from_numpy(v).float())
        for p, v in zip(head, values, strict=True)
    )
    tensors = {
        name: None if value is None else torch.from_numpy(value).float()
        for name, value in (
            ("offsets", correction.offsets),
            ("map", correction.map),
            ("shift", correction.shift),
        )
    }
    if any(value is not None for value in tensors.values()):
        classifier.correction = Corrected(config.languages, **tensors).to(classifier.device)
    if changed:
        with torch.no_grad():
            for p, value in zip(head, values, strict=True):
                p.copy_(torch.from_numpy(value))
        classifier.save(folder)
        return
    folder.mkdir()
    for file in source.iterdir():
        try:
            os.link(file, folder / file.name)
        except OSError:  # another file system, or one without links
            shutil.copy2(file, folder / file.name)
    if classifier.correction is not None:
        classifier.correction.save(folder)
