"""Language identification probes: how well simple classifiers read the language off CLS vectors.

Paper, Tables 4 and 7. Accuracies are means over folds that are grouped by sentence: translations of
one sentence never sit on both sides. They grow with the number of rows: compare at equal n only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from core.errors import InputError
from core.measures.neighbours import NEIGHBOURS


@dataclass(frozen=True)
class Probe:
    """What probes for the language find.

    Attributes:
        accuracy: converged logistic regression at scikit-learn's defaults (the paper's text).
        accuracy_released: logistic regression with C = 1e-4 (the released code; compare the paper's
            Tables 4 and 7 with this one).
        knn: vote of the 15 nearest neighbours by Euclidean distance (all, where there are fewer).
        chance: share of the commonest language; 1 / languages on a uniform test set.
        n: rows.
        dimension: of the vectors.
        folds: of the cross-validation.
    """

    accuracy: float
    accuracy_released: float
    knn: float
    chance: float
    n: int
    dimension: int
    folds: int


def probe(
    vectors: np.ndarray, languages: np.ndarray, sentences: np.ndarray, seed: int = 0, folds: int = 5
) -> Probe:
    """Probe CLS vectors for the language.

    The paper's probe sees vectors centred over all rows. Its intercept is free, so that changes
    only how soon the solver arrives (large constant units, as XLM-R has, can take it past 1,000
    iterations). Scaling each unit too would make it another, less regularised probe, and on
    fine-tuned vectors a slower one. The released probe and the neighbours see the raw vectors.

    Args:
        vectors: rows x dimension.
        languages: language of each row.
        sentences: id of each row's sentence, shared by its translations.
        seed: of the folds.
        folds: of the cross-validation.

    Raises:
        InputError: vectors not finite, one language, or one with fewer sentences than folds.
    """
    _check(vectors, languages, sentences, folds)
    _, language, rows = np.unique(languages, return_inverse=True, return_counts=True)
    _, sentence = np.unique(sentences, return_inverse=True)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    parts = list(splitter.split(vectors, language, sentence))
    centred = vectors - vectors.mean(axis=0)
    neighbours = min(NEIGHBOURS, *(len(train) for train, _ in parts))
    tasks = [
        (LogisticRegression(max_iter=1000), centred, language),
        (LogisticRegression(C=1e-4, max_iter=1000), vectors, language),
        (KNeighborsClassifier(neighbours), vectors, language),
    ]
    # A thread a fold: processes would each import scikit-learn, and BLAS's own threads spin.
    with threadpool_limits(1):
        scores = Parallel(n_jobs=-1, prefer="threads")(
            delayed(_score)(*task, *part) for task in tasks for part in parts
        )
    paper, released, knn = np.reshape(scores, (len(tasks), folds)).mean(axis=1).tolist()
    chance = float(rows.max() / rows.sum())
    n, dimension = vectors.shape
    return Probe(paper, released, knn, chance, n, dimension, folds)


def _score(model: Any, x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    return float(clone(model).fit(x[train], y[train]).score(x[test], y[test]))


def _check(vectors: np.ndarray, languages: np.ndarray, sentences: np.ndarray, folds: int) -> None:
    if broken := int((~np.isfinite(vectors)).any(axis=1).sum()):
        raise InputError(
            f"{broken} of {len(vectors)} vectors hold NaN or infinite numbers: the training of "
            "their model has diverged. Train it again with a lower learning rate."
        )
    pairs = pd.DataFrame({"language": languages, "sentence": sentences}).drop_duplicates()
    counts = pairs["language"].value_counts().sort_index()
    if len(counts) < 2:
        raise InputError(
            f"a language probe needs rows of two or more languages; found {list(counts.index)}. "
            "Probe on a corpus with more languages."
        )
    if few := [f"{language} {n}" for language, n in counts.items() if n < folds]:
        raise InputError(
            f"a language probe with {folds} folds needs {folds} or more sentences of each "
            f"language; found {', '.join(few)}. Probe on more rows, or leave the language out."
        )
