"""SQL straight over files, in memory."""

from __future__ import annotations

import atexit
from functools import lru_cache
from typing import Any

import duckdb
import pandas as pd


def query(sql: str, parameters: list[Any] | None = None) -> pd.DataFrame:
    """Answer SQL over the files, in memory; `core.storage.reading.query` names one that is damaged.

    Raises:
        duckdb.Error: it has no answer.
    """
    try:
        with _database().cursor() as cursor:
            frame: pd.DataFrame = cursor.execute(sql, parameters or []).df()
        return frame
    except (duckdb.FatalException, duckdb.InternalException):
        _database.cache_clear()  # after one of these, a database refuses all questions
        raise


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    """One a process: it takes longer to open than most questions to answer."""
    atexit.register(_database.cache_clear)  # what is left at the end DuckDB calls a leak
    return duckdb.connect(":memory:")
