"""JSON Lines, and JSON in the forms that tables are written in: which it is, the content says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.sources import columnar, json_rows
from core.sources.kept import kept
from core.sources.names import language_of, split_of
from core.sources.table import NoRowsError, NoTableError, Table
from core.sources.text import Text
from core.storage import memory

_BLOCK = 1 << 20
_LINES = 500  # that are decoded at once
_FORMS = 'write one object a line, a list of objects, or an object of lists ({"train": [...]})'


def is_json(data: np.ndarray) -> bool:
    """Whether a text begins as an object or a list of JSON does."""
    head = data[:4096].tobytes().lstrip()
    if head[:1] not in (b"{", b"["):
        return False
    line = head.partition(b"\n")[0]
    return line.rstrip() in (b"{", b"[") or b'"' in line or line.startswith((b"[{", b"[["))


def read(path: Path, text: Text, name: str) -> list[Table]:
    """The tables of a file of JSON: one, or one a split or language where its keys name these.

    Raises:
        InputError: it is empty, no JSON, or holds no table.
    """
    first = _first_line(text.data)
    if first is None:
        raise NoRowsError(f"{name} is empty: it has blank lines alone. Name a file that has rows.")
    if isinstance(first, dict) and not (_is_only_line(text.data) and _tables(first, name)):
        return [
            _written(
                path,
                text,
                "lines",
                lambda exact: _lines(text.data, name, exact),
                "JSON Lines",
                name,
            )
        ]
    memory.check_texts(text.path)
    document = _whole(text.data, name)
    if not (tables := _tables(document, name)):
        kind = "an object" if isinstance(document, dict) else "a list or a value"
        raise NoTableError(f"{name} is JSON, but no table: it holds {kind}; {_FORMS}.")
    said = "JSON"
    found = []
    for key, rows in tables.items():
        table = _written(path, text, f"key {key}", lambda _, rows=rows: iter(rows), said, name)  # type: ignore[misc]
        keyed = key is not None and len(tables) > 1
        split, language = split_of(key or ""), language_of(key or "")
        found.append(
            replace(table, split=split, language="" if split else language if keyed else "",
                    read_as=said + (f", key {key!r}" if key is not None else ""))
        )  # fmt: skip
    return found


def _written(
    path: Path, text: Text, what: str, rows: Callable[[bool], json_rows.Rows], said: str, name: str
) -> Table:
    copy = kept(path, f"JSON {what} {text.encoding}", ".parquet",
                lambda target: json_rows.write(rows, target, name))  # fmt: skip
    table = columnar.read_parquet(copy, name)
    encoding = f", {text.encoding}" if text.encoding else ""
    return replace(table, read_as=said + encoding)


def _first_line(data: np.ndarray) -> Any:
    """What the first line that is not blank holds; None: there is none, False: it is no JSON."""
    for _, line in _split_lines(data):
        if line.strip():
            try:
                return _decoded(line, exact=False)
            except (ValueError, RecursionError):
                return False
    return None


def _is_only_line(data: np.ndarray) -> bool:
    seen = 0
    for _, line in _split_lines(data):
        seen += bool(line.strip())
        if seen > 1:
            return False
    return True


def _split_lines(data: np.ndarray) -> Iterator[tuple[int, bytes]]:
    left, number = b"", 0
    for start in range(0, len(data), _BLOCK):
        *whole, left = (left + data[start : start + _BLOCK].tobytes()).split(b"\n")
        for line in whole:
            number += 1
            yield number, line
    yield number + 1, left


def _lines(data: np.ndarray, name: str, exact: bool) -> Iterator[dict[str, Any]]:
    """The objects of JSON Lines, some hundreds of lines decoded at once where that is the same."""
    lines = ((number, line) for number, line in _split_lines(data) if line.strip())
    while batch := list(islice(lines, _LINES)):
        whole = all(line.strip()[:1] == b"{" and line.strip()[-1:] == b"}" for _, line in batch)
        if whole and not exact:
            try:
                joined = b",".join(line for _, line in batch).decode()
                rows = json_rows.decode(f"[{joined}]", exact=False)
            except (ValueError, RecursionError):
                rows = []
            if len(rows) == len(batch) and all(type(row) is dict for row in rows):
                yield from rows
                continue
        yield from (_row(number, line, name, exact) for number, line in batch)


def _row(number: int, line: bytes, name: str, exact: bool) -> dict[str, Any]:
    try:
        row = _decoded(line, exact)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name}, line {number} is not JSON: {error}; write one object a line."
        ) from error
    if not isinstance(row, dict):
        raise InputError(
            f"{name}, line {number}: expected one JSON object a line, found "
            f"{type(row).__name__}; write one object a line."
        )
    return row


def _decoded(content: bytes, exact: bool) -> Any:
    """What JSON says; with numbers as they are written where they have thousands of digits."""
    text = content.decode()
    try:
        return json_rows.decode(text, exact=exact)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json_rows.decode(text, exact=True)


def _whole(data: np.ndarray, name: str) -> Any:
    try:
        return _decoded(data.tobytes(), exact=True)
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if hasattr(error, "lineno") else ""
        raise InputError(f"{name}{line} is not JSON: {error}; {_FORMS}.") from error


def _tables(document: Any, name: str) -> dict[str | None, list[dict[str, Any]]]:
    """The tables of a document by their key; none where it is no table."""
    if isinstance(document, list):
        rows = _rows_of_list(document)
        return {None: rows} if rows else {}
    if not isinstance(document, dict) or not document:
        return {}
    if _is_split_form(document):
        columns = list(map(str, document["columns"]))
        return {None: [dict(zip(columns, row, strict=True)) for row in document["data"]]}
    lists = {k: rows for k, v in document.items()
             if isinstance(v, list) and (rows := _rows_of_list(v))}  # fmt: skip
    if lists:
        if len(lists) > 1 and not (
            all(split_of(k) for k in lists) or all(language_of(k) for k in lists)
        ):
            raise InputError(
                f"{name} holds several tables ({', '.join(lists)}), and it is not known which is "
                "meant. Write each as a file of its own, or name keys after splits or languages."
            )
        return dict(lists)
    columns_ = _columns(document)
    if columns_:
        return {None: columns_}
    nested = {k: t[None] for k, v in document.items()
              if isinstance(v, dict) and set(t := _tables(v, name)) == {None}}  # fmt: skip
    if len(nested) == len(document) and all(split_of(k) or language_of(k) for k in nested):
        return dict(nested)
    values = list(document.values())
    if len(values) > 1 and all(isinstance(v, dict) and len(v) > 1 for v in values):
        return {None: values}  # rows by their ids
    return {}


def _rows_of_list(values: list[Any]) -> list[dict[str, Any]]:
    """Rows of a list of objects, or of a list of lists with the names in the first."""
    if not values:
        return []
    if all(isinstance(v, dict) for v in values) and any(values):
        return values
    if all(isinstance(v, list) and len(v) == len(values[0]) for v in values) and len(values) > 1:
        names = values[0]
        if names and all(isinstance(n, str) for n in names) and len(set(names)) == len(names):
            return [dict(zip(names, row, strict=True)) for row in values[1:]]
    return []


def _is_split_form(document: Mapping[str, Any]) -> bool:
    """Whether pandas wrote it with names and rows apart (`orient="split"`)."""
    columns, rows = document.get("columns"), document.get("data")
    return (
        isinstance(columns, list)
        and isinstance(rows, list)
        and all(isinstance(c, (str, int)) for c in columns)
        and all(isinstance(row, list) and len(row) == len(columns) for row in rows)
        and len(rows) > 0
    )


def _columns(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of an object of columns: lists of one length, or objects with the same row numbers."""
    values = list(document.values())
    if all(isinstance(v, list) and len(v) == len(values[0]) for v in values) and values[0]:
        if len(values) < 2:
            return []
        return [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
    if all(isinstance(v, dict) for v in values) and values[0]:
        numbers = list(values[0])
        if all(n.isdigit() for n in numbers) and all(list(v) == numbers for v in values):
            return [{name: v[n] for name, v in document.items()} for n in numbers]
    return []
