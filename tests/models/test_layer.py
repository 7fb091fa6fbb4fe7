from __future__ import annotations

import pytest
import torch

from core.models.layer import attend, attention_bias, dropout


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_keeps_the_mean_and_drops_its_share(p) -> None:
    torch.manual_seed(0)
    x = torch.ones(401, 499)  # its size is no multiple of the 4 draws a random number gives
    x.requires_grad_(True)
    dropped = dropout(x, p)
    n = x.numel()
    zeros = (dropped == 0).float().mean().item()
    assert abs(zeros - p) < 5 * (p * (1 - p) / n) ** 0.5
    assert torch.allclose(dropped[dropped != 0], torch.tensor(1 / (1 - p)), rtol=1e-4)
    # Rows, columns and neighbours are independent: their shares vary as a binomial share does.
    for axis in (0, 1):
        shares = (dropped == 0).float().mean(dim=axis)
        spread = (p * (1 - p) / x.shape[axis]) ** 0.5
        assert shares.std().item() == pytest.approx(spread, rel=0.2)
    flat = (dropped == 0).float().flatten()
    for lag in range(1, 9):
        both = (flat[lag:] * flat[:-lag]).mean().item()
        assert abs(both - p * p) < 5 * (p * p * (1 - p * p) / n) ** 0.5
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())
    torch.manual_seed(0)
    assert torch.equal(dropout(x, p), dropped)
    assert dropout(x, 0.0) is x


def test_attention_that_can_drop_is_torchs_where_nothing_is_dropped() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 5, 2, 7, 4)
    mask = torch.arange(7) < torch.arange(3, 8)[:, None]
    for bias in (None, attention_bias(mask, query.dtype)):
        ours = attend(query, key, value, bias, 1e-6)  # rounds to no dropout
        theirs = torch.nn.functional.scaled_dot_product_attention(query, key, value, bias)
        assert torch.allclose(ours, theirs, atol=1e-6)
        assert torch.equal(attend(query, key, value, bias, 0.0), theirs)
