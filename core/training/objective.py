"""The training objective: cross-entropy and what a setup's mitigations make of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.mitigation.setups import Setup


class Objective(nn.Module):
    """Cross-entropy with what the mitigations of a setup bring (`core.mitigation.scheme`).

    What it learns or adds up on its way is kept with the checkpoints to resume from.

    Args:
        setup: whose mitigations.
        counts: training rows of each cell (languages x labels).
        width: units that the linear layer reads.
        seed: of a language head's weights, where there is one.
    """

    added: Tensor | None
    shares: Tensor
    seen: Tensor

    def __init__(self, setup: Setup, counts: pd.DataFrame, width: int, seed: int) -> None:
        super().__init__()
        self.reshaped, self.reweighed = setup.first("reshaped"), setup.first("reweighed")
        self.language_loss = setup.first("language_loss")
        self.n_labels, cells = len(counts.columns), counts.size
        added = setup.first("added")
        table = torch.tensor(added(counts).to_numpy(), dtype=torch.float32) if added else None
        self.register_buffer("added", table, persistent=False)
        self.language_head: Any = None
        if self.language_loss:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                self.language_head = nn.Linear(width, len(counts))
        if self.reweighed:
            filled = torch.tensor(counts.to_numpy().ravel() > 0, dtype=torch.float32)
            # Weights of the cells; sums of losses and rows since they were set.
            self.register_buffer("shares", filled / filled.sum())
            self.register_buffer("seen", torch.zeros(2, cells))

    def next_step(self) -> None:
        """Called before the first micro-batch of an optimiser step."""
        if self.reweighed and (n := self.seen[1]).any():
            self.shares.copy_(self.reweighed(self.shares, self.seen[0] / n))
            self.seen.zero_()

    def forward(
        self,
        logits: Tensor,
        features: Tensor,
        labels: Tensor,
        languages: Tensor,
        weights: Tensor,
        n: int | Tensor,
    ) -> Tensor:
        """The loss of a micro-batch (a scalar), without what `+entropy` adds.

        Args:
            logits: rows x classes.
            features: what the linear layer reads (rows x units).
            labels, languages: numbers of the rows.
            weights: of the rows.
            n: rows of the whole optimiser step.
        """
        logits = logits.float()
        if self.added is not None:
            logits = logits + self.added[languages]
        losses = F.cross_entropy(logits, labels, reduction="none")
        if self.reshaped:
            losses = self.reshaped(losses)
        if self.reweighed and self.training:
            cells = languages * self.n_labels + labels
            with torch.no_grad():
                both = torch.stack([losses, torch.ones_like(losses)])
                self.seen.index_add_(1, cells, both)
            weights = weights * (self.shares * (self.shares > 0).sum())[cells]
        loss = (weights * losses).sum() / n
        if self.language_loss and self.training:
            head = self.language_head
            told = self.language_loss(features.float(), head.weight, head.bias, languages)
            loss = loss + told / n
        return loss


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
