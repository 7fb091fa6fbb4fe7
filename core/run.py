"""One run from its config to its finished folder."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from core import checkpoints, joint
from core.classifier import Classifier, Tokens, build, tokenise
from core.config import RunConfig
from core.corpus import Corpus, load
from core.encoder import TINY, Encoder, corpus_texts, locate
from core.encoder import load as load_encoder
from core.errors import InputError
from core.frozen import FrozenStates
from core.inference import predict
from core.measures.accuracy import accuracy
from core.measures.predictions import Predictions
from core.objective import class_weights, row_weights
from core.training import Examples, Trained, fit

# The test set is one for all runs of a study, whatever their seeds.
TEST_SEED = 0

# Called with what is being done, and how much of it (0 to 1).
Report = Callable[[str, float], None]


class Session:
    """What the runs of one process share: corpora, encoders, outputs of frozen layers."""

    def __init__(self) -> None:
        self._corpora: dict[tuple[Any, ...], Corpus] = {}
        self._encoders: dict[tuple[Any, ...], Encoder] = {}
        self._states: dict[tuple[Any, ...], FrozenStates] = {}

    def load_corpus(
        self,
        source: str,
        columns: Mapping[str, str],
        labels: Sequence[str] | None,
        languages: Sequence[str] | None,
    ) -> Corpus:
        """A corpus, read once; see `core.corpus.load`."""
        key = (source, tuple(columns.items()), labels, languages)
        if key not in self._corpora:
            self._corpora[key] = load(source, columns=columns, labels=labels, languages=languages)
        corpus = self._corpora[key]
        # The same corpus asked for by its own orders, as a run does.
        self._corpora[source, tuple(columns.items()), corpus.labels, corpus.languages] = corpus
        return corpus

    def corpus(self, config: RunConfig) -> Corpus:
        """The corpus of a run; refused where its content is no longer what the run was made for."""
        corpus = self.load_corpus(config.corpus, config.columns, config.labels, config.languages)
        return _unchanged(corpus, config.corpus_hash)

    def external(self, config: RunConfig) -> Corpus | None:
        """The corpus of a run's external probe, in the languages of the run."""
        if not config.external:
            return None
        corpus = self.load_external(config.external, config.languages)
        return _unchanged(corpus, config.external_hash)

    def load_external(self, source: str, languages: Sequence[str]) -> Corpus:
        """An external corpus, read once, with those of the languages that it has."""
        whole = self.load_corpus(source, {}, None, None)
        seen = tuple(x for x in languages if x in whole.languages)
        if len(seen) < 2:
            raise InputError(
                f"external corpus {source} has the languages {', '.join(whole.languages)}; "
                f"at least two of {', '.join(languages)} are needed to tell them apart."
            )
        return self.load_corpus(source, {}, None, seen)

    def encoder(self, config: RunConfig) -> Encoder:
        """The encoder of a run, trimmed to its corpus."""
        key = (config.encoder, config.corpus_hash, config.external_hash, config.training.trim)
        if key not in self._encoders:
            external = self.external(config)
            self._encoders[key] = load_encoder(
                config.encoder,
                self.corpus(config),
                trimmed=config.training.trim,
                also=corpus_texts(external) if external else None,
            )
        encoder = self._encoders[key]
        if encoder.revision != config.encoder_revision:
            raise InputError(
                f"encoder {config.encoder} is at revision {encoder.revision[:12]}, the run was "
                f"planned with {config.encoder_revision[:12]}; start the study again."
            )
        return encoder

    def encoder_revision(self, name: str, corpus: Corpus) -> str:
        """Revision of an encoder, without loading its weights where it has a folder."""
        return load_encoder(TINY, corpus).revision if name == TINY else locate(name)[1]

    def states(self, config: RunConfig) -> FrozenStates:
        """Outputs of the frozen layers that the run shares with others."""
        key = (
            config.encoder,
            config.corpus_hash,
            config.external_hash,
            config.training.trim,
            config.training.frozen_layers,
        )
        return self._states.setdefault(key, FrozenStates())


def _unchanged(corpus: Corpus, planned: str) -> Corpus:
    if corpus.content_hash != planned:
        raise InputError(
            f"corpus {corpus.name} has changed since the run was planned (content "
            f"{corpus.content_hash[:12]}, planned {planned[:12]}); start the study again to plan "
            "it anew."
        )
    return corpus


def train_run(run_id: str, session: Session | None = None, report: Report | None = None) -> None:
    """Train, predict, measure and store one run; nothing is done where it is complete.

    A run that was stopped goes on from its last complete epoch.

    Raises:
        InputError: no such run, another process works on it, or its corpus or encoder changed.
    """
    if checkpoints.is_complete(run_id):
        return
    config = checkpoints.read_config(run_id)

    def work(path: Path) -> None:
        if not checkpoints.is_complete(run_id):  # another process may have been faster
            _execute(path, config, session or Session(), report or (lambda what, share: None))

    checkpoints.attempt(run_id, work)


def training_counts(config: RunConfig, split: str) -> pd.DataFrame:
    """Rows of each cell that a run takes from a split; the test set's are uniform."""
    shares = config.shares_table()
    if split == "test":
        shares = pd.DataFrame(1.0, index=shares.index, columns=shares.columns)
    per_language = getattr(config, f"{split}_per_language")
    return joint.allocate(per_language * len(shares), shares)


def subset(config: RunConfig, corpus: Corpus, split: str) -> list[str]:
    """Row ids that a run takes from a split."""
    test = split == "test"
    return joint.sample(
        corpus.rows(split),
        training_counts(config, split),
        seed=TEST_SEED if test else config.seed,
        by="sentence" if test else "row",
    )


def _execute(path: Path, config: RunConfig, session: Session, report: Report) -> None:
    started = time.monotonic()
    report("loading the corpus", 0.0)
    corpus = session.corpus(config)
    report("loading the encoder", 0.0)
    encoder = session.encoder(config)
    recipe = config.training
    classifier = build(encoder, config.labels, frozen_layers=recipe.frozen_layers, seed=config.seed)

    parts = {}
    for split in ("train", "validation", "test"):
        ids = subset(config, corpus, split)
        mask = pc.is_in(corpus.table["row"], value_set=pa.array(ids))
        part = corpus.table.filter(mask)
        # Training must not hang on the order of a file; the test set keeps the corpus's order.
        parts[split] = part if split == "test" else part.sort_by("row")
    _write_subset(path, parts)

    tokens = {split: _tokens(classifier, part, recipe.max_length) for split, part in parts.items()}
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
        checkpoints.append_line(path / "progress.jsonl", line)
        report("training", line["step"] / line["steps"])

    trained = fit(
        classifier,
        examples["train"],
        examples["validation"],
        recipe,
        config.seed,
        path / "resume",
        progress,
    )
    with checkpoints.replacing(path / "model") as partial:
        classifier.save(partial)

    evaluating = time.monotonic()
    probabilities, vectors = predict(
        classifier,
        tokens["test"],
        hidden["test"],
        lambda done, n: report("predicting", done / n),
    )
    rows = parts["test"].select(["row", "sentence", "language", "label"])
    _write_rows(path / "predictions.parquet", rows, _probability_columns(config, probabilities))
    _write_rows(path / "embeddings.parquet", rows, {"cls": _list_column(vectors)})
    predictions = Predictions(rows.to_pandas(), probabilities, config.labels, config.languages)
    metrics = _metrics(predictions, trained, encoder, classifier, parts)
    metrics["evaluation_seconds"] = round(time.monotonic() - evaluating, 3)
    metrics["seconds"] = round(time.monotonic() - started, 3)
    checkpoints.write_text(path / "metrics.json", json.dumps(metrics))
    shutil.rmtree(path / "resume", ignore_errors=True)
    checkpoints.write_text(path / "COMPLETE", "")
    report("done", 1.0)


def _tokens(classifier: Classifier, part: pa.Table, max_length: int) -> list[Tokens]:
    limit = min(max_length, classifier.tokenizer.model_max_length)
    pairs = part["text_b"].to_pylist() if part["text_b"].null_count == 0 else None
    return tokenise(classifier.tokenizer, part["text"].to_pylist(), pairs, limit)


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


def _metrics(
    predictions: Predictions,
    trained: Trained,
    encoder: Encoder,
    classifier: Classifier,
    parts: dict[str, pa.Table],
) -> dict[str, Any]:
    table = accuracy(predictions)
    chosen = predictions.probabilities[np.arange(len(predictions.truth)), predictions.truth]
    return {
        "accuracy": table.loc["all", "accuracy"],
        "accuracy_ci": [table.loc["all", "low"], table.loc["all", "high"]],
        "accuracy_by_language": table.drop(index="all").to_dict("index"),
        "test_loss": float(-np.log(np.maximum(chosen, 1e-30)).mean()),
        "n_train": parts["train"].num_rows,
        "n_validation": parts["validation"].num_rows,
        "n_test": parts["test"].num_rows,
        "training": asdict(trained),
        "vocabulary": classifier.model.config.vocab_size,
        "full_vocabulary": encoder.full_vocabulary,
        "device": str(classifier.device),
    }


def _write_subset(path: Path, parts: dict[str, pa.Table]) -> None:
    table = pa.concat_tables([part.select(["row", "split"]) for part in parts.values()])
    with checkpoints.replacing(path / "subset.parquet") as partial:
        pq.write_table(table, partial, compression="zstd")


def _write_rows(path: Path, rows: pa.Table, columns: dict[str, pa.Array]) -> None:
    for name, values in columns.items():
        rows = rows.append_column(name, values)
    with checkpoints.replacing(path) as partial:
        pq.write_table(rows, partial, compression="zstd")


def _probability_columns(config: RunConfig, probabilities: np.ndarray) -> dict[str, pa.Array]:
    return {
        checkpoints.probability_column(label): pa.array(probabilities[:, i])
        for i, label in enumerate(config.labels)
    }


def _list_column(vectors: np.ndarray) -> pa.Array:
    flat = pa.array(vectors.ravel())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
