"""SQL straight over files, in memory."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa


def query(sql: str, parameters: list[Any] | None = None) -> pd.DataFrame:
    """Answer SQL over the files, in memory; `core.storage.reading.query` names one that is damaged.

    Raises:
        duckdb.Error: it has no answer.
    """
    with connection() as cursor:
        frame: pd.DataFrame = cursor.execute(sql, parameters or []).df()
    return frame


@contextmanager
def connection(tables: Mapping[str, pa.Table] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for several questions, with temporary tables of its own.

    Args:
        tables: Arrow tables by the names that the questions use.

    Raises:
        duckdb.Error: a question has no answer.
    """
    try:
        with _database().cursor() as cursor:
            for name, table in (tables or {}).items():
                cursor.register(name, table)
            yield cursor
    except (duckdb.FatalException, duckdb.InternalException):
        _database.cache_clear()  # after one of these, a database refuses all questions
        raise


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """The name of a column or table as SQL has it."""
    return '"' + text.replace('"', '""') + '"'


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    """One a process: it takes longer to open than most questions to answer."""
    atexit.register(_database.cache_clear)  # what is left at the end DuckDB calls a leak
    return duckdb.connect(":memory:")
