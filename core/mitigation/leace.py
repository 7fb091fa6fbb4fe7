"""Erasure of the language from the CLS vector: is it used, or only present?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.mitigation.after import Correction, Trained
from core.mitigation.cells import need_rows, numbers, to_independence
from core.mitigation.scheme import Scheme

SMALLEST = 1e-6  # eigenvalues below this share of the largest are directions without variance

SCHEME = Scheme(
    title="erasure of the language (LEACE)",
    source="Belrose et al. 2023, theorem 4.3",
    about="the smallest affine change of the CLS vectors after which no linear classifier can "
    "tell the language; the linear layer stays",
    stage="after",
    rank=4,
)


def check(counts: pd.DataFrame, validation: pd.DataFrame) -> None:
    """Every cell needs rows."""
    need_rows(counts, "leace")


def correct(trained: Trained) -> Correction:
    """Fitted to training rows, weighted to independence.

    Without these weights what tells the label would be erased with the language, as far as the two
    go together.

    Raises:
        InputError: an empty cell, or a layer between CLS vector and linear layer.
    """
    trained.must_read_cls("leace")
    train = trained.part("train")
    assert train.labels is not None  # training rows have them
    weights = numbers(to_independence(trained.counts, "leace"), train.languages, train.labels)
    projection, mean = eraser(train.vectors, train.languages, weights)
    return Correction(map=np.eye(len(mean)) - projection, shift=projection @ mean)


def eraser(
    vectors: np.ndarray, concept: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """P and the mean m, where v - P (v - m) is the least change that leaves no covariance with z.

    P = W^+ Q W with W the square root of the inverse covariance of the vectors and Q the orthogonal
    projection onto the column space of W times the covariance of vectors and one-hot concept.

    Args:
        vectors: texts x units.
        concept: a number of each text (texts).
        weights: of the texts.
    """
    share = (weights / weights.sum())[:, None]
    mean = (share * vectors).sum(axis=0)
    centred = (vectors - mean).astype(float)
    hot = np.eye(int(concept.max()) + 1)[concept]
    hot = hot - (share * hot).sum(axis=0)
    covariance = (share * centred).T @ centred
    crossed = (share * centred).T @ hot
    values, axes = np.linalg.eigh(covariance)
    used = values > SMALLEST * values[-1]
    axes, roots = axes[:, used], np.sqrt(values[used])
    whiten, unwhiten = (axes / roots) @ axes.T, (axes * roots) @ axes.T
    left, strength, _ = np.linalg.svd(whiten @ crossed, full_matrices=False)
    left = left[:, strength > 1e-9 * max(strength[0], 1e-12)]
    return unwhiten @ left @ left.T @ whiten, mean
