from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, pairwise
from threading import Event

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.config import Recipe
from core.corpora import synthetic
from core.corpora.corpus import Corpus, load
from core.errors import InputError
from core.models.batches import blocks_of
from core.models.classifier import Classifier, build
from core.models.encoder import Encoder
from core.models.encoder import load as load_encoder
from core.models.frozen import FrozenStates
from core.models.prediction import predict
from core.models.tokens import mask_content, mask_input, tokenise
from core.progress import Stop, Terminated
from core.training.batches import Examples, StepSampler
from core.training.callbacks import Evaluator
from core.training.trainer import fit

RECIPE = Recipe(epochs=3, batch_size=8, accumulation=2, learning_rate=2e-3, head_learning_rate=2e-3)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("corpus") / "a.parquet"
    pq.write_table(synthetic.generate({"train": 5, "validation": 3}), path)
    return load(str(path))


@pytest.fixture
def encoder(corpus: Corpus) -> Encoder:
    return load_encoder("tiny", corpus)


def examples(encoder: Encoder, corpus: Corpus, split: str, weighted: bool = True) -> Examples:
    part = corpus.table.filter(corpus.table["split"].to_numpy() == split)
    tokens = tokenise(encoder.tokenizer, part["text"].to_pylist(), None, 32)
    labels = np.array([corpus.labels.index(x) for x in part["label"].to_pylist()])
    weights = np.linspace(0.2, 1.8, len(labels)) if weighted else np.ones(len(labels))
    return Examples(tokens, labels, weights.astype(np.float32))


def classifier(encoder: Encoder, frozen: int = 0, dropout: float | None = None) -> Classifier:
    made = build(encoder, synthetic.LABELS, frozen_layers=frozen)
    for module in made.modules():
        if dropout is not None and isinstance(module, torch.nn.Dropout):
            module.p = dropout
    return made


def weights_of(model: Classifier) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in model.parameters()])


def test_accumulation_equals_the_full_batch(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    results = []
    for size, steps in ((16, 1), (4, 4), (3, 6)):  # 18 rows a step differ in the last one
        model = classifier(encoder, dropout=0.0)
        recipe = Recipe(epochs=1, batch_size=size, accumulation=steps, learning_rate=1e-3)
        trained = fit(model, train, validation, recipe, 0, tmp_path / f"{size}")
        results.append((weights_of(model), trained.validation_loss))
    assert torch.allclose(results[0][0], results[1][0], atol=2e-5)
    assert results[0][1] == pytest.approx(results[1][1], abs=1e-5)
    assert not torch.allclose(results[0][0], results[2][0], atol=2e-5)


def test_the_trainer_takes_the_steps_of_a_plain_loop(encoder, corpus, tmp_path) -> None:
    """Oracle: AdamW, two learning rates linearly to 0, in ten lines of torch."""
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    recipe = Recipe(epochs=2, batch_size=16, accumulation=1, learning_rate=1e-3, warmup=0.1)
    ours = classifier(encoder, dropout=0.0)
    lines: list[dict] = []
    fit(ours, train, validation, recipe, 5, tmp_path / "a", lines.append)

    from core.models.classifier import collate

    plain = classifier(encoder, dropout=0.0).train()
    optimiser = torch.optim.AdamW(
        [
            {"params": plain.encoder_parameters(), "lr": 1e-3},
            {"params": plain.head_parameters(), "lr": 5e-4},
        ],
        weight_decay=0.0,
    )
    sampler = StepSampler([len(t.ids) for t in train.tokens], 16, 5)
    steps = recipe.epochs * -(-len(train.labels) // 16)
    warmup = -(-steps // 10)
    losses, step = [], 0
    kept = None
    best = np.inf
    for epoch in range(recipe.epochs):
        sampler.set_epoch(epoch)
        order = list(sampler)
        for start in range(0, len(order), 16):
            rows = order[start : start + 16]
            scale = min((step / warmup), (steps - step) / (steps - warmup))
            for group, rate in zip(optimiser.param_groups, (1e-3, 5e-4), strict=True):
                group["lr"] = rate * scale
            batch = collate([train.tokens[i] for i in rows], plain.tokenizer.pad_token_id)
            losses_of_rows = torch.nn.functional.cross_entropy(
                plain(batch).logits, torch.tensor(train.labels[rows]), reduction="none"
            )
            loss = (torch.tensor(train.weights[rows]) * losses_of_rows).sum() / len(rows)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.item())
            step += 1
        probabilities, _ = predict(plain, validation.tokens)
        chosen = probabilities[np.arange(len(validation.labels)), validation.labels]
        value = float(-(validation.weights * np.log(chosen)).mean())
        if value < best:
            best, kept = value, weights_of(plain).clone()
        plain.train()
    logged = [line["loss"] for line in lines if "loss" in line]
    assert logged == pytest.approx(losses, abs=1e-4)
    assert torch.allclose(weights_of(ours), kept, atol=1e-4)
    assert not ours.embeddings.word_embeddings.sparse


def test_the_best_epoch_by_weighted_validation_loss_is_kept(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    model = classifier(encoder)
    lines: list[dict] = []
    trained = fit(model, train, validation, RECIPE, 0, tmp_path, lines.append)
    epochs = [line for line in lines if "validation_loss" in line]
    assert len(epochs) == RECIPE.epochs
    best = min(epochs, key=lambda line: line["validation_loss"])
    assert trained.best_epoch == best["epoch"]
    assert trained.validation_loss == best["validation_loss"]
    probabilities, _ = predict(model, validation.tokens)
    losses = -np.log(probabilities[np.arange(len(validation.labels)), validation.labels])
    assert trained.validation_loss == pytest.approx((losses * validation.weights).mean(), abs=1e-4)
    assert trained.validation_loss_unweighted == pytest.approx(losses.mean(), abs=1e-4)
    for line in lines:
        assert {"step", "steps", "epoch", "seconds"} <= set(line)
    assert {"loss", "lr", "samples_per_second"} <= set(lines[0])
    assert lines[-2]["lr"] < lines[0]["lr"]


def drawn_out(encoder: Encoder, corpus: Corpus) -> tuple[Examples, Examples, Recipe]:
    """One epoch whose training labels are all wrong to the validation: the loss rises and rises."""
    train, validation = (examples(encoder, corpus, s, False) for s in ("train", "validation"))
    train.labels[:], validation.labels[:] = 0, np.arange(len(validation.labels)) % 3
    rates = {"learning_rate": 1e-3, "head_learning_rate": 1e-2}
    return train, validation, replace(RECIPE, epochs=1, evaluations=4, batch_size=4, **rates)


def test_one_epoch_is_evaluated_several_times_and_the_best_kept(encoder, corpus, tmp_path) -> None:
    train, validation, recipe = drawn_out(encoder, corpus)
    model = classifier(encoder)
    lines: list[dict] = []
    trained = fit(model, train, validation, recipe, 0, tmp_path / "a", lines.append)
    measured = [line for line in lines if "validation_loss" in line]
    quarters = [round(i * trained.steps / 4) for i in range(1, 5)]
    assert [line["step"] for line in measured] == quarters
    losses = [line["validation_loss"] for line in measured]
    kept = int(np.argmin(losses))
    assert kept < 3, "the last is the best: this says nothing of what is kept"
    assert trained.best_step == measured[kept]["step"] == measured[-1]["best_step"]
    assert trained.best_epoch == trained.best_step / trained.steps < 1
    assert trained.validation_loss == losses[kept]
    probabilities, _ = predict(model, validation.tokens)
    chosen = probabilities[np.arange(len(validation.labels)), validation.labels]
    assert -np.log(chosen).mean() == pytest.approx(losses[kept], abs=1e-4)
    last = classifier(encoder)
    fit(last, train, validation, replace(recipe, evaluations=1), 0, tmp_path / "b")
    assert not torch.equal(weights_of(model), weights_of(last))


@pytest.mark.parametrize("at", [6, 7])
def test_a_killed_training_goes_on_from_its_last_evaluation(encoder, corpus, tmp_path, at) -> None:
    train, validation, recipe = drawn_out(encoder, corpus)
    undisturbed = classifier(encoder)
    expected = fit(undisturbed, train, validation, recipe, 0, tmp_path / "a")

    class Killed(Exception):
        pass

    def kill(line: dict) -> None:
        if line["step"] == at and "loss" in line:
            raise Killed

    with pytest.raises(Killed):
        fit(classifier(encoder), train, validation, recipe, 0, tmp_path / "b", kill)
    lines: list[dict] = []
    resumed = classifier(encoder)
    trained = fit(resumed, train, validation, recipe, 0, tmp_path / "b", lines.append)
    places = [round(i * trained.steps / 4) for i in range(1, 5)]
    assert lines[0]["step"] - 1 == max(p for p in places if p < at) > 0
    assert torch.equal(weights_of(resumed), weights_of(undisturbed))
    assert replace(trained, seconds=0) == replace(expected, seconds=0)


@given(st.integers(1, 30), st.integers(1, 40))
def test_evaluations_are_at_equal_distances_and_never_twice(evaluations, steps) -> None:
    places = sorted({*Evaluator(evaluations, steps).places, steps})
    assert len(places) == min(evaluations, steps) and places[0] > 0
    assert np.ptp(np.diff([0, *places])) <= 1


def test_frozen_layers_stay_and_sharing_their_outputs_changes_nothing(
    encoder, corpus, tmp_path
) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    plain, shared = (classifier(encoder, frozen=2, dropout=0.0) for _ in range(2))
    before = weights_of(plain).clone()
    fit(plain, train, validation, RECIPE, 0, tmp_path / "plain")
    states = FrozenStates()
    for part in (train, validation):
        part.hidden = states.get(shared, part.tokens)
    fit(shared, train, validation, RECIPE, 0, tmp_path / "shared")
    assert torch.allclose(weights_of(plain), weights_of(shared), atol=1e-4)
    frozen = sum(p.numel() for p in plain.parameters() if not p.requires_grad)
    assert frozen > 0
    assert torch.equal(before[: frozen // 2], weights_of(plain)[: frozen // 2])
    assert not torch.allclose(before, weights_of(plain))


def test_the_same_seed_gives_the_same_model_and_another_does_not(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    models = []
    for i, seed in enumerate((0, 0, 1)):
        model = classifier(encoder)
        fit(model, train, validation, RECIPE, seed, tmp_path / str(i))
        models.append(weights_of(model))
    assert torch.equal(models[0], models[1])
    assert not torch.equal(models[0], models[2])


@pytest.mark.parametrize("at", [1, 3, 5, 6, 10])
def test_a_terminated_training_saves_its_step_and_goes_on_to_the_same_result(
    encoder, corpus, tmp_path, at
) -> None:
    """In the middle and at the end of an epoch, with accumulation and dropout."""
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    recipe = replace(RECIPE, batch_size=4, accumulation=5)
    undisturbed = classifier(encoder)
    expected = fit(undisturbed, train, validation, recipe, 0, tmp_path / "a", entropy=True)
    terminated = Event()
    lines: list[dict] = []

    def terminate(line: dict) -> None:
        lines.append(line)
        if line["step"] == at:
            terminated.set()

    stop = Stop(terminated=terminated)
    where = (train, validation, recipe, 0, tmp_path / "b")
    with pytest.raises(Terminated):
        fit(classifier(encoder), *where, terminate, entropy=True, stop=stop)
    resumed = classifier(encoder)
    trained = fit(resumed, *where, lines.append, entropy=True)
    assert [x["step"] for x in lines if "loss" in x] == list(range(1, trained.steps + 1))
    assert torch.equal(weights_of(resumed), weights_of(undisturbed))
    assert trained.validation_loss == expected.validation_loss
    assert trained.best_epoch == expected.best_epoch


@pytest.mark.parametrize("at", ["in epoch 2", "at the end of epoch 1", "before any epoch ended"])
def test_a_stopped_training_goes_on_to_the_same_result(encoder, corpus, tmp_path, at) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    undisturbed = classifier(encoder)
    expected = fit(undisturbed, train, validation, RECIPE, 0, tmp_path / "a", entropy=True)

    class Stop(Exception):
        pass

    def stop(line: dict) -> None:
        stops = {
            "in epoch 2": line["epoch"] > 1.3,
            "at the end of epoch 1": "validation_loss" in line,
            "before any epoch ended": line["epoch"] > 0.3,
        }
        if stops[at]:
            raise Stop

    with pytest.raises(Stop):
        fit(classifier(encoder), train, validation, RECIPE, 0, tmp_path / "b", stop, entropy=True)
    lines: list[dict] = []
    resumed = classifier(encoder)
    trained = fit(resumed, train, validation, RECIPE, 0, tmp_path / "b", lines.append, entropy=True)
    assert torch.equal(weights_of(resumed), weights_of(undisturbed))
    assert trained.validation_loss == expected.validation_loss
    assert trained.best_epoch == expected.best_epoch
    assert (min(line["epoch"] for line in lines) > 1) == (at == "in epoch 2")


def test_a_broken_checkpoint_is_not_used(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    (tmp_path / "checkpoint-5").mkdir()
    (tmp_path / "checkpoint-5" / "trainer_state.json").write_text('{"global')
    trained = fit(classifier(encoder), train, validation, RECIPE, 0, tmp_path)
    assert trained.steps == RECIPE.epochs * -(-len(train.labels) // 16)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 20), st.integers(0, 5))
def test_a_step_is_a_random_draw_sorted_by_length(lengths, rows_a_step, seed) -> None:
    sampler = StepSampler(lengths, rows_a_step, seed)
    order = list(sampler)
    assert sorted(order) == list(range(len(lengths)))
    assert list(sampler) == order
    permutation = np.random.default_rng([seed, 0]).permutation(len(lengths))
    for start in range(0, len(order), rows_a_step):
        step = order[start : start + rows_a_step]
        assert set(step) == set(permutation[start : start + rows_a_step])
        assert [lengths[i] for i in step] == sorted(lengths[i] for i in step)
    sampler.set_epoch(1)
    if len(lengths) > 8:
        assert list(sampler) != order or rows_a_step >= len(lengths)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9), st.integers(0, 60))
def test_blocks_are_the_cheapest_cut(lengths, cost) -> None:
    lengths.sort()

    def price(blocks: Iterable[tuple[int, int]]) -> int:
        return sum((end - start) * lengths[end - 1] + cost for start, end in blocks)

    inner = range(1, len(lengths))
    cuts = (c for n in range(len(lengths)) for c in combinations(inner, n))
    cheapest = min(price(pairwise((0, *cut, len(lengths)))) for cut in cuts)
    blocks = blocks_of(lengths, cost)
    assert price(blocks) == cheapest
    assert [i for start, end in blocks for i in range(start, end)] == list(range(len(lengths)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs is 0; expected 1 to 1000"),
        ({"evaluations": 0}, "evaluations is 0; expected 1 to 1000"),
        ({"masked_input": "x"}, "expected paper or base or released"),
        ({"epochs": 2.5}, "epochs is 2.5; expected int"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; expected float"),
        ({"trim": 1}, "trim is 1; expected bool"),
        ({"batch_size": True}, "batch_size is True; expected int"),
        ({"warmup": 1.5}, "warmup is 1.5; expected 0 to 1"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_value(values, message) -> None:
    with pytest.raises(InputError, match=message):
        Recipe(**values)
    assert Recipe(learning_rate=1).learning_rate == 1.0


def base_value(model: Classifier, specials: bool) -> np.ndarray:
    tokens = [mask_input(model.tokenizer, n, specials=specials) for n in range(1, 30)]
    return predict(model, tokens)[0]


# The mean over classes is a third of the sum, so it takes longer.
@pytest.mark.parametrize(("masked_input", "epochs"), [("paper", 3), ("base", 3), ("released", 6)])
@pytest.mark.parametrize("frozen", [0, 2])
def test_the_entropy_loss_moves_base_values_towards_uniform(
    encoder, corpus, tmp_path, masked_input, epochs, frozen
) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    train.labels[:] = 0  # without content the plain model then says class 0
    validation.labels[:] = 0
    distance = {}
    for entropy in (False, True):
        model = classifier(encoder, frozen=frozen)
        recipe = replace(RECIPE, epochs=epochs, masked_input=masked_input)
        fit(model, train, validation, recipe, 0, tmp_path / str(entropy), entropy=entropy)
        specials = masked_input != "released"
        distance[entropy] = np.abs(base_value(model, specials) - 1 / 3).sum(axis=1).mean() / 2
    assert distance[True] < 0.7 * distance[False]


@pytest.mark.parametrize(("masked_input", "size"), [("paper", 16), ("paper", 4), ("released", 4)])
def test_equation_3_is_added_once_a_step_or_once_a_micro_batch(
    encoder, corpus, tmp_path, monkeypatch, masked_input, size
) -> None:
    lengths: list[int] = []

    def spy(tokenizer, length: int, *, specials: bool, prefix: list[int]):
        lengths.append(length)
        assert specials == (masked_input == "paper") and not prefix
        return mask_input(tokenizer, length, specials=specials)

    monkeypatch.setattr("core.training.trainer.mask_input", spy)
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    recipe = Recipe(
        epochs=2,
        batch_size=size,
        accumulation=16 // size,
        max_length=12,
        masked_input=masked_input,
    )
    trained = fit(classifier(encoder), train, validation, recipe, 0, tmp_path, entropy=True)
    micro_batches = 2 * -(-len(train.labels) // size)
    assert len(lengths) == (trained.steps if masked_input == "paper" else micro_batches)
    assert set(lengths) <= set(range(1, 11 if masked_input == "paper" else 13))
    assert len(set(lengths)) > 3


def test_the_base_values_of_pairs_are_what_equation_3_sees(
    encoder, corpus, tmp_path, monkeypatch
) -> None:
    """With `base` the inputs are those of the base values: two segments, and a pair's length."""
    seen = []

    def spy(tokens, tokenizer):
        seen.append(mask_content(tokens, tokenizer))
        return seen[-1]

    monkeypatch.setattr("core.training.trainer.mask_content", spy)
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    texts = [f"{i % 7} good words" for i in range(len(train.labels))]
    train.tokens = tokenise(encoder.tokenizer, texts, texts[::-1], 32)
    recipe = Recipe(epochs=1, batch_size=8, accumulation=2, masked_input="base")
    trained = fit(classifier(encoder), train, validation, recipe, 0, tmp_path, entropy=True)
    assert len(seen) == trained.steps
    base_inputs = {mask_content(tokens, encoder.tokenizer) for tokens in train.tokens}
    assert set(seen) <= base_inputs
    assert all(tokens.ids.count(encoder.tokenizer.sep_token_id) >= 2 for tokens in seen)


def test_accumulation_does_not_change_the_entropy_loss(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    results = []
    for size, steps in ((16, 1), (4, 4)):
        model = classifier(encoder, dropout=0.0)
        recipe = Recipe(epochs=1, batch_size=size, accumulation=steps, learning_rate=1e-3)
        fit(model, train, validation, recipe, 0, tmp_path / f"{size}", entropy=True)
        results.append(weights_of(model))
    assert torch.allclose(*results, atol=2e-5)


def test_the_entropy_loss_needs_a_mask_token(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    model = classifier(encoder)
    model.tokenizer.mask_token = None
    with pytest.raises(InputError, match="has no mask token"):
        fit(model, train, validation, RECIPE, 0, tmp_path, entropy=True)


def test_training_in_bfloat16_goes_the_same_way(encoder, corpus, tmp_path, monkeypatch) -> None:
    """As on a GPU made for it; the weights and the loss stay in float32."""
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    losses = []
    for reduced in (False, True):
        monkeypatch.setattr("core.training.trainer.has_bfloat16", lambda device, on=reduced: on)
        model = classifier(encoder, dropout=0.0)
        lines: list[dict] = []
        folder = tmp_path / str(reduced)
        fit(model, train, validation, RECIPE, 0, folder, lines.append, entropy=True)
        assert weights_of(model).dtype == torch.float32
        losses.append([line["loss"] for line in lines if "loss" in line])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_the_learning_rates_fall_to_the_share_that_is_asked_for(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    rates = {}
    for final in (0.0, 0.01):
        recipe = replace(RECIPE, final_rate=final, warmup=0.25, learning_rate=1.0)
        lines: list[dict] = []
        fit(classifier(encoder), train, validation, recipe, 0, tmp_path / str(final), lines.append)
        rates[final] = np.array([line["lr"] for line in lines if "lr" in line])
    n = len(rates[0.0])
    steps = np.arange(n)
    warmup = np.ceil(0.25 * n)
    for final, found in rates.items():  # what each step took
        falling = final + (1 - final) * (n - steps) / (n - warmup)
        expected = np.where(steps < warmup, steps / warmup, falling)
        assert found == pytest.approx(expected, abs=1e-6), final


def test_radam_is_torchs_and_resumes_to_the_same_result(encoder, corpus, tmp_path) -> None:
    train, validation = (examples(encoder, corpus, s) for s in ("train", "validation"))
    recipe = replace(RECIPE, optimiser="radam", final_rate=0.01)
    undisturbed = classifier(encoder)
    fit(undisturbed, train, validation, recipe, 0, tmp_path / "a")
    terminated = Event()

    def terminate(line: dict) -> None:
        if line["step"] == 4:
            terminated.set()

    where = (train, validation, recipe, 0, tmp_path / "b")
    with pytest.raises(Terminated):
        fit(classifier(encoder), *where, terminate, stop=Stop(terminated=terminated))
    resumed = classifier(encoder)
    fit(resumed, *where)
    assert torch.equal(weights_of(resumed), weights_of(undisturbed))
    other = classifier(encoder)
    fit(other, train, validation, replace(recipe, optimiser="adamw"), 0, tmp_path / "c")
    assert not torch.equal(weights_of(other), weights_of(undisturbed))
