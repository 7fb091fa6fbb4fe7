"""The model that is fine-tuned: an encoder and one linear layer on its last CLS vector.

It is transformers' own token classification model, read at the first token only: exactly one
feed-forward layer on the CLS token (paper, section 2.1), without the pooling layers that the
sequence classification models of BERT and RoBERTa add, and it loads in plain transformers. Where
the linear layer reads BERT's pooled output instead, as in the paper's released code, it is
transformers' sequence classification model. The forward pass of encoders with BERT's layers is
ours, for speed (core/models/layer.py): texts of different length share the linear layers, and in
the last layer only what the CLS token needs is computed. It gives the same logits
(tests/models/test_classifier.py). Other kinds (core/models/kinds.py) run by transformers' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from core.errors import InputError
from core.models import corrected, kinds
from core.models.corrected import Corrected
from core.models.encoder import Encoder
from core.models.hub import refuse_code
from core.models.layer import attention_bias, joined, layer_forward
from core.models.tokens import Tokens


class Output(NamedTuple):
    """Logits (texts x classes) and what the linear layer reads (texts x hidden units).

    That is the CLS vector of the last layer, or BERT's pooled output.
    """

    logits: Tensor
    cls: Tensor


@dataclass
class Batch:
    """Texts padded to the longest. `hidden` is set where the frozen layers' outputs are known.

    Shapes: ids, types, mask (texts x tokens); hidden (texts x tokens x hidden units). `mask` is
    None where nothing is padded, which is faster.
    """

    ids: Tensor
    types: Tensor | None
    mask: Tensor | None
    hidden: Tensor | None = None


class Classifier(nn.Module):
    """Encoder, dropout, linear layer on CLS.

    Args:
        model: for token classification, of one of `kinds.KINDS`, or a BERT for sequence
            classification, from `build` or `read`; a subclass of this class may have any.
        tokenizer: its tokenizer.
        frozen_layers: the embeddings and this many lower layers are not trained, and run without
            dropout; 0 trains all, the embeddings too.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, frozen_layers: int = 0
    ) -> None:
        super().__init__()
        # Submodules of transformers' models are not typed.
        self.model: Any = model
        self.tokenizer = tokenizer
        self.kind = kinds.KINDS.get(model.config.model_type, kinds.Kind())
        self.frozen_layers = frozen_layers
        self.correction: Corrected | None = None
        if frozen_layers:
            for module in self.lower_modules():
                module.requires_grad_(False).eval()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    def embeddings(self) -> nn.Module:
        """Token, position and type embeddings with their normalisation."""
        module: nn.Module = self.model.base_model.embeddings
        return module

    @property
    def token_table(self) -> nn.Embedding:
        """The embeddings of tokens alone."""
        module: nn.Embedding = self.model.get_input_embeddings()
        return module

    @property
    def layers(self) -> nn.ModuleList:
        """All transformer layers, the frozen ones first."""
        modules: nn.ModuleList = self.model.base_model.get_submodule(self.kind.layers)
        return modules

    @property
    def shares_lower(self) -> bool:
        """Whether runs can share what `lower` gives: layers are frozen, and computed here."""
        return self.frozen_layers > 0 and self.kind.lean

    @property
    def by_language(self) -> bool:
        """Whether what it says of a text hangs on the language that it is told."""
        return self.correction is not None and self.correction.offsets is not None

    def features(self, cls: Tensor) -> Tensor:
        """What the linear layer reads (texts x units), from the CLS vectors."""
        if (head := getattr(self.model, "head", None)) is not None:  # ModernBERT; see `build`
            cls = head(cls)
        return cls

    def head_parameters(self) -> list[nn.Parameter]:
        """Weight and bias of the linear layer."""
        return list(self.model.classifier.parameters())

    def encoder_parameters(self) -> list[nn.Parameter]:
        """What of the encoder is trained."""
        return [p for p in self.model.base_model.parameters() if p.requires_grad]

    def train(self, mode: bool = True) -> Classifier:
        """As in torch; frozen modules stay in evaluation mode, without dropout."""
        super().train(mode)
        if self.frozen_layers:
            for module in self.lower_modules():
                module.eval()
        return self

    def forward(self, batch: Batch) -> Output:
        """Logits and CLS vectors of a batch."""
        return self.side_by_side([batch])

    def side_by_side(self, batches: Sequence[Batch]) -> Output:
        """Logits and CLS vectors of several batches, one after the other.

        Batches of different length share the linear layers, so that next to nothing is padded.
        """
        if not self.kind.lean:
            cls = joined([self._last(batch)[:, 0] for batch in batches])
            return self._answer(cls)
        states = [b.hidden if b.hidden is not None else self.lower(b) for b in batches]
        shapes = [(len(x), x.shape[1]) for x in states]
        biases = [attention_bias(b.mask, x.dtype) for b, x in zip(batches, states, strict=True)]
        hidden = joined([x.flatten(0, 1) for x in states])
        upper = self.layers[self.frozen_layers :]
        for i, layer in enumerate(upper):
            hidden = layer_forward(layer, hidden, shapes, biases, cls_only=i == len(upper) - 1)
        if (pooler := getattr(self.model.base_model, "pooler", None)) is not None:
            hidden = pooler(hidden[:, None])
        return self._answer(hidden)

    def _answer(self, cls: Tensor) -> Output:
        """Logits and CLS vectors, corrected where the trained model was."""
        logits = self._logits(cls)
        return Output(*(self.correction(logits, cls) if self.correction else (logits, cls)))

    def _last(self, batch: Batch) -> Tensor:
        """Output of the last layer, by transformers (texts x tokens x hidden units)."""
        mask = batch.mask if batch.mask is not None else torch.ones_like(batch.ids)
        types = {"token_type_ids": batch.types} if self.kind.types else {}
        last: Tensor = self.model.base_model(
            input_ids=batch.ids, attention_mask=mask.long(), **types
        ).last_hidden_state
        return last

    def _logits(self, cls: Tensor) -> Tensor:
        """What the linear layer makes of what it reads."""
        dropped = getattr(self.model, "dropout", None) or self.model.drop
        logits: Tensor = self.model.classifier(dropped(self.features(cls)))
        return logits

    def lower(self, batch: Batch) -> Tensor:
        """Output of embeddings and frozen layers (texts x tokens x hidden units)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.frozen_layers == 0):
            hidden: Tensor = self.embeddings(input_ids=batch.ids, token_type_ids=batch.types)
            if (project := getattr(self.model.base_model, "embeddings_project", None)) is not None:
                hidden = project(hidden)  # a small ELECTRA's
            biases = [attention_bias(batch.mask, hidden.dtype)]
            texts, longest, width = hidden.shape
            hidden = hidden.flatten(0, 1)
            for layer in self.layers[: self.frozen_layers]:
                hidden = layer_forward(layer, hidden, [(texts, longest)], biases)
        return hidden.view(texts, longest, width)

    def save(self, folder: Path) -> None:
        """Write weights, config and tokenizer in transformers' layout."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if self.correction is not None:
            self.correction.save(folder)

    def lower_modules(self) -> list[nn.Module]:
        """The embeddings, and what else is frozen where any layer is, the frozen layers."""
        parts: list[nn.Module] = [self.embeddings]
        for path in self.kind.below:
            part: Any = self.model.base_model
            for name in path.split("."):
                part = getattr(part, name, None)
            if part is not None:
                parts.append(part)
        return [*parts, *self.layers[: self.frozen_layers]]


def best_device() -> torch.device:
    """The accelerator that torch finds (CUDA, Apple), else the CPU."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return found or torch.device("cpu")


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes faster in bfloat16: GPUs made for it; a CPU is slower in it."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def build(
    encoder: Encoder, labels: Sequence[str], *, frozen_layers: int = 0, seed: int = 0
) -> Classifier:
    """A classifier with the encoder's weights (copied) and a random head.

    The head reads the encoder's pooling layer where it was loaded with one. A ModernBERT's own head
    has a dense layer, an activation and a normalisation before the linear layer: the first is the
    identity here and stays so, the second none, so that the linear layer reads the CLS vector,
    normalised once more.

    Args:
        labels: class names in their order.
        seed: of the head: normal with the encoder's own initialiser range, bias 0.

    Raises:
        InputError: more frozen layers than the encoder has minus one.
    """
    n_layers = encoder.model.config.num_hidden_layers
    if not 0 <= frozen_layers < n_layers:
        raise InputError(
            f"frozen_layers is {frozen_layers}; {encoder.name} has {n_layers} layers, of which at "
            "least one must be trained."
        )
    own_head: dict[str, Any] = {"classifier_activation": "linear", "classifier_bias": False}
    config = type(encoder.model.config)(
        **{
            **encoder.model.config.to_dict(),
            **(own_head if encoder.model.config.model_type == "modernbert" else {}),
            "id2label": dict(enumerate(labels)),
            "label2id": {label: i for i, label in enumerate(labels)},
        }
    )
    pooled = getattr(encoder.model, "pooler", None) is not None
    kind = AutoModelForSequenceClassification if pooled else AutoModelForTokenClassification
    with torch.random.fork_rng():
        model = kind.from_config(config, trust_remote_code=False)
    model.base_model.load_state_dict(encoder.model.state_dict())
    generator = torch.Generator().manual_seed(seed)
    head = model.classifier
    nn.init.normal_(head.weight, std=config.initializer_range, generator=generator)
    nn.init.zeros_(head.bias)
    if (before := getattr(model, "head", None)) is not None:
        nn.init.eye_(before.dense.weight)
        before.requires_grad_(False)
    return Classifier(model.float(), encoder.tokenizer, frozen_layers)


def read(folder: Path, *, frozen_layers: int = 0) -> Classifier:
    """Load a classifier that `Classifier.save` wrote.

    Raises:
        InputError: it wants code to be run.
    """
    refuse_code(folder)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    architecture = (config.architectures or [""])[0]
    pooled = architecture.endswith("ForSequenceClassification")
    kind = AutoModelForSequenceClassification if pooled else AutoModelForTokenClassification
    model = kind.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, trust_remote_code=False
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    classifier = Classifier(model, tokenizer, frozen_layers)
    classifier.correction = corrected.read(folder)
    return classifier.eval()


def collate(
    tokens: Sequence[Tokens],
    pad_id: int,
    device: torch.device | str = "cpu",
    hidden: Sequence[Tensor] | None = None,
) -> Batch:
    """Pad to the longest text.

    Args:
        hidden: each text's output of the frozen layers (tokens x hidden units).
    """
    lengths = [len(t.ids) for t in tokens]
    longest = max(lengths)

    def padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
        return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], device=device)

    types = None
    if tokens[0].types is not None:
        types = padded([t.types or () for t in tokens], 0)
    mask = None
    if min(lengths) < longest:
        mask = torch.arange(longest)[None, :] < torch.tensor(lengths)[:, None]
        mask = mask.to(device)
    states = None
    if hidden is not None:
        states = nn.utils.rnn.pad_sequence(list(hidden), batch_first=True).to(device)
    return Batch(padded([t.ids for t in tokens], pad_id), types, mask, states)
