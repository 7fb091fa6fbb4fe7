"""What the Trainer draws in a step: rows, their order, and blocks of frozen outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from core.models.batches import blocks_of
from core.models.classifier import Classifier, collate
from core.models.tokens import Tokens


@dataclass
class Examples:
    """Rows to train or validate on, in one order.

    Attributes:
        tokens: encoded texts.
        labels: class numbers.
        weights: of the rows in the loss (float32).
        hidden: outputs of the frozen layers, where they are kept.
        languages: numbers of the rows' languages; None for a set of one.
    """

    tokens: list[Tokens]
    labels: np.ndarray
    weights: np.ndarray
    hidden: list[Tensor] | None = None
    languages: np.ndarray | None = None


class Indices(Dataset[int]):
    """Row numbers: the collator looks the rows up. Validation counts on from training."""

    def __init__(self, size: int, offset: int = 0) -> None:
        self.size, self.offset = size, offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, i: int) -> int:
        return self.offset + i


class Collator:
    """Rows by their numbers as the blocks that a step computes, with labels, languages, weights."""

    def __init__(self, classifier: Classifier, train: Examples, validation: Examples) -> None:
        self.pad_id = classifier.tokenizer.pad_token_id
        # In tokens: the kernel calls for one more block, which weigh more beside a fast device.
        self.block_cost = 8 if classifier.device.type == "cpu" else 1024
        self.parts = (train, validation)

    def __call__(self, rows: list[int]) -> dict[str, Any]:
        """Of training rows or of validation rows."""
        n_train = len(self.parts[0].labels)
        part = self.parts[int(rows[0] >= n_train)]
        chosen = [i - n_train if i >= n_train else i for i in rows]
        chosen.sort(key=lambda i: len(part.tokens[i].ids))
        blocks = []
        for start, end in blocks_of([len(part.tokens[i].ids) for i in chosen], self.block_cost):
            hidden = None
            if part.hidden is not None:
                hidden = [part.hidden[i] for i in chosen[start:end]]
            batch = collate([part.tokens[i] for i in chosen[start:end]], self.pad_id, hidden=hidden)
            blocks.append({name: value for name, value in vars(batch).items() if value is not None})
        return {
            "labels": torch.tensor(part.labels[chosen]),  # first: the Trainer counts its rows
            "languages": torch.tensor(
                np.zeros(len(chosen), int) if part.languages is None else part.languages[chosen]
            ),
            "weights": torch.tensor(part.weights[chosen]),
            "blocks": blocks,
        }


class StepSampler(Sampler[int]):
    """Rows in random order, sorted by length within each optimiser step.

    The order depends on seed and epoch alone, so that a resumed epoch is the one that was lost.

    Args:
        lengths: tokens of each row.
        rows_a_step: micro-batch times accumulation.
    """

    def __init__(self, lengths: Sequence[int], rows_a_step: int, seed: int) -> None:
        self.lengths, self.rows_a_step, self.seed = lengths, rows_a_step, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.lengths))
        for start in range(0, len(order), self.rows_a_step):
            step = order[start : start + self.rows_a_step].tolist()
            yield from sorted(step, key=lambda i: (self.lengths[i], i))
