from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from core.corpora.corpus import load as load_corpus
from core.errors import InputError
from core.models.batches import batches_by_length
from core.models.classifier import build, collate, read
from core.models.encoder import load
from core.models.frozen import FrozenStates
from core.models.hub import locate
from core.models.prediction import predict
from core.models.tokens import tokenise
from core.models.vocabulary import count_unknown
from tests.helpers.encoders import unigram, wordpiece
from tests.helpers.needs import missing

LABELS = ("bad", "fair", "good")
TEXTS = ["aaa bbb", "c", "the cat sat on the mat", "bbb aaa c the"]


@pytest.fixture(params=[unigram, wordpiece], ids=lambda f: f.__name__)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    request.param(tmp_path / "encoder")
    return tmp_path / "encoder"


def corpus_of(tmp_path: Path, texts: list[str]):
    lines = "".join(f'"{t}",x,en,train\n' for t in texts)
    (tmp_path / "texts.csv").write_text("text,label,language,split\n" + lines)
    return load_corpus(str(tmp_path / "texts.csv"))


def test_trimming_leaves_tokens_and_logits_as_they_are(folder, tmp_path) -> None:
    corpus = corpus_of(tmp_path, TEXTS)
    whole, cut = (load(str(folder), corpus, trimmed=trimmed) for trimmed in (False, True))
    assert cut.model.config.vocab_size < whole.model.config.vocab_size == cut.full_vocabulary
    assert cut.revision == whole.revision == locate(str(folder))[1]
    logits = {}
    for name, encoder in {"whole": whole, "cut": cut}.items():
        classifier = build(encoder, LABELS, seed=3).eval()
        tokens = tokenise(encoder.tokenizer, TEXTS, None, 32)
        pairs = tokenise(encoder.tokenizer, TEXTS, TEXTS[::-1], 32)
        batch = collate(tokens + pairs, encoder.tokenizer.pad_token_id)
        logits[name] = classifier(batch).logits
        decoded = [encoder.tokenizer.convert_ids_to_tokens(t.ids) for t in tokens + pairs]
        assert decoded == logits.setdefault("tokens", decoded)
    assert torch.allclose(logits["whole"], logits["cut"], atol=1e-6)


def test_a_later_text_is_segmented_with_what_is_left_and_unknowns_are_counted(
    folder, tmp_path
) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    assert count_unknown(encoder.tokenizer, TEXTS)[0] == 0
    unknown, total = count_unknown(encoder.tokenizer, ["the dog ran"])
    assert 0 < unknown < total
    tokens = tokenise(encoder.tokenizer, ["the dog ran"], None, 32)
    assert max(tokens[0].ids) < encoder.model.config.vocab_size


def test_the_forward_pass_is_that_of_transformers(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    classifier = build(encoder, LABELS).eval()
    tokens = tokenise(encoder.tokenizer, TEXTS, TEXTS[::-1], 32)
    batch = collate(tokens, encoder.tokenizer.pad_token_id)
    assert batch.mask is not None
    arguments = {"input_ids": batch.ids, "attention_mask": batch.mask.long()}
    if batch.types is not None:
        arguments["token_type_ids"] = batch.types
    theirs = classifier.model(**arguments, output_hidden_states=True)
    ours = classifier(batch)
    assert torch.allclose(ours.logits, theirs.logits[:, 0], atol=1e-5)
    assert torch.allclose(ours.cls, theirs.hidden_states[-1][:, 0], atol=1e-5)


def test_gradients_are_those_of_transformers(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    classifier = build(encoder, LABELS).eval()
    batch = collate(tokenise(encoder.tokenizer, TEXTS, None, 32), encoder.tokenizer.pad_token_id)
    names = ("embeddings.word_embeddings.weight", "encoder.layer.2.attention.self.query.weight")
    parameters = [classifier.model.base_model.get_parameter(name) for name in names]
    ours = torch.autograd.grad(classifier(batch).logits.square().sum(), parameters)
    logits = classifier.model(input_ids=batch.ids, attention_mask=batch.mask.long()).logits[:, 0]
    theirs = torch.autograd.grad(logits.square().sum(), parameters)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("frozen", [0, 2])
def test_batches_side_by_side_give_what_each_gives_alone(folder, tmp_path, frozen) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    classifier = build(encoder, LABELS, frozen_layers=frozen).eval()
    tokens = tokenise(encoder.tokenizer, TEXTS, TEXTS[::-1], 32)
    pad_id = encoder.tokenizer.pad_token_id
    batches = [collate(part, pad_id) for part in (tokens[:1], tokens[1:], tokens[::-1])]
    together = classifier.side_by_side(batches)
    alone = [classifier(batch) for batch in batches]
    assert torch.allclose(together.logits, torch.cat([x.logits for x in alone]), atol=1e-6)
    assert torch.allclose(together.cls, torch.cat([x.cls for x in alone]), atol=1e-6)
    weight = classifier.model.base_model.get_parameter("encoder.layer.2.attention.self.key.weight")
    ours, theirs = (
        torch.autograd.grad(sum(x.logits.square().sum() for x in outputs), weight)[0]
        for outputs in ([together], alone)
    )
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_a_saved_classifier_loads_in_plain_transformers(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    classifier = build(encoder, LABELS).eval()
    classifier.save(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    model = AutoModelForTokenClassification.from_pretrained(tmp_path / "model")
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    theirs = model(**inputs).logits[:, 0].softmax(-1)
    ours, _ = predict(classifier, tokenise(encoder.tokenizer, TEXTS, None, 32))
    assert torch.allclose(theirs, torch.tensor(ours), atol=1e-5)
    assert model.config.id2label == dict(enumerate(LABELS))
    again, _ = predict(read(tmp_path / "model"), tokenise(tokenizer, TEXTS, None, 32))
    assert torch.allclose(torch.tensor(again), torch.tensor(ours), atol=1e-6)


def test_shared_frozen_layers_change_nothing(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    tokens = tokenise(encoder.tokenizer, TEXTS, None, 32)
    shared = FrozenStates()
    for seed in (0, 1):
        classifier = build(encoder, LABELS, frozen_layers=2, seed=seed).eval()
        plain, plain_cls = predict(classifier, tokens)
        states = shared.get(classifier, tokens)
        assert states is not None
        ours, ours_cls = predict(classifier, tokens, states)
        assert abs(plain - ours).max() < 1e-5
        assert abs(plain_cls - ours_cls).max() < 1e-5


def test_frozen_states_are_not_kept_beyond_their_limit(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    tokens = tokenise(encoder.tokenizer, TEXTS, None, 32)
    classifier = build(encoder, LABELS, frozen_layers=2)
    assert FrozenStates(max_bytes=100).get(classifier, tokens) is None
    assert FrozenStates().get(build(encoder, LABELS), tokens) is None


def test_frozen_layers_get_no_gradient_and_no_dropout(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    classifier = build(encoder, LABELS, frozen_layers=2).train()
    tokens = tokenise(encoder.tokenizer, TEXTS, None, 32)
    batch = collate(tokens, encoder.tokenizer.pad_token_id)
    assert torch.equal(classifier.lower(batch), classifier.lower(batch))
    assert not torch.equal(classifier(batch).logits, classifier(batch).logits)  # dropout above
    classifier(batch).logits.sum().backward()
    trained = {n for n, p in classifier.model.named_parameters() if p.grad is not None}
    assert all("layer.2." in n or "classifier" in n for n in trained)
    assert any("layer.2." in n for n in trained)


def test_the_seed_sets_the_head_and_nothing_else(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    a, b, c = (build(encoder, LABELS, seed=s) for s in (0, 1, 0))
    assert torch.equal(a.model.classifier.weight, c.model.classifier.weight)
    assert not torch.equal(a.model.classifier.weight, b.model.classifier.weight)
    name = "encoder.layer.0.output.dense.weight"
    assert torch.equal(*(x.model.base_model.get_parameter(name) for x in (a, b)))


def test_too_many_frozen_layers_are_refused(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    with pytest.raises(InputError, match="frozen_layers is 3; .* has 3 layers"):
        build(encoder, LABELS, frozen_layers=3)


def test_predictions_come_in_the_order_of_the_texts(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    classifier = build(encoder, LABELS)
    tokens = tokenise(encoder.tokenizer, TEXTS * 3, None, 32)
    together, _ = predict(classifier, tokens)
    for i, token in enumerate(tokens):
        alone, _ = predict(classifier, [token])
        assert abs(alone[0] - together[i]).max() < 1e-5
    assert together.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_batches_by_length_hold_each_text_once_within_the_budget(folder, tmp_path) -> None:
    encoder = load(str(folder), corpus_of(tmp_path, TEXTS))
    tokens = tokenise(encoder.tokenizer, TEXTS * 5, None, 32)
    batches = batches_by_length(tokens, budget=20)
    assert sorted(i for batch in batches for i in batch) == list(range(len(tokens)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(len(tokens[i].ids) for i in batch) <= 20


def test_a_wrong_encoder_is_refused_by_name(folder, tmp_path) -> None:
    corpus = corpus_of(tmp_path, TEXTS)
    with pytest.raises(InputError, match="neither a folder nor a hub id"):
        load("no such thing", corpus)
    with pytest.raises(InputError, match="the hub did not answer for FacebookAI/xlm-roberta-base"):
        load("xlm-roberta-base", corpus)
    with pytest.raises(InputError, match="run `python -m core fetch`"):
        load("multilingual-e5-small", corpus)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no .safetensors weights"):
        load(str(folder), corpus)
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"no config\.json"):
        load(str(folder), corpus)


def test_a_kind_that_cannot_be_trained_is_refused_by_its_settings_alone(tmp_path) -> None:
    corpus = corpus_of(tmp_path, TEXTS)
    for settings, message in (
        ({"model_type": "gpt2"}, "of type 'gpt2', which is not supported; .* deberta-v2, modernbe"),
        ({"model_type": "own"}, "of type 'own', which is not supported"),
        ({}, "of type 'none'"),
        ({"model_type": "bert", "is_decoder": True}, "of type 'bert' set up as a decoder"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(settings))
        with pytest.raises(InputError, match=message):
            load(str(tmp_path), corpus)


def test_tiny_is_the_same_each_time_and_knows_its_corpus(tmp_path) -> None:
    corpus = corpus_of(tmp_path, [*TEXTS, "日本語の文"])
    a, b = load("tiny", corpus), load("tiny", corpus)
    assert a.revision == b.revision
    assert all(
        torch.equal(x, y) for x, y in zip(a.model.parameters(), b.model.parameters(), strict=True)
    )
    assert count_unknown(a.tokenizer, corpus.table["text"].to_pylist())[0] == 0


def test_the_embedded_encoder_trims_without_change(real_cache, tmp_path) -> None:
    from core.storage.places import cache_dir

    if not (cache_dir() / "encoders" / "multilingual-e5-small" / "config.json").exists():
        missing("the embedded encoder is not fetched; `make fetch` does")
    texts = ["Ein guter Tag!", "よい一日を。", "祝你今天愉快", "Une bonne journée à tous"]
    corpus = corpus_of(tmp_path, texts)
    whole, cut = (
        load("multilingual-e5-small", corpus, trimmed=trimmed) for trimmed in (False, True)
    )
    outputs = [
        predict(build(e, LABELS, seed=1), tokenise(e.tokenizer, texts, None, 40))
        for e in (whole, cut)
    ]
    assert abs(outputs[0][0] - outputs[1][0]).max() < 1e-6
    assert abs(outputs[0][1] - outputs[1][1]).max() < 1e-5
    assert cut.model.config.vocab_size < 60
