"""Whether an encoder, or a classifier from elsewhere, can be used: said before a weight is read.

Everything that is wrong is found, not the first thing only. What is looked at: config.json, the
names in the safetensors files, the tokenizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import Recipe
from core.errors import InputError
from core.models import hub, kinds
from core.storage import reading


@dataclass(frozen=True)
class Problem:
    """What is wrong with one thing that is asked for.

    Attributes:
        field: key of the study or of its recipe; empty where it is none of them.
        text: what was wrong, what was found, what to do, with keys named as in a study's file.
    """

    field: str
    text: str


def encoder_problems(name: str, recipe: Recipe) -> tuple[list[Problem], list[str]]:
    """What keeps an encoder from being trained by a recipe, and what a user should know of it.

    Args:
        name: as in a study; what the hub has is downloaded.
    """
    if name == hub.TINY:
        return _of_recipe(name, kinds.TINY, recipe, int(kinds.TINY["max_position_embeddings"])), []
    try:
        folder = hub.locate(name)[0]
        found = kinds.settings(folder)
        kind = kinds.check(name, found)
    except InputError as error:
        return [Problem("encoder", str(error))], []
    problems: list[Problem] = []
    notes: list[str] = []
    try:
        check_weights(folder)
        if recipe.pooling == "released" and found["model_type"] == "bert":
            problems += _of_pooler(name, folder)
    except InputError as error:
        problems.append(Problem("encoder", str(error)))
    limit = None
    try:
        tokenizer = check_tokenizer(folder, f"encoder {name!r}")
    except InputError as error:
        problems.append(Problem("encoder", str(error)))
    else:
        limit = tokenizer.model_max_length
        problems += _of_prefix(tokenizer, recipe)
        algorithm = type(tokenizer.backend_tokenizer.model).__name__
        if recipe.trim and algorithm not in TRIMMABLE:
            notes.append(
                f"the vocabulary of {name} stays whole, as with trim = false: its tokenizer "
                f"({algorithm}) would split texts otherwise if tokens were cut."
            )
    if recipe.frozen_layers and not kind.lean:
        notes.append(
            f"what the frozen layers of a {found['model_type']} give is computed in each run anew."
        )
    return problems + _of_recipe(name, found, recipe, limit), notes


def check_classifier(folder: Path, max_length: int) -> None:
    """Refuse a classifier from elsewhere that cannot be evaluated.

    Args:
        max_length: tokens a text, as asked for by `--max-length`.

    Raises:
        InputError: it is a decoder, transformers does not know its kind, or its tokenizer lacks
            what is needed; all that was found.
    """
    found = kinds.settings(folder)
    kind = str(found.get("model_type", "none"))
    from transformers import CONFIG_MAPPING
    from transformers.models.auto import modeling_auto

    if kind not in CONFIG_MAPPING:
        raise InputError(
            f"{folder} holds a model of type {kind!r}, which transformers does not have itself; "
            "LangSkew runs no code that comes with a model. Use a model of another architecture."
        )
    problems = []
    masked, causal = (
        kind in getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING_NAMES")
        for task in ("MASKED_LM", "CAUSAL_LM")
    )
    if (causal and not masked) or found.get("is_decoder") or found.get("is_encoder_decoder"):
        problems.append(
            f"{folder} holds a decoder ({kind}), whose first token sees no other and which knows "
            "no masked input; use a classifier on an encoder, such as BERT or XLM-R."
        )
    try:
        tokenizer = check_tokenizer(folder, str(folder))
    except InputError as error:
        problems.append(str(error))
    else:
        limit = _positions(found)
        if limit and min(max_length, tokenizer.model_max_length) > limit:
            problems.append(
                f"--max-length is {max_length}; the model in {folder} has {limit} positions. The "
                f"largest --max-length that works is {limit}."
            )
    if problems:
        raise InputError(listed(problems))


def listed(problems: list[str]) -> str:
    """Problems as the text of one refusal: a single one as it is, several a line each."""
    if len(problems) == 1:
        return problems[0]
    lines = [f"{i}. {text}" for i, text in enumerate(problems, 1)]
    return "\n".join([f"{len(problems)} things stand in the way:", *lines])


def check_weights(folder: Path) -> None:
    """Refuse a folder that is not a model in transformers' layout with safetensors.

    Raises:
        InputError: names what is missing.
    """
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} has no config.json; expected a model in transformers' layout.")
    if not list(folder.glob("*.safetensors")):
        raise InputError(
            f"{folder} has no .safetensors weights; save the model with save_pretrained() of a "
            "current transformers."
        )


def check_tokenizer(folder: Path, what: str) -> Any:
    """The fast tokenizer of a folder.

    Args:
        what: whose it is, for the message.

    Raises:
        InputError: there is none, or it lacks a token that is needed.
    """
    from transformers import AutoTokenizer

    from core.models.tokens import around

    save = "save it with save_pretrained() of a current transformers"
    try:
        with reading.reading(folder, save):
            tokenizer: Any = AutoTokenizer.from_pretrained(
                folder, use_fast=True, trust_remote_code=False
            )
    except ImportError as error:  # a slow tokenizer that would have to be converted
        raise InputError(f"{what} has no fast tokenizer (tokenizer.json); {save}.") from error
    # Without a file of it, transformers makes one that knows special tokens alone.
    empty = len(tokenizer) <= len(tokenizer.all_special_ids)
    if empty or not getattr(tokenizer, "is_fast", False):
        raise InputError(f"{what} has no fast tokenizer (tokenizer.json) in {folder}; {save}.")
    uses = {"mask": "base values and attributions need", "pad": "texts of different length need"}
    lacking = [
        f"no {name}{'ding' if name == 'pad' else ''} token, which {use}"
        for name, use in uses.items()
        if getattr(tokenizer, f"{name}_token_id") is None
    ]
    if not around(tokenizer)[0]:
        lacking.append("no token before a text, whose vector is classified")
    if lacking:
        raise InputError(
            f"{what} has a tokenizer with {'; and '.join(lacking)}. Choose an encoder pretrained "
            "with masking, such as a BERT."
        )
    return tokenizer


# Algorithms of tokenizers by which a vocabulary can be cut without changing how texts are split.
TRIMMABLE = ("Unigram", "WordPiece")


def _positions(found: Mapping[str, Any]) -> int | None:
    try:
        return kinds.positions(found)
    except (TypeError, ValueError):  # loading the model says what is wrong
        return None


def _of_recipe(
    name: str, found: Mapping[str, Any], recipe: Recipe, limit: int | None
) -> list[Problem]:
    """What of a recipe an encoder cannot do.

    Args:
        found: its config.json.
        limit: tokens that its tokenizer lets a text have, where it says.
    """
    problems = []
    known = [n for n in (_positions(found), limit) if n is not None]
    most = min(known, default=recipe.max_length)
    if recipe.max_length > most:
        problems.append(
            Problem(
                "max_length",
                f"max_length is {recipe.max_length}; encoder {name!r} has {most} positions. The "
                f"largest max_length that works is {most}.",
            )
        )
    shape = kinds.shape(found)
    if shape and recipe.frozen_layers >= shape.layers:
        problems.append(
            Problem(
                "frozen_layers",
                f"frozen_layers is {recipe.frozen_layers}; {name} has {shape.layers} layers, of "
                "which at least one must be trained. The largest frozen_layers that works is "
                f"{shape.layers - 1}.",
            )
        )
    return problems


def _of_prefix(tokenizer: Any, recipe: Recipe) -> list[Problem]:
    """Whether the prefix leaves room for a text."""
    from core.models.tokens import tokenise

    if not recipe.prefix:
        return []
    [alone] = tokenise(tokenizer, [""], None, 8192, recipe.prefix)
    if len(alone.ids) < recipe.max_length:
        return []
    text = (
        f"prefix {recipe.prefix!r} has {len(alone.ids)} tokens with the special ones and "
        f"max_length is {recipe.max_length}, so that nothing is left of a text. The smallest "
        f"max_length that works is {len(alone.ids) + 1}."
    )
    return [Problem("prefix", text)]


def _of_pooler(name: str, folder: Path) -> list[Problem]:
    """Whether a BERT has the pooling layer that pooling = released reads."""
    from safetensors import safe_open

    names: set[str] = set()
    for path in sorted(folder.glob("*.safetensors")):
        with reading.reading(path, "save the model again"), safe_open(path, "pt") as file:
            names.update(file.keys())
    if any("pooler" in weight for weight in names):
        return []
    return [Problem("pooling", no_pooler(name))]


def no_pooler(name: str) -> str:
    """That an encoder cannot be read as the released code does."""
    return (
        f"encoder {name!r} has no pretrained pooling layer, which pooling = 'released' reads; "
        "choose pooling = 'paper', or another encoder."
    )
