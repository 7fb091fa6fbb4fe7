"""Batched forward passes over texts, answered in the order they came in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from core.models.batches import batches_by_length
from core.models.classifier import Classifier, collate
from core.models.tokens import Tokens, tokenise


def predict(
    classifier: Classifier,
    tokens: Sequence[Tokens],
    hidden: Sequence[Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
    languages: Sequence[str] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Class probabilities and CLS vectors.

    Texts are batched by length and put back into their order; what a text gets does not depend on
    the others beyond float rounding.

    Args:
        hidden: outputs of the frozen layers, one a text.
        progress: called with texts done and texts to do.
        languages: of the texts, for a model whose answer hangs on them.

    Returns:
        Probabilities (texts x classes) and last-layer CLS vectors (texts x hidden units), float32.
    """
    config: Any = classifier.model.config
    probabilities = np.empty((len(tokens), config.num_labels), dtype=np.float32)
    vectors = np.empty((len(tokens), config.hidden_size), dtype=np.float32)
    classifier.eval()
    done = 0
    with torch.inference_mode():
        for rows in batches_by_length(tokens):
            batch = collate(
                [tokens[i] for i in rows],
                classifier.tokenizer.pad_token_id,
                classifier.device,
                [hidden[i] for i in rows] if hidden is not None else None,
            )
            if classifier.correction is not None and languages is not None:
                classifier.correction.speak([languages[i] for i in rows])
            output = classifier(batch)
            probabilities[rows] = output.logits.float().softmax(-1).cpu().numpy()
            vectors[rows] = output.cls.float().cpu().numpy()
            done += len(rows)
            if progress:
                progress(done, len(tokens))
    return probabilities, vectors


def encode(
    classifier: Classifier, part: pa.Table, max_length: int, prefix: str = ""
) -> list[Tokens]:
    """Tokens of the rows' texts or pairs, at most as long as recipe and encoder allow."""
    limit = min(max_length, classifier.tokenizer.model_max_length)
    pairs = part["text_b"].to_pylist() if part["text_b"].null_count == 0 else None
    return tokenise(classifier.tokenizer, part["text"].to_pylist(), pairs, limit, prefix)
