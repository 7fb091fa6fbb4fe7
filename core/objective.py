"""The training objective: cross-entropy weighted per language and class; masked-input entropy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import Tensor
from torch.nn import functional as F

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


def weighted_cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor, n: int | Tensor
) -> Tensor:
    """Sum of w times cross-entropy, over `n` (a scalar).

    Args:
        logits: rows x classes.
        labels: class numbers of the rows.
        weights: of the rows.
        n: rows of the whole optimiser step, not of the micro-batch: then the gradients that
            accumulate over micro-batches are those of the full batch. N, not the sum of w, as in
            the paper's released code.
    """
    losses = F.cross_entropy(logits.float(), labels, reduction="none")
    return (weights * losses).sum() / n


def masked_input_entropy(logits: Tensor, masked_input: str = "paper") -> Tensor:
    """Sum over classes of p log p for all-mask inputs, mean over rows (a scalar, in nats).

    Minus the entropy: added to the loss, it pushes the prediction for an input without content
    towards uniform (paper, equation 3; coefficient 1).

    Args:
        logits: rows x classes.
        masked_input: `released` takes the mean over classes in place of the sum.
    """
    log_p = logits.float().log_softmax(-1)
    terms = log_p.exp() * log_p
    return (terms.mean(-1) if masked_input == "released" else terms.sum(-1)).mean()
