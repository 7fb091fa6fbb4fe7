"""Outputs of the frozen lower layers, computed once for all runs that share them.

Setups of a study differ above the frozen layers only, so what lies below is the same for all of
them: a run over texts that an earlier run saw starts at the first trained layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from core.models.batches import batches_by_length
from core.models.classifier import Classifier, collate
from core.models.tokens import Tokens


class FrozenStates:
    """Cache of the frozen layers' outputs, by token ids, for one encoder and one number of layers.

    Args:
        max_bytes: beyond this nothing is kept and `get` answers None: the caller computes the
            lower layers with each batch instead.
    """

    def __init__(self, max_bytes: int = 2 * 2**30) -> None:
        self.max_bytes = max_bytes
        self._states: dict[Tokens, Tensor] = {}

    def get(
        self,
        classifier: Classifier,
        tokens: Sequence[Tokens],
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Tensor] | None:
        """One tensor a text (tokens x hidden units, float32, CPU), or None if not kept.

        Args:
            classifier: of the cache's encoder and number of frozen layers.
            progress: called with texts done and texts to do.
        """
        if not classifier.shares_lower:
            return None
        missing = list(dict.fromkeys(t for t in tokens if t not in self._states))
        width = classifier.model.config.hidden_size
        held = sum(len(t.ids) for t in self._states) + sum(len(t.ids) for t in missing)
        if held * width * 4 > self.max_bytes:
            return None
        pad_id = classifier.tokenizer.pad_token_id
        done = 0
        # Whatever the caller's mode: with dropout each text would keep one random output for good.
        training = classifier.training
        classifier.eval()
        try:
            with torch.no_grad():  # inference tensors could not be trained on
                for rows in batches_by_length(missing):
                    batch = [missing[i] for i in rows]
                    hidden = classifier.lower(collate(batch, pad_id, classifier.device)).cpu()
                    for text, states in zip(batch, hidden, strict=True):
                        self._states[text] = states[: len(text.ids)].clone()
                    done += len(rows)
                    if progress:
                        progress(done, len(missing))
        finally:
            classifier.train(training)
        return [self._states[t] for t in tokens]
