from __future__ import annotations

import numpy as np
import pytest
import torch

from core.attribution.exact import exact
from core.attribution.explain import explain, group
from core.attribution.game import games
from core.errors import InputError
from core.models.classifier import Batch
from tests.attribution.conftest import LABELS, classifier_in
from tests.helpers.games import run

STEPS = 100
TEXTS = ["the cat sat", "aaa bbb", "the cat sat", "dog", "", "c the dog ran on a mat"]


def probabilities(model, game, coalition) -> np.ndarray:
    ids = torch.tensor(game.masked(np.array([coalition])))
    types = torch.tensor([game.tokens.types]) if game.tokens.types is not None else None
    with torch.no_grad():
        return model(Batch(ids, types, None)).logits.softmax(-1).numpy()[0]


@pytest.mark.parametrize("method", ["gaussian_process", "permutation", "partition"])
@pytest.mark.parametrize("frozen", [0, 2])
def test_pooled_values_are_those_of_each_text_and_model_alone(folder, method, frozen) -> None:
    models = {str(s): classifier_in(folder, frozen, s) for s in range(2)}
    assert len(group(models)) == (1 if frozen else 2)
    given = games(models["0"].tokenizer, TEXTS, None, 64)
    together = dict(explain(models, given, method))
    assert sorted(together) == list(range(len(TEXTS)))
    for i, game in enumerate(given):
        for name, model in models.items():
            found = together[i][name]
            everybody = probabilities(model, game, [True] * game.size)
            nobody = probabilities(model, game, [False] * game.size)
            np.testing.assert_allclose(found.output, everybody, atol=1e-12)
            np.testing.assert_allclose(found.base, nobody, atol=1e-12)
            np.testing.assert_allclose(found.values.sum(0), everybody - nobody, atol=1e-9)
            [(_, alone)] = explain({name: model}, [game], method)
            np.testing.assert_allclose(found.values, alone[name].values, atol=1e-9)
            assert found.evaluations == alone[name].evaluations
    np.testing.assert_array_equal(together[0]["1"].values, together[2]["1"].values)


@pytest.mark.parametrize("frozen", [0, 2])
def test_companions_change_no_value_in_single_precision(folder, frozen) -> None:
    models = {str(s): classifier_in(folder, frozen, s).float() for s in range(4)}
    for sharper, model in enumerate(models.values(), 1):
        with torch.no_grad():
            model.head_parameters()[0].mul_(2 * sharper)
    text = "c the dog ran on a mat and the cat sat on the mat"
    given = games(models["0"].tokenizer, [text, *TEXTS], None, 64)
    together = dict(explain(models, given))
    asked = {name: [found[name].evaluations for found in together.values()] for name in models}
    assert len(set(map(tuple, asked.values()))) > 1  # each stops by itself
    for name, model in models.items():
        alone = dict(explain({name: model}, given))
        for i in range(len(given)):
            ours, theirs = together[i][name], alone[i][name]
            assert ours.evaluations == theirs.evaluations
            np.testing.assert_allclose(ours.values, theirs.values, atol=1e-6)
            np.testing.assert_allclose(ours.errors, theirs.errors, atol=1e-6)


def test_a_model_is_asked_only_for_what_its_own_method_wants(folder, monkeypatch) -> None:
    models = {str(s): classifier_in(folder, 2, s) for s in range(3)}
    seen: dict[str, int] = dict.fromkeys([*models, "lower"], 0)
    plain, lower = type(models["0"]).forward, type(models["0"]).lower

    def forward(self, batch):
        [name] = [n for n, model in models.items() if model is self]
        seen[name] += len(batch.ids)
        return plain(self, batch)

    def counted(self, batch):
        seen["lower"] += len(batch.ids)
        return lower(self, batch)

    monkeypatch.setattr(type(models["0"]), "forward", forward)
    monkeypatch.setattr(type(models["0"]), "lower", counted)
    given = games(models["0"].tokenizer, ["the cat sat on the mat"], None, 64)
    [(_, found)] = explain(models, given, "partition", 12)
    own = {name: found[name].evaluations for name in models}
    assert {name: seen[name] for name in models} == own
    assert max(own.values()) <= seen["lower"] < sum(own.values())


# Integrated gradients are no Shapley values.
@pytest.mark.parametrize("method", ["gaussian_process", "permutation", "partition"])
def test_short_texts_have_their_shapley_values(classifier, method) -> None:
    given = games(classifier.tokenizer, TEXTS, None, 64)
    budget = {"gaussian_process": 100, "permutation": 3000, "partition": 500}[method]
    # Owen values of two or fewer players are Shapley values.
    short = [i for i, g in enumerate(given) if g.size <= (2 if method == "partition" else 3)]
    assert len(short) > 2
    for i, found in explain({"m": classifier}, [given[i] for i in short], method, budget):
        game = given[short[i]]

        def play(coalitions: np.ndarray, game=game) -> np.ndarray:
            return np.array([probabilities(classifier, game, c) for c in coalitions])

        truth, _ = run(exact(game.size), play)
        values = found["m"].values
        values = values[game.players] if method == "partition" else values
        np.testing.assert_allclose(values, truth.values, atol=2e-3)


def test_no_input_is_evaluated_twice(classifier, monkeypatch) -> None:
    seen: list[tuple[int, ...]] = []
    forward = type(classifier).forward

    def counting(self, batch):
        seen.extend(map(tuple, batch.ids.tolist()))
        return forward(self, batch)

    monkeypatch.setattr(type(classifier), "forward", counting)
    given = games(classifier.tokenizer, [TEXTS[-1]], None, 64)
    [(_, found)] = explain({"m": classifier}, given, "partition")
    assert len(seen) == len(set(seen)) == found["m"].evaluations
    n = len(given[0].tokens.ids)
    assert len(seen) < 2 * n * (n - 1)  # what the tree asks for, special tokens included


def test_integrated_gradients_are_those_of_the_definition(folder) -> None:
    for frozen in (0, 2):
        model = classifier_in(folder, frozen)
        [game] = games(model.tokenizer, ["the cat sat on aaa"], None, 64)
        [(_, found)] = explain({"m": model}, [game], "integrated_gradients", 100)
        found = found["m"]
        assert model.frozen_layers == frozen
        words = model.embeddings.word_embeddings.weight.detach()
        ids = torch.tensor(game.masked(np.array([[True] * game.size, [False] * game.size])))
        start, end = words[ids[1]], words[ids[0]]
        total = torch.zeros(len(ids[0]), len(LABELS), dtype=torch.float64)
        model.frozen_layers = 0
        for step in range(STEPS):
            point = (start + (step + 0.5) / STEPS * (end - start)).requires_grad_()
            hook = model.embeddings.word_embeddings.register_forward_hook(
                lambda *_, point=point: point[None]
            )
            p = model(Batch(ids[:1], None, None)).logits.softmax(-1)[0]
            hook.remove()
            for c in range(len(LABELS)):
                gradient = torch.autograd.grad(p[c], point, retain_graph=True)[0]
                total[:, c] += ((end - start) * gradient).sum(-1) / STEPS
        np.testing.assert_allclose(found.values, total[game.players].numpy(), atol=2e-4)
        np.testing.assert_allclose(found.values.sum(0), found.output - found.base, atol=1e-3)
        assert (total.numpy()[np.setdiff1d(np.arange(len(ids[0])), game.players)] == 0).all()


def test_a_text_of_512_tokens_works(tmp_path) -> None:
    from core.attribution.game import Game
    from tests.helpers.encoders import wordpiece

    wordpiece(tmp_path / "encoder", positions=512)
    model = classifier_in(tmp_path).float()
    [game] = games(model.tokenizer, ["the cat " * 400], None, 512)
    assert isinstance(game, Game)
    assert len(game.tokens.ids) == 512
    [(_, found)] = explain({"m": model}, [game], "gaussian_process", 1)
    values = found["m"]
    assert values.values.shape == (510, 3)
    np.testing.assert_allclose(values.values.sum(0), values.output - values.base, atol=1e-6)


def test_shap_takes_what_is_found(classifier) -> None:
    given = games(classifier.tokenizer, ["the cat sat"], None, 64)
    [(_, found)] = explain({"m": classifier}, given)
    explanation = found["m"].to_shap(LABELS)
    assert explanation.shape == (3, 3)
    assert list(explanation[:, "good"].values) == found["m"].values[:, 2].tolist()
    assert explanation.feature_names[1].strip() == "cat"


def test_wrong_methods_and_budgets_are_named(classifier) -> None:
    with pytest.raises(InputError, match="'lime' is none of gaussian_process, permutation"):
        list(explain({"m": classifier}, [], "lime"))
    with pytest.raises(InputError, match="budget is 0; expected 1 or more evaluations per token"):
        list(explain({"m": classifier}, [], "permutation", 0))
