"""Which tokens carry the skew: the change of the soft uptake between two runs, split into parts.

For one class the mean over texts of f_other - f_bal is, exactly, the sum of the positive, negative,
neutral and base parts of the attributions (paper, equation 1). The soft uptake is linear in the
predictions, so regressing each part on the design's deviation splits its change in the same way.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.cumulative import PARTS, Means, Value, aligned


def decomposition(means: Means, deviation: pd.DataFrame) -> dict[str, Value]:
    """Parts of the change of the soft uptake from the reference to the other run.

    On the texts of the differences, positive + negative + neutral + base + unexplained = total;
    what is unexplained is 0 for Shapley values, the error of the integral for integrated gradients.

    Args:
        deviation: `joint.deviation` of the study's skewed design, languages x labels.

    Returns:
        `positive`, `negative`, `neutral`, `base`, `unexplained`, `total`, and `language_reliance`:
        the neutral and the base part, which carry no meaning for the task.

    Raises:
        ValueError: the design is not skewed.
    """
    x = aligned(deviation, means)
    if not np.any(np.abs(x) > 1e-12):
        raise ValueError("the decomposition needs a design in which language and label depend")
    slopes = np.einsum("lc,dlcp->dp", x, means.drawn) / (x**2).sum()
    parts, total = slopes[:, : len(PARTS)], slopes[:, len(PARTS)]
    unexplained = total - parts.sum(axis=1)
    reliance = parts[:, PARTS.index("neutral")] + parts[:, PARTS.index("base")]
    names = (*PARTS, "unexplained", "total", "language_reliance")
    statistic = np.column_stack([parts, unexplained, total, reliance])
    return dict(zip(names, means.values(statistic), strict=True))
