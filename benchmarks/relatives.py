"""The nearest published estimators, from shapiq, for benchmarks/attribution.py.

OddSHAP (Fumagalli et al., arXiv 2602.01399) asks for all coalitions at once, the same for every
output, so that the pool answers it as it answers ours. ShaplEIG (Rundel et al., arXiv 2606.02247)
chooses one coalition after the other for one output, so that each class of each model has
evaluations of its own and nothing is shared. Both need shapiq 1.6 or newer (requirements.txt here),
and that Python 3.12.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import pearsonr

from benchmarks.scores import Values, accuracy, cpu_seconds
from core.attribution.estimate import Asking, Estimate, ends
from core.attribution.exact import MOST_PLAYERS, exact
from core.attribution.explain import group
from core.attribution.game import Game
from core.attribution.pool import answer
from core.models.classifier import Batch, Classifier

BUDGETS = (4, 8, 10, 16, 32)  # of OddSHAP, evaluations a token
PAPER_FACTOR = 10  # OddSHAP's evaluations a candidate interaction, and the least a player


def missing() -> str | None:
    """Why shapiq's estimators cannot be run here, if so."""
    try:
        from shapiq.approximator.regression import OddSHAP  # noqa: F401
        from shapiq.approximator.shapleig import ShaplEIG  # noqa: F401
    except ImportError as error:
        return (
            f"not measured: {error}; `pip install -r benchmarks/requirements.txt` under Python 3.12"
        )
    return None


class _Asked(Exception):
    """Carries the coalitions that an estimator wants out of it."""


def oddshap(players: int, evaluations: int, seed: int = 0) -> Asking:
    """shapiq's OddSHAP for each output.

    It takes no fewer than ten evaluations a player as its paper has it; below, the candidate
    interactions are as many as its rule gives with fewer evaluations each.
    """
    from shapiq.approximator.regression import OddSHAP

    if players <= MOST_PLAYERS and 2**players <= max(evaluations, 4):
        return (yield from exact(players))
    factor = max(1, min(PAPER_FACTOR, evaluations // players))

    def run(play: Callable[[np.ndarray], np.ndarray]) -> Any:
        method = OddSHAP(players, interaction_factor=factor, random_state=seed)
        return method.approximate(evaluations, play)

    def ask(coalitions: np.ndarray) -> np.ndarray:
        raise _Asked(coalitions)

    try:
        run(ask)
    except _Asked as asked:
        wanted = np.array(asked.args[0], dtype=bool)
    yield ends(players)
    answers = yield wanted
    columns = []
    for output in answers.T:
        found = run(lambda coalitions, output=output: output)
        columns.append([found[(player,)] for player in range(players)])
    return Estimate(np.array(columns).T)


def shapleig(model: Classifier, game: Game, evaluations: int) -> tuple[np.ndarray, int]:
    """shapiq's ShaplEIG for each class of one model, and the inputs that all of it asked for."""
    from shapiq.approximator.shapleig import ShaplEIG

    types, asked = game.tokens.types, 0

    def play(column: int) -> Callable[[Any], np.ndarray]:
        def answer(coalitions: Any) -> np.ndarray:
            nonlocal asked
            ids = torch.from_numpy(game.masked(np.asarray(coalitions).astype(bool)))
            asked += len(ids)
            own = torch.tensor([types] * len(ids)) if types is not None else None
            with torch.inference_mode():
                probabilities = model(Batch(ids, own, None)).logits.softmax(-1)
            return np.asarray(probabilities[:, column].double().numpy())

        return answer

    columns = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for column in range(int(model.model.config.num_labels)):
            method = ShaplEIG(game.size, random_state=0, refit="decaying", show_progress=False)
            found = method.approximate(budget=evaluations, game=play(column))
            columns.append([found[(player,)] for player in range(game.size)])
    return np.array(columns).T, asked


def at(curve: Sequence[dict[str, Any]], key: str, value: float, wanted: str) -> float | None:
    """What a method's curve says of `wanted` where `key` is `value`, between its budgets.

    Straight lines between logarithms; None beyond the ends of what was measured.
    """
    points = sorted((point[key], point[wanted]) for point in curve)
    x, y = np.log(np.array(points)).T
    if not x[0] <= np.log(value) <= x[-1]:
        return None
    return float(np.exp(np.interp(np.log(value), x, y)))


def pooled(
    models: dict[str, Classifier], given: Sequence[Game], start: Callable[[int], Asking]
) -> tuple[Values, dict[str, Any]]:
    """As `ours`, for another method."""
    with cpu_seconds() as seconds:
        found = dict(answer(group(models), given, start))
        spent = seconds()
    values = [[found[i][s].estimate.values for s in models] for i in range(len(given))]
    evaluations = np.array([[found[i][s].evaluated for s in models] for i in range(len(given))])
    return values, {
        "cpu_seconds": spent / evaluations.size,
        "evaluations": float(evaluations.mean()),
    }


def beside(
    models: dict[str, Classifier],
    given: Sequence[Game],
    truth: Values,
    document: dict[str, Any],
    default: Values,
    spent: Sequence[int],
    n_shapleig: int,
) -> tuple[dict[str, Any], dict[str, Values]]:
    """What `document` has of OddSHAP and ShaplEIG, and OddSHAP's values at equal evaluations."""
    if reason := missing():
        return {"oddshap": {"missing": reason}, "shapleig": {"missing": reason}}, {}
    values, cost = pooled(models, given, lambda i: oddshap(given[i].size, spent[i]))
    odd: dict[str, Any] = cost | accuracy(values, truth) | {"budgets": {}}
    for budget in BUDGETS:
        found, cost = pooled(
            models, given, lambda i, b=budget: oddshap(given[i].size, b * given[i].size)
        )
        odd["budgets"][str(budget)] = cost | accuracy(found, truth)
    theirs, own = list(odd["budgets"].values()), list(document["budgets"].values())
    reached = document["default"]
    odd["equal_evaluations"] = {
        "evaluations": odd["evaluations"],
        "mae": odd["mae"],
        "default_mae": reached["mae"],
    }
    odd["equal_seconds"] = {
        "cpu_seconds": reached["cpu_seconds"],
        "mae": at(theirs, "cpu_seconds", reached["cpu_seconds"], "mae"),
        "default_mae": reached["mae"],
    }
    odd["equal_error"] = {
        "mae": reached["mae"],
        "evaluations": at(theirs, "mae", reached["mae"], "evaluations"),
        "cpu_seconds": at(theirs, "mae", reached["mae"], "cpu_seconds"),
        "default_evaluations": reached["evaluations"],
        "default_cpu_seconds": reached["cpu_seconds"],
        "fixed_budget_evaluations": at(own, "mae", reached["mae"], "evaluations"),
    }
    return {
        "oddshap": odd,
        "shapleig": of_shapleig(models["balanced"], given, truth, default, spent, n_shapleig),
    }, {"oddshap": values}


def of_shapleig(
    model: Classifier,
    given: Sequence[Game],
    truth: Values,
    default: Values,
    spent: Sequence[int],
    n: int,
) -> dict[str, Any]:
    """ShaplEIG on n texts of those that are not too short for it, from short to long."""
    order = np.argsort([g.size for g in given], kind="stable")
    order = [i for i in order if spent[i] > given[i].size + 1 and 2 ** given[i].size > spent[i]]
    chosen = [
        int(i) for i in np.array(order)[np.linspace(0, len(order) - 1, n).round().astype(int)]
    ]
    if not chosen:
        return {"missing": "not measured: no text was asked for"}
    with cpu_seconds() as seconds:
        found = [shapleig(model, given[i], spent[i]) for i in chosen]
        cost = seconds()
    theirs, own, expected = (
        np.concatenate([v.ravel() for v in x])
        for x in (
            [values for values, _ in found],
            [default[i][0] for i in chosen],
            [truth[i][0] for i in chosen],
        )
    )
    return {
        "texts": len(chosen),
        "models": 1,
        "tokens": [given[i].size for i in chosen],
        "cpu_seconds": cost / len(chosen),
        "evaluations": float(np.mean([asked for _, asked in found])),
        "evaluations_of_a_class": float(np.mean([spent[i] for i in chosen])),
        "correlation": float(pearsonr(theirs, expected).statistic),
        "mae": float(1000 * np.abs(theirs - expected).mean()),
        "default_mae": float(1000 * np.abs(own - expected).mean()),
    }
