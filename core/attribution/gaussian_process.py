"""Shapley values from a Gaussian process over coalitions: the default.

The game is modelled as a random function whose covariance treats all players alike, whatever the
language or script (see `kernel`), then fitted to coalitions that were chosen to tell most about the
values (see `design`). Which players matter is learned from the answers themselves. Values are
posterior means, in closed form; standard errors come from the posterior covariance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from core.attribution import kernel
from core.attribution.design import design
from core.attribution.estimate import Asking, Estimate, ends
from core.attribution.exact import MOST_PLAYERS, exact

# How many players act together (kernel.strengths): of these the one under which the answers are
# likeliest; with hardly more answers than players they do not tell, and the last one is taken.
REACHES, FEW_REACH = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0), 2.0
FEW = 1.5  # answers a player
FLOOR = 0.5  # relevance of a player that seems to do nothing
REFITS = 2


def gaussian_process(players: int, evaluations: int, tolerance: float = 0.0) -> Asking:
    """Shapley values of the players for all outputs at once.

    With as many evaluations as there are coalitions the values are exact (`exact`).

    Args:
        evaluations: coalitions asked for at most, the two ends included.
        tolerance: asks in doubling steps and stops as soon as the root mean square of the standard
            errors of each output is at most this (in units of probability); 0 asks for all at once.
    """
    if players == 0:
        answers = yield ends(0)
        return Estimate(np.zeros((0, answers.shape[1])), np.zeros((0, answers.shape[1])))
    if players <= MOST_PLAYERS and 2**players <= max(evaluations, 4):
        return (yield from exact(players))
    everything = design(players, max(1, (evaluations - 2) // 2))
    answers = yield ends(players)
    nobody, everybody = answers
    x, g = np.ones((1, players)), (everybody - nobody)[None] / 2
    done = 0
    while True:
        step = len(everything) if not tolerance else min(len(everything), max(players, 2 * done))
        new = everything[done:step]
        answers = yield np.concatenate([new, -new]) > 0
        g = np.concatenate([g, (answers[: len(new)] - answers[len(new) :]) / 2])
        x, done = np.concatenate([x, new]), step
        values, errors = fit(x, g)
        if done == len(everything) or np.sqrt((errors**2).mean(axis=0)).max() <= tolerance:
            return Estimate(values, errors)


def fit(x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means and standard errors of the Shapley values (players x outputs each).

    Args:
        x: m x players of -1 and 1, the first row all 1.
        g: (v(x) - v(-x)) / 2 of each row (m x outputs).
    """
    t, factor, weights = learn(x, g)
    shared = kernel.shapley_covariance(x, t)
    values = shared @ weights
    # What noise and rounding leave of the sum, so that values add up exactly.
    values += (2 * g[0] - values.sum(axis=0)) / x.shape[1]
    told = (shared * cho_solve(factor, shared.T).T).sum(axis=1)
    posterior = kernel.shapley_variance(t) - told
    scale = (g * weights).sum(axis=0) / len(x)
    return values, np.sqrt(np.outer(posterior.clip(0), scale.clip(0)))


def learn(x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray]:
    """Strengths of the players, Cholesky factor of the answers' covariance, and their weights.

    The reach is that of the largest evidence, the marginal likelihood with each output's scale at
    its maximum (Rasmussen and Williams, Gaussian processes for machine learning, 2006, section
    5.4.1). The posterior mean of g at other coalitions y is `kernel.covariance(y, x, t) @ weights`.
    """
    m, players = x.shape
    reaches = REACHES if m > FEW * players else (FEW_REACH,)
    fits = [_with_reach(x, g, reach) for reach in reaches]
    evidence = []
    for _, factor, weights in fits:
        scale = (g * weights).sum(axis=0) / m
        scale = scale[scale > 1e-8 * scale.max()]  # an output that never changes tells nothing
        log_determinant = 2 * np.log(np.diagonal(factor[0])).sum()
        evidence.append(-(m * np.log(scale) + log_determinant).sum())
    return fits[int(np.argmax(evidence))]


def _with_reach(x: np.ndarray, g: np.ndarray, reach: float) -> tuple[np.ndarray, Any, np.ndarray]:
    """As `learn`, with a given reach; relevance is learned from the values and refitted."""
    noise = np.full(len(x), kernel.NOISE)
    noise[0] = kernel.EXACT_NOISE
    relevance = np.ones(x.shape[1])
    for refit in range(REFITS + 1):
        t = kernel.strengths(relevance, reach)
        factor = cho_factor(kernel.covariance(x, x, t) + np.diag(noise))
        weights = cho_solve(factor, g)
        if refit < REFITS:
            power = ((kernel.shapley_covariance(x, t) @ weights) ** 2).mean(axis=1)
            if power.mean() > 0:
                relevance = FLOOR + power / power.mean()
    return t, factor, weights
