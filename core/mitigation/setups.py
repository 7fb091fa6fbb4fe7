"""Setups by their names: which mitigations there are, which go together, what a setup does."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

import core.mitigation
from core.config import BASES, IMPORTED, RunConfig
from core.corpora import identify
from core.errors import InputError
from core.mitigation.scheme import Scheme

_STAGES = ("data", "loss", "after")
# Of one setup, at most one mitigation may bring one of them.
_ONCE = ("draw", "weights", "added", "reshaped", "reweighed", "language_loss", "correct")


@cache
def modules() -> Mapping[str, ModuleType]:
    """All mitigations by their names in a setup, the plainest of each stage first."""
    found = {}
    for info in pkgutil.iter_modules(core.mitigation.__path__):
        module = importlib.import_module(f"{core.mitigation.__name__}.{info.name}")
        if isinstance(getattr(module, "SCHEME", None), Scheme):
            found[info.name.replace("_", "-")] = module
    return dict(sorted(found.items(), key=lambda item: _order(item[0], item[1].SCHEME)))


def _order(name: str, scheme: Scheme) -> tuple[int, bool, int, str]:
    # `+entropy` behind what changes the loss of rows, as in the setups of the paper.
    return _STAGES.index(scheme.stage), name == "entropy", scheme.rank, name


def schemes() -> dict[str, Scheme]:
    """What all mitigations say of themselves, by their names in a setup."""
    return {name: module.SCHEME for name, module in modules().items()}


@dataclass(frozen=True)
class Setup:
    """A setup, read.

    Attributes:
        name: such as `imbalanced+cw+entropy`.
        base: `balanced` or `imbalanced`.
        parts: its mitigations by their names, in order.
    """

    name: str
    base: str
    parts: Mapping[str, Any]

    @property
    def trained(self) -> str:
        """The setup of the run that is trained: this one without what corrects it afterwards."""
        return "+".join([self.base, *(n for n, m in self.parts.items() if not _after(m))])

    @property
    def correction(self) -> Any:
        """The mitigation that corrects the trained model; None where there is none."""
        return next((m for m in self.parts.values() if _after(m)), None)

    @property
    def rank(self) -> int:
        """How much it asks of who uses it, its mitigations together; 0 for none."""
        return sum(m.SCHEME.rank for m in self.parts.values())

    @property
    def serving(self) -> str:
        """Whether the model needs the language of a text: "", "given" or "identified"."""
        return next((m.SCHEME.serving for m in self.parts.values() if m.SCHEME.serving), "")

    def first(self, name: str) -> Any:
        """What its mitigations bring under this name; None where none does."""
        return next((f for m in self.parts.values() if (f := getattr(m, name, None))), None)

    def weights(self, counts: pd.DataFrame) -> dict[str, pd.DataFrame | None]:
        """Weights of rows in the loss, of training and of validation (languages x labels).

        None where every row counts once.

        Args:
            counts: training rows of each cell.

        Raises:
            InputError: a cell that a mitigation needs is empty.
        """
        of_all, of_validation = self.first("weights"), self.first("validation_weights")
        train = of_all(counts) if of_all else None
        return {"train": train, "validation": of_validation(counts) if of_validation else train}

    def drawn(self, cells: np.ndarray, counts: pd.DataFrame, seed: int) -> np.ndarray:
        """Numbers of the training rows that an epoch passes over.

        Args:
            cells: the cell of each row, row-major number of languages x labels.
            counts: training rows of each cell.

        Raises:
            InputError: a cell that a mitigation needs is empty.
        """
        draw = self.first("draw")
        return np.arange(len(cells)) if draw is None else draw(cells, counts, seed)

    def check(self, counts: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Refuse, before anything is trained, rows that a mitigation cannot do with.

        Args:
            counts, validation: rows of each cell, of training and of validation.

        Raises:
            InputError: a cell that it needs is empty, or has too few.
        """
        self.weights(counts)
        cells = np.repeat(np.arange(counts.size), counts.to_numpy().ravel())
        self.drawn(cells, counts, 0)
        if added := self.first("added"):
            added(counts)
        if check := self.first("check"):
            check(counts, validation)


def _after(module: Any) -> bool:
    return bool(module.SCHEME.stage == "after")


@cache
def parse(name: str) -> Setup:
    """A setup by its name: `balanced` or `imbalanced`, then mitigations with `+`.

    Raises:
        InputError: an unknown part, parts out of order or twice, or parts that do not go together.
    """
    base, *parts = name.split("+")
    known = modules()
    if unknown := [p for p in parts if p not in known]:
        raise InputError(
            f"setup {name!r:.120}: unknown {', '.join(map(repr, unknown))}; known mitigations are "
            f"{', '.join(known)}."
        )
    if base not in BASES:
        raise InputError(
            f"setup {name!r:.120} begins with {base!r:.40}; expected {' or '.join(BASES)}, then "
            f"mitigations with +, such as imbalanced+cw."
        )
    ordered = [p for p in known if p in parts]
    if parts != ordered:
        raise InputError(
            f"setup {name!r:.120}: mitigations stand in another order, or twice; write "
            f"{'+'.join([base, *ordered])!r}."
        )
    chosen = {p: known[p] for p in parts}
    _check_together(name, chosen)
    return Setup(name, base, chosen)


def _check_together(name: str, parts: Mapping[str, Any]) -> None:
    clashes = [[p for p, m in parts.items() if hasattr(m, function)] for function in _ONCE]
    clashes.append([p for p, m in parts.items() if m.SCHEME.evens])
    for clash in clashes:
        if len(clash) > 1:
            raise InputError(
                f"setup {name!r}: {' and '.join(clash)} do the same thing, which would be done "
                "twice; keep one of them."
            )


def trained(config: RunConfig) -> RunConfig:
    """The run whose model a run corrects; itself where it corrects none."""
    return replace(config, setup=parse(config.setup).trained)


def languages_told(config: RunConfig, texts: Sequence[str], languages: Sequence[str]) -> list[str]:
    """The languages that a run's model is told of texts: as given, or identified from them.

    Args:
        languages: those that the texts are in.

    Raises:
        InputError: a language of the run cannot be identified.
    """
    if config.setup == IMPORTED or parse(config.setup).serving != "identified":
        return list(languages)
    return identify.languages_of(texts, config.languages)


def suggested() -> list[str]:
    """The setups that a form offers: the bases, and each mitigation on the imbalanced one."""
    paper = ["balanced", "imbalanced", "imbalanced+cw"]
    paper += [f"{name}+entropy" for name in paper]
    return list(dict.fromkeys([*paper, *(f"imbalanced+{name}" for name in modules())]))
