"""Attributions of texts by a method's name, for one model or several that are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from core.attribution.estimate import Asking, Estimate
from core.attribution.game import Game
from core.attribution.gaussian_process import gaussian_process
from core.attribution.integrated_gradients import integrated_gradients
from core.attribution.partition import partition, tree
from core.attribution.permutation import permutation
from core.attribution.pool import Answered, Group, answer
from core.attribution.result import Attribution
from core.classifier import Classifier
from core.errors import InputError

# What a budget counts, and how much of it is the default.
BUDGETS: Mapping[str, tuple[str, int]] = {
    "gaussian_process": ("evaluations per token", 4),
    "permutation": ("evaluations per token", 8),
    "partition": ("evaluations per text (shap's max_evals)", 500),
    "integrated_gradients": ("steps of the integral", 50),
}
DEFAULT = "gaussian_process"


def check(method: str, budget: int | None, tolerance: float = 0.0) -> int:
    """The budget to use.

    Raises:
        InputError: no such method, a budget below 1, or a tolerance that the method has not.
    """
    if method not in BUDGETS:
        raise InputError(f"method {method!r} is none of {', '.join(BUDGETS)}.")
    unit, usual = BUDGETS[method]
    if budget is not None and budget < 1:
        raise InputError(f"budget is {budget}; expected 1 or more {unit}, such as {usual}.")
    if tolerance and (method != "gaussian_process" or not 0 < tolerance < 1):
        raise InputError(
            f"tolerance is {tolerance} for {method}; only gaussian_process stops at one, between 0 "
            "and 1, such as 0.005."
        )
    return usual if budget is None else budget


def explain(
    models: Mapping[str, Classifier],
    games: Sequence[Game],
    method: str = DEFAULT,
    budget: int | None = None,
    seed: int = 0,
    tolerance: float = 0.0,
) -> Iterator[tuple[int, dict[str, Attribution]]]:
    """Attributions of each text for each model, as texts are done (not in their order).

    Args:
        models: by name; their classes are the same, and they see the games' tokens.
        games: the texts.
        method: of BUDGETS.
        budget: in the method's unit; None takes the default.
        seed: of permutations, and of ties in `partition`.
        tolerance: at which `gaussian_process` stops before its budget; 0 for never.

    Yields:
        Number of the text, and its attributions by model.

    Raises:
        InputError: no such method, or a budget below 1.
    """
    budget = check(method, budget)
    if method == "integrated_gradients":
        for number, game in enumerate(games):
            yield (
                number,
                {name: integrated_gradients(model, game, budget) for name, model in models.items()},
            )
        return
    groups = group(models)
    names = [name for g in groups for name in g.models]
    first = next(iter(models.values()))
    classes = int(first.model.config.num_labels)
    columns = {name: slice(i * classes, (i + 1) * classes) for i, name in enumerate(names)}

    def start(number: int) -> list[Asking]:
        game = games[number]
        if method == "partition":
            branches = tree(game, str(first.tokenizer.sep_token))
            return [partition(game, branches, columns[n], budget, seed) for n in names]
        if method == "permutation":
            return [permutation(game.size, budget * game.size, seed)]
        return [gaussian_process(game.size, budget * game.size, tolerance)]

    for found in answer(groups, games, start):
        game = games[found.number]
        yield (
            found.number,
            {
                name: _attribution(method, game, found, i, columns[name])
                for i, name in enumerate(names)
            },
        )


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
    if not a.frozen_layers or a.frozen_layers != b.frozen_layers:
        return False
    pairs = zip(_lower_weights(a), _lower_weights(b), strict=True)
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in pairs)


def _lower_weights(model: Classifier) -> list[Any]:
    modules = [model.embeddings, *model.layers[: model.frozen_layers]]
    return [p for module in modules for p in module.parameters()]


def _attribution(
    method: str, game: Game, found: Answered, number: int, columns: slice
) -> Attribution:
    """One model's part of what was answered.

    Args:
        number: of the model among the generators, where each has its own.
    """
    own: Estimate = found.estimates[number if len(found.estimates) > 1 else 0]
    values, errors = own.values, own.errors
    if method == "partition":
        positions = np.arange(len(game.tokens.ids))
    else:
        positions = game.players
        values = values[:, columns]
        errors = errors[:, columns] if errors is not None else None
    return Attribution(
        method=method,
        tokens=tuple(game.pieces[i] for i in positions),
        positions=positions,
        words=tuple(game.words[i] for i in positions),
        values=values,
        errors=errors,
        base=found.nobody[columns],
        output=found.everybody[columns],
        evaluations=found.evaluated,
    )
