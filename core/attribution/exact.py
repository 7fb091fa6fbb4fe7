"""Shapley values by enumeration of all coalitions: for texts of a few tokens, and as an oracle."""

from __future__ import annotations

from math import factorial

import numpy as np

from core.attribution.estimate import Asking, Estimate

MOST_PLAYERS = 16


def exact(players: int) -> Asking:
    """Shapley (1953): mean of v(S + i) - v(S) with the weights |S|! (T - |S| - 1)! / T!.

    Asks for all 2^players coalitions once.

    Raises:
        ValueError: more than 16 players.
    """
    if players > MOST_PLAYERS:
        raise ValueError(f"{players} players have {2**players} coalitions; at most 16 can be asked")
    number = np.arange(2**players)
    coalitions = (number[:, None] >> np.arange(players)) & 1 == 1
    answers = yield coalitions
    size = coalitions.sum(1)
    weights = [factorial(s) * factorial(players - s - 1) for s in range(players)]
    weight = np.array([*weights, 0]) / factorial(players)
    values = np.empty((players, answers.shape[1]))
    for i in range(players):
        without = number[~coalitions[:, i]]
        gain = answers[without | (1 << i)] - answers[without]
        values[i] = weight[size[without]] @ gain
    return Estimate(values, np.zeros_like(values))
