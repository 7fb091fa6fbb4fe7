"""Files of rows: CSV, TSV, JSON Lines and Parquet as an Arrow table of their own columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import InputError
from core.storage import memory, reading

READERS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def read(path: Path) -> pa.Table:
    """A file's columns as they are; text is not guessed to be a number or missing.

    Raises:
        InputError: another kind of file, empty, not UTF-8, or it does not read.
    """
    suffix = path.suffix.lower()
    if path.is_dir() or suffix not in READERS:
        raise InputError(f"cannot read {path}: expected a file ending in {', '.join(READERS)}.")
    mend = f"write it anew, as UTF-8 and with the ending of what it is ({', '.join(READERS)})"
    with reading.reading(path, mend, said=f"does not read as {suffix[1:]}"):
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; expected a table with text, label and language.")
        try:
            memory.check(path)
            if suffix == ".parquet":
                return pq.read_table(path)
            if suffix in (".csv", ".tsv"):
                return _read_separated(path, "\t" if suffix == ".tsv" else ",")
            return _read_json_lines(path)
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 ({error}); save it as UTF-8.") from error
        except UnicodeEncodeError as error:  # JSON can write one down
            raise InputError(
                f"{path} holds half of a character ({error.object[error.start : error.end]!r}); "
                "save it as UTF-8 with whole ones."
            ) from error


def _read_separated(path: Path, separator: str) -> pa.Table:
    frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return pa.Table.from_pandas(frame, preserve_index=False)


def _read_json_lines(path: Path) -> pa.Table:
    rows: list[dict[str, Any]] = []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{path}, line {number} is not JSON: {error}; write one object a line."
                ) from error
            if not isinstance(row, dict):
                raise InputError(
                    f"{path}, line {number}: expected one JSON object a line, found "
                    f"{type(row).__name__}."
                )
            rows.append(row)
    # A key may first occur in a later row, so the columns are the union over all rows.
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.array(_texts([r.get(name) for r in rows])) for name in names})


def as_text(column: pa.ChunkedArray) -> pd.Series:
    """A column as strings, 1.0 as '1' where a missing value made a number column float."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.to_pandas()
    return pd.Series(_texts(column.to_pylist()))


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [
        None if v is None else str(int(v)) if isinstance(v, float) and v.is_integer() else str(v)
        for v in values
    ]
