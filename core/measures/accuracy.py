"""Accuracy on the test set, over all languages and in each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.bootstrap import Totals
from core.measures.predictions import Predictions


def accuracy(predictions: Predictions) -> pd.DataFrame:
    """Share of rows whose highest probability is the label's, with its interval over sentences.

    Returns:
        Indexed by `all` and each language; columns `accuracy`, `low`, `high`, `n`.
    """
    totals = accuracy_totals(predictions)
    low, high = totals.interval()
    return pd.DataFrame(
        {"accuracy": totals.values, "low": low, "high": high, "n": predictions.sizes},
        index=list(totals.names),
    )


def accuracy_totals(predictions: Predictions) -> Totals:
    """Accuracy, named `all` and by language, as a function of totals; of the rows as weighted."""
    right = (predictions.predicted == predictions.truth).astype(float)[:, None]
    quantities = [
        predictions.with_all(predictions.weighted(x)) for x in (right, np.ones_like(right))
    ]
    names = ("all", *predictions.languages)

    def ratio(totals: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            shares: np.ndarray = totals[:, : len(names)] / totals[:, len(names) :]
        return shares

    return predictions.totals(names, np.hstack(quantities), ratio)


def wilson(share: float, n: float) -> list[float]:
    """95 % score interval of a share of n independent rows (Wilson 1927)."""
    z = 1.959964
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return [middle - half, middle + half]


def newcombe(one: float, two: float, n: int) -> tuple[float, float]:
    """95 % interval of the difference of two shares of n rows each, as if of different rows."""
    (l1, u1), (l2, u2) = wilson(one, n), wilson(two, n)
    down, up = ((one - l1) ** 2 + (u2 - two) ** 2), ((u1 - one) ** 2 + (two - l2) ** 2)
    return one - two - down**0.5, one - two + up**0.5
