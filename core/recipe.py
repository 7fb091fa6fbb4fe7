"""How a model is trained: one dataclass that checks its own values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from core.errors import InputError

# What the fields that are words can be, the default first.
CHOICES = {
    "masked_input": ("paper", "base", "released"),
    "pooling": ("paper", "released"),
    "optimiser": ("adamw", "radam"),
}


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters; the defaults follow the paper's text (section 3).

    What the paper leaves open is our choice: epochs, evaluations, max_length, warmup, weight_decay,
    the optimiser (AdamW), and the dropout before the linear layer, which is the encoder's own;
    gradients are clipped to norm 1.

    Attributes:
        epochs: passes over the training subset.
        evaluations: times an epoch that the validation loss is measured and the state to resume
            from is saved, at equal distances; the model with the lowest loss is kept. With one
            epoch and one evaluation there is nothing to choose from.
        batch_size: rows of a micro-batch.
        accumulation: micro-batches an optimiser step; rows a step are batch_size x accumulation.
        learning_rate: of the encoder, falling linearly.
        head_learning_rate: of the linear layer, falling linearly.
        final_rate: share of the learning rates that is left at the end (the released code: 0.01).
        optimiser: `adamw` or `radam` (the released code's).
        max_length: tokens a text or pair, special tokens included.
        frozen_layers: embeddings and this many lower layers stay as pretrained (0: none).
        warmup: share of the steps over which the learning rates rise from 0.
        weight_decay: decoupled (AdamW), on all trained weights.
        trim: cut the vocabulary to the corpus.
        masked_input: for setups with +entropy, how equation 3 is read. `paper`: once an optimiser
            step an input of 1 to max_length tokens, between its special tokens, summed over
            classes; one segment for pairs too, of which the paper says nothing. `base`: the same
            with the base value's input of a training row drawn at random, so that a pair has its
            two segments and lengths are those of the texts. `released`: as `paper`, but once a
            micro-batch, special tokens masked too, mean over classes.
        pooling: what the linear layer and the probes read. `paper`: the CLS token of the last
            layer. `released`: of a BERT its pooled output, a pretrained dense layer and tanh on
            that token; of RoBERTa-like encoders the same as `paper`.
    """

    epochs: int = 3
    batch_size: int = 16
    accumulation: int = 8
    learning_rate: float = 5e-5
    head_learning_rate: float = 5e-4
    max_length: int = 128
    frozen_layers: int = 0
    warmup: float = 0.0
    weight_decay: float = 0.0
    trim: bool = True
    masked_input: str = "paper"
    pooling: str = "paper"
    optimiser: str = "adamw"
    final_rate: float = 0.0
    evaluations: int = 1

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "epochs": (1, 1000),
            "evaluations": (1, 1000),
            "batch_size": (1, 65536),
            "accumulation": (1, 65536),
            "learning_rate": (0, 1),
            "head_learning_rate": (0, 1),
            "max_length": (3, 8192),
            "frozen_layers": (0, 1000),
            "warmup": (0, 1),
            "final_rate": (0, 1),
            "weight_decay": (0, 1),
        }
        for field in fields(self):
            value: Any = getattr(self, field.name)
            kind: Any = type(field.default)
            if kind is float and type(value) is int:
                value = float(value)
                object.__setattr__(self, field.name, value)
            if type(value) is not kind:
                raise InputError(
                    f"[training] {field.name} is {value!r}; expected {kind.__name__}, such as "
                    f"{field.default!r}."
                )
            if value not in (known := CHOICES.get(field.name, (value,))):
                raise InputError(
                    f"[training] {field.name} is {value!r}; expected {' or '.join(known)}."
                )
            if field.name not in bounds:
                continue
            low, high = bounds[field.name]
            if not low <= value <= high:
                raise InputError(f"[training] {field.name} is {value!r}; expected {low} to {high}.")
