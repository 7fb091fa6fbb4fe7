"""The configuration of a run, and the id that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import pandas as pd

from core.errors import InputError
from core.recipe import Recipe

IMPORTED = "imported"  # the setup of a model trained elsewhere
_BASES = ("balanced", "imbalanced", "imbalanced+cw")
SETUPS = (*_BASES, *(f"{base}+entropy" for base in _BASES))
# A study with one seed trains these again, with the seeds after it: its nulls.
BALANCED = ("balanced", "balanced+entropy")


@dataclass(frozen=True)
class RunConfig:
    """All that decides a run's result; its canonical JSON gives the run's id.

    Fields at their default are left out of the JSON, so that a field added later keeps old ids.

    Attributes:
        setup: one of SETUPS.
        seed: of sampling, head and order.
        corpus: preset name or path.
        corpus_hash: the content that was meant.
        labels: in their order.
        languages: in their order.
        encoder: as asked for.
        encoder_revision: the weights that were meant.
        shares: target joint distribution of training and validation, language -> label -> share.
        train_per_language: rows; likewise validation and test.
        columns: our column name -> the corpus file's.
        external: corpus for the external probe, preset name or path; its tokens stay in the
            vocabulary.
        external_hash: the content that was meant.
        training: the recipe.
    """

    setup: str
    seed: int
    corpus: str
    corpus_hash: str
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    encoder: str
    encoder_revision: str
    shares: Mapping[str, Mapping[str, float]]
    train_per_language: int
    validation_per_language: int
    test_per_language: int
    columns: Mapping[str, str] = field(default_factory=dict)
    external: str = ""
    external_hash: str = ""
    training: Recipe = field(default_factory=Recipe)

    def canonical_json(self) -> str:
        """Sorted keys, no blanks, defaults left out."""
        document = _without_defaults(self)
        document["training"] = _without_defaults(self.training)
        if not document["training"]:
            del document["training"]
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def run_id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:16]

    @property
    def weighted(self) -> bool:
        """Whether the loss carries class weights per language."""
        return "+cw" in self.setup

    @property
    def skewed(self) -> bool:
        """Whether training and validation set have the study's design, not the uniform one."""
        return self.setup.startswith("imbalanced")

    @property
    def entropy(self) -> bool:
        """Whether the masked-input entropy loss is added."""
        return self.setup.endswith("+entropy")

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """Read what `canonical_json` wrote.

        Raises:
            InputError: not a configuration, or one of a newer LangSkew with fields unknown here.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            document["training"] = Recipe(**document.get("training", {}))
            document["labels"] = tuple(document["labels"])
            document["languages"] = tuple(document["languages"])
            return cls(**document)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"not a run configuration that this version reads: {error}") from error

    def shares_table(self) -> pd.DataFrame:
        """The target joint distribution, languages down, labels across."""
        return pd.DataFrame(self.shares).T.loc[list(self.languages), list(self.labels)]


def _without_defaults(instance: Any) -> dict[str, Any]:
    values = asdict(instance)
    for f in fields(instance):
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        if default is not MISSING and getattr(instance, f.name) == default:
            del values[f.name]
    return values
