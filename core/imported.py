"""Bring a model: a fine-tuned sequence classifier from elsewhere becomes a run like any other."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from core import checkpoints
from core.classifier import Batch, Classifier, Output, best_device, read
from core.config import IMPORTED, RunConfig
from core.corpus import Corpus
from core.encoder import check_folder
from core.errors import InputError
from core.hub import locate
from core.inference import encode, predict
from core.joint import design_shares
from core.outputs import write_test
from core.recipe import Recipe
from core.session import Report
from core.subsets import rows_of, subset


class SequenceClassifier(Classifier):
    """transformers' sequence classification model, with its own head and forward pass.

    Args:
        model: any that returns `logits`, and hidden states when asked.
        tokenizer: its tokenizer.
        order: for each class of the corpus, the number of the model's output.
        pooled: its vectors are BERT's pooled output, where it has one, as in runs it is compared
            with.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerFast,
        order: list[int],
        pooled: bool = False,
    ) -> None:
        super().__init__(model, tokenizer)
        self.order = order
        self.pooler = getattr(model.base_model, "pooler", None) if pooled else None

    def forward(self, batch: Batch) -> Output:
        """Logits in the corpus's order of classes, and the last layer's first vectors or, where
        the recipe says so, BERT's pooled output."""
        inputs = {"input_ids": batch.ids, "token_type_ids": batch.types}
        mask = batch.mask if batch.mask is not None else torch.ones_like(batch.ids)
        given = {name: value for name, value in inputs.items() if value is not None}
        output = self.model(**given, attention_mask=mask.long(), output_hidden_states=True)
        last = output.hidden_states[-1]
        vectors = self.pooler(last) if self.pooler is not None else last[:, 0]
        return Output(output.logits[:, self.order], vectors)


def open_model(folder: Path, config: RunConfig) -> Classifier:
    """A run's model, trained here or brought from elsewhere.

    Raises:
        InputError: a file of it is missing or broken.
    """
    advice = "delete the run, then train or import it again."
    try:
        return _open(folder, config)
    except SafetensorError as error:
        path = folder / "model.safetensors"
        raise InputError(f"{path} does not read ({error}); {advice}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"the model in {folder} does not open ({error}); {advice}") from error


def _open(folder: Path, config: RunConfig) -> Classifier:
    if config.setup != IMPORTED:
        return read(folder, frozen_layers=config.training.frozen_layers)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32
    )
    order = [model.config.label2id[label] for label in config.labels]
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    pooled = config.training.pooling == "released"
    return SequenceClassifier(model.eval(), tokenizer, order, pooled)


def import_model(
    folder: Path,
    corpus: Corpus,
    *,
    outputs: Sequence[str] | None = None,
    test_per_language: int,
    max_length: int = 128,
    columns: dict[str, str] | None = None,
    pooling: str = "paper",
    report: Report,
) -> RunConfig:
    """Predict a corpus's test set with a model in transformers' layout and store it as a run.

    Args:
        folder: of a sequence classifier: config.json, safetensors, a fast tokenizer.
        outputs: the corpus's labels in the order of the model's outputs, for a model whose config
            does not name them.
        test_per_language: rows of the uniform test set.
        max_length: tokens a text.
        columns: as the corpus was loaded with.
        pooling: of core.recipe: which vectors are probed.

    Raises:
        InputError: not such a folder, or its classes are not the corpus's labels.
    """
    check_folder(folder)
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
        test_per_language=test_per_language,
        columns=columns or {},
        training=Recipe(max_length=max_length, pooling=pooling),
    )
    run_id = checkpoints.create(config)
    if checkpoints.is_complete(run_id):
        return config

    def work(path: Path) -> None:
        started = time.monotonic()
        report("copying the model", 0.0)
        with checkpoints.replacing(path / "model") as partial:
            _copy(folder, partial, label2id)
        model = open_model(path / "model", config)
        model.to(best_device())
        part = rows_of(corpus, subset(config, corpus, "test"))
        tokens = encode(model, part, max_length)
        probabilities, vectors = predict(
            model, tokens, progress=lambda done, n: report("predicting", done / n)
        )
        metrics = write_test(path, config, part, probabilities, vectors)
        metrics |= {"n_train": 0, "n_validation": 0, "seconds": time.monotonic() - started}
        metrics["training"] = {"best_epoch": None, "validation_loss": None}
        checkpoints.write_text(path / "metrics.json", json.dumps(metrics))
        checkpoints.write_text(path / "COMPLETE", "")
        report("done", 1.0)

    checkpoints.attempt(run_id, work)
    return config


def _label_numbers(folder: Path, corpus: Corpus, outputs: Sequence[str] | None) -> dict[str, int]:
    """The number of the model's output for each label of the corpus."""
    config = AutoConfig.from_pretrained(folder)
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
            shutil.copy2(path, target / path.name)
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    config["label2id"] = label2id
    config["id2label"] = {str(i): label for label, i in label2id.items()}
    (target / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
