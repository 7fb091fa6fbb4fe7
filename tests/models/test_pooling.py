"""The pooled output of a BERT as the head's input: the released code's way."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertModel

from core.attribution.explain import explain
from core.attribution.game import games
from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.config import Recipe
from core.corpora.corpus import load as load_corpus
from core.errors import InputError
from core.models.classifier import build, collate, read
from core.models.encoder import load
from core.models.imported import open_model
from core.models.prediction import predict
from core.models.tokens import tokenise
from tests.helpers.encoders import unigram, wordpiece
from tests.helpers.started import small_study

LABELS = ("bad", "fair", "good")
TEXTS = ["aaa bbb", "c", "the cat sat on the mat", "bbb aaa c the"]


@pytest.fixture
def corpus(tmp_path):
    lines = "".join(f'"{t}",x,en,train\n' for t in TEXTS)
    (tmp_path / "texts.csv").write_text("text,label,language,split\n" + lines)
    return load_corpus(str(tmp_path / "texts.csv"))


@pytest.fixture
def bert(tmp_path) -> Path:
    wordpiece(tmp_path / "bert")
    return tmp_path / "bert"


def test_logits_and_vectors_are_those_of_transformers(bert, corpus) -> None:
    encoder = load(str(bert), corpus, pooled=True)
    classifier = build(encoder, LABELS).eval()
    batch = collate(tokenise(encoder.tokenizer, TEXTS, TEXTS[::-1], 32), 0)
    assert batch.mask is not None
    given = {"input_ids": batch.ids, "token_type_ids": batch.types}
    theirs = classifier.model(**given, attention_mask=batch.mask.long())
    pooled = classifier.model.bert(**given, attention_mask=batch.mask.long()).pooler_output
    ours = classifier(batch)
    assert torch.allclose(ours.logits, theirs.logits, atol=1e-5)
    assert torch.allclose(ours.cls, pooled, atol=1e-5)
    # The pretrained layer, not a new one; it learns with the encoder's rate.
    original = BertModel.from_pretrained(bert).pooler.dense.weight
    assert torch.equal(classifier.model.bert.pooler.dense.weight, original)
    trained = {id(p) for p in classifier.encoder_parameters()}
    assert id(classifier.model.bert.pooler.dense.weight) in trained


def test_the_saved_model_is_a_sequence_classifier_of_transformers(bert, corpus, tmp_path) -> None:
    encoder = load(str(bert), corpus, pooled=True)
    classifier = build(encoder, LABELS).eval()
    ours, vectors = predict(classifier, tokenise(encoder.tokenizer, TEXTS, None, 32))
    classifier.save(tmp_path / "model")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert torch.allclose(model(**inputs).logits.softmax(-1), torch.tensor(ours), atol=1e-5)
    again = predict(read(tmp_path / "model"), tokenise(tokenizer, TEXTS, None, 32))
    assert again[0] == pytest.approx(ours, abs=1e-6)
    assert again[1] == pytest.approx(vectors, abs=1e-6)


def test_attributions_add_up_to_the_pooled_model(bert, corpus) -> None:
    encoder = load(str(bert), corpus, pooled=True)
    classifier = build(encoder, LABELS, frozen_layers=1).eval()
    output, _ = predict(classifier, tokenise(encoder.tokenizer, TEXTS[2:3], None, 32))
    game = games(encoder.tokenizer, TEXTS[2:3], None, 32)
    for method in ("gaussian_process", "partition", "integrated_gradients"):
        found = dict(explain({"model": classifier}, game, method))[0]["model"]
        assert found.output == pytest.approx(output[0], abs=1e-5)
        assert found.base + found.values.sum(0) == pytest.approx(output[0], abs=1e-3)


def test_roberta_reads_the_first_token_either_way(corpus, tmp_path) -> None:
    unigram(tmp_path / "xlmr")
    models = [
        build(load(str(tmp_path / "xlmr"), corpus, pooled=pooled), LABELS, seed=1)
        for pooled in (False, True)
    ]
    tokens = tokenise(models[0].tokenizer, TEXTS, None, 32)
    (one, first), (two, second) = (predict(model, tokens) for model in models)
    assert np.array_equal(one, two) and np.array_equal(first, second)


def test_a_bert_without_pooling_layer_is_refused(bert, corpus) -> None:
    BertModel.from_pretrained(bert, add_pooling_layer=False).save_pretrained(bert)
    load(str(bert), corpus)
    with pytest.raises(InputError, match="has no pretrained pooling layer"):
        load(str(bert), corpus, pooled=True)


def test_tiny_has_the_same_weights_below(corpus) -> None:
    plain, pooled, again = (load("tiny", corpus, pooled=p) for p in (False, True, True))
    weights = pooled.model.state_dict()
    assert all(torch.equal(w, weights[name]) for name, w in plain.model.state_dict().items())
    assert torch.equal(pooled.model.pooler.dense.weight, again.model.pooler.dense.weight)
    assert plain.revision == pooled.revision


@pytest.fixture(scope="module")
def as_released(study_file, tmp_path_factory) -> Path:
    """Checkpoints of the small study with the head and optimiser of the released code."""
    folder = tmp_path_factory.mktemp("released")
    lines = 'pooling = "released"\noptimiser = "radam"\nfinal_rate = 0.01\n'
    text = study_file.read_text().replace('setups = ["balanced", "imbalanced", "imbalanced+cw"]',
                                          'setups = ["balanced"]')  # fmt: skip
    shutil.copy(study_file.parent / "reviews.parquet", folder)
    (folder / "small.toml").write_text(text + lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANGSKEW_CHECKPOINTS", str(folder / "checkpoints"))
        patch.setenv("LANGSKEW_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        assert main(["study", str(folder / "small.toml")]) == 0
    return folder / "checkpoints"


def test_a_pooled_run_trains_and_its_model_comes_back_as_an_import(
    as_released, tmp_path, monkeypatch
) -> None:
    shutil.copytree(as_released, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    run = studies.run_ids("small")[0]
    config = run_folders.read_config(run)
    assert config.training.pooling == "released"
    files = [
        pd.read_parquet(run_folders.folder(run) / f"{name}.parquet")
        for name in ("predictions", "embeddings")
    ]
    model = open_model(run_folders.folder(run) / "model", config)
    assert type(model.model).__name__ == "BertForSequenceClassification"
    vectors = np.stack(files[1]["cls"])
    assert abs(vectors).max() < 1  # behind a tanh
    shutil.copytree(run_folders.folder(run) / "model", tmp_path / "mine")
    assert main(["import", str(tmp_path / "mine"), "--study", "small", "--max-length", "32"]) == 0
    theirs = next(m.run for m in small_study().members if m.setup == "imported")
    for name, ours in zip(("predictions", "embeddings"), files, strict=True):
        found = pd.read_parquet(run_folders.folder(theirs) / f"{name}.parquet")
        assert found["row"].tolist() == ours["row"].tolist()
        if name == "embeddings":
            assert np.stack(found["cls"]) == pytest.approx(vectors, abs=1e-5)
        else:
            assert found.iloc[:, 4:].to_numpy() == pytest.approx(
                ours.iloc[:, 4:].to_numpy(), abs=1e-5
            )


def test_the_new_fields_keep_old_ids() -> None:
    assert Recipe() == Recipe(pooling="paper", optimiser="adamw", final_rate=0.0)
    with pytest.raises(InputError, match="pooling is 'mean'; expected paper or released"):
        replace(Recipe(), pooling="mean")
    with pytest.raises(InputError, match="optimiser is 'sgd'; expected adamw or radam"):
        replace(Recipe(), optimiser="sgd")
