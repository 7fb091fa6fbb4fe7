"""Which coalitions the Gaussian process asks for: a table for each number of players.

Tables do not depend on the text, nor on any model, so that all texts and models of a length are
asked the same, some more of it and some less. A table that is asked for more goes on where it was.
Each coalition stands for itself and its complement.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.attribution import kernel

CANDIDATES_A_PLAYER = 30
GREEDY_PLAYERS = 96  # beyond this the greedy choice costs more than it saves
GREEDY_REACH = 3.0
TIE = 1e-9


def design(players: int, halves: int, most: int | None = None) -> np.ndarray:
    """Coalitions as +1 (member) and -1, distinct up to complement (halves x players).

    Up to 96 players, and with at least one coalition a player, each is chosen greedily as the one
    that lowers the prior variance of the values most; otherwise their sizes cycle through
    1 .. players / 2, each a uniform random subset. With the same `most` (by default `halves`) a
    shorter design is the beginning of a longer one.

    Args:
        halves: coalitions wanted; fewer come back where there are not as many.
        most: coalitions that may be wanted later.
    """
    most = halves if most is None else max(halves, most)
    if halves <= 0 or players < 2:
        return np.empty((0, players))
    if players > GREEDY_PLAYERS or most < players:
        return _cycled(players, most)[:halves]
    candidates = CANDIDATES_A_PLAYER * players
    while candidates < 2 * most:
        candidates *= 2
    return _greedy(players, candidates).first(halves)


@lru_cache(maxsize=64)
def _cycled(players: int, halves: int) -> np.ndarray:
    rng = np.random.default_rng([players, 1])
    sizes = np.arange(1, players // 2 + 1)
    return _distinct(rng, np.resize(sizes, halves), players, halves)


@lru_cache(maxsize=64)
def _greedy(players: int, candidates: int) -> _Greedy:
    return _Greedy(players, candidates)


class _Greedy:
    """A greedy table, made as far as it was asked for.

    Choices are those of an incremental Cholesky factorisation: row k of `rows` is what choice k
    says of every candidate. The sum over all players is known from the start.
    """

    def __init__(self, players: int, wanted: int) -> None:
        rng = np.random.default_rng([players, 0])
        sizes = rng.integers(2, max(3, players // 2 + 1), size=wanted - players)
        singles = np.ones(players, dtype=int)
        self.candidates = _distinct(rng, np.concatenate([singles, sizes]), players, wanted)
        self.t = kernel.strengths(np.ones(players), GREEDY_REACH)
        whole, exactly = np.ones((1, players)), np.sqrt(1 + kernel.EXACT_NOISE)
        self.rows = kernel.covariance(whole, self.candidates, self.t) / exactly
        told = kernel.shapley_covariance(whole, self.t)[:, 0] / exactly
        self.shared = kernel.shapley_covariance(self.candidates, self.t)
        self.shared -= np.outer(told, self.rows[0])
        self.variance = 1 + kernel.NOISE - self.rows[0] ** 2
        self.free = np.ones(len(self.candidates), dtype=bool)
        self.chosen: list[int] = []

    def first(self, halves: int) -> np.ndarray:
        """The first choices (halves x players)."""
        wanted = min(halves, len(self.candidates))
        known = len(self.chosen) + 1
        if wanted + 1 > len(self.rows):
            more = np.empty((wanted + 1 - known, len(self.candidates)))
            self.rows = np.concatenate([self.rows[:known], more])
        while len(self.chosen) < wanted:
            self._choose()
        return self.candidates[self.chosen[:wanted]]

    def _choose(self) -> None:
        gains = np.where(self.free, (self.shared**2).sum(0) / self.variance, -1.0)
        # Many are equal by symmetry: the first of them, whatever the last digits are on a machine.
        best = int(np.argmax(gains >= gains.max() * (1 - TIE)))
        before = self.rows[: len(self.chosen) + 1]
        column = kernel.covariance(self.candidates[best : best + 1], self.candidates, self.t)[0]
        scale = np.sqrt(self.variance[best])
        row = (column - before[:, best] @ before) / scale
        row[best] = scale
        self.shared -= np.outer(self.shared[:, best] / scale, row)
        self.variance = self.variance - row**2
        self.rows[len(self.chosen) + 1] = row
        self.chosen.append(best)
        self.free[best] = False
        self.variance[best] = 1.0  # never chosen again; keeps the division defined


def _distinct(rng: np.random.Generator, sizes: np.ndarray, players: int, wanted: int) -> np.ndarray:
    """Random subsets of these sizes, none twice, nor with its complement; at most `wanted`."""
    seen: set[bytes] = set()
    rows: list[np.ndarray] = []
    for size in sizes:
        for _ in range(20):  # small sizes have few subsets
            row = np.full(players, -1.0)
            row[rng.choice(players, size=min(size, players - 1), replace=False)] = 1
            key = (row if row[0] > 0 else -row).tobytes()
            if key not in seen:
                seen.add(key)
                rows.append(row)
                break
        if len(rows) == wanted:
            break
    return np.array(rows)
