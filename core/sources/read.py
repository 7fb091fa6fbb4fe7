"""Reading what people have: a file, a folder, an archive, or several of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import InputError
from core.sources import found, layout, one_file, parallel
from core.sources.found import File, Found
from core.sources.header import NAMES
from core.sources.joined import Piece, join
from core.sources.names import of_names
from core.sources.source import Options, Source
from core.sources.table import NoRowsError, NoTableError, Table
from core.storage import reading

_FOUND_OUT = Options()
_SHOWN = 5  # names that a note lists


def read(where: str | Path | Sequence[str | Path], options: Options = _FOUND_OUT) -> Source:
    """The rows of a file, of the tables in a folder or an archive, or of several of these.

    Nothing is read but what tells how to read it; what SQL cannot read is written into the cache
    once. The same files give the same rows in the same order.

    Raises:
        InputError: one is missing, is no table, has no row, does not read, or its lines cannot be
            accounted for.
    """
    several = not isinstance(where, (str, Path))
    asked = [where] if isinstance(where, (str, Path)) else list(where)
    name = ", ".join(map(str, asked))
    if not asked:
        raise InputError("no file is named. Name a file, a folder or an archive.")
    with reading.reading(name[:200], "name a file, a folder or an archive"):
        try:
            paths = [Path(path).expanduser() for path in asked]
        except RuntimeError as error:  # ~nobody
            raise InputError(f"{name[:60]!r} cannot be the name of a file: {error}.") from error
        if len(set(paths)) < len(paths):
            raise InputError(f"{name} names a file twice. Name each once.")
        if not several or len(paths) == 1:
            folder = paths[0]
            if folder.is_dir() and layout.is_hubs(folder):
                tables, notes = layout.read(folder)
                pieces = [Piece(t, f"{folder}/{n}", t.language, t.split) for n, t in tables]
                if not pieces:
                    raise InputError(f"{name} has no rows. Name a data set that has rows.")
                return join(name, pieces, notes)
        return _joined(name, found.find(paths), options)


def _joined(name: str, files: Found, options: Options) -> Source:
    pairs, single = parallel.pairs(files.files)
    notes = _ignored(files.ignored)
    read_: list[tuple[File, Table]] = []
    alone = len(files.files) == 1
    empty, no_tables = [], []
    for file in single:
        try:
            read_ += [(file, t) for t in one_file.tables(file.path, options, name=file.shown)]
        except NoRowsError:
            if alone:
                raise
            empty.append(file.name)
        except NoTableError:
            if alone:
                raise
            no_tables.append(file.name)
    read_, lists = _without_lists(_same_headers(read_, options))
    for text, label in pairs:
        mapping = parallel.mapping_of(text, files.files)
        with reading.reading(text.shown, one_file.MEND):
            read_.append((text, parallel.read(text, label, mapping, options)))
    if not read_:
        raise InputError(
            f"{name}: no file has a table with rows ({', '.join(empty + no_tables)}). Name files "
            "that have rows."
        )
    if empty:
        notes.append(f"no rows, left out: {_listed(empty)}")
    if no_tables + lists:
        notes.append(f"no table, left out: {_listed(no_tables + lists)}")
    order = {file: place for place, file in enumerate(files.files)}
    read_.sort(key=lambda pair: order[pair[0]])
    said = of_names([file.name for file, _ in read_])
    pieces = [
        Piece(table, file.shown, table.language or language, table.split or split)
        for (file, table), (language, split) in zip(read_, said, strict=True)
    ]
    return join(name, pieces, notes)


def _ignored(names: list[str]) -> list[str]:
    return [f"no table, left out: {_listed(names)}"] if names else []


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _same_headers(tables: list[tuple[File, Table]], options: Options) -> list[tuple[File, Table]]:
    """Tables of files of one kind that all have a header, or all none.

    Where some surely have none, a first row that is like no other file's is no header either; nor
    is it where no two files have a name in common.
    """
    if options.header is not None:
        return tables
    found = list(tables)
    kinds: dict[tuple[str, int], list[int]] = {}
    for i, (file, table) in enumerate(found):
        if table.header is not None:
            kinds.setdefault((file.path.suffix.casefold(), len(table.columns)), []).append(i)
    for members in kinds.values():
        named = [i for i in members if found[i][1].header]
        headers = [tuple(found[i][1].columns) for i in named]
        words = {name.strip().casefold() for header in headers for name in header}
        none_shared = len(words) == sum(map(len, headers))
        some_without = len(named) < len(members)
        if named and len(members) > 1 and none_shared and not words & NAMES:
            if not some_without and len(named) < 3:
                continue  # two files of different columns
            for i in named:
                file = found[i][0]
                own = replace(options, header=False)
                found[i] = (file, one_file.tables(file.path, own, name=file.shown)[0])
    return found


def _without_lists(
    tables: list[tuple[File, Table]],
) -> tuple[list[tuple[File, Table]], list[str]]:
    """Without texts of a single column, such as lists of words, where others are tables."""
    wide = [pair for pair in tables if len(pair[1].columns) > 1]
    if not wide:
        return tables, []
    lists = [p for p in tables if len(p[1].columns) == 1 and p[0].name.casefold().endswith(".txt")]
    names = [file.name for file, _ in lists]
    return [pair for pair in tables if pair[0].name not in names], names
