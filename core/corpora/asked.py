"""A corpus as a page or a job asks for it: source, options and choices as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from core.corpora import find
from core.corpora.choices import Choices, Mapped
from core.errors import InputError
from core.progress import Progress
from core.sources.source import Options
from core.storage import reading


def document(source: str, options: Options, choices: Choices) -> dict[str, Any]:
    """What `mapped` reads."""
    return {"source": source, "options": asdict(options), "choices": asdict(choices)}


def options(asked: Mapping[str, Any]) -> Options:
    """How its files are read.

    Raises:
        InputError: what is asked is no corpus.
    """
    return Options(**_given(asked, "options", Options))


def choices(asked: Mapping[str, Any]) -> Choices:
    """What is decided of it; errors as of `options`."""
    given = _given(asked, "choices", Choices)
    for name in ("labels", "languages", "left_out"):
        if isinstance(given.get(name), list):  # as JSON has a tuple
            given[name] = tuple(given[name])
    return Choices(**given)


def mapped(asked: Mapping[str, Any], report: Progress | None = None) -> Mapped:
    """The corpus that is asked for.

    Raises:
        InputError: it does not read, or what is asked is no corpus.
    """
    decided, name = choices(asked), asked.get("source")
    if not isinstance(name, str):
        raise InputError(f"a corpus is asked for by the name {name!r:.60}; ask for it anew.")
    with reading.reading(find.said(name), "write it as a table with text, label and language"):
        return find.mapped(find.source(name, options(asked), decided.languages), decided, report)


def _given(
    asked: Mapping[str, Any], part: str, kind: type[Options] | type[Choices]
) -> dict[str, Any]:
    values = asked.get(part)
    known = {field.name for field in fields(kind)}
    if not isinstance(values, dict) or set(values) - known:
        raise InputError(f"{part} of a corpus are {values!r:.80}; ask for it anew.")
    return dict(values)
