"""Which tokens carry the skew: the change of the soft uptake between two runs, split into parts.

For one class the mean over texts of f_other - f_bal is, exactly, the sum of the positive, negative,
neutral and base parts of the attributions (paper, equation 1). The soft uptake is linear in the
predictions, so regressing each part on the design's deviation splits its change in the same way.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.cumulative import PARTS, Differences, Value, over_languages


def decomposition(differences: Differences, deviation: pd.DataFrame) -> dict[str, Value]:
    """Parts of the change of the soft uptake from the reference to the other run.

    On the texts of the differences, positive + negative + neutral + base + unexplained = total;
    what is unexplained is 0 for Shapley values.

    Args:
        deviation: `joint.deviation` of the study's skewed design, languages x labels.

    Returns:
        `positive`, `negative`, `neutral`, `base`, `unexplained`, `total`, and `language_reliance`:
        the neutral and the base part, which carry no meaning for the task.

    Raises:
        ValueError: the design is not skewed.
    """
    x = deviation.loc[list(differences.languages), list(differences.labels)].to_numpy()
    if not np.any(np.abs(x) > 1e-12):
        raise ValueError("the decomposition needs a design in which language and label depend")
    given = np.concatenate(
        [differences.parts, differences.unexplained[:, :, None], differences.outputs[:, :, None]],
        axis=2,
    )

    def slopes(means: np.ndarray) -> np.ndarray:
        cube = means.reshape(len(means), *x.shape, given.shape[2])
        slope = np.einsum("lc,dlcp->dp", x, cube) / (x**2).sum()
        reliance = slope[:, PARTS.index("neutral")] + slope[:, PARTS.index("base")]
        return np.hstack([slope, reliance[:, None]])

    names = (*PARTS, "unexplained", "total", "language_reliance")
    found = over_languages(differences, given.reshape(len(given), -1), slopes)
    return dict(zip(names, found, strict=True))
