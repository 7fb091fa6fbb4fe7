"""What a method says of one text and one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

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


@dataclass(frozen=True)
class Sentence:
    """A text, or a pair, that somebody typed.

    Attributes:
        text: the text, the first of a pair.
        text_b: the second of a pair.
        language: one of the study's; None: another, or not said.
    """

    text: str
    text_b: str | None = None
    language: str | None = None

    @classmethod
    def read(cls, document: Any) -> Sentence:
        """One out of what JSON has of it.

        Raises:
            ValueError: it is something else.
        """
        if not isinstance(document, dict) or not isinstance(document.get("text"), str):
            raise ValueError("expected a text")
        more = {name: document.get(name) for name in ("text_b", "language")}
        if any(not isinstance(value, str | None) for value in more.values()):
            raise ValueError("expected texts")
        return cls(document["text"], **more)


class TypedTokens(TypedDict):
    """What one run's tokens do to its output, on a text that somebody typed."""

    method: str  # in words
    tokens: list[str]
    words: list[int]  # of each token, the number of its word
    values: list[list[float]]  # tokens x classes
    errors: list[list[float]] | None  # standard errors; None where the method has none
    base: list[float]  # of each class, on the all-mask input


class TypedRun(TypedDict):
    """What one run says of a text that somebody typed."""

    output: list[float]  # of each class
    unknown: int  # tokens that its vocabulary, trimmed to its corpus, does not have
    cut: bool  # whether the text is longer than what it reads
    language: NotRequired[str]  # said, or identified from the text, where its answer hangs on it
    tokens: NotRequired[TypedTokens]  # where they were asked for


class TypedText(TypedDict):
    """What some runs say of a text that somebody typed."""

    runs: dict[str, TypedRun]  # by id


class TypedTexts(TypedDict):
    """What some runs say of texts that somebody typed."""

    labels: list[str]
    sentences: list[TypedText]  # in the order in which they were asked for
