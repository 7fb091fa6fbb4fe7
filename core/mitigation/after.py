"""Correcting a trained model without training it again: what is known of it, what can change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import InputError


@dataclass(frozen=True)
class Part:
    """Texts as the trained model reads them.

    Attributes:
        vectors: what the linear layer reads (texts x units).
        languages, labels: numbers, in the orders of `Trained.counts` (texts); of test texts the
            labels are not to be read, and there are none.
    """

    vectors: np.ndarray
    languages: np.ndarray
    labels: np.ndarray | None


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        counts: rows that it was trained on (languages x labels).
        weight, bias: of its linear layer (classes x units; classes).
        part: its texts of a split: train, validation, or test; computed when asked for.
        reads_cls: whether the linear layer reads the CLS vector itself; in some encoders a
            normalisation lies between.
        seed: of the run.
    """

    counts: pd.DataFrame
    weight: np.ndarray
    bias: np.ndarray
    part: Callable[[str], Part]
    reads_cls: bool = True
    seed: int = 0

    def logits(self, part: Part) -> np.ndarray:
        """Of texts (texts x classes)."""
        found: np.ndarray = part.vectors @ self.weight.T + self.bias
        return found

    def must_read_cls(self, what: str) -> None:
        """Refuse an encoder with a layer between CLS vector and linear layer.

        Raises:
            InputError: it has one.
        """
        if not self.reads_cls:
            raise InputError(
                f"{what} changes the CLS vector, and this encoder has a layer between it and the "
                "linear one; choose another encoder, or another mitigation."
            )


@dataclass(frozen=True)
class Correction:
    """What changes in a trained model; None stays as it is.

    Attributes:
        weight, bias: of the linear layer (classes x units; classes).
        offsets: added to the logits of a text in a language (languages x classes).
        map, shift: the CLS vector v becomes `map @ v + shift` (units x units; units), and the
            linear layer reads that: `weight` and `bias` are of the vectors as they become.
        told: numbers that were found on the way, to be kept with the run.
    """

    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    offsets: np.ndarray | None = None
    map: np.ndarray | None = None
    shift: np.ndarray | None = None
    told: dict[str, float] | None = None
