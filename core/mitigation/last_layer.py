"""Last-layer retraining on a small set in which language and label are independent."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from core.errors import InputError
from core.mitigation import undersample
from core.mitigation.after import Correction, Part, Trained
from core.mitigation.cells import need_rows
from core.mitigation.scheme import Scheme

DRAWS = 10
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C: the inverse
FOLDS = 3
FEWEST = 5  # rows of the smallest cell

SCHEME = Scheme(
    title="last-layer retraining on an independent set",
    source="Kirichenko et al. 2023 (DFR, on validation rows)",
    about="the linear layer is fitted anew to validation rows in which language and label are "
    "independent, the mean of ten draws of them",
    stage="after",
    rank=4,
    settings={"draws": DRAWS},
)


def check(counts: pd.DataFrame, validation: pd.DataFrame) -> None:
    """Every cell needs some validation rows."""
    need_rows(validation, "last-layer")
    if (least := int(validation.to_numpy().min())) < FEWEST:
        raise InputError(
            f"last-layer needs {FEWEST} validation rows in every cell; the smallest has {least}. "
            "Give the study more validation rows, or leave last-layer out."
        )


def correct(trained: Trained) -> Correction:
    """Logistic regression on what the linear layer reads, standardised; its mean over the draws.

    Its penalty (L2) is chosen once, by cross-validation on the first draw.

    Raises:
        InputError: too few rows in a cell of the validation set.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    validation = trained.part("validation")
    labels = validation.labels
    assert labels is not None  # validation rows have them
    counts = _counts(validation, labels, trained.counts)
    check(trained.counts, counts)
    cells = validation.languages * len(counts.columns) + labels
    mean, deviation = validation.vectors.mean(axis=0), validation.vectors.std(axis=0)
    scaled = (validation.vectors - mean) / np.where(deviation > 0, deviation, 1)
    penalty = 0.0
    weights, biases = [], []
    for number in range(DRAWS):
        rows = undersample.draw(cells, counts, seed=trained.seed * DRAWS + number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if not penalty:
                search = GridSearchCV(
                    LogisticRegression(max_iter=300),
                    {"C": PENALTIES},
                    scoring="neg_log_loss",
                    cv=FOLDS,
                ).fit(scaled[rows], labels[rows])
                penalty = float(search.best_params_["C"])
            fitted = LogisticRegression(C=penalty, max_iter=300).fit(scaled[rows], labels[rows])
        weight, bias = fitted.coef_, fitted.intercept_
        if len(counts.columns) == 2:  # one logit, of the second class
            weight, bias = np.vstack([-weight / 2, weight / 2]), np.hstack([-bias / 2, bias / 2])
        weights.append(weight)
        biases.append(bias)
    weight = np.mean(weights, axis=0) / np.where(deviation > 0, deviation, 1)
    bias = np.mean(biases, axis=0) - weight @ mean
    return Correction(weight=weight, bias=bias, told={"C": penalty, "rows": float(len(rows))})


def _counts(part: Part, labels: np.ndarray, like: pd.DataFrame) -> pd.DataFrame:
    found = np.zeros(like.shape, dtype=int)
    np.add.at(found, (part.languages, labels), 1)
    return pd.DataFrame(found, index=like.index, columns=like.columns)
