"""Weights of rows in the loss, per language and class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.errors import InputError


def class_weights(counts: pd.DataFrame) -> pd.DataFrame:
    """w(c, l) = n_l / (C n_cl), languages down, labels across (paper, equation 2).

    Within each language the weighted labels are uniform, and the mean weight of its rows is 1.

    Args:
        counts: training rows by language (down) and label (across).

    Raises:
        InputError: a cell is empty, so that no weight can make up for it.
    """
    empty = [f"({lang}, {c})" for lang in counts.index for c in counts if not counts.loc[lang, c]]
    if empty:
        raise InputError(
            f"class weights need rows in every cell; none in {', '.join(empty)}. Choose a design "
            "that fills it, or a setup without +cw."
        )
    return counts.rdiv(counts.sum(axis=1), axis=0) / len(counts.columns)


def row_weights(
    languages: Sequence[str], labels: Sequence[str], weights: pd.DataFrame | None
) -> np.ndarray:
    """Weight of each row (float32), 1 without weights."""
    if weights is None:
        return np.ones(len(languages), dtype=np.float32)
    rows = weights.index.get_indexer(pd.Index(languages))
    columns = weights.columns.get_indexer(pd.Index(labels))
    chosen: np.ndarray = weights.to_numpy(dtype=np.float32)[rows, columns]
    return chosen
