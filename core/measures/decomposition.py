"""Which tokens carry the skew: the change of the soft uptake between two runs, split into parts.

For one class the mean over texts of f_other - f_bal is, exactly, the sum of the positive, negative,
neutral and base parts of the attributions (paper, equation 1), whichever model chooses the groups.
The soft uptake is linear in the predictions, so regressing each part on the design's deviation
splits its change in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.measures.cumulative import PARTS, Means, Measured, aligned


def decomposition(
    means: Means, deviation: pd.DataFrame, weights: pd.Series | None = None
) -> Measured[str]:
    """Parts of the change of the soft uptake from the reference to the other run.

    On the texts of the differences, positive + negative + neutral + base + unexplained = total;
    what is unexplained is 0 for Shapley values, the error of the integral for integrated gradients.
    The base value depends on a text's number of tokens alone: its part says by how much languages
    differ in length, not that a model reads the language.

    Args:
        deviation: `joint.deviation` of the study's skewed design, languages x labels.
        weights: of the languages, as in the skew uptake: their share of the design; None: alike.

    Returns:
        `positive`, `negative`, `neutral`, `base`, `unexplained` and `total`.

    Raises:
        ValueError: the design is not skewed.
    """
    coefficients = projection(deviation, means.languages, means.labels, weights)
    slopes = np.einsum("lc,dlcp->dp", coefficients, means.drawn)
    parts, total = slopes[:, : len(PARTS)], slopes[:, len(PARTS)]
    unexplained = total - parts.sum(axis=1)
    return Measured((*PARTS, "unexplained", "total"), np.column_stack([parts, unexplained, total]))


def projection(
    deviation: pd.DataFrame,
    languages: Sequence[str],
    labels: Sequence[str],
    weights: pd.Series | None = None,
) -> np.ndarray:
    """What each cell's mean counts in the slope on a design's deviation, languages x labels.

    Raises:
        ValueError: the design is not skewed.
    """
    x = aligned(deviation, languages, labels)
    if not np.any(np.abs(x) > 1e-12):
        raise ValueError("the decomposition needs a design in which language and label depend")
    w = np.ones(len(x))
    if weights is not None:
        w = aligned(weights.to_frame("weight"), languages, ["weight"])[:, 0]
    found: np.ndarray = w[:, None] * x / (w[:, None] * x**2).sum()
    return found
