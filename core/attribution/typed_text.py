"""Texts that somebody typed: what runs predict of them, and what each token does to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.attribution.explain import BUDGETS, DEFAULT, TOLERANCE, explain
from core.attribution.game import Game, games
from core.attribution.result import Attribution, Sentence, TypedRun, TypedText, TypedTexts
from core.checkpoints import run_folders
from core.config import RunConfig
from core.corpora import identify
from core.errors import InputError
from core.models.classifier import Classifier, best_device
from core.models.imported import open_model
from core.models.prediction import predict
from core.models.tokens import Tokens, tokenise
from core.models.vocabulary import count_unknown
from core.progress import Progress

LONGEST = 4000  # characters
MOST = 24  # texts that are read at once
_WHOLE = 10**6  # tokens; no text of so few characters has as many


def read_sentences(
    run_ids: Sequence[str],
    sentences: Sequence[Sentence],
    report: Progress,
    *,
    attributed: bool = False,
) -> TypedTexts:
    """Predictions, and on demand attributions, of texts or pairs by some runs of a study.

    Args:
        attributed: also what each token does, for which all of the models are in memory at once.

    Raises:
        InputError: an empty text, one that is too long, too many, or a run that is not finished.
    """
    _check(sentences)
    configs: dict[str, RunConfig] = {}
    for run_id in run_ids:
        configs[run_id] = run_folders.read_config(run_id)
        if not run_folders.is_complete(run_id):
            raise InputError(f"run {run_id} is not finished; train it first.")
    found: list[TypedText] = [{"runs": {}} for _ in sentences]
    models: dict[str, Classifier] = {}
    steps = len(run_ids) + (len(sentences) if attributed else 0)
    for number, (run_id, config) in enumerate(configs.items()):
        report("asking the models", number / steps)
        model = open_model(run_folders.folder(run_id) / "model", config)
        model.to(best_device()).eval()
        for text, own in zip(found, _predicted(model, config, sentences), strict=True):
            text["runs"][run_id] = own
        if attributed:
            models[run_id] = model
    for number, (sentence, text) in enumerate(zip(sentences, found, strict=True)):
        if attributed:
            report("attributing", (len(run_ids) + number) / steps)
            _attribute(models, configs, sentence, text)
    report("done", 1.0)
    labels = list(next(iter(configs.values())).labels) if configs else []
    return {"labels": labels, "sentences": found}


def _check(sentences: Sequence[Sentence]) -> None:
    if not 1 <= len(sentences) <= MOST:
        raise InputError(f"{len(sentences)} texts were given; 1 to {MOST} can be read at once.")
    for sentence in sentences:
        for given in (sentence.text, sentence.text_b):
            if given is not None and not given.strip():
                raise InputError("the text is empty; type some words.")
            if given is not None and len(given) > LONGEST:
                raise InputError(
                    f"the text has {len(given)} characters; at most {LONGEST} can be had."
                )


def _predicted(
    model: Classifier, config: RunConfig, sentences: Sequence[Sentence]
) -> list[TypedRun]:
    """What a model says of each text."""
    recipe, tokenizer = config.training, model.tokenizer
    limit = min(recipe.max_length, tokenizer.model_max_length)
    tokens: list[Tokens] = []
    found: list[TypedRun] = []
    for sentence in sentences:
        pairs = None if sentence.text_b is None else [sentence.text_b]
        [read] = tokenise(tokenizer, [sentence.text], pairs, limit, recipe.prefix)
        [whole] = tokenise(tokenizer, [sentence.text], pairs, _WHOLE, recipe.prefix)
        unknown, _ = count_unknown(tokenizer, [sentence.text, *(pairs or [])])
        tokens.append(read)
        found.append({"output": [], "unknown": unknown, "cut": len(whole.ids) > len(read.ids)})
    told = None
    if model.by_language:
        told = [_language(sentence, config) for sentence in sentences]
        for own, language in zip(found, told, strict=True):
            own["language"] = language
    probabilities, _ = predict(model, tokens, languages=told)
    for own, output in zip(found, probabilities, strict=True):
        own["output"] = [float(p) for p in output]
    return found


def _language(sentence: Sentence, config: RunConfig) -> str:
    """The language that a model is told: the one that is said, else as the text looks."""
    if sentence.language in config.languages:
        return str(sentence.language)
    return identify.languages_of([sentence.text], config.languages)[0]


def _attribute(
    models: Mapping[str, Classifier],
    configs: Mapping[str, RunConfig],
    sentence: Sentence,
    text: TypedText,
) -> None:
    """Add what each token of a text does to what the models say of it."""
    # Runs that see the same tokens, and mask them by the same one.
    alike: dict[tuple[Tokens, int], tuple[Game, dict[str, Classifier]]] = {}
    for run_id, model in models.items():
        if model.correction is not None and (language := text["runs"][run_id].get("language")):
            model.correction.speak([language])
        recipe = configs[run_id].training
        pairs = None if sentence.text_b is None else [sentence.text_b]
        [game] = games(model.tokenizer, [sentence.text], pairs, recipe.max_length, recipe.prefix)
        alike.setdefault((game.tokens, game.mask), (game, {}))[1][run_id] = model
    for game, members in alike.values():
        [(_, by_run)] = explain(members, [game])
        for run_id, own in by_run.items():
            _add(text["runs"][run_id], own)


def _add(run: TypedRun, own: Attribution) -> None:
    unit, most = BUDGETS[DEFAULT]
    run["output"] = own.output.tolist()  # what the values add up to, to the last digit
    run["tokens"] = {
        "method": f"{DEFAULT} to a standard error of {TOLERANCE:g}, at most {most} {unit}",
        "tokens": list(own.tokens),
        "words": list(own.words),
        "values": own.values.tolist(),
        "errors": None if own.errors is None else own.errors.tolist(),
        "base": own.base.tolist(),
    }
