"""Run ids as they have been since the first release: whoever has runs keeps them."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from core.config import Recipe, RunConfig
from core.sampling.designs import design_shares
from core.studies import study
from core.studies.planning import _rounded

LANGUAGES = ("de", "en", "es", "fr", "ja", "zh")
LABELS = ("negative", "neutral", "positive")
# The demo study: setup and seed -> id. Its corpus and encoder are named by their content.
DEMO = {
    ("balanced", 0): "37d9f7cfd72d3a7e",
    ("imbalanced", 0): "94d685c24084b84a",
    ("imbalanced+cw", 0): "3aea531523cab408",
    ("balanced", 1): "e7ddca7fdb1f331e",
}


@pytest.mark.parametrize(("setup", "seed"), DEMO)
def test_the_demo_keeps_its_ids(setup, seed) -> None:
    """Out of what its file asks for: shares of the design, recipe, sizes."""
    asked = study.read("demo")
    design = "uniform" if setup == "balanced" else asked.design
    config = RunConfig(
        setup=setup,
        seed=seed,
        corpus=asked.corpus,
        corpus_hash="cd9ca0fa9eb001115f0ce00f7f0297f47b12eeef1b2500807c0dfea5c8828007",
        labels=LABELS,
        languages=LANGUAGES,
        encoder=asked.encoder,
        encoder_revision="4b69c336ae59e67504ea9e7b4bd885d0189849d6",
        shares=_rounded(design_shares(design, LANGUAGES, LABELS, asked.groups)),
        train_per_language=asked.train_per_language,
        validation_per_language=asked.validation_per_language,
        test_per_language=asked.test_per_language,
        training=asked.training,
    )
    assert config.run_id == DEMO[setup, seed]


def test_an_imported_model_keeps_its_id() -> None:
    config = RunConfig(
        setup="imported",
        seed=0,
        corpus="reviews.csv",
        corpus_hash="h",
        labels=LABELS,
        languages=LANGUAGES,
        encoder="/models/theirs",
        encoder_revision="r",
        shares=design_shares("uniform", LANGUAGES, LABELS).to_dict("index"),
        train_per_language=0,
        validation_per_language=0,
        test_per_language=24,
        training=Recipe(max_length=64),
    )
    assert config.run_id == "c99a56e84fa52090"


def test_a_run_with_every_field_off_its_default_keeps_its_id() -> None:
    text = json.dumps(
        {
            "setup": "imbalanced+cw+entropy",
            "seed": 3,
            "corpus": "xnli@/data/xnli",
            "corpus_hash": "h",
            "labels": ["a", "b"],
            "languages": ["en", "fr"],
            "encoder": "bert-base-multilingual-cased",
            "encoder_revision": "r",
            "shares": {"en": {"a": 0.3, "b": 0.2}, "fr": {"a": 0.2, "b": 0.3}},
            "train_per_language": 10,
            "validation_per_language": 6,
            "test_per_language": 4,
            "columns": {"language": "lang"},
            "external": "wikipedia",
            "external_hash": "e",
            "training": {
                "epochs": 1,
                "batch_size": 4,
                "accumulation": 2,
                "learning_rate": 1e-4,
                "head_learning_rate": 1e-3,
                "max_length": 64,
                "frozen_layers": 2,
                "warmup": 0.1,
                "weight_decay": 0.01,
                "trim": False,
                "masked_input": "released",
                "pooling": "released",
                "optimiser": "radam",
                "final_rate": 0.01,
            },
        }
    )
    config = RunConfig.from_json(text)
    assert config.run_id == "573b265ec422bfed"
    # A field that is added later stays at its default here, so that the id of old runs stays.
    given = json.loads(text)
    later = {f.name for f in fields(RunConfig)} - set(given)
    sizes = {"train_rows", "validation_rows", "test_rows", "test_shares", "test_target"}
    assert later == {*sizes, "external_columns"}
    assert set(given["training"]) <= {f.name for f in fields(Recipe)}
