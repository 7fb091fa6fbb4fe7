"""Skew uptake: how much of the training skew a model's predictions copy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from core.measures.bootstrap import Totals
from core.measures.predictions import Predictions


class Uptake(NamedTuple):
    """A slope and its 95 % interval over test sentences."""

    value: float
    low: float
    high: float


def skew_uptake(predictions: Predictions, deviation: pd.DataFrame, *, soft: bool = False) -> Uptake:
    """Slope of (share predicted - true share) on the skewed design's deviation, over all cells.

    0: the model ignores the skew; 1: it copies it; above 1: it amplifies it. Both sides sum to 0
    within a language, so the least-squares line has no intercept. The deviation is the study's
    skewed design's for every run, the balanced ones too. From the paper's Table 2: 0.36 (amazon)
    and 0.34 (xnli).

    Args:
        deviation: `joint.deviation` of the skewed design, languages x labels.
        soft: mean probabilities in place of shares of rows.

    Raises:
        ValueError: the design is not skewed, so that the slope is not defined.
    """
    totals = uptake_totals(predictions, deviation, soft=soft)
    low, high = totals.interval()
    return Uptake(float(totals.values[0]), float(low[0]), float(high[0]))


def uptake_totals(
    predictions: Predictions, deviation: pd.DataFrame, *, soft: bool = False
) -> Totals:
    """Skew uptake as a function of totals; arguments and errors as in `skew_uptake`."""
    x = deviation.loc[list(predictions.languages), list(predictions.labels)].to_numpy().ravel()
    if not np.any(np.abs(x) > 1e-12):
        raise ValueError(
            "skew uptake needs a design in which language and label are not independent"
        )
    given = predictions.probabilities if soft else predictions.one_hot(predictions.predicted)
    excess = predictions.by_language(given - predictions.one_hot(predictions.truth))
    n = predictions.by_language(np.ones((len(given), 1)))
    values = np.hstack([excess, n])

    def slope(totals: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            y = totals[:, : len(x)] / np.repeat(totals[:, len(x) :], given.shape[1], axis=1)
        slopes: np.ndarray = y @ x / (x @ x)
        return slopes[:, None]

    return predictions.totals(("soft uptake" if soft else "skew uptake",), values, slope)
