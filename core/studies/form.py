"""What is typed into the Train page, as a study."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.studies.study import CHOICES, SPLITS, Study, from_document

TABLE = "the study's own table"  # a design that is given as a table, not by name


def to_study(values: dict[str, Any], given: Study) -> Study:
    """A study from the values of a form.

    Args:
        values: by the names of Study's fields; `seeds`, `labels`, `languages`, `groups` and
            `columns` as texts (see `texts_of`), `training` by the names of Recipe's fields.
        given: the study that filled the form; its table is the design where TABLE is chosen.

    Raises:
        InputError: a text does not read, or a value is wrong.
    """
    document: dict[str, Any] = {k: v for k, v in values.items() if v not in (None, "", {})}
    document["name"] = values["name"].strip()
    document["setups"] = list(values["setups"])
    document["nulls"] = given.nulls
    for name in (*CHOICES, *(f"{split}_rows" for split in SPLITS)):  # what the form may not show
        if name not in values and document.get(name.replace("_rows", "_per_language")) is None:
            document[name] = getattr(given, name)
    document = {k: v for k, v in document.items() if v is not None}
    document["seeds"] = [_number(word) for word in _words(values["seeds"])]
    for name in ("labels", "languages"):
        if name in document:
            document[name] = _words(document[name])
    if "groups" in document:
        document["groups"] = [_words(side) for side in document["groups"].split("|")]
    if "columns" in document:
        document["columns"] = dict(_pair(word) for word in _words(document["columns"]))
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
        "columns": ", ".join(f"{ours}={theirs}" for ours, theirs in study.columns.items()),
    }


def _words(text: str) -> list[str]:
    return [word.strip() for word in re.split(r"[,;]", text) if word.strip()]


def _number(word: str) -> int:
    if not word.isdecimal():
        raise InputError(f"seeds has {word!r}; expected whole numbers such as 0, 1, 2.")
    return int(word)


def _pair(word: str) -> tuple[str, str]:
    ours, equals, theirs = word.partition("=")
    if not (ours and equals and theirs):
        raise InputError(f"columns has {word!r}; expected ours=theirs, such as language=lang.")
    return ours.strip(), theirs.strip()
