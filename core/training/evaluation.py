"""What is computed from a finished run's model: base values, external CLS vectors, probes.

Each is a file of its own in the run folder, made when it is missing: a run trained by an older
version, or elsewhere, gets what it lacks without being trained again.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from core.checkpoints import run_folders
from core.checkpoints.outputs import list_column, probability_columns, read_vectors, write_rows
from core.config import IMPORTED, RunConfig
from core.corpora.corpus import Corpus
from core.measures.probes import Probe, probe
from core.mitigation.setups import languages_told
from core.models.classifier import Classifier, best_device, build
from core.models.imported import SequenceClassifier, open_model
from core.models.prediction import encode, predict
from core.models.session import Session
from core.models.tokens import Tokens, mask_content
from core.progress import Progress
from core.sampling.subsets import rows_of, sample_external, subset
from core.storage import atomic

EXTERNAL_PER_LANGUAGE = 1000  # paper, section 2.2: 1,000 Wikipedia articles a language
FILES = ("base_values.parquet", "probes.json")


@dataclass(frozen=True)
class _Texts:
    """Texts that are probed: rows (row, sentence, language), their tokens, and the languages that a
    model is told they are in."""

    rows: pd.DataFrame
    tokens: list[Tokens]
    told: list[str]


def has_all(run_id: str) -> bool:
    """Whether a run lacks none of these files."""
    return all((run_folders.folder(run_id) / name).exists() for name in FILES)


def complete(run_id: str, session: Session, report: Progress | None = None) -> None:
    """Compute what a finished run lacks; nothing is done where it has everything.

    Raises:
        InputError: another process works on it, or its corpus or encoder changed.
    """
    if has_all(run_id):
        return
    config = run_folders.read_config(run_id)
    report = report or (lambda what, share: None)
    with run_folders.claim(run_id) as path:
        classifier = open_model(path / "model", config)
        classifier.to(best_device())
        texts = {"original": _test_texts(config, session.corpus(config), classifier)}
        if (external := session.external(config)) is not None:
            texts["external"] = _external_texts(config, external, classifier)
        if not (path / "base_values.parquet").exists():
            report("base values", 0.0)
            _write_base_values(path, config, classifier, texts["original"])
        if not (path / "probes.json").exists():
            probes = {}
            for i, (name, part) in enumerate(texts.items()):
                report(f"probes, {name}", i / len(texts))
                vectors = _vectors(path, name, config, classifier, part, session)
                before = _before(config, name, part, session)
                probes[name] = {
                    **asdict(_probe(vectors, part)),
                    "before_fine_tuning": before and before.accuracy,
                    "before_fine_tuning_released": before and before.accuracy_released,
                    "before_fine_tuning_knn": before and before.knn,
                }
            atomic.write_text(path / "probes.json", json.dumps(probes))
    report("done", 1.0)


def _test_texts(config: RunConfig, corpus: Corpus, classifier: Classifier) -> _Texts:
    ids = subset(config, corpus, "test")
    return _texts(config, corpus, ids, classifier)


def _external_texts(config: RunConfig, corpus: Corpus, classifier: Classifier) -> _Texts:
    rows = corpus.table.select(["row", "language"]).to_pandas()
    return _texts(config, corpus, sample_external(rows, EXTERNAL_PER_LANGUAGE), classifier)


def _texts(config: RunConfig, corpus: Corpus, ids: list[str], classifier: Classifier) -> _Texts:
    part = rows_of(corpus, ids)
    rows = part.select(["row", "sentence", "language"]).to_pandas()
    recipe = config.training
    told = rows["language"].tolist()
    if classifier.by_language:
        told = languages_told(config, part["text"].to_pylist(), told)
    return _Texts(rows, encode(classifier, part, recipe.max_length, recipe.prefix), told)


def _vectors(
    path: Path,
    name: str,
    config: RunConfig,
    classifier: Classifier,
    texts: _Texts,
    session: Session,
) -> np.ndarray:
    """CLS vectors: read for the test set, computed and kept for an external corpus."""
    if name == "original":
        return read_vectors(path.name, texts.rows["row"].tolist())
    hidden = None
    if not isinstance(classifier, SequenceClassifier):
        hidden = session.states(config).get(classifier, texts.tokens)
    _, vectors = predict(classifier, texts.tokens, hidden, languages=texts.told)
    rows = pa.Table.from_pandas(texts.rows, preserve_index=False)
    write_rows(path / "external_embeddings.parquet", rows, {"cls": list_column(vectors)})
    return vectors


def _before(config: RunConfig, name: str, texts: _Texts, session: Session) -> Probe | None:
    """The probe on the encoder as pretrained, computed once for all runs that share the texts.

    None for an imported model, whose encoder before fine-tuning is not known.
    """
    if config.setup == IMPORTED:
        return None

    def compute() -> Probe:
        frozen = config.training.frozen_layers
        untrained = build(session.encoder(config), config.labels, frozen_layers=frozen)
        untrained.to(best_device())
        hidden = session.states(config).get(untrained, texts.tokens)
        return _probe(predict(untrained, texts.tokens, hidden)[1], texts)

    recipe = config.training
    key = (
        *(name, config.encoder_revision, recipe.max_length, recipe.pooling, recipe.prefix),
        *texts.rows["row"],
    )
    return session.once(key, compute)


def _probe(vectors: np.ndarray, texts: _Texts) -> Probe:
    languages, sentences = (texts.rows[c].to_numpy(dtype=str) for c in ("language", "sentence"))
    return probe(vectors, languages, sentences)


def _write_base_values(
    path: Path, config: RunConfig, classifier: Classifier, texts: _Texts
) -> None:
    """All-mask outputs, one row for each structure of a test text, with how many texts have it.

    And for each language, where what a model says hangs on it.
    """
    told = texts.told if classifier.by_language else [config.languages[0]] * len(texts.tokens)
    count = Counter(
        (mask_content(t, classifier.tokenizer), language)
        for t, language in zip(texts.tokens, told, strict=True)
    )
    ordered = sorted(count, key=lambda key: (len(key[0].ids), key[0].ids, key[1]))
    masked = [tokens for tokens, _ in ordered]
    probabilities, _ = predict(classifier, masked, languages=[told for _, told in ordered])
    mask = classifier.tokenizer.mask_token_id
    rows: dict[str, Any] = {
        "length": [t.ids.count(mask) for t in masked],
        "texts": [count[key] for key in ordered],
    }
    write_rows(
        path / "base_values.parquet", pa.table(rows), probability_columns(config, probabilities)
    )
