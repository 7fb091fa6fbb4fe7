"""Named sets of a study's test rows, that every page can be narrowed to: a file a slice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from core.checkpoints.studies import Started
from core.errors import InputError
from core.storage import atomic, places, reading

_MEND = "delete it, and choose its texts again"
LONGEST = 60  # characters of a name: it stands in a select box


@dataclass(frozen=True)
class Slice:
    """A named set of test rows of a study.

    Attributes:
        name: unique in the study.
        how: how they were chosen, in words.
        rows: ids of test rows; one or more.
        by_predictions: whether they were chosen by what models of the study predict: then what
            these models do on them is no finding about them.
    """

    name: str
    how: str
    rows: tuple[str, ...]
    by_predictions: bool


def names(study: Started) -> list[str]:
    """Names of a study's slices, in their order."""
    return sorted(unquote(path.stem) for path in _folder(study).glob("*.json"))


def read(study: Started, name: str) -> Slice:
    """A slice by its name.

    Raises:
        InputError: there is none, or its file does not read.
    """
    path = _path(study, name)
    if not places.exists(path):
        raise InputError(
            f"study {study.name} has no slice {name!r:.80}; it has "
            f"{', '.join(names(study)) or 'none'}. Choose one of them, or save it again."
        )
    with reading.reading(path, _MEND):
        found = reading.json_object(path, _MEND)
        rows = found["rows"]
        if not rows or not all(isinstance(row, str) for row in rows):
            raise ValueError("it has no rows")
        how, by_predictions = found["how"], found["by_predictions"]
        if not isinstance(how, str) or not isinstance(by_predictions, bool):
            raise ValueError("how it was chosen is missing")
    return Slice(name, how, tuple(rows), by_predictions)


def write(study: Started, made: Slice) -> None:
    """Keep a slice, in place of one of the same name.

    Raises:
        InputError: the name is empty or too long, or it has no rows.
    """
    if not made.name.strip() or len(made.name) > LONGEST:
        raise InputError(
            f"a slice needs a name of 1 to {LONGEST} characters; found {len(made.name)}. Type "
            "another one."
        )
    if not made.rows:
        raise InputError("a slice needs one text or more; found none. Choose some texts first.")
    path = _path(study, made.name)
    path.parent.mkdir(exist_ok=True)
    document = {"how": made.how, "by_predictions": made.by_predictions, "rows": list(made.rows)}
    atomic.write_text(path, json.dumps(document, ensure_ascii=False))


def remove(study: Started, name: str) -> None:
    """Forget a slice; its texts stay."""
    _path(study, name).unlink(missing_ok=True)


def _folder(study: Started) -> Path:
    return study.folder / "slices"


def _path(study: Started, name: str) -> Path:
    # Quoted, so that a name may hold a slash and two names never share a file.
    return _folder(study) / f"{quote(name, safe=' ')}.json"
