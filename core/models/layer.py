"""The forward pass of one transformer layer, over batches of texts that lie side by side.

It takes the modules of transformers' BERT and RoBERTa and gives the same results. All linear
layers, normalisations and dropouts run over the tokens of all batches at once; attention runs
batch by batch, so that only within a batch texts are padded to one length.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def attention_bias(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """What is added to attention scores (texts x 1 x 1 x tokens): 0 or minus infinity."""
    if mask is None:
        return None
    bias = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return bias.masked_fill(~mask, float("-inf"))[:, None, None, :]


def layer_forward(
    layer: Any,
    hidden: Tensor,
    shapes: Sequence[tuple[int, int]],
    biases: Sequence[Tensor | None],
    *,
    cls_only: bool = False,
) -> Tensor:
    """One BERT layer (post-norm), for all tokens or for the first of each text.

    Args:
        hidden: tokens of all batches x hidden units.
        shapes: texts and tokens a text of each batch.
        biases: of each batch, from `attention_bias`.
        cls_only: compute the first token's output only (texts of all batches x hidden units).
    """
    attention = layer.attention
    own = attention.self
    width = hidden.shape[1]
    heads = own.num_attention_heads
    sizes = [texts * longest for texts, longest in shapes]

    def split(x: Tensor, sizes: list[int]) -> list[Tensor]:
        """Texts x heads x tokens x units a head, for each batch."""
        parts = x.split(sizes) if len(sizes) > 1 else (x,)
        return [
            part.view(texts, -1, heads, width // heads).transpose(1, 2)
            for part, (texts, _) in zip(parts, shapes, strict=True)
        ]

    first = hidden
    if cls_only:
        starts = [
            torch.arange(end - size, end, longest, device=hidden.device)
            for end, size, (_, longest) in zip(accumulate(sizes), sizes, shapes, strict=True)
        ]
        first = hidden[torch.cat(starts)]
    queries = split(own.query(first), [texts for texts, _ in shapes] if cls_only else sizes)
    keys, values = (split(projection(hidden), sizes) for projection in (own.key, own.value))
    p = own.dropout.p if layer.training else 0.0
    contexts = [
        attend(query, key, value, bias, p).transpose(1, 2).flatten(2).flatten(0, 1)
        for query, key, value, bias in zip(queries, keys, values, biases, strict=True)
    ]
    attended = _add_and_norm(attention.output, joined(contexts), first)
    return _add_and_norm(layer.output, layer.intermediate(attended), attended)


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Rows of all parts, without a copy where there is one part."""
    return torch.cat(list(parts)) if len(parts) > 1 else parts[0]


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, p: float) -> Tensor:
    """Attention with dropout on its probabilities (texts x heads x tokens x units a head).

    With dropout torch's own function falls back to plain operations on a CPU, with more passes
    over the scores than these.
    """
    if not p:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    scores = query @ key.transpose(-1, -2)
    scale = query.shape[-1] ** -0.5
    scores = scores * scale if bias is None else torch.add(bias, scores, alpha=scale)
    return dropout(scores.softmax(-1), p) @ value


def dropout(x: Tensor, p: float) -> Tensor:
    """Dropout with 16 random bits an element, three times as fast on a CPU as torch's own.

    Args:
        p: probability of zero; rounded to 1 / 65536. What is kept is scaled by 1 / (1 - p) for the
            rounded p, so that the mean is exact.
    """
    zeros = round(p * 2**16)
    if not zeros:
        return x
    drawn = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
    bits = drawn.random_(-(2**63), None).view(torch.int16)[: x.numel()].view(x.shape)
    kept = (bits >= zeros - 2**15).to(x.dtype)
    return x * kept.mul_(2**16 / (2**16 - zeros))


def _add_and_norm(part: Any, x: Tensor, residual: Tensor) -> Tensor:
    """transformers' output blocks: linear layer, dropout, residual connection, normalisation."""
    x = dropout(part.dense(x), part.dropout.p if part.training else 0.0)
    normed: Tensor = part.LayerNorm(x + residual)
    return normed
