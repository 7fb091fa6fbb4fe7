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
    grown = np.exp((x * a) @ y.T)  # sinh from exp, which is several times faster
    found: np.ndarray = (grown - 1 / grown) / (2 * np.sinh(a.sum()))
    return found


def shapley_covariance(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Cov(phi_i, g(x)) (players x m).

    The sum over all players of x_j artanh(u t_j) is taken once; each player leaves itself out of it
    by cosh(a - x b) = cosh a cosh b - x sinh a sinh b, x being -1 or 1.
    """
    u = NODES[:, None]
    b = np.arctanh(u * t)  # nodes x players
    cosh = 1 / np.sqrt(1 - (u * t) ** 2)
    root = np.exp(-np.log(cosh).sum(axis=1, keepdims=True)) * cosh  # leaves each player out
    grown = np.exp(b @ x.T)  # nodes x m
    even, odd = (grown + 1 / grown) / 2, (grown - 1 / grown) / 2
    weighted = WEIGHTS[:, None] * root * cosh
    total = weighted.T @ even - x.T * ((weighted * u * t).T @ odd)
    scaled: np.ndarray = (2 / _normal(t)) * t[:, None] * x.T * total
    return scaled


def shapley_variance(t: np.ndarray) -> np.ndarray:
    """Var(phi_i) before any answer (players)."""
    u, v = NODES[:, None, None], NODES[None, :, None]
    plus, minus = np.log1p(u * v * t), np.log1p(-u * v * t)  # nodes x nodes x players
    others = sum(np.exp(p.sum(axis=2, keepdims=True) - p) for p in (plus, minus))
    scaled: np.ndarray = 2 / _normal(t) * t * np.einsum("u,v,uvi->i", WEIGHTS, WEIGHTS, others)
    return scaled


def _normal(t: np.ndarray) -> float:
    return float(np.sinh(np.arctanh(t).sum()) * np.exp(0.5 * np.log1p(-(t**2)).sum()))
