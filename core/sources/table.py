"""One table of a source: its rows in SQL, and how they were read."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError


class NoRowsError(InputError):
    """A file has no row; in a folder it is left out, and that is said."""


class NoTableError(InputError):
    """A file holds something else than a table; in a folder it is left out, and that is said."""


@dataclass(frozen=True)
class Table:
    """What one file holds.

    Attributes:
        select: SQL that gives its rows in their order.
        columns: name -> DuckDB type.
        read_as: how it was read, for a reader.
        classes, refused, notes: as in `core.sources.source.Source`.
        language, split: where the file itself says so (`{"train": [...]}`), not its name.
        header: whether the first row of delimited text was taken for names.
    """

    select: str
    columns: Mapping[str, str]
    read_as: str
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    language: str = ""
    split: str = ""
    header: bool | None = None


def distinct(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names of columns such that SQL, which does not tell upper from lower case, can tell them.

    Returns:
        The names, in their order, and what was changed, as notes.
    """
    taken: set[str] = set()
    found, notes = [], []
    for place, name in enumerate(names, start=1):
        wanted = name if name.strip() else f"column {place}"
        own, copy = wanted, 1
        while own.casefold() in taken:
            copy += 1
            own = f"{wanted} ({copy})"
        if not name.strip():
            notes.append(f"column {place} has no name and is called {own!r}")
        elif own != name:
            notes.append(f"another column is called {name!r}; the later one is called {own!r}")
        taken.add(own.casefold())
        found.append(own)
    return found, notes


def escaped(path: Path) -> str:
    """A path that SQL takes for no pattern."""
    return glob.escape(str(path.absolute()))
