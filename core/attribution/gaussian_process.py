"""Shapley values from a Gaussian process over coalitions: the default.

The game is modelled as a random function whose covariance treats all players alike, whatever the
language or script (see `kernel`), then fitted to coalitions that were chosen to tell most about the
values (see `design`). Which players matter is learned from the model's own answers, and from no
other model's. Values are posterior means, in closed form; standard errors come from the posterior
covariance.

The nearest relatives: OddSHAP (Fumagalli et al., ICML 2026, arXiv 2602.01399) rests on the same
fact, that only the odd part of a game matters to Shapley values, and on pairs of a coalition and
its complement; it fits a sparse odd Walsh polynomial, its terms proposed by boosted trees, where
this has a prior over all odd terms at once, and so an error for each value and no least number of
evaluations. ShaplEIG (Rundel et al., ICML 2026, arXiv 2606.02247) is a Gaussian process over
coalitions too, with values in closed form and coalitions chosen for what they tell of the values;
its kernel is a product of Hamming kernels on the game itself, and it learns hyperparameters and
chooses anew after each answer, for one output. Here the kernel is on the odd part, and the
coalitions are a table for each number of players: all outputs, models and texts of a length are
asked the same, which is what makes their forward passes shared. benchmarks/attribution.py has both
beside this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from core.attribution import kernel
from core.attribution.coalitions import design
from core.attribution.estimate import Asking, Estimate, ends
from core.attribution.exact import MOST_PLAYERS, exact

# How many players act together (kernel.strengths): of these the one under which the answers are
# likeliest; with hardly more answers than players they do not tell, and one is taken.
REACHES, FEW_REACH = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0), 2.0
LEARNING_REACH = 1.0  # with which the players' relevance is learned
FEW = 1.5  # answers a player
FLOOR = 0.5  # relevance of a player that seems to do nothing
REFITS = 2
# With a tolerance: evaluations a player to begin with (with fewer, long texts say too small an
# error), and by how much they grow at a time.
BEGIN, LEAST_STEP, LARGEST_STEP = 3, 1.1, 1.5


def gaussian_process(players: int, evaluations: int, tolerance: float = 0.0) -> Asking:
    """Shapley values of the players for all outputs of one model.

    With as many evaluations as there are coalitions the values are exact (`exact`).

    Args:
        evaluations: coalitions asked for at most, the two ends included.
        tolerance: asks in steps, 3 evaluations a player first, and stops as soon as the root mean
            square of the values' standard errors is at most this (in units of probability); 0 asks
            for all at once.
    """
    if players == 0:
        answers = yield ends(0)
        return Estimate(np.zeros((0, answers.shape[1])), np.zeros((0, answers.shape[1])))
    if players <= MOST_PLAYERS and 2**players <= max(evaluations, 4):
        return (yield from exact(players))
    most = max(1, (evaluations - 2) // 2)
    answers = yield ends(players)
    nobody, everybody = answers
    x, g = np.ones((1, players)), (everybody - nobody)[None] / 2
    wanted = min(most, BEGIN * players // 2) if tolerance else most
    while True:
        new = design(players, wanted, most)[len(x) - 1 :]
        answers = yield np.concatenate([new, -new]) > 0
        g = np.concatenate([g, (answers[: len(new)] - answers[len(new) :]) / 2])
        x = np.concatenate([x, new])
        values, errors = fit(x, g)
        error = np.sqrt((errors**2).mean())
        if error <= tolerance or wanted == most or len(x) <= wanted:
            return Estimate(values, errors)
        # Errors fall about as one over the number of coalitions.
        step = np.clip(error / tolerance, LEAST_STEP, LARGEST_STEP)
        wanted = min(most, int(np.ceil(wanted * step)))


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
    told = (shared * cho_solve(factor, shared.T, check_finite=False).T).sum(axis=1)
    posterior = kernel.shapley_variance(t) - told
    scale = (g * weights).sum(axis=0) / len(x)
    return values, np.sqrt(np.outer(posterior.clip(0), scale.clip(0)))


def learn(x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray]:
    """Strengths of the players, Cholesky factor of the answers' covariance, and their weights.

    Relevance is learned from the values and refitted. The reach is that of the largest evidence,
    the marginal likelihood with each output's scale at its maximum (Rasmussen and Williams,
    Gaussian processes for machine learning, 2006, section 5.4.1). The posterior mean of g at other
    coalitions y is `kernel.covariance(y, x, t) @ weights`.
    """
    m, players = x.shape
    many = m > FEW * players
    relevance = np.ones(players)
    for _ in range(REFITS):
        t, _, weights = _with(x, g, relevance, LEARNING_REACH if many else FEW_REACH)
        power = ((kernel.shapley_covariance(x, t) @ weights) ** 2).mean(axis=1)
        if power.mean() > 0:
            relevance = FLOOR + power / power.mean()
    if not many:
        return _with(x, g, relevance, FEW_REACH)
    fits = [_with(x, g, relevance, reach) for reach in REACHES]
    evidence = []
    for _, factor, weights in fits:
        scale = (g * weights).sum(axis=0) / m
        scale = scale[scale > 1e-8 * scale.max()]  # an output that never changes tells nothing
        log_determinant = 2 * np.log(np.diagonal(factor[0])).sum()
        evidence.append(-(m * np.log(scale) + log_determinant).sum())
    return fits[int(np.argmax(evidence))]


def _with(
    x: np.ndarray, g: np.ndarray, relevance: np.ndarray, reach: float
) -> tuple[np.ndarray, Any, np.ndarray]:
    """As `learn`, with given relevance and reach."""
    t = kernel.strengths(relevance, reach)
    covariance = kernel.covariance(x, x, t)
    noise = np.full(len(x), kernel.NOISE)
    noise[0] = kernel.EXACT_NOISE
    covariance[np.diag_indices_from(covariance)] += noise
    factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
    return t, factor, cho_solve(factor, g, check_finite=False)
