from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.utils.class_weight import compute_class_weight

from core.errors import InputError
from core.mitigation.setups import parse
from core.sampling.class_weights import class_weights, row_weights
from core.training.objective import Objective, masked_input_entropy

LANGUAGES, LABELS = ["de", "en"], ["bad", "fair", "good"]
count_tables = arrays(int, (2, 3), elements=st.integers(1, 50)).map(
    lambda v: pd.DataFrame(v, index=LANGUAGES, columns=LABELS)
)


def loss_of(setup, logits, labels, weights, n, languages=None, counts=None) -> torch.Tensor:
    objective = Objective(parse(setup), pd.DataFrame() if counts is None else counts, 4, 0)
    languages = torch.zeros_like(labels) if languages is None else languages
    return objective(logits, logits, labels, languages, weights, n)


@given(count_tables)
def test_weights_are_scikit_learns_balanced_weights_of_each_language(counts) -> None:
    weights = class_weights(counts)
    for language in LANGUAGES:
        labels = np.repeat(LABELS, counts.loc[language])
        expected = compute_class_weight("balanced", classes=np.array(LABELS), y=labels)
        assert weights.loc[language].tolist() == pytest.approx(expected.tolist())


@given(count_tables)
def test_weighted_counts_are_uniform_and_keep_their_sum(counts) -> None:
    weighted = class_weights(counts) * counts
    for language in LANGUAGES:
        assert weighted.loc[language].to_numpy() == pytest.approx(
            counts.loc[language].sum() / len(LABELS)
        )


def test_an_empty_cell_is_named() -> None:
    counts = pd.DataFrame([[1, 0, 2], [1, 1, 1]], index=LANGUAGES, columns=LABELS)
    with pytest.raises(InputError, match=r"\(de, fair\)"):
        class_weights(counts)


def test_row_weights_look_up_language_and_label() -> None:
    weights = pd.DataFrame([[1.0, 2, 3], [4, 5, 6]], index=LANGUAGES, columns=LABELS)
    found = row_weights(["en", "de", "en"], ["bad", "good", "good"], weights)
    assert found.tolist() == [4, 3, 6]
    assert row_weights(["en", "de"], ["bad", "bad"], None).tolist() == [1, 1]


@given(st.integers(0, 2**31), st.integers(2, 24), st.integers(1, 8))
def test_gradients_of_micro_batches_add_up_to_the_full_batch(seed, n, size) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, generator=generator, dtype=torch.float64)
    y = torch.randint(3, (n,), generator=generator)
    w = torch.rand(n, generator=generator) * 3

    def gradient(chunk: int) -> torch.Tensor:
        layer = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
        for start in range(0, n, chunk):
            part = slice(start, start + chunk)
            loss_of("balanced", x[part] @ layer, y[part], w[part], n).backward()
        return layer.grad

    assert torch.allclose(gradient(n), gradient(size), atol=1e-6)


def test_the_loss_is_divided_by_n_and_not_by_the_sum_of_weights() -> None:
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    plain = torch.nn.functional.cross_entropy(logits, labels)
    doubled = loss_of("balanced", logits, labels, torch.full((6,), 2.0), 6)
    assert doubled.item() == pytest.approx(2 * plain.item(), rel=1e-5)
    by_class = torch.tensor([1.0, 0.5, 3.0])
    oracle = torch.nn.functional.cross_entropy(logits, labels, by_class, reduction="sum") / 6
    ours = loss_of("balanced", logits, labels, by_class[labels], 6)
    assert ours.item() == pytest.approx(oracle.item(), rel=1e-5)


@given(st.integers(0, 2**31), st.integers(2, 6))
def test_masked_input_entropy_is_minus_scipys_entropy(seed, classes) -> None:
    logits = torch.randn(1, classes, generator=torch.Generator().manual_seed(seed))
    entropy = scipy.stats.entropy(logits.softmax(-1).numpy(), axis=1)
    assert masked_input_entropy(logits).item() == pytest.approx(-entropy[0], abs=1e-5)
    released = masked_input_entropy(logits, "released").item()
    assert released == pytest.approx(-entropy[0] / classes, abs=1e-5)


def test_minimising_the_masked_input_entropy_leads_to_uniform() -> None:
    logits = torch.tensor([[3.0, -1.0, 0.5]], requires_grad=True)
    for _ in range(300):
        loss = masked_input_entropy(logits)
        (gradient,) = torch.autograd.grad(loss, logits)
        logits = (logits - gradient).detach().requires_grad_()
    assert loss.item() == pytest.approx(-np.log(3), abs=1e-4)
    assert logits.softmax(-1).tolist()[0] == pytest.approx([1 / 3] * 3, abs=1e-2)


def rows(n: int = 24, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Features, labels and languages of rows in double precision."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, generator=generator)
    labels = torch.randint(3, (n,), generator=generator)
    return x, labels, torch.randint(2, (n,), generator=generator)


COUNTS = pd.DataFrame([[40, 20, 4], [5, 15, 60]], index=LANGUAGES, columns=LABELS)


def gradients(loss: torch.Tensor, *of: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, of))


def test_the_gradient_of_focal_loss_is_that_of_its_plain_form() -> None:
    x, labels, _ = rows()
    layer = torch.randn(4, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    weights = torch.linspace(0.3, 2, len(labels))
    ours = loss_of("imbalanced+focal", x @ layer, labels, weights, len(labels), counts=COUNTS)
    p = (x @ layer).softmax(-1)[torch.arange(len(labels)), labels]
    plain = (weights * -((1 - p) ** 2) * p.log()).mean()
    assert ours.item() == pytest.approx(plain.item(), rel=1e-5)
    assert torch.allclose(*gradients(ours, layer), *gradients(plain, layer), atol=1e-6)


def test_focal_loss_has_a_gradient_where_a_text_is_told_for_sure() -> None:
    logits = torch.tensor([[90.0, -90, 0], [-90.0, 90, 0]], requires_grad=True)
    labels = torch.zeros(2, dtype=torch.long)
    loss_of("imbalanced+focal", logits, labels, torch.ones(2), 2, counts=COUNTS).backward()
    assert torch.isfinite(logits.grad).all()


def test_the_gradient_of_logit_adjustment_is_that_of_its_plain_form() -> None:
    x, labels, languages = rows()
    layer = torch.zeros(4, 3, requires_grad=True)
    ours = loss_of(
        *("imbalanced+logit-adjust", x @ layer, labels, torch.ones(len(labels)), len(labels)),
        *(languages, COUNTS),
    )
    # Menon et al. 2021, equation 10: log(1 + sum over y' of pi_y'/pi_y exp(f_y' - f_y))
    prior = torch.tensor(COUNTS.div(COUNTS.sum(axis=1), axis=0).to_numpy())[languages]
    f, rows_ = (x @ layer).double(), torch.arange(len(labels))
    odds = (prior / prior[rows_, labels][:, None]) * (f - f[rows_, labels][:, None]).exp()
    plain = odds.sum(-1).log().mean()
    assert ours.item() == pytest.approx(plain.item(), rel=1e-5)
    assert torch.allclose(*gradients(ours, layer), *gradients(plain, layer), atol=1e-6)


def test_group_weights_follow_sagawas_algorithm_whatever_the_micro_batches() -> None:
    x, labels, languages = rows(30)
    cells = languages * 3 + labels
    weights = torch.tensor(parse("imbalanced+dro").weights(COUNTS)["train"].to_numpy().ravel())
    found = []
    for size in (30, 7):
        objective = Objective(parse("imbalanced+dro"), COUNTS, 4, 0)
        layer = torch.zeros(4, 3, requires_grad=True)
        for _ in range(3):
            objective.next_step()
            total = torch.zeros(4, 3)
            for start in range(0, 30, size):
                part = slice(start, start + size)
                w = weights[cells[part]].float()
                loss = objective(x[part] @ layer, x[part], labels[part], languages[part], w, 30)
                total += gradients(loss, layer)[0]
            layer = (layer - 0.5 * total).detach().requires_grad_()
        found.append((layer, objective.shares.clone()))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-6)
    # By hand: q grows with exp(step x mean loss of the group in the batch), and each group counts
    # q over its share of the rows.
    q = np.full(6, 1 / 6)
    share = COUNTS.to_numpy().ravel() / COUNTS.to_numpy().sum()
    layer = torch.zeros(4, 3, requires_grad=True)
    for step in range(3):
        losses = torch.nn.functional.cross_entropy(x @ layer, labels, reduction="none")
        factor = torch.tensor(q / share)[cells]
        layer = (layer - 0.5 * gradients((factor * losses).mean(), layer)[0]).detach()
        layer.requires_grad_()
        if step < 2:
            of_group = [
                losses[cells == g].mean().item() if (cells == g).any() else 0 for g in range(6)
            ]
            q = q * np.exp(0.01 * np.array(of_group))
            q /= q.sum()
    assert torch.allclose(found[0][0], layer.float(), atol=1e-5)
    assert found[0][1].numpy() == pytest.approx(q, abs=1e-6)


def test_group_weights_count_no_validation_rows() -> None:
    objective = Objective(parse("imbalanced+dro"), COUNTS, 4, 0).eval()
    x, labels, languages = rows()
    loss = objective(x[:, :3], x, labels, languages, torch.ones(24), 24)
    objective.next_step()
    assert objective.shares.tolist() == pytest.approx([1 / 6] * 6)
    assert loss.item() == pytest.approx(torch.nn.functional.cross_entropy(x[:, :3], labels).item())


@pytest.mark.parametrize("name", ["reversal", "entropy-max"])
def test_a_language_head_learns_and_the_encoder_is_turned_against_it(name) -> None:
    """Against torch's own autograd functions, head and features apart."""
    x, labels, languages = rows()
    features = x.clone().requires_grad_()
    objective = Objective(parse(f"imbalanced+{name}"), COUNTS, 4, 0)
    weight, bias = objective.language_head.weight, objective.language_head.bias
    zero = torch.zeros(24, 3)
    plain_loss = torch.nn.functional.cross_entropy(zero, labels)
    loss = objective(zero, features, labels, languages, torch.ones(24), 24)
    of_head, of_features = gradients(loss, weight, features)
    told = torch.nn.functional.cross_entropy(x @ weight.T + bias, languages)
    assert torch.allclose(of_head, *gradients(told, weight), atol=1e-6)
    free = x.clone().requires_grad_()
    logits = free @ weight.T + bias
    if name == "reversal":
        against = -torch.nn.functional.cross_entropy(logits, languages)
        assert loss.item() == pytest.approx(plain_loss.item() + told.item(), rel=1e-5)
    else:
        against = -torch.distributions.Categorical(logits=logits).entropy().mean()
        expected = plain_loss.item() + told.item() + against.item()
        assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert torch.allclose(of_features, *gradients(against, free), atol=1e-6)


def test_a_language_head_tells_nothing_in_validation() -> None:
    objective = Objective(parse("imbalanced+reversal"), COUNTS, 4, 0).eval()
    x, labels, languages = rows()
    loss = objective(x[:, :3], x, labels, languages, torch.ones(24), 24)
    assert loss.item() == pytest.approx(torch.nn.functional.cross_entropy(x[:, :3], labels).item())
