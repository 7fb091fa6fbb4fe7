"""Answers the coalitions of many texts with all models of a comparison.

Methods ask (see `estimate`), the pool gathers what the texts in work want, answers what is new,
in batches of inputs of the same length, so that nothing is padded, and hands it back. Frozen lower
layers that models share are computed once for all of them that want the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from core.attribution.estimate import Asking, Estimate
from core.attribution.game import Game
from core.models.classifier import Batch, Classifier

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

    def probabilities(self, ids: Tensor, types: Tensor | None, wanted: np.ndarray) -> list[Tensor]:
        """Class probabilities of the inputs that each model is asked for (its inputs x classes).

        Args:
            ids, types: inputs x tokens.
            wanted: inputs x models, in the order of the models.
        """
        members = list(self.models.values())
        device = members[0].device
        used = wanted.any(axis=1)
        if not used.all():
            rows = torch.from_numpy(used)
            ids, types = ids[rows], types[rows] if types is not None else None
            wanted = wanted[used]
        batch = Batch(ids.to(device), types.to(device) if types is not None else None, None)
        if len(members) > 1 and len(wanted):
            batch.hidden = members[0].lower(batch)
        found = []
        for model, own in zip(members, wanted.T, strict=True):
            if own.any():
                found.append(_softmax(model(_part(batch, own)).logits))
        return found


@dataclass
class _Work:
    """A text that is being explained: a generator a model, and what each waits for and knows."""

    number: int
    game: Game
    asking: list[Asking]
    wanted: list[np.ndarray | None]
    estimates: list[Estimate | None]
    known: list[dict[bytes, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Answered:
    """What a method says of a text and a model.

    Attributes:
        estimate: what the generator returned.
        nobody, everybody: outputs without any and with all players (classes).
        evaluated: inputs that the model was asked for, each once.
    """

    estimate: Estimate
    nobody: np.ndarray
    everybody: np.ndarray
    evaluated: int


def answer(
    groups: Sequence[Group],
    games: Sequence[Game],
    start: Callable[[int], Asking],
) -> Iterator[tuple[int, dict[str, Answered]]]:
    """Run a method on texts, some at a time in their order; texts come back as they are done.

    Each model has a generator of its own, which is sent that model's answers alone: what is said of
    a model does not depend on the others, up to the rounding of batches of another size.

    Args:
        groups: the models.
        games: the texts, in the same tokens for all models.
        start: from the number of a game to a generator that works on it.

    Yields:
        Number of the text, and by name what was found for each model.
    """
    names = [name for group in groups for name in group.models]
    device = next(iter(groups[0].models.values())).device.type
    in_work, tokens_a_batch = SIZES.get(device, SIZES_ACCELERATOR)
    waiting = iter(range(len(games)))
    works: list[_Work] = []
    while True:
        for number in islice(waiting, in_work - len(works)):
            works.append(_begin(number, games[number], [start(number) for _ in names]))
        if not works:
            return
        with torch.inference_mode():
            _evaluate(groups, works, tokens_a_batch)
        for work in works:
            _hand_back(work)
        for work in [w for w in works if all(e is not None for e in w.estimates)]:
            works.remove(work)
            yield work.number, dict(zip(names, _finished(work), strict=True))


def _begin(number: int, game: Game, asking: list[Asking]) -> _Work:
    wanted: list[np.ndarray | None] = [next(generator) for generator in asking]
    return _Work(number, game, asking, wanted, [None] * len(asking), [{} for _ in asking])


def _key(coalition: np.ndarray) -> bytes:
    return np.packbits(coalition).tobytes()


@dataclass
class _Row:
    """An input: the coalition of a text, and which models are asked for it."""

    work: _Work
    key: bytes
    ids: np.ndarray
    models: np.ndarray


def _evaluate(groups: Sequence[Group], works: list[_Work], tokens_a_batch: int) -> None:
    """Answer all coalitions that are wanted and not known yet."""
    by_length: dict[tuple[int, bool], list[_Row]] = {}
    for work in works:
        if rows := _rows(work):
            tokens = work.game.tokens
            by_length.setdefault((len(tokens.ids), tokens.types is not None), []).extend(rows)
    ends = np.cumsum([len(group.models) for group in groups])[:-1]
    for (length, has_types), rows in by_length.items():
        size = max(1, tokens_a_batch // length)
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            ids = torch.from_numpy(np.array([row.ids for row in part]))
            types = None
            if has_types:
                types = torch.tensor([row.work.game.tokens.types for row in part])
            wanted = np.array([row.models for row in part])
            found = [
                p
                for group, own in zip(groups, np.split(wanted, ends, axis=1), strict=True)
                for p in group.probabilities(ids, types, own)
            ]
            values = iter(torch.cat(found).cpu().double().numpy())
            for model, own in enumerate(wanted.T):
                for i in np.flatnonzero(own):
                    part[i].work.known[model][part[i].key] = next(values)


def _rows(work: _Work) -> list[_Row]:
    """The inputs of a text that some model is asked for and has not answered."""
    new: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    for model, wanted in enumerate(work.wanted):
        for coalition in wanted if wanted is not None else ():
            key = _key(coalition)
            if key not in work.known[model]:
                if key not in new:
                    new[key] = coalition, np.zeros(len(work.wanted), dtype=bool)
                new[key][1][model] = True
    if not new:
        return []
    masked = work.game.masked(np.array([coalition for coalition, _ in new.values()]))
    return [
        _Row(work, key, ids, models)
        for (key, (_, models)), ids in zip(new.items(), masked, strict=True)
    ]


def _hand_back(work: _Work) -> None:
    """Send each generator its answers, and note what it wants next or returns."""
    for i, (generator, wanted) in enumerate(zip(work.asking, work.wanted, strict=True)):
        if wanted is None:
            continue
        answers = np.array([work.known[i][_key(coalition)] for coalition in wanted])
        try:
            work.wanted[i] = generator.send(answers)
        except StopIteration as stopped:
            work.wanted[i], work.estimates[i] = None, stopped.value


def _finished(work: _Work) -> list[Answered]:
    nobody, everybody = (_key(np.full(work.game.size, x)) for x in (False, True))
    return [
        Answered(estimate, known[nobody], known[everybody], len(known))
        for estimate, known in zip(work.estimates, work.known, strict=True)
        if estimate is not None
    ]


def _part(batch: Batch, rows: np.ndarray) -> Batch:
    """The inputs of a batch that are wanted (inputs)."""
    if rows.all():
        return batch
    chosen = torch.from_numpy(rows).to(batch.ids.device)
    types, hidden = (x[chosen] if x is not None else None for x in (batch.types, batch.hidden))
    return Batch(batch.ids[chosen], types, None, hidden)


def _softmax(logits: Tensor) -> Tensor:
    """Probabilities in the model's own precision, but at least float32."""
    wide = logits if logits.dtype == torch.float64 else logits.float()
    return wide.softmax(-1)
