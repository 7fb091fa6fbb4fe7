"""Parquet of any writer, read by SQL as it is; Arrow files, written as Parquet first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from core.errors import InputError
from core.sources.kept import Room, check_regular, kept
from core.sources.table import NoRowsError, Table, distinct, escaped
from core.storage import sql

_ROWS = 50_000  # that are written at once


def read_parquet(path: Path, name: str = "") -> Table:
    """A Parquet file.

    NaN among numbers becomes NULL, bytes that are UTF-8 become text, columns that pandas keeps its
    index in are left out, and classes have their names beside them.

    Raises:
        InputError: it has no column or no row.
        pyarrow.ArrowException, duckdb.Error, OSError: it does not read.
    """
    check_regular(path)
    name = name or str(path)
    if path.stat().st_size == 0:
        raise NoRowsError(f"{name} is empty; expected a table. Name a file that has rows.")
    footer = pq.read_metadata(path)
    if footer.num_rows == 0:
        raise NoRowsError(f"{name} has columns and no rows. Name a file that has rows.")
    metadata = _json(footer.metadata, b"huggingface")
    classes = _classes(metadata)
    index = _index_columns(_json(footer.metadata, b"pandas"))
    # Asked of SQL, not of the footer: what it will be.
    source = f"read_parquet({sql.literal(escaped(path))})"
    described = sql.query(f"DESCRIBE SELECT * FROM {source}")
    types = dict(zip(described["column_name"], described["column_type"], strict=True))
    arrow = set(footer.schema.to_arrow_schema().names)
    if unknown := [c for c in types if c not in arrow]:
        # Names that differ in case alone, which SQL calls otherwise.
        raise InputError(
            f"{name} has two columns of one name ({unknown[0]}); give each a name of its own."
        )
    notes = []
    shown: list[str] = []
    columns: dict[str, str] = {}
    texts = _texts(source, [c for c, t in types.items() if t == "BLOB"])
    names, changed = distinct([c for c in types if c not in index])
    for column, own in zip([c for c in types if c not in index], names, strict=True):
        expression, kind = _expression(column, types[column], column in texts)
        columns[own] = kind
        shown.append(f"{expression} AS {sql.name(own)}")
    if index & set(types):
        notes.append(f"{', '.join(sorted(index & set(types)))}: numbers of rows, left out")
    if not columns:
        raise InputError(f"{name} has no column. Name a table with texts and labels.")
    select = f"SELECT {', '.join(shown)} FROM {source}"
    return Table(
        select,
        columns,
        "Parquet",
        {c: v for c, v in classes.items() if c in columns and _is_whole(columns[c])},
        notes=(*notes, *changed),
    )


def read_arrow(path: Path, name: str = "") -> Table:
    """An Arrow file, of the format with or without an index of its parts.

    Raises:
        InputError: it has no row.
        pyarrow.ArrowException, OSError: it does not read.
    """
    check_regular(path)

    def write(target: Path) -> None:
        room = Room(path)
        with pa.memory_map(str(path)) as file:
            try:
                batches: Any = pa.ipc.open_file(file)
                parts = (batches.get_batch(i) for i in range(batches.num_record_batches))
            except pa.ArrowInvalid:
                file.seek(0)
                batches = pa.ipc.open_stream(file)
                parts = iter(batches)
            with pq.ParquetWriter(target, batches.schema, compression="zstd") as writer:
                for part in parts:
                    part.validate(full=True)
                    room.take(part.nbytes)
                    writer.write_batch(part)

    copy = kept(path, "Arrow", ".parquet", write)
    found = read_parquet(copy, name or str(path))
    return Table(found.select, found.columns, "Arrow", found.classes, notes=found.notes)


def write_rows(table: pa.Table, target: Path) -> None:
    """A table as Parquet."""
    pq.write_table(table, target, compression="zstd", row_group_size=_ROWS)


def _json(metadata: Mapping[bytes, bytes] | None, key: bytes) -> Any:
    try:
        return json.loads((metadata or {})[key])
    except (KeyError, ValueError, RecursionError):
        return None


def _index_columns(pandas: Any) -> set[str]:
    """Columns that pandas keeps a nameless index in."""
    listed = pandas.get("index_columns", []) if isinstance(pandas, dict) else []
    listed = listed if isinstance(listed, list) else []
    return {c for c in listed if isinstance(c, str) and c.startswith("__index_level_")}


def _classes(card: Any) -> dict[str, tuple[str, ...]]:
    """Names of classes that `datasets` writes beside their numbers."""
    try:
        features = card["info"]["features"]
        return {
            str(column): tuple(map(str, feature["names"]))
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
            and isinstance(feature.get("names"), list)
        }  # fmt: skip
    except (TypeError, LookupError, AttributeError):
        return {}


def _is_whole(kind: str) -> bool:
    return kind.removeprefix("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def _texts(source: str, columns: list[str]) -> set[str]:
    """Of columns of bytes, those that are UTF-8."""
    if not columns:
        return set()
    broken = ", ".join(
        f"count(*) FILTER ({sql.name(c)} IS NOT NULL AND try(decode({sql.name(c)})) IS NULL)"
        for c in columns
    )
    counted = sql.query(f"SELECT {broken} FROM {source}").iloc[0]
    return {c for c, n in zip(columns, counted, strict=True) if n == 0}


def _expression(column: str, kind: str, is_text: bool) -> tuple[str, str]:
    """SQL of a column's values, and their type."""
    own = sql.name(column)
    if kind in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isnan({own}) THEN NULL ELSE {own} END", kind
    if is_text:
        return f"decode({own})", "VARCHAR"
    if kind.startswith("ENUM"):
        return f"{own}::VARCHAR", "VARCHAR"
    return own, kind
