"""Skew uptake: how much of the training skew a model's predictions copy."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from core.measures.bootstrap import Totals
from core.measures.predictions import Predictions
from core.sampling.joint import deviation, weights

By = Literal["all", "class", "language"]


class Uptake(NamedTuple):
    """A slope and its 95 % interval over test sentences."""

    value: float
    low: float
    high: float


def skew_uptake(predictions: Predictions, shares: pd.DataFrame, *, soft: bool = False) -> Uptake:
    """Slope of (share predicted - true share) on the skewed design's deviation, over all cells.

    The slope is sum(w x y) / sum(w x^2) over languages and classes: y = share predicted - true
    share, x = p(class | language) - p(class), w = p(language), both of the design. So weighted, x
    sums to 0 over the languages for each class, and a model that predicts the same in every
    language has 0 on a uniform test set, or one weighted to be without skew, whatever the design's
    marginals. 1: the model copies the
    skew; above 1: it amplifies it. The design is the study's skewed one for every run, the balanced
    ones too. From the paper's Table 2: 0.36 (amazon) and 0.34 (xnli).

    Args:
        shares: joint distribution of the skewed design, languages x labels.
        soft: mean probabilities in place of shares of rows.

    Raises:
        ValueError: no joint distribution, or not a skewed one, so that there is no slope.
    """
    return _uptakes(uptake_totals(predictions, shares, soft=soft))[0]


def uptake_by(predictions: Predictions, shares: pd.DataFrame, by: By) -> dict[str, Uptake | None]:
    """Skew uptake over the cells of one class, or of one language, alone.

    By class it is 0 for a model that ignores the language, as over all cells; by language only
    where such a model predicts every class as often as it occurs, since x and y of one language
    hold what it shares with the others.

    Returns:
        By class or language in their order; None where the design has no skew in its cells.
    """
    totals = uptake_totals(predictions, shares, by=by)
    found = dict(zip(totals.names, _uptakes(totals), strict=True))
    names = predictions.labels if by == "class" else predictions.languages
    return {name: found.get(name) for name in names}


def uptake_totals(
    predictions: Predictions, shares: pd.DataFrame, *, soft: bool = False, by: By = "all"
) -> Totals:
    """Skew uptake as a function of totals; arguments and errors as in `skew_uptake`.

    Args:
        by: one slope over all cells, or one a class or language that the design skews.
    """
    if (shares.to_numpy() < 0).any():
        raise ValueError("skew uptake needs a joint distribution; found shares below 0")
    languages = list(predictions.languages)
    x = deviation(shares).loc[languages, list(predictions.labels)].to_numpy()
    w = weights(shares).loc[languages].to_numpy()[:, None]
    whose = {
        "all": (["soft uptake" if soft else "skew uptake"], np.ones((*x.shape, 1))),
        "class": (predictions.labels, np.broadcast_to(np.eye(x.shape[1]), (*x.shape, x.shape[1]))),
        "language": (predictions.languages, np.eye(len(x))[:, None].repeat(x.shape[1], axis=1)),
    }
    names, cells = whose[by]  # cells: languages x labels x slopes, 1 for those of the slope
    squares = np.einsum("lc,lck->k", w * x**2, cells)
    skewed = np.flatnonzero(squares > 1e-24)
    if not len(skewed):
        raise ValueError(
            "skew uptake needs a design in which language and label are not independent"
        )
    coefficients = (w * x)[:, :, None] * cells[:, :, skewed] / squares[skewed]
    given = predictions.probabilities if soft else predictions.one_hot(predictions.predicted)
    excess, n = (
        predictions.by_language(predictions.weighted(x))
        for x in (given - predictions.one_hot(predictions.truth), np.ones((len(given), 1)))
    )
    values = np.hstack([excess, n])

    def slope(totals: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            y = totals[:, : x.size] / np.repeat(totals[:, x.size :], x.shape[1], axis=1)
        slopes: np.ndarray = y @ coefficients.reshape(x.size, -1)
        return slopes

    return predictions.totals(tuple(names[int(k)] for k in skewed), values, slope)


def _uptakes(totals: Totals) -> list[Uptake]:
    ends = zip(totals.values, *totals.interval(), strict=True)
    return [Uptake(*map(float, found)) for found in ends]
