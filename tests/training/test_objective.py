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
