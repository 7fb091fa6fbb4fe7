"""Likely label errors by language and class: noise that differs by language looks like skew.

Confident learning (Northcutt, Jiang and Chuang, Journal of Artificial Intelligence Research 2021),
by the library `cleanlab`, on probabilities of rows that the model was not trained on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import beta

from core.measures.predictions import Predictions

LEAST = 5  # rows of each class in a language, below which nothing can be said of it


def likely_errors(predictions: Predictions) -> np.ndarray:
    """Whether each row's label is likely wrong, judged within its language.

    A class's threshold is the mean probability that rows with this label get, in each language by
    itself: else a language in which the model is less sure would seem full of errors. A language
    without LEAST rows of each of its classes, and two classes, has none.
    """
    from cleanlab.filter import find_label_issues

    found = np.zeros(len(predictions.rows), dtype=bool)
    language = predictions.rows["language"].to_numpy()
    for name in predictions.languages:
        at = np.flatnonzero(language == name)
        truth = predictions.truth[at]
        classes, n = np.unique(truth, return_counts=True)
        if len(classes) < 2 or n.min() < LEAST:
            continue
        given = predictions.probabilities[np.ix_(at, classes)].astype(float)
        given = np.maximum(given, 1e-9)
        given /= given.sum(axis=1, keepdims=True)
        found[at] = find_label_issues(np.searchsorted(classes, truth), given, n_jobs=1)
    return found


def error_shares(predictions: Predictions, errors: np.ndarray) -> pd.DataFrame:
    """Share of likely errors of each language and label, with a 95 % interval.

    The interval is Clopper and Pearson's (1934): of the rows that are flagged, whether or not they
    are wrong. How many flagged rows are wrong, and how many wrong ones are not flagged, it leaves
    open.

    Args:
        errors: of `likely_errors`.

    Returns:
        `language`, `label`, `n`, `flagged`, `share`, `low`, `high`; `label` is `all` over labels.
    """
    frame = predictions.rows[["language", "label"]].assign(flagged=errors)
    frame = pd.concat([frame, frame.assign(label="all")])
    found = frame.groupby(["language", "label"])["flagged"].agg(["size", "sum"]).reset_index()
    order = [*predictions.labels, "all"]
    found["label"] = pd.Categorical(found["label"], order)
    found["language"] = pd.Categorical(found["language"], list(predictions.languages))
    found = found.sort_values(["language", "label"]).astype({"language": str, "label": str})
    n, k = found["size"].to_numpy(), found["sum"].to_numpy()
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, beta.ppf(0.025, k, n - k + 1), 0.0)
        high = np.where(k < n, beta.ppf(0.975, k + 1, n - k), 1.0)
    return pd.DataFrame(
        {
            "language": found["language"].to_numpy(),
            "label": found["label"].to_numpy(),
            "n": n,
            "flagged": k.astype(int),
            "share": k / n,
            "low": low,
            "high": high,
        }
    )
