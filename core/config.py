"""What decides a run: the recipe of its training, its configuration, and the id that follows."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import pandas as pd

from core.errors import InputError

# What the fields that are words can be, the default first.
CHOICES = {
    "masked_input": ("paper", "base", "released"),
    "pooling": ("paper", "released"),
    "optimiser": ("adamw", "radam"),
}

LONGEST_PREFIX = 200  # characters


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
        prefix: put before each text (of a pair before both) wherever one is encoded, as encoders
            of the e5 kind were trained with `query: `. Its tokens count in max_length; they are
            never masked, and no tokens of an attribution.
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
    prefix: str = ""

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
        for own in fields(self):
            value: Any = getattr(self, own.name)
            kind: Any = type(own.default)
            if kind is float and type(value) is int:
                value = float(value)
                object.__setattr__(self, own.name, value)
            if type(value) is not kind:
                raise InputError(
                    f"[training] {own.name} is {value!r}; expected {kind.__name__}, such as "
                    f"{own.default!r}."
                )
            if own.name == "prefix" and len(value) > LONGEST_PREFIX:
                raise InputError(
                    f"[training] prefix has {len(value)} characters; expected at most "
                    f"{LONGEST_PREFIX}, such as 'query: '."
                )
            if value not in (known := CHOICES.get(own.name, (value,))):
                raise InputError(
                    f"[training] {own.name} is {value!r}; expected {' or '.join(known)}."
                )
            if own.name not in bounds:
                continue
            low, high = bounds[own.name]
            if not low <= value <= high:
                raise InputError(f"[training] {own.name} is {value!r}; expected {low} to {high}.")


IMPORTED = "imported"  # the setup of a model trained elsewhere
BASES = ("balanced", "imbalanced")  # what mitigations follow, each with a +: core.mitigation.setups
_SETUP = re.compile(rf"({'|'.join(BASES)})(\+[a-z][a-z0-9-]*)*")
# A study with one seed trains these again, with the seeds after it: its nulls.
BALANCED = ("balanced", "balanced+entropy")


@dataclass(frozen=True)
class RunConfig:
    """All that decides a run's result; its canonical JSON gives the run's id.

    Fields at their default are left out of the JSON, so that a field added later keeps old ids.

    Attributes:
        setup: `balanced` or `imbalanced` with its mitigations, or `imported`.
        seed: of sampling, head and order.
        corpus: preset name or path.
        corpus_hash: the content that was meant.
        labels: in their order.
        languages: in their order.
        encoder: as asked for.
        encoder_revision: the weights that were meant.
        shares: target joint distribution of training and validation, language -> label -> share.
        train_per_language: rows; likewise validation and test. 0 where `train_rows` says it.
        train_rows: rows in all, where they are no multiple of the languages; likewise the others.
        test_shares: joint distribution of the test set; none is the uniform one.
        test_target: joint distribution that the test rows are weighted to; none is no weights.
        columns: our column name -> the corpus file's.
        external: corpus for the external probe, preset name or path; its tokens stay in the
            vocabulary.
        external_hash: the content that was meant.
        external_columns: our column name -> the external corpus file's.
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
    external_columns: Mapping[str, str] = field(default_factory=dict)
    training: Recipe = field(default_factory=Recipe)
    train_rows: int = 0
    validation_rows: int = 0
    test_rows: int = 0
    test_shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    test_target: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

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
    def skewed(self) -> bool:
        """Whether training and validation set have the study's design, not the uniform one."""
        return self.setup.startswith("imbalanced")

    @property
    def entropy(self) -> bool:
        """Whether the masked-input entropy loss is added."""
        return "entropy" in self.setup.split("+")

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
            found = cls(**document)
            _check(found)
            return found
        except InputError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"not a run configuration that this version reads: {error}") from error

    def shares_table(self) -> pd.DataFrame:
        """The target joint distribution, languages down, labels across."""
        return self._table(self.shares)

    def test_table(self) -> pd.DataFrame:
        """The joint distribution of the test set; by default every cell has the same share."""
        if self.test_shares:
            return self._table(self.test_shares)
        return pd.DataFrame(1.0, index=list(self.languages), columns=list(self.labels))

    def target_table(self) -> pd.DataFrame | None:
        """The joint distribution that test rows are weighted to; None without weights."""
        return self._table(self.test_target) if self.test_target else None

    def rows(self, split: str) -> int:
        """Rows of a split, all languages together."""
        per_language: int = getattr(self, f"{split}_per_language")
        return int(getattr(self, f"{split}_rows")) or per_language * len(self.languages)

    def _table(self, shares: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
        return pd.DataFrame(shares).T.loc[list(self.languages), list(self.labels)]


def _check(config: RunConfig) -> None:
    """Refuse values that a damaged file can hold and nobody asked for.

    Raises:
        ValueError: a value is of another kind.
    """
    for name, known in (("labels", config.labels), ("languages", config.languages)):
        if not known or len(set(known)) < len(known) or not all(type(x) is str for x in known):
            raise ValueError(f"{name} is {list(known)!r:.80}; expected names, each once")
    if config.setup != IMPORTED and not _SETUP.fullmatch(config.setup):
        raise ValueError(
            f"setup is {config.setup!r:.80}; expected {' or '.join(BASES)}, then mitigations with +"
        )
    for own in fields(config):
        value = getattr(config, own.name)
        wrong = {"str": type(value) is not str, "int": type(value) is not int or value < 0}
        if wrong.get(str(own.type)):
            raise ValueError(f"{own.name} is {value!r:.80}; expected {own.type}")
    for name in ("columns", "external_columns"):
        named: Any = getattr(config, name)
        if not isinstance(named, dict) or not all(type(x) is str for x in named.values()):
            raise ValueError(f"{name} is {named!r:.80}; expected names of columns")
    for table in (config.shares, config.test_shares, config.test_target):
        if not table and table is not config.shares:
            continue
        for language in config.languages:
            for label in config.labels:
                share = table[language][label]
                if type(share) not in (int, float) or not 0 <= share <= 1:
                    raise ValueError(f"the share of {label} in {language} is {share!r:.80}")


def _without_defaults(instance: Any) -> dict[str, Any]:
    values = asdict(instance)
    for f in fields(instance):
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        if default is not MISSING and getattr(instance, f.name) == default:
            del values[f.name]
    return values
