"""Rows of JSON as Parquet, with the types that their values have.

A column of whole numbers stays one, and one of numbers; one of several kinds is text, each value as
it is written. An object within a row becomes columns `name.key`; a list of values of one kind stays
a list. Null and Python's NaN are missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import InputError
from core.sources.table import NoRowsError, distinct

Rows = Iterable[dict[str, Any]]

_BATCH = 20_000
_BIG = 2**63
_OBJECT = "object"
_SIMPLE = {bool: pa.bool_(), int: pa.int64(), str: pa.string()}


class Written(float):
    """A number with what stands in the file."""

    text: str


def _number(text: str) -> Written:
    number = Written(text)
    number.text = text
    return number


def _whole(text: str) -> int | Written:
    if len(text) < 4000 and abs(value := int(text)) < _BIG:
        return value
    number = Written("inf")  # too big for a column of numbers: text as it is written
    number.text = text
    return number


_QUICK = json.JSONDecoder(parse_constant=lambda _: None)
_EXACT = json.JSONDecoder(parse_float=_number, parse_int=_whole, parse_constant=lambda _: None)


def decode(text: str, *, exact: bool) -> Any:
    """What JSON says.

    Args:
        exact: whether numbers know how they are written (`Written`), which takes twice as long.

    Raises:
        ValueError, RecursionError: it is none.
    """
    return (_EXACT if exact else _QUICK).decode(text)


def write(rows: Callable[[bool], Rows], target: Path, name: str) -> None:
    """Rows as Parquet.

    Args:
        rows: gives them anew at each call, with numbers as they are written where asked so. Where a
            later row changes the type of a column, or numbers become text, they are gone through
            twice.
        name: of the file, for errors.

    Raises:
        InputError: there is none, or none has a value.
    """
    kinds: dict[str, set[Any]] = {}
    inner: dict[str, dict[str, set[Any]]] = {}
    schema: list[_Column] = []
    total = 0
    writer: pq.ParquetWriter | None = None
    try:
        for batch in _batches(rows(False)):
            total += len(batch)
            _observe(batch, kinds, inner)
            found = _schema(kinds, inner)
            if total == len(batch) and found and not _as_text(found):
                schema = found
                writer = pq.ParquetWriter(target, _arrow(schema), compression="zstd")
            if writer and schema == found:
                writer.write_table(_table(batch, schema, name))
            elif writer:
                writer.close()
                writer = None
    finally:
        if writer:
            writer.close()
    if total == 0:
        raise NoRowsError(f"{name} has no rows. Name a file that has rows.")
    if not (final := _schema(kinds, inner)):
        raise InputError(f"{name}: no row has a value. Name a file with texts and labels.")
    if writer is None:
        with pq.ParquetWriter(target, _arrow(final), compression="zstd") as again:
            for batch in _batches(rows(_as_text(final))):
                again.write_table(_table(batch, final, name))


def _as_text(schema: list[_Column]) -> bool:
    """Whether a column has values of several kinds."""
    return any(kind is None for _, _, kind in schema)


class _Column(tuple[str, str | None, Any]):
    """Name, key within its object (None: itself) and Arrow type (None: text as written)."""


def _batches(rows: Rows) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _observe(
    batch: list[dict[str, Any]], kinds: dict[str, set[Any]], inner: dict[str, dict[str, set[Any]]]
) -> None:
    """Take up which kinds of values each column has."""
    for name in dict.fromkeys(key for row in batch for key in row):
        values = [row.get(name) for row in batch]
        found = _kinds(values)
        kinds.setdefault(name, set()).update(found)
        if _OBJECT in found:
            keys = inner.setdefault(name, {})
            objects = [v for v in values if isinstance(v, dict)]
            for key in dict.fromkeys(key for v in objects for key in v):
                keys.setdefault(key, set()).update(_kinds([v.get(key) for v in objects]))


def _kinds(values: list[Any]) -> set[Any]:
    """Types of values; of lists with what is in them; "number" of one that no column holds."""
    found: set[Any] = set()
    for kind in set(map(type, values)) - {type(None)}:
        own: list[Any] = [v for v in values if type(v) is kind]
        if kind is dict:
            found.add(_OBJECT)
        elif kind is list:
            found |= {("list", k) for v in own for k in _kinds(v) or {None}}
        elif kind is int:
            found.add(int if max(map(abs, own)) < _BIG else "number")
        elif kind in (float, Written):
            found.add(float if all(map(math.isfinite, own)) else "number")
        else:
            found.add(kind)
    return found


def _schema(kinds: dict[str, set[Any]], inner: dict[str, dict[str, set[Any]]]) -> list[_Column]:
    columns = []
    for name, found in kinds.items():
        if found == {_OBJECT}:
            columns += [_Column((name, key, _type(k))) for key, k in inner[name].items()]
        else:
            columns.append(_Column((name, None, _type(found))))
    return columns


def _type(kinds: set[Any]) -> pa.DataType | None:
    """Arrow's type of values; None where they are kept as written."""
    if not kinds:
        return pa.string()
    if kinds <= {int, float}:
        return pa.float64() if float in kinds else pa.int64()
    if len(kinds) == 1 and (simple := _SIMPLE.get(next(iter(kinds)))) is not None:
        return simple
    if all(isinstance(k, tuple) for k in kinds):
        within = _type({k for _, k in kinds if k is not None})
        simple_within = within is not None and not pa.types.is_list(within)
        return pa.list_(within) if simple_within else None
    return None


def _arrow(schema: list[_Column]) -> pa.Schema:
    names, _ = distinct(n if key is None else f"{n}.{key}" for n, key, _ in schema)
    types = [pa.string() if kind is None else kind for _, _, kind in schema]
    return pa.schema(list(zip(names, types, strict=True)))


def _table(batch: list[dict[str, Any]], schema: list[_Column], name: str) -> pa.Table:
    arrays = []
    for column, key, kind in schema:
        values = [row.get(column) for row in batch]
        if key is not None:
            values = [None if v is None else v.get(key) for v in values]
        if kind is None:
            values = [None if v is None else _as_written(v) for v in values]
            kind = pa.string()
        elif pa.types.is_list(kind) and pa.types.is_floating(kind.value_type):
            values = [v and [None if x is None else float(x) for x in v] for v in values]
        try:
            arrays.append(pa.array(values, kind))
        except UnicodeEncodeError as error:  # JSON can write one down
            raise InputError(
                f"{name} holds half of a character ({error.object[error.start : error.end]!r}) in "
                f"{column!r}; write whole ones."
            ) from error
    return pa.table(arrays, schema=_arrow(schema))


def _as_written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Written):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """For `json.dumps`, which writes a number as it likes."""
    if isinstance(value, Written):
        return float(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value
