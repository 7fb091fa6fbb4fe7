"""The covariance of a random game, and what follows from it for Shapley values.

A game is a function v of x in {-1, 1}^T. Only its odd part g(x) = (v(x) - v(-x)) / 2 matters to
Shapley values. Written in products of players (Walsh functions), g = sum over odd S of c_S
prod_S x_j, its Shapley values are phi_i = 2 sum over S with i of c_S / |S|. With independent c_S of
variance prod_S t_j / n the covariance of g is the odd kernel below, and covariances with phi
are one-dimensional integrals, since 1 / |S| = integral of u^(|S| - 1) over (0, 1).
"""

from __future__ import annotations

import numpy as np

NOISE = 0.003  # of an answer, in units of the prior variance: what the kernel cannot explain
EXACT_NOISE = 1e-9  # of v(all) - v(nobody), so that the values add up to it
STRONGEST = 0.95
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
NODES, WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2  # on (0, 1)


def strengths(relevance: np.ndarray, reach: float) -> np.ndarray:
    """t of each player, in proportion to its relevance and at most 0.95.

    Args:
        reach: sum of the t, about the typical number of players that act together.
    """
    t: np.ndarray = np.minimum(STRONGEST, reach * relevance / relevance.sum())
    return t


def covariance(x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Cov(g(x), g(y)), 1 on the diagonal (m x k).

    Args:
        x: m x players of -1 and 1; y: k x players.
    """
    a = np.arctanh(t)
    found: np.ndarray = np.sinh((x * a) @ y.T) / np.sinh(a.sum())
    return found


def shapley_covariance(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Cov(phi_i, g(x)) (players x m)."""
    total = np.zeros((x.shape[1], len(x)))
    for u, weight in zip(NODES, WEIGHTS, strict=True):
        b = np.arctanh(u * t)
        log_root = 0.5 * np.log1p(-((u * t) ** 2))
        others = x @ b  # sum over all players; each leaves itself out below
        root = np.exp(log_root.sum() - log_root)
        total += weight * root[:, None] * np.cosh(others[None] - x.T * b[:, None])
    scaled: np.ndarray = (2 / _normal(t)) * t[:, None] * x.T * total
    return scaled


def shapley_variance(t: np.ndarray) -> np.ndarray:
    """Var(phi_i) before any answer (players)."""
    found = np.zeros(len(t))
    for u, wu in zip(NODES, WEIGHTS, strict=True):
        for v, wv in zip(NODES, WEIGHTS, strict=True):
            plus, minus = np.log1p(u * v * t), np.log1p(-u * v * t)
            others = np.exp(plus.sum() - plus) + np.exp(minus.sum() - minus)
            found += wu * wv * t * others / 2
    scaled: np.ndarray = 4 / _normal(t) * found
    return scaled


def _normal(t: np.ndarray) -> float:
    return float(np.sinh(np.arctanh(t).sum()) * np.exp(0.5 * np.log1p(-(t**2)).sum()))
