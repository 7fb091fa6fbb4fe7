"""Inputs put together by their lengths, so that little is padded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.models.tokens import Tokens

TOKENS_A_BATCH = 4096


def batches_by_length(tokens: Sequence[Tokens], budget: int = TOKENS_A_BATCH) -> list[list[int]]:
    """Indices in batches of texts of like length, at most `budget` tokens with padding."""
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i].ids))
    batches: list[list[int]] = []
    for i in order:
        # Ascending lengths: the newcomer is the longest, so it sets the padded size.
        if batches and (len(batches[-1]) + 1) * len(tokens[i].ids) <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def blocks_of(lengths: Sequence[int], cost: int) -> list[tuple[int, int]]:
    """Cut ascending lengths into blocks so that padding and blocks cost least.

    Args:
        cost: of a block of its own, in tokens.

    Returns:
        Start and end of each block.
    """
    longest = np.asarray(lengths)
    total, start = [0], [0]  # of the cheapest cut of the first rows
    for end in range(1, len(longest) + 1):
        costs = np.array(total) + longest[end - 1] * np.arange(end, 0, -1) + cost
        start.append(int(costs.argmin()))
        total.append(int(costs.min()))
    blocks = []
    end = len(longest)
    while end:
        blocks.append((start[end], end))
        end = start[end]
    return blocks[::-1]
