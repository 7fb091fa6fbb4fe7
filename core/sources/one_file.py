"""One file: what it is, by its content first and its ending second, and its tables."""

from __future__ import annotations

import zipfile
from pathlib import Path

from core.errors import InputError
from core.sources import columnar, delimited, json_files
from core.sources.kept import check_regular
from core.sources.source import Options
from core.sources.table import NoRowsError, Table
from core.sources.text import open_text
from core.storage import reading

MEND = "write it anew, as CSV, TSV, JSON Lines, Parquet or Excel"
_JSON = (".json", ".jsonl", ".ndjson", ".jl")


def tables(path: Path, options: Options, *, name: str = "") -> list[Table]:
    """The tables of a file that is not compressed.

    Args:
        name: of the file in errors; by default its path.

    Raises:
        InputError: it is no table, has no row, or does not read.
    """
    name = name or str(path)
    try:
        with reading.reading(name, MEND):
            return _tables(path, options, name)
    except InputError as error:
        if str(path) == name:
            raise
        raise type(error)(str(error).replace(str(path), name)) from error


def _tables(path: Path, options: Options, name: str) -> list[Table]:
    check_regular(path)
    with path.open("rb") as file:
        start = file.read(8)
    ending = path.suffix.lower()
    if not start:
        raise NoRowsError(f"{name} is empty; expected a table. Name a file that has rows.")
    if start.startswith(b"PAR1") or ending in (".parquet", ".pq"):
        return [columnar.read_parquet(path, name)]
    if start.startswith((b"ARROW1", b"\xff\xff\xff\xff")) or ending in (".arrow", ".feather"):
        return [columnar.read_arrow(path, name)]
    if _is_workbook(path, start):
        from core.sources import workbook  # takes a library that most do not need

        return [workbook.read(path, options, name)]
    text = open_text(path, options)
    if ending in _JSON or json_files.is_json(text.data):
        return json_files.read(path, text, name)
    return [delimited.read(path, text, options, name)]


def _is_workbook(path: Path, start: bytes) -> bool:
    """Whether it is Excel's or OpenDocument's: the old format, or a zip with their parts."""
    if start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return True
    if not start.startswith(b"PK"):
        return False
    with zipfile.ZipFile(path) as parts:
        names = set(parts.namelist())
    return bool(names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"})
