"""Antithetic permutations: the plain unbiased estimate.

Mitchell et al., Sampling permutations for Shapley value estimation, JMLR 23 (2022), section 3.2;
Strumbelj and Kononenko, Explaining prediction models, KAIS 41 (2014), for the plain form.
"""

from __future__ import annotations

import numpy as np

from core.attribution.estimate import Asking, Estimate, ends


def permutation(players: int, evaluations: int, seed: int = 0) -> Asking:
    """Mean gain of each player over random orders, each taken forwards and backwards.

    Values add up to v(all) - v(nobody) exactly. Standard errors are those of the mean over pairs
    of orders, and need two pairs.

    Args:
        evaluations: coalitions asked for at most, but at least one pair of orders
            (2 x players, the two ends included) is.
    """
    answers = yield ends(players)
    nobody, everybody = answers
    if not players:
        return Estimate(np.zeros((0, answers.shape[1])))
    if players == 1:
        gain = (everybody - nobody)[None]
        return Estimate(gain, np.zeros_like(gain))
    inner = 2 * (players - 1)  # coalitions of a pair of orders that are not the ends
    pairs = max(1, (evaluations - 2) // inner)
    rng = np.random.default_rng([seed, players])
    forward = np.argsort(rng.random((pairs, players)), axis=1)
    orders = np.stack([forward, forward[:, ::-1]], axis=1)  # pairs x 2 x players
    rank = np.argsort(orders, axis=2)
    sizes = np.arange(1, players)
    asked = rank[:, :, None, :] < sizes[:, None]  # pairs x 2 x (players - 1) x players
    answers = yield asked.reshape(-1, players)
    walk = np.empty((pairs, 2, players + 1, answers.shape[1]))
    walk[:, :, 0], walk[:, :, -1] = nobody, everybody
    walk[:, :, 1:-1] = answers.reshape(pairs, 2, players - 1, -1)
    gains = np.take_along_axis(np.diff(walk, axis=2), rank[..., None], axis=2).mean(axis=1)
    errors = gains.std(axis=0, ddof=1) / np.sqrt(pairs) if pairs > 1 else None
    return Estimate(gains.mean(axis=0), errors)
