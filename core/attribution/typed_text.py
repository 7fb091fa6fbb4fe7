"""One text that somebody typed: what runs predict of it, and what each token does to that."""

from __future__ import annotations

from core.attribution.explain import BUDGETS, DEFAULT, TOLERANCE, explain
from core.attribution.game import Game, games
from core.attribution.result import TypedRun, TypedText
from core.checkpoints import run_folders
from core.config import RunConfig
from core.corpora import identify
from core.errors import InputError
from core.models.classifier import Classifier, best_device
from core.models.imported import open_model
from core.models.tokens import Tokens
from core.models.vocabulary import count_unknown
from core.progress import Progress

LONGEST = 4000  # characters


def explain_sentence(
    run_ids: list[str], text: str, text_b: str | None, report: Progress
) -> TypedText:
    """Predictions and attributions of a text or pair by some runs of a study.

    Raises:
        InputError: an empty text, one that is too long, or a run that is not finished.
    """
    for given in (text, text_b):
        if given is not None and not given.strip():
            raise InputError("the text is empty; type some words.")
        if given is not None and len(given) > LONGEST:
            raise InputError(f"the text has {len(given)} characters; at most {LONGEST} can be had.")
    pairs = [text_b] if text_b is not None else None
    configs: dict[str, RunConfig] = {}
    # Runs that see the same tokens, and mask them by the same one.
    alike: dict[tuple[Tokens, int], tuple[Game, dict[str, Classifier]]] = {}
    unknown: dict[str, int] = {}
    told: dict[str, str] = {}
    for number, run_id in enumerate(run_ids):
        config = configs[run_id] = run_folders.read_config(run_id)
        if not run_folders.is_complete(run_id):
            raise InputError(f"run {run_id} is not finished; train it first.")
        report("loading the models", number / len(run_ids))
        model = open_model(run_folders.folder(run_id) / "model", config)
        model.to(best_device()).eval()
        if model.correction is not None and model.by_language:
            told[run_id] = identify.languages_of([text], config.languages)[0]
            model.correction.speak([told[run_id]])
        recipe = config.training
        [game] = games(model.tokenizer, [text], pairs, recipe.max_length, recipe.prefix)
        alike.setdefault((game.tokens, game.mask), (game, {}))[1][run_id] = model
        unknown[run_id], _ = count_unknown(model.tokenizer, [text, *(pairs or [])])
    found: dict[str, TypedRun] = {}
    for game, models in alike.values():
        report("attributing", len(found) / len(run_ids))
        [(_, by_run)] = explain(models, [game])
        for run_id, own in by_run.items():
            found[run_id] = {
                "tokens": list(own.tokens),
                "words": list(own.words),
                "values": own.values.tolist(),
                "errors": None if own.errors is None else own.errors.tolist(),
                "base": own.base.tolist(),
                "output": own.output.tolist(),
                "unknown": unknown[run_id],
            }
            if run_id in told:
                found[run_id]["language"] = told[run_id]
    report("done", 1.0)
    labels = list(next(iter(configs.values())).labels)
    unit, most = BUDGETS[DEFAULT]
    method = f"{DEFAULT} to a standard error of {TOLERANCE:g}, at most {most} {unit}"
    return {"labels": labels, "method": method, "runs": found}
