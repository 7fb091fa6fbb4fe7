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
    """How its files are read."""
    return Options(**asked["options"])


def mapped(asked: Mapping[str, Any], report: Progress | None = None) -> Mapped:
    """The corpus that is asked for.

    Raises:
        InputError: it does not read, or what is asked is no corpus.
    """
    source, options, choices = (asked.get(name) for name in ("source", "options", "choices"))
    if (
        not isinstance(source, str)
        or not isinstance(options, dict)
        or not isinstance(choices, dict)
    ):
        raise InputError(f"a corpus is asked for by {sorted(asked)}; ask for it anew.")
    known = {f.name for f in fields(Choices)} | {f.name for f in fields(Options)}
    if unknown := (set(options) | set(choices)) - known:
        raise InputError(f"a corpus is asked for with {sorted(unknown)}; ask for it anew.")
    for name in ("labels", "languages", "left_out"):
        if isinstance(choices.get(name), list):  # as JSON has a tuple
            choices = {**choices, name: tuple(choices[name])}
    decided = Choices(**choices)
    with reading.reading(find.said(source), "write it as a table with text, label and language"):
        found = find.source(source, Options(**options), decided.languages)
        return find.mapped(found, decided, report)
