"""Which coalitions the Gaussian process asks for: a table for each number of players.

Tables do not depend on the text, so that all texts and models of a length are asked the same. A
greedy table begins alike whatever its length, up to some 15 coalitions a player. Each coalition
stands for itself and its complement.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.attribution import kernel

CANDIDATES_A_PLAYER = 30
GREEDY_PLAYERS = 96  # beyond this the greedy choice costs more than it saves
GREEDY_REACH = 3.0


def design(players: int, halves: int) -> np.ndarray:
    """Coalitions as +1 (member) and -1, distinct up to complement (halves x players).

    Up to 96 players, and with at least one coalition a player, each is chosen greedily as the one
    that lowers the prior variance of the values most; otherwise their sizes cycle through
    1 .. players / 2, each a uniform random subset.

    Args:
        halves: coalitions wanted; fewer come back where there are not as many.
    """
    if halves <= 0 or players < 2:
        return np.empty((0, players))
    greedy = players <= GREEDY_PLAYERS and halves >= players
    table = _greedy(players, _rounded(players, halves)) if greedy else _cycled(players, halves)
    return table[:halves]


def _rounded(players: int, halves: int) -> int:
    """Halves rounded up to a multiple of the players, so that few tables are made."""
    return -(-halves // players) * players


@lru_cache(maxsize=64)
def _cycled(players: int, halves: int) -> np.ndarray:
    rng = np.random.default_rng([players, 1])
    sizes = np.arange(1, players // 2 + 1)
    return _distinct(rng, np.resize(sizes, halves), players, halves)


@lru_cache(maxsize=64)
def _greedy(players: int, halves: int) -> np.ndarray:
    rng = np.random.default_rng([players, 0])
    wanted = max(CANDIDATES_A_PLAYER * players, 2 * halves)
    sizes = rng.integers(2, max(3, players // 2 + 1), size=wanted - players)
    singles = np.ones(players, dtype=int)
    candidates = _distinct(rng, np.concatenate([singles, sizes]), players, wanted)
    t = kernel.strengths(np.ones(players), GREEDY_REACH)
    whole = np.ones((1, players))
    # Incremental Cholesky: row k of `rows` is what choice k says of every candidate. The sum over
    # all players is known from the start.
    rows = [kernel.covariance(whole, candidates, t)[0] / np.sqrt(1 + kernel.EXACT_NOISE)]
    told = kernel.shapley_covariance(whole, t)[:, 0] / np.sqrt(1 + kernel.EXACT_NOISE)
    shared = kernel.shapley_covariance(candidates, t) - np.outer(told, rows[0])
    variance = 1 + kernel.NOISE - rows[0] ** 2
    free = np.ones(len(candidates), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(halves, len(candidates))):
        best = int(np.argmax(np.where(free, (shared**2).sum(0) / variance, -1.0)))
        before = np.array(rows)
        column = kernel.covariance(candidates[best : best + 1], candidates, t)[0]
        scale = np.sqrt(variance[best])
        row = (column - before[:, best] @ before) / scale
        row[best] = scale
        shared = shared - np.outer(shared[:, best] / scale, row)
        variance = variance - row**2
        rows.append(row)
        chosen.append(best)
        free[best] = False
        variance[best] = 1.0  # never chosen again; keeps the division defined
    return candidates[chosen]


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
