"""Kinds of encoders: which can be trained, where their parts are, and what config.json says.

No library for models is loaded here: a study is checked by this before any weight is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.storage import reading


@dataclass(frozen=True)
class Kind:
    """An architecture, by the `model_type` of config.json.

    Attributes:
        lean: its layers are BERT's (post-norm, BERT's module names), so that core.models.layer
            computes them and runs share the outputs of frozen layers; any other kind runs by
            transformers' own forward pass, whole for each batch.
        layers: where in the encoder its list of layers is.
        below: further parts that all layers stand on, and that are frozen with the lowest.
        pooler: it can be loaded with a pooling layer, or without.
        types: it takes token types.
        offset: positions that padding takes from it, beside its padding id (RoBERTa counts on from
            the padding id); None: it takes none.
        names: how config.json calls what others call by the key.
    """

    lean: bool = False
    layers: str = "encoder.layer"
    below: tuple[str, ...] = ()
    pooler: bool = False
    types: bool = True
    offset: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)


_ROBERTA = Kind(lean=True, pooler=True, offset=1)
_DEBERTA = Kind(below=("encoder.rel_embeddings", "encoder.LayerNorm", "encoder.conv"))
KINDS: Mapping[str, Kind] = {
    "bert": Kind(lean=True, pooler=True),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "electra": Kind(lean=True, below=("embeddings_project",)),
    "distilbert": Kind(
        layers="transformer.layer",
        types=False,
        names={"hidden_size": "dim", "num_hidden_layers": "n_layers",
               "intermediate_size": "hidden_dim"},
    ),
    "deberta": _DEBERTA,
    "deberta-v2": _DEBERTA,
    "modernbert": Kind(layers="layers", types=False),
}  # fmt: skip

# What core.models.encoder builds for the encoder `tiny`, but for its vocabulary.
TINY: Mapping[str, Any] = {
    "model_type": "bert",
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 512,
    "vocab_size": 4000,
}


@dataclass(frozen=True)
class Shape:
    """Of an encoder, what its config.json says.

    Attributes:
        positions: tokens that a text may have; None where it does not say.
    """

    layers: int
    hidden: int
    intermediate: int
    positions: int | None
    vocabulary: int


def settings(folder: Path) -> dict[str, Any]:
    """What config.json says.

    Raises:
        InputError: there is none, or it does not read.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder} has no config.json; expected a model in transformers' layout.")
    return reading.json_object(path, "write it with save_pretrained() of a current transformers")


def check(name: str, found: Mapping[str, Any]) -> Kind:
    """The kind of an encoder by its config.json.

    Args:
        name: as asked for.

    Raises:
        InputError: it is none that can be trained, or made to write texts.
    """
    kind = str(found.get("model_type", "none"))
    known = f"use an encoder of one of the types {', '.join(KINDS)}"
    if kind not in KINDS:
        raise InputError(f"encoder {name!r} is of type {kind!r}, which is not supported; {known}.")
    if found.get("is_decoder") or found.get("is_encoder_decoder"):
        raise InputError(
            f"encoder {name!r} is of type {kind!r} set up as a decoder, which sees only what "
            f"stands before a token; {known}."
        )
    return KINDS[kind]


def shape(found: Mapping[str, Any]) -> Shape | None:
    """Sizes of an encoder of a supported kind; None where config.json leaves one out."""
    kind = KINDS.get(str(found.get("model_type")))
    if kind is None:
        return None

    def size(name: str) -> int:
        return int(found[kind.names.get(name, name)])

    try:
        return Shape(
            layers=size("num_hidden_layers"),
            hidden=size("hidden_size"),
            intermediate=size("intermediate_size"),
            positions=positions(found),
            vocabulary=size("vocab_size"),
        )
    except (KeyError, TypeError, ValueError):
        return None


def positions(found: Mapping[str, Any]) -> int | None:
    """Tokens that a text may have, by config.json; None where it does not say.

    Raises:
        ValueError, TypeError: it says no number.
    """
    if "max_position_embeddings" not in found:
        return None
    limit = int(found["max_position_embeddings"])
    kind = KINDS.get(str(found.get("model_type")), Kind())
    if kind.offset is None:
        return limit
    padding = found.get("pad_token_id")
    return limit - (1 if padding is None else int(padding)) - kind.offset
