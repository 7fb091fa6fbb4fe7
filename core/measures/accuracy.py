"""Accuracy on the test set, over all languages and in each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.bootstrap import interval
from core.measures.predictions import Predictions


def accuracy(predictions: Predictions) -> pd.DataFrame:
    """Share of rows whose highest probability is the label's, with its interval over sentences.

    Returns:
        Indexed by `all` and each language; columns `accuracy`, `low`, `high`, `n`.
    """
    right = (predictions.predicted == predictions.truth).astype(float)[:, None]
    ones = np.ones_like(right)
    k = len(predictions.languages)
    values = np.hstack([right, predictions.by_language(right), ones, predictions.by_language(ones)])

    def ratio(totals: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            shares: np.ndarray = totals[:, : k + 1] / totals[:, k + 1 :]
        return shares

    low, high = interval(values, predictions.sentences, ratio)
    total = values.sum(axis=0, keepdims=True)
    return pd.DataFrame(
        {
            "accuracy": ratio(total)[0],
            "low": low,
            "high": high,
            "n": total[0, k + 1 :].astype(int),
        },
        index=["all", *predictions.languages],
    )
