"""Tables of several files as one: columns by name, with what the names of the files say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import InputError
from core.sources.source import NAME_FILE, NAME_LANGUAGE, NAME_SPLIT, Part, Source
from core.sources.table import Table, distinct
from core.storage import sql

_SHOWN = 5
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE",
            "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A table, the file that it comes from, and what that file's name says."""

    table: Table
    shown: str
    language: str
    split: str


def join(name: str, pieces: Sequence[Piece], notes: Sequence[str]) -> Source:
    """All rows, in the order of the files.

    Raises:
        InputError: no two files have a column in common.
    """
    pieces, other_notes = _alike(name, pieces)
    several = len(pieces) > 1
    added = [
        *([NAME_LANGUAGE] if any(p.language for p in pieces) else []),
        *([NAME_SPLIT] if any(p.split for p in pieces) else []),
        *([NAME_FILE] if several else []),
    ]
    names = list(dict.fromkeys(c for p in pieces for c in p.table.columns))
    own, renamed = distinct([*added, *names])
    called = dict(zip(names, own[len(added) :], strict=True))
    types = {n: _type([p.table.columns[n] for p in pieces if n in p.table.columns]) for n in names}
    classes = _classes(pieces, names)
    for column in names:
        if column not in classes and any(column in p.table.classes for p in pieces):
            types[column] = "VARCHAR"  # names in place of numbers that mean different ones
    selects = [_select(p, called, types, classes, added) for p in pieces]
    columns = {called[n]: types[n] for n in names} | dict.fromkeys(added, "VARCHAR")
    refused: Counter[str] = Counter()
    for piece in pieces:
        refused.update(piece.table.refused)
    return Source(
        name=name,
        select=" UNION ALL ".join(selects),
        columns=columns,
        parts=tuple(Part(p.shown, p.table.read_as, p.language, p.split) for p in pieces),
        classes={called[n]: c for n, c in classes.items()},
        refused=dict(refused),
        notes=(*notes, *other_notes, *renamed, *_notes(pieces)),
    )


def _alike(name: str, pieces: Sequence[Piece]) -> tuple[list[Piece], list[str]]:
    """The tables with the same columns, by and large, as most have; others are left out."""
    sets = Counter(frozenset(p.table.columns) for p in pieces)
    usual = max(sets, key=lambda s: (sets[s], len(s)))
    kept, notes, others = [], [], []
    for piece in pieces:
        own = set(piece.table.columns)
        if 2 * len(own & usual) >= len(own):
            kept.append(piece)
            if lacking := sorted(usual - own):
                notes.append(f"{piece.shown} has no column {', '.join(lacking)}")
            if more := sorted(own - usual):
                notes.append(f"{piece.shown} has further columns: {', '.join(more)}")
        else:
            others.append(piece)
    if others and len(sets) == len(pieces):
        listed = "; ".join(f"{p.shown}: {', '.join(p.table.columns)}" for p in pieces[:_SHOWN])
        raise InputError(
            f"the files of {name} have different columns ({listed}). Name those that belong "
            "together, or give their columns the same names."
        )
    notes += [f"{p.shown} has other columns and is left out" for p in others]
    return kept, _few(notes)


def _few(notes: list[str]) -> list[str]:
    more = len(notes) - _SHOWN
    return [*notes[:_SHOWN], f"and {more:,} more such files"] if more > 0 else notes


def _type(kinds: Sequence[str]) -> str:
    """A type that all values of a column have: their own, a number, else text."""
    found = set(kinds)
    if len(found) == 1:
        return kinds[0]
    if found <= set(_NUMBERS):
        return "DOUBLE" if found & {"FLOAT", "DOUBLE"} else "HUGEINT"
    return "VARCHAR"


def _classes(pieces: Sequence[Piece], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Classes of the columns for which all files that have the column name the same ones."""
    found = {}
    for name in names:
        own = {p.table.classes.get(name) for p in pieces if name in p.table.columns}
        if len(own) == 1 and (classes := own.pop()) is not None:
            found[name] = classes
    return found


def _select(
    piece: Piece,
    called: dict[str, str],
    types: dict[str, str],
    classes: dict[str, tuple[str, ...]],
    added: Sequence[str],
) -> str:
    shown = []
    for name, as_ in called.items():
        kind, own = types[name], sql.name(name)
        if name not in piece.table.columns:
            value = f"NULL::{kind}"
        elif name in piece.table.classes and name not in classes:
            listed = ", ".join(sql.literal(c) for c in piece.table.classes[name])
            value = f"list_extract([{listed}], {own} + 1)"
        else:
            same = piece.table.columns[name] == kind
            value = own if same else f"{own}::{kind}"
        shown.append(f"{value} AS {sql.name(as_)}")
    said = {NAME_LANGUAGE: piece.language, NAME_SPLIT: piece.split, NAME_FILE: piece.shown}
    shown += [
        f"{sql.literal(said[c]) if said[c] else 'NULL::VARCHAR'} AS {sql.name(c)}" for c in added
    ]
    return f"SELECT {', '.join(shown)} FROM ({piece.table.select})"


def _notes(pieces: Sequence[Piece]) -> list[str]:
    """What is to be said of each file; the same of several once."""
    said: dict[str, list[str]] = {}
    for piece in pieces:
        for note in piece.table.notes:
            said.setdefault(note, []).append(piece.shown)
    found = []
    for note, files in said.items():
        if len(pieces) == 1:
            found.append(note)
        else:
            more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
            found.append(f"{files[0]}{more}: {note}")
    return found
