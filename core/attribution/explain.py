"""Attributions of texts by a method's name, for one model or several that are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch

from core.attribution.estimate import Asking
from core.attribution.game import Game
from core.attribution.gaussian_process import gaussian_process
from core.attribution.integrated_gradients import integrated_gradients
from core.attribution.partition import partition, tree
from core.attribution.permutation import permutation
from core.attribution.pool import Answered, Group, answer
from core.attribution.result import Attribution
from core.errors import InputError
from core.models.classifier import Classifier

# What a budget counts, and how much of it is the default.
BUDGETS: Mapping[str, tuple[str, int]] = {
    "gaussian_process": ("evaluations per token", 16),
    "permutation": ("evaluations per token", 8),
    "partition": ("evaluations per text (shap's max_evals)", 500),
    "integrated_gradients": ("steps of the integral", 50),
}
DEFAULT = "gaussian_process"
TOLERANCE = 0.01  # the default threshold of the token groups


def check(method: str, budget: int | None, tolerance: float | None = None) -> tuple[int, float]:
    """The budget and the tolerance to use.

    Unless a tolerance is given, `gaussian_process` has one where no budget is given, and spends all
    of a budget that is.

    Raises:
        InputError: no such method, a budget below 1, or a tolerance that the method has not.
    """
    if method not in BUDGETS:
        raise InputError(f"method {method!r} is none of {', '.join(BUDGETS)}.")
    unit, usual = BUDGETS[method]
    if budget is not None and budget < 1:
        raise InputError(f"budget is {budget}; expected 1 or more {unit}, such as {usual}.")
    if tolerance is None:
        tolerance = TOLERANCE if method == "gaussian_process" and budget is None else 0.0
    if tolerance and (method != "gaussian_process" or not 0 < tolerance < 1):
        raise InputError(
            f"tolerance is {tolerance} for {method}; only gaussian_process stops at one, between 0 "
            "and 1, such as 0.005."
        )
    return (usual if budget is None else budget), tolerance


def explain(
    models: Mapping[str, Classifier],
    games: Sequence[Game],
    method: str = DEFAULT,
    budget: int | None = None,
    seed: int = 0,
    tolerance: float | None = None,
) -> Iterator[tuple[int, dict[str, Attribution]]]:
    """Attributions of each text for each model, as texts are done (not in their order).

    Models share inputs and the frozen layers that are the same in them, and nothing else: each has
    the values that it has when it is explained alone, up to float rounding.

    Args:
        models: by name; their classes are the same, and they see the games' tokens.
        games: the texts.
        method: of BUDGETS.
        budget: in the method's unit; None takes the default.
        seed: of permutations, and of ties in `partition`.
        tolerance: standard error at which `gaussian_process` stops before its budget, text by text
            and model by model; 0 for never, None as in `check`.

    Yields:
        Number of the text, and its attributions by model.

    Raises:
        InputError: no such method, a budget below 1, or a tolerance that the method has not.
    """
    budget, tolerance = check(method, budget, tolerance)
    if method == "integrated_gradients":
        for number, game in enumerate(games):
            yield (
                number,
                {name: integrated_gradients(model, game, budget) for name, model in models.items()},
            )
        return
    tokenizer = next(iter(models.values())).tokenizer
    separator = str(tokenizer.sep_token or tokenizer.eos_token)
    branches = lru_cache(maxsize=1)(lambda number: tree(games[number], separator))

    def start(number: int) -> Asking:
        game = games[number]
        if method == "partition":
            return partition(game, branches(number), budget, seed)
        if method == "permutation":
            return permutation(game.size, budget * game.size, seed)
        return gaussian_process(game.size, budget * game.size, tolerance)

    for number, found in answer(group(models), games, start):
        yield number, _attributions(method, games[number], found)


def group(models: Mapping[str, Classifier]) -> list[Group]:
    """Put models together whose embeddings and frozen layers have the same weights."""
    groups: list[dict[str, Classifier]] = []
    for name, model in models.items():
        for members in groups:
            if _share_lower(model, next(iter(members.values()))):
                members[name] = model
                break
        else:
            groups.append({name: model})
    return [Group(members) for members in groups]


def _share_lower(a: Classifier, b: Classifier) -> bool:
    if not (a.shares_lower and b.shares_lower) or a.frozen_layers != b.frozen_layers:
        return False
    pairs = zip(_lower_weights(a), _lower_weights(b), strict=True)
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in pairs)


def _lower_weights(model: Classifier) -> list[Any]:
    return [p for module in model.lower_modules() for p in module.parameters()]


def _attributions(method: str, game: Game, found: Mapping[str, Answered]) -> dict[str, Attribution]:
    """What was answered of a text, by model."""
    positions = game.shown if method == "partition" else game.players
    pieces = game.pieces
    tokens, words = tuple(pieces[i] for i in positions), tuple(game.words[i] for i in positions)
    return {
        name: Attribution(
            method=method,
            tokens=tokens,
            positions=positions,
            words=words,
            values=own.estimate.values,
            errors=own.estimate.errors,
            base=own.nobody,
            output=own.everybody,
            evaluations=own.evaluated,
        )
        for name, own in found.items()
    }
