"""Where predictions go wrong, and whether probabilities say how often they do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.bootstrap import Totals
from core.measures.predictions import Predictions

BINS = 15


def confusion(predictions: Predictions) -> dict[str, pd.DataFrame]:
    """Counts of rows by label (down) and predicted class (across), in each language."""
    c = len(predictions.labels)
    pair = predictions.truth * c + predictions.predicted
    language = predictions.rows["language"].to_numpy()
    labels = pd.Index(predictions.labels, name="label")
    return {
        name: pd.DataFrame(
            np.bincount(pair[language == name], minlength=c * c).reshape(c, c),
            index=labels,
            columns=labels.rename("predicted"),
        )
        for name in predictions.languages
    }


def calibration_error(predictions: Predictions, bins: int = BINS) -> pd.DataFrame:
    """Expected calibration error of the predicted class's probability.

    Sum over bins of (rows in the bin / rows) * |accuracy - mean confidence| (Guo et al., On
    calibration of modern neural networks, ICML 2017, equation 3). 0: a class predicted with
    probability 0.8 is right in 80 % of the cases. Noise alone makes it positive, the more so the
    fewer rows there are (a perfect model has about 0.07 on 300 rows, 0.03 on 1,800), so compare it
    at equal n only, and do not read a lower end above 0 as a sign of miscalibration.

    Args:
        bins: number of bins of equal width over (0, 1]; a bin holds its upper edge.

    Returns:
        Indexed by `all` and each language; columns `ece`, `low`, `high` (interval over
        sentences), `n`.
    """
    totals = calibration_totals(predictions, bins)
    low, high = totals.interval()
    return pd.DataFrame(
        {"ece": totals.values, "low": low.clip(0), "high": high, "n": predictions.sizes},
        index=list(totals.names),
    )


def calibration_totals(
    predictions: Predictions, bins: int = BINS, *, by_language: bool = True
) -> Totals:
    """Expected calibration error, named `all` and by language, as a function of totals.

    Args:
        by_language: False leaves `all` alone, for those who compare no other.
    """
    names = ("all", *predictions.languages) if by_language else ("all",)
    confidence, number = _binned(predictions, bins)
    gap = np.zeros((len(number), bins))
    gap[np.arange(len(number)), number] = (predictions.predicted == predictions.truth) - confidence
    quantities = [gap, np.ones((len(number), 1))]
    if by_language:
        quantities = [predictions.with_all(values) for values in quantities]

    def error(totals: np.ndarray) -> np.ndarray:
        # In a bin, rows * |accuracy - confidence| is the absolute value of the summed gaps.
        gaps = np.abs(totals[:, : len(names) * bins]).reshape(len(totals), len(names), bins)
        with np.errstate(invalid="ignore"):
            shares: np.ndarray = gaps.sum(axis=2) / totals[:, len(names) * bins :]
        return shares

    return predictions.totals(names, np.hstack(quantities), error, folded=True)


def reliability(predictions: Predictions, bins: int = BINS) -> pd.DataFrame:
    """How often a prediction is right, by how sure it was: the reliability diagram's points.

    Guo et al. 2017, section 2. Bins as in `calibration_error`; bins without a row are left out.

    Returns:
        Columns `language` (`all` and each), `confidence` (mean in the bin), `accuracy`, `n`.
    """
    confidence, number = _binned(predictions, bins)
    frame = pd.DataFrame(
        {
            "language": predictions.rows["language"].to_numpy(),
            "bin": number,
            "confidence": confidence,
            "accuracy": (predictions.predicted == predictions.truth).astype(float),
            "n": 1,
        }
    )
    frame = pd.concat([frame.assign(language="all"), frame])
    how = {"confidence": "mean", "accuracy": "mean", "n": "sum"}
    points: pd.DataFrame = frame.groupby(["language", "bin"]).agg(how).reset_index()
    return points.drop(columns="bin")


def _binned(predictions: Predictions, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each row's predicted class, and the number of the bin that it falls into."""
    # Rounding may put a float32 softmax a little above 1.
    confidence = predictions.probabilities.max(axis=1).astype(float)
    number = np.searchsorted(np.linspace(0, 1, bins + 1), confidence.clip(0, 1)) - 1
    return confidence, number
