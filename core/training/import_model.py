"""A fine-tuned sequence classifier from elsewhere becomes a run like any other.

It belongs to a started study, or to one of its own.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
)

from core.checkpoints import run_folders, studies
from core.checkpoints.outputs import write_test
from core.config import IMPORTED, Recipe, RunConfig
from core.corpora.corpus import Corpus
from core.errors import InputError
from core.models.classifier import best_device
from core.models.hub import locate, refuse_code
from core.models.imported import open_model
from core.models.prediction import encode, predict
from core.models.session import Session
from core.models.usable import check_classifier, check_weights
from core.progress import Progress
from core.sampling import joint, limits, subsets
from core.sampling.designs import design_shares
from core.sampling.subsets import rows_of, subset
from core.storage import atomic
from core.studies import study
from core.studies.planning import record_members
from core.studies.sizes import TEST_DEFAULT
from core.studies.study import Study
from core.training import evaluation

# What a run shares with those that it is compared with.
_OF_TEST = ("test_per_language", "test_rows", "test_shares", "test_target")


def import_to_study(
    folder: Path,
    *,
    corpus: str | None,
    study_name: str | None,
    outputs: Sequence[str] | None,
    test_per_language: int | None,
    max_length: int,
    report: Progress,
    columns: Mapping[str, str],
    labels: tuple[str, ...] | None,
    languages: tuple[str, ...] | None,
    prefix: str = "",
) -> str:
    """Import a model and enter its run in a study; see `import_model`.

    Args:
        corpus: what it is tested on; or
        study_name: a started study, whose corpus and test set it is tested on, so that it is
            compared with the study's runs.

    Returns:
        The study's name.

    Raises:
        InputError: no such folder, corpus or study, or the model's classes are others.
    """
    session = Session()
    pooling = "paper"
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; expected a model in transformers' layout.")
    if study_name is not None:
        started = studies.read_started(study_name)
        first = started.config
        loaded = session.corpus(first)
        columns, name = first.columns, study_name
        test = {f: getattr(first, f) for f in _OF_TEST}
        pooling = first.training.pooling
        members = [m for m in started.members if m.setup != IMPORTED]
        asked = study.read(str(started.folder / "study.toml"))
    else:
        assert corpus is not None  # the command line asks for one of the two
        loaded = session.load_corpus(corpus, columns, labels, languages)
        counts = joint.count(loaded.rows("test"), loaded.languages, loaded.labels)
        uniform = design_shares("uniform", loaded.languages, loaded.labels)
        size = test_per_language or min(TEST_DEFAULT, subsets.largest_size([uniform], counts))
        limits.check_size(size, [uniform], counts, f"test set of {corpus}", "--test-per-language")
        test = {"test_per_language": size}
        name = "imported-" + (re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.resolve().name) or "model")
        members = []
        asked = Study(name, corpus, ("balanced",), columns=columns)
    config = import_model(
        folder,
        loaded,
        outputs=outputs,
        test=test,
        max_length=max_length,
        columns=dict(columns),
        pooling=pooling,
        prefix=prefix,
        report=report,
    )
    evaluation.complete(config.run_id, session, report)
    known = studies.read_started(name).members if name in studies.started() else ()
    brought = [m for m in known if m.setup == IMPORTED and m.run != config.run_id]
    own = studies.Member(config.run_id, config.setup, config.seed)
    record_members(asked, [*members, *brought, own])
    return name


def import_model(
    folder: Path,
    corpus: Corpus,
    *,
    outputs: Sequence[str] | None = None,
    test: Mapping[str, Any],
    max_length: int = 128,
    columns: dict[str, str] | None = None,
    pooling: str = "paper",
    prefix: str = "",
    report: Progress,
) -> RunConfig:
    """Predict a corpus's test set with a model in transformers' layout and store it as a run.

    Args:
        folder: of a sequence classifier: config.json, safetensors, a fast tokenizer.
        outputs: the corpus's labels in the order of the model's outputs, for a model whose config
            does not name them.
        test: the fields of a configuration that decide the test set, such as `test_per_language`.
        max_length: tokens a text.
        columns: as the corpus was loaded with.
        pooling: of core.config: which vectors are probed.
        prefix: of core.config: what the model was trained to have before each text.

    Raises:
        InputError: not such a folder, one that cannot be evaluated (core.models.usable), or its
            classes are not the corpus's labels.
    """
    check_weights(folder)
    refuse_code(folder)
    check_classifier(folder, max_length)
    label2id = _label_numbers(folder, corpus, outputs)
    config = RunConfig(
        setup=IMPORTED,
        seed=0,
        corpus=corpus.name,
        corpus_hash=corpus.content_hash,
        labels=corpus.labels,
        languages=corpus.languages,
        encoder=str(folder.resolve()),
        encoder_revision=locate(str(folder))[1],
        shares=design_shares("uniform", corpus.languages, corpus.labels).to_dict("index"),
        train_per_language=0,
        validation_per_language=0,
        **{"test_per_language": 0, **test},
        columns=columns or {},
        training=Recipe(max_length=max_length, pooling=pooling, prefix=prefix),
    )
    run_id = run_folders.create(config)
    if run_folders.is_complete(run_id):
        return config

    def work(path: Path) -> None:
        started = time.monotonic()
        report("copying the model", 0.0)
        with atomic.replacing(path / "model") as partial:
            _copy(folder, partial, label2id)
        model = open_model(path / "model", config)
        model.to(best_device())
        part = rows_of(corpus, subset(config, corpus, "test"))
        tokens = encode(model, part, max_length, prefix)
        probabilities, vectors = predict(
            model, tokens, progress=lambda done, n: report("predicting", done / n)
        )
        metrics = write_test(path, config, part, probabilities, vectors)
        metrics |= {"n_train": 0, "n_validation": 0, "seconds": time.monotonic() - started}
        metrics["training"] = {"best_epoch": None, "validation_loss": None}
        atomic.write_text(path / "metrics.json", json.dumps(metrics))
        atomic.write_text(path / "COMPLETE", "")
        report("done", 1.0)

    run_folders.attempt(run_id, work)
    return config


def _label_numbers(folder: Path, corpus: Corpus, outputs: Sequence[str] | None) -> dict[str, int]:
    """The number of the model's output for each label of the corpus."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    kind = (config.architectures or ["none"])[0]
    if not kind.endswith("ForSequenceClassification"):
        raise InputError(
            f"{folder} holds a model of type {kind}; expected one for sequence classification."
        )
    named = [config.id2label[i] for i in range(config.num_labels)]
    given = list(outputs) if outputs else named
    if sorted(given) != sorted(corpus.labels) or len(given) != config.num_labels:
        raise InputError(
            f"{folder} has {config.num_labels} outputs, named {', '.join(named)}; the corpus has "
            f"the labels {', '.join(corpus.labels)}. Pass --outputs with these labels in the order "
            "of the model's outputs."
        )
    return {label: i for i, label in enumerate(given)}


def _copy(folder: Path, target: Path, label2id: dict[str, int]) -> None:
    """Copy what a model needs, with its classes named as in the corpus."""
    target.mkdir()
    for path in folder.iterdir():
        if path.is_file() and path.suffix in (".json", ".safetensors", ".txt", ".model"):
            shutil.copyfile(path, target / path.name)
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    config["label2id"] = label2id
    config["id2label"] = {str(i): label for label, i in label2id.items()}
    (target / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
