"""Answers the coalitions of many texts with all models of a comparison.

Methods ask (see `estimate`), the pool gathers what the texts in work want, answers what is new,
in batches of inputs of the same length, so that nothing is padded, and hands it back. Frozen lower
layers that models share are computed once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from core.attribution.estimate import Asking, Estimate
from core.attribution.game import Game
from core.classifier import Batch, Classifier

# Texts whose coalitions are gathered together, and tokens of a batch: a CPU is busy with few, which
# shows progress sooner; a GPU wants many.
SIZES = {"cpu": (8, 2048)}
SIZES_ACCELERATOR = (64, 16384)


@dataclass(frozen=True)
class Group:
    """Models whose embeddings and frozen layers are the same; one alone where nothing is frozen.

    Attributes:
        models: by name.
    """

    models: Mapping[str, Classifier]

    def probabilities(self, ids: Tensor, types: Tensor | None) -> list[Tensor]:
        """Class probabilities of each model (inputs x classes), in the order of the models."""
        members = list(self.models.values())
        device = members[0].device
        batch = Batch(ids.to(device), types.to(device) if types is not None else None, None)
        if len(members) > 1:
            batch.hidden = members[0].lower(batch)
        return [_softmax(model(batch).logits) for model in members]


@dataclass
class _Work:
    """A text that is being explained: its generators, and what they wait for."""

    number: int
    game: Game
    asking: list[Asking]
    wanted: list[np.ndarray | None]
    estimates: list[Estimate | None]
    known: dict[bytes, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Answered:
    """A text whose methods have ended.

    Attributes:
        number: of the game.
        estimates: what each generator returned.
        nobody, everybody: outputs without any and with all players (outputs).
        evaluated: coalitions that were evaluated, each once.
    """

    number: int
    estimates: list[Estimate]
    nobody: np.ndarray
    everybody: np.ndarray
    evaluated: int


def answer(
    groups: Sequence[Group],
    games: Sequence[Game],
    start: Callable[[int], list[Asking]],
) -> Iterator[Answered]:
    """Run methods on texts, some at a time in their order; texts come back as they are done.

    Args:
        groups: the models. Outputs are the classes of the first model, of the second, and so on,
            in the order of the groups.
        games: the texts, in the same tokens for all models.
        start: from the number of a game to the generators that work on it.
    """
    device = next(iter(groups[0].models.values())).device.type
    in_work, tokens_a_batch = SIZES.get(device, SIZES_ACCELERATOR)
    waiting = iter(range(len(games)))
    works: list[_Work] = []
    while True:
        works += [_begin(i, games, start) for i in islice(waiting, in_work - len(works))]
        if not works:
            return
        with torch.inference_mode():
            _evaluate(groups, works, tokens_a_batch)
        for work in works:
            _hand_back(work)
        for work in [w for w in works if all(e is not None for e in w.estimates)]:
            works.remove(work)
            yield _finished(work)


def _begin(number: int, games: Sequence[Game], start: Callable[[int], list[Asking]]) -> _Work:
    asking = start(number)
    wanted: list[np.ndarray | None] = [next(generator) for generator in asking]
    return _Work(number, games[number], asking, wanted, [None] * len(asking))


def _key(coalition: np.ndarray) -> bytes:
    return np.packbits(coalition).tobytes()


def _evaluate(groups: Sequence[Group], works: list[_Work], tokens_a_batch: int) -> None:
    """Answer all coalitions that are wanted and not known yet."""
    by_length: dict[tuple[int, bool], list[tuple[_Work, bytes, np.ndarray]]] = {}
    for work in works:
        new: dict[bytes, np.ndarray] = {}
        for wanted in work.wanted:
            for coalition in wanted if wanted is not None else ():
                key = _key(coalition)
                if key not in work.known:
                    new.setdefault(key, coalition)
        if new:
            masked = work.game.masked(np.array(list(new.values())))
            tokens = work.game.tokens
            rows = by_length.setdefault((len(tokens.ids), tokens.types is not None), [])
            rows += [(work, key, ids) for key, ids in zip(new, masked, strict=True)]
    for (length, has_types), rows in by_length.items():
        size = max(1, tokens_a_batch // length)
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            ids = torch.from_numpy(np.array([row for _, _, row in part]))
            types = None
            if has_types:
                types = torch.tensor([work.game.tokens.types for work, _, _ in part])
            parts = [p for group in groups for p in group.probabilities(ids, types)]
            values = torch.cat(parts, dim=1).cpu().double().numpy()
            for (work, key, _), row in zip(part, values, strict=True):
                work.known[key] = row


def _hand_back(work: _Work) -> None:
    """Send each generator its answers, and note what it wants next or returns."""
    for i, (generator, wanted) in enumerate(zip(work.asking, work.wanted, strict=True)):
        if wanted is None:
            continue
        answers = np.array([work.known[_key(coalition)] for coalition in wanted])
        try:
            work.wanted[i] = generator.send(answers)
        except StopIteration as stopped:
            work.wanted[i], work.estimates[i] = None, stopped.value


def _finished(work: _Work) -> Answered:
    players = work.game.size
    nobody, everybody = (work.known[_key(np.full(players, x))] for x in (False, True))
    estimates = [e for e in work.estimates if e is not None]
    return Answered(work.number, estimates, nobody, everybody, len(work.known))


def _softmax(logits: Tensor) -> Tensor:
    """Probabilities in the model's own precision, but at least float32."""
    wide = logits if logits.dtype == torch.float64 else logits.float()
    return wide.softmax(-1)
