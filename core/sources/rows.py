"""Rows of a source in memory: some of them to look at, or all, where they fit."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pandas as pd
import pyarrow as pa

from core.sources.source import Source
from core.storage import memory, sql


def first(source: Source, n: int) -> pd.DataFrame:
    """The first rows with every value as text; missing where it is.

    Raises:
        duckdb.Error: a file does not read (see `core.storage.reading`).
    """
    texts = ", ".join(f"CAST({sql.name(c)} AS VARCHAR) AS {sql.name(c)}" for c in source.columns)
    with sql.connection(source.tables) as connection:
        frame: pd.DataFrame = connection.execute(
            f"SELECT {texts} FROM ({source.select}) LIMIT {n}"
        ).df()
    return frame


def table(source: Source) -> pa.Table:
    """All rows, typed as the files have them.

    Raises:
        InputError: they do not fit into memory.
        duckdb.Error: a file does not read (see `core.storage.reading`).
    """
    with sql.connection(source.tables) as connection:
        check(connection, source.select, source.columns, source.name)
        return connection.sql(source.select).to_arrow_table()


def check(
    connection: duckdb.DuckDBPyConnection, select: str, columns: Iterable[str], name: str
) -> None:
    """Refuse rows that would not fit into memory, by one pass that keeps none of them.

    Args:
        select: SQL of the rows.
        columns: of theirs.
        name: of the source.

    Raises:
        InputError: they would not.
    """
    sizes = " + ".join(f"coalesce(strlen(CAST({sql.name(c)} AS VARCHAR)), 0)" for c in columns)
    statement = f"SELECT count(*), coalesce(sum({sizes}), 0) FROM ({select})"
    ((rows, size),) = connection.execute(statement).fetchall()
    memory.check_rows(name, int(rows), int(size))
