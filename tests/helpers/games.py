"""Games with known Shapley values, and a hand that answers a method's questions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np

from core.attribution.estimate import Asking, Estimate

Play = Callable[[np.ndarray], np.ndarray]


def run(method: Asking, play: Play) -> tuple[Estimate, int]:
    """What a method returns on a game, and how many coalitions it asked for."""
    asked = 0
    wanted = next(method)
    while True:
        asked += len(wanted)
        try:
            wanted = method.send(play(wanted))
        except StopIteration as stopped:
            return stopped.value, asked


def by_definition(play: Play, players: int) -> np.ndarray:
    """Shapley values as the mean gain over all orders of the players."""
    orders = list(permutations(range(players)))
    total = 0.0
    for order in orders:
        walk = np.zeros((players + 1, players), dtype=bool)
        for step, player in enumerate(order):
            walk[step + 1] = walk[step]
            walk[step + 1, player] = True
        gains = np.diff(play(walk), axis=0)
        total = total + gains[np.argsort(order)]
    return total / len(orders)


def random_game(players: int, outputs: int, seed: int) -> Play:
    """Softmax probabilities of a quadratic function, as a small network would give."""
    rng = np.random.default_rng(seed)
    linear = rng.normal(size=(players, outputs))
    quadratic = rng.normal(size=(players, players, outputs)) / players**0.5

    def play(coalitions: np.ndarray) -> np.ndarray:
        x = coalitions.astype(float)
        logits = x @ linear + np.einsum("mi,mj,ijk->mk", x, x, quadratic)
        odds = np.exp(logits / 2)
        return odds / odds.sum(axis=1, keepdims=True)

    return play


def additive(weights: np.ndarray) -> Play:
    """Each player adds its own weights (players x outputs) to 0.2."""
    return lambda coalitions: 0.2 + coalitions @ weights
