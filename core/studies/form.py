"""What is typed into the Train page, as a study."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.config import Recipe
from core.errors import InputError
from core.studies.study import CHOICES, SPLITS, Study, from_document

TABLE = "the study's own table"  # a design that is given as a table, not by name
LABELS = {
    "design": "Design of the imbalanced setups",
    "balanced": "Design of the balanced setups",
    "test": "Test set",
    "strength": "Strength of the skew",
    "external": "External corpus",
}
_KEYS = re.compile(
    "|".join(rf"\b{f.name}\b" for f in (*fields(Study), *fields(Recipe)) if "_" in f.name)
)


def to_study(values: dict[str, Any], given: Study) -> Study:
    """A study from the values of a form.

    Args:
        values: by the names of Study's fields; `seeds`, `labels`, `languages`, `groups` and both
            kinds of columns as texts (see `texts_of`), `training` by the names of Recipe's fields.
        given: the study that filled the form; its table is the design where TABLE is chosen.

    Raises:
        InputError: a text does not read, or a value is wrong.
    """
    document: dict[str, Any] = {k: v for k, v in values.items() if v not in (None, "", {})}
    document["name"] = values["name"].strip()
    document["setups"] = list(values["setups"])
    document["nulls"] = given.nulls
    hidden = (*CHOICES, "strength", *(f"{split}_rows" for split in SPLITS))
    for name in hidden:  # what the form may not show
        if name not in values and document.get(name.replace("_rows", "_per_language")) is None:
            document[name] = getattr(given, name)
    document = {k: v for k, v in document.items() if v is not None}
    document["seeds"] = [_number(word) for word in _words(values["seeds"])]
    for name in ("labels", "languages"):
        if name in document:
            document[name] = _words(document[name])
    if "groups" in document:
        document["groups"] = [_words(side) for side in document["groups"].split("|")]
    for name in ("columns", "external_columns"):
        if name in document:
            document[name] = dict(_pair(name, word) for word in _words(document[name]))
    if document["design"] == TABLE:
        document["design"] = given.design
    return from_document(document, Path.cwd() / f"{document['name'] or 'study'}.toml")


def texts_of(study: Study) -> dict[str, str]:
    """The fields of a study that a form shows as texts."""
    return {
        "seeds": ", ".join(map(str, study.seeds)),
        "labels": ", ".join(study.labels or ()),
        "languages": ", ".join(study.languages or ()),
        "groups": " | ".join(", ".join(side) for side in study.groups or ()),
        "columns": _as_text(study.columns),
        "external_columns": _as_text(study.external_columns),
    }


def _as_text(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{ours}={theirs}" for ours, theirs in columns.items())


def label(name: str) -> str:
    """What the form calls a field of a study or of its recipe."""
    if name.endswith("_per_language"):
        return f"Rows a language, {name.removesuffix('_per_language')}"
    if name.endswith("_rows"):
        return f"Rows in all, {name.removesuffix('_rows')}"
    return LABELS.get(name, name.replace("_", " ").capitalize())


def in_words(text: str) -> str:
    """A sentence about a study, with its keys as the form calls them.

    Keys of one word, such as encoder, are words of the sentence as they are.
    """
    return _KEYS.sub(lambda found: label(found[0]), text)


def _words(text: str) -> list[str]:
    return [word.strip() for word in re.split(r"[,;]", text) if word.strip()]


def _number(word: str) -> int:
    if not word.isdecimal():
        raise InputError(f"seeds has {word!r}; expected whole numbers such as 0, 1, 2.")
    return int(word)


def _pair(name: str, word: str) -> tuple[str, str]:
    ours, equals, theirs = word.partition("=")
    if not (ours and equals and theirs):
        raise InputError(f"{name} has {word!r}; expected ours=theirs, such as language=lang.")
    return ours.strip(), theirs.strip()
