"""What a method says of one text and one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np

if TYPE_CHECKING:
    import shap


@dataclass(frozen=True, eq=False)
class Attribution:
    """Attribution of each token to each class.

    Attributes:
        method: name of the method's file.
        tokens: what of the text each attributed token stands for.
        positions: of these tokens in the input, special tokens counted.
        words: number of each token's word.
        values: tokens x classes, in units of probability. They add up to output - base.
        errors: standard error of each value (tokens x classes); None where the method has none.
        base: probabilities of the all-mask input of the same length (classes).
        output: probabilities of the text (classes).
        evaluations: inputs that the method asked for, the text and the all-mask input included.
    """

    method: str
    tokens: tuple[str, ...]
    positions: np.ndarray
    words: tuple[int, ...]
    values: np.ndarray
    errors: np.ndarray | None
    base: np.ndarray
    output: np.ndarray
    evaluations: int

    def to_shap(self, labels: tuple[str, ...]) -> shap.Explanation:
        """The same as shap's own, for shap's plots.

        Args:
            labels: class names in the order of the columns.
        """
        import shap

        return shap.Explanation(
            values=self.values,
            base_values=self.base,
            data=np.array(self.tokens, dtype=object),
            feature_names=list(self.tokens),
            output_names=list(labels),
            error_std=self.errors,
        )


class TypedRun(TypedDict):
    """What one run says of a text that somebody typed."""

    tokens: list[str]
    words: list[int]  # of each token, the number of its word
    values: list[list[float]]  # tokens x classes
    errors: list[list[float]] | None  # standard errors; None where the method has none
    base: list[float]  # of each class, on the all-mask input
    output: list[float]  # of each class, on the text
    unknown: int  # tokens that its vocabulary, trimmed to its corpus, does not have
    language: NotRequired[str]  # identified from the text, where its answer hangs on it


class TypedText(TypedDict):
    """What some runs say of a text that somebody typed."""

    labels: list[str]
    method: str  # in words
    runs: dict[str, TypedRun]  # by id
