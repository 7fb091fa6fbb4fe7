"""Workbooks of Excel (.xlsx, .xlsb, .xls) and OpenDocument (.ods): one of their sheets."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.errors import InputError
from core.sources import columnar
from core.sources.kept import Room, kept
from core.sources.source import Options
from core.sources.table import NoRowsError, Table, distinct
from core.storage import memory

_CELL = 64  # bytes that a cell takes at least


def read(path: Path, options: Options, name: str) -> Table:
    """A sheet of a workbook: the one that is named, else the first that has rows.

    Whole numbers are whole (Excel knows no others than 3.0), dates are text, an empty cell is
    missing.

    Raises:
        InputError: there is no such sheet, no rows, or it does not read.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    _check_room(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if options.sheet is not None and options.sheet not in names:
            raise InputError(
                f"{name} has no sheet {options.sheet!r}; it has: {', '.join(names)}. Name one of "
                "these."
            )
        filled = []
        for sheet in names if options.sheet is None else [options.sheet]:
            rows = _rows(book, sheet)
            if len(rows) > 1 or (rows and options.header is False):
                filled.append((sheet, rows))
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(
            f"{name} does not read as a workbook ({error}); write it anew, or save the sheet as "
            "CSV."
        ) from error
    if not filled:
        raise NoRowsError(f"{name} has no sheet with a header and rows. Name a file that has rows.")
    sheet, rows = filled[0]
    table, notes = _table(rows, options)
    copy = kept(path, f"sheet {sheet} {options.header}", ".parquet",
                lambda target: columnar.write_rows(table, target))  # fmt: skip
    found = columnar.read_parquet(copy, name)
    if others := [other for other, _ in filled[1:]]:
        notes.append(f"sheet {sheet!r} was read; others with rows: {', '.join(others)}")
    return replace(found, read_as=f"workbook, sheet {sheet!r}", notes=tuple(notes))


def _check_room(path: Path) -> None:
    """Refuse a workbook whose parts unpack to more than there is room for."""
    if zipfile.is_zipfile(path):
        room = Room(path)
        with zipfile.ZipFile(path) as parts:
            for part in parts.infolist():
                room.take(memory.COPIES * part.file_size)


def _rows(book: Any, sheet: str) -> list[list[Any]]:
    """Rows of a sheet that have a value."""
    found = book.get_sheet_by_name(sheet).to_python(skip_empty_area=True)
    return [row for row in found if any(value != "" for value in row)]


def _table(rows: list[list[Any]], options: Options) -> tuple[pa.Table, list[str]]:
    first, rest = rows[0], rows[1:]
    if options.header is False:
        first, rest = [f"column {i + 1}" for i in range(len(first))], rows
    names, notes = distinct(_text(value) or "" for value in first)
    columns = list(zip(*rest, strict=True))
    arrays = [_column(values) for values in columns]
    return pa.table(arrays, names=names), notes


def _column(values: Sequence[Any]) -> pa.Array:
    present = [v for v in values if v != ""]
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in present)
    if present and numbers:
        kind = pa.int64() if all(float(v).is_integer() for v in present) else pa.float64()
        small = all(abs(v) < 2**53 for v in present)
        if small or kind == pa.float64():
            own = int if kind == pa.int64() else float
            return pa.array([None if v == "" else own(v) for v in values], kind)
    if present and all(isinstance(v, bool) for v in present):
        return pa.array([None if v == "" else v for v in values], pa.bool_())
    return pa.array([_text(v) for v in values], pa.string())


def _text(value: Any) -> str | None:
    """A cell as text, as its workbook shows it."""
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        day = value.time() == datetime.time()
        return value.date().isoformat() if day else value.isoformat(sep=" ")
    return str(value)
