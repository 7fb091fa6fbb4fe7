"""The training objective: cross-entropy weighted per language and class; masked-input entropy."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


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
        masked_input: as in the recipe; `released` takes the mean over classes, not the sum.
    """
    log_p = logits.float().log_softmax(-1)
    terms = log_p.exp() * log_p
    return (terms.mean(-1) if masked_input == "released" else terms.sum(-1)).mean()
