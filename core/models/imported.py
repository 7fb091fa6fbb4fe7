"""Bring a model: a fine-tuned sequence classifier from elsewhere becomes a run like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from core.config import IMPORTED, RunConfig
from core.errors import InputError
from core.models.classifier import Batch, Classifier, Output, read
from core.models.hub import refuse_code


class SequenceClassifier(Classifier):
    """transformers' sequence classification model, with its own head and forward pass.

    Args:
        model: any that returns `logits`, and hidden states when asked.
        tokenizer: its tokenizer.
        order: for each class of the corpus, the number of the model's output.
        pooled: its vectors are BERT's pooled output, where it has one, as in runs it is compared
            with.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerFast,
        order: list[int],
        pooled: bool = False,
    ) -> None:
        super().__init__(model, tokenizer)
        self.order = order
        self.pooler = getattr(model.base_model, "pooler", None) if pooled else None

    def forward(self, batch: Batch) -> Output:
        """Logits in the corpus's order of classes, and the last layer's first vectors or, where
        the recipe says so, BERT's pooled output."""
        inputs = {"input_ids": batch.ids, "token_type_ids": batch.types}
        mask = batch.mask if batch.mask is not None else torch.ones_like(batch.ids)
        given = {name: value for name, value in inputs.items() if value is not None}
        output = self.model(**given, attention_mask=mask.long(), output_hidden_states=True)
        last = output.hidden_states[-1]
        vectors = self.pooler(last) if self.pooler is not None else last[:, 0]
        return Output(output.logits[:, self.order], vectors)


def open_model(folder: Path, config: RunConfig) -> Classifier:
    """A run's model, trained here or brought from elsewhere.

    Raises:
        InputError: a file of it is missing or broken, or wants code to be run.
    """
    refuse_code(folder)
    advice = "delete the run, then train or import it again."
    try:
        return _open(folder, config)
    except SafetensorError as error:
        path = folder / "model.safetensors"
        raise InputError(f"{path} does not read ({error}); {advice}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"the model in {folder} does not open ({error}); {advice}") from error


def _open(folder: Path, config: RunConfig) -> Classifier:
    if config.setup != IMPORTED:
        return read(folder, frozen_layers=config.training.frozen_layers)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, trust_remote_code=False
    )
    order = [model.config.label2id[label] for label in config.labels]
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    pooled = config.training.pooling == "released"
    return SequenceClassifier(model.eval(), tokenizer, order, pooled)
