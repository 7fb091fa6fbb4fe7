"""Sources that lie in no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from core.sources.source import Source
from core.storage import sql


def of_table(table: pa.Table, **more: Any) -> Source:
    """A source of the rows of an Arrow table.

    Args:
        more: further fields of Source.
    """
    with sql.connection({"rows_of_a_test": table}) as connection:
        described = connection.execute("DESCRIBE SELECT * FROM rows_of_a_test").fetchall()
    return Source(
        name="a test's",
        select="SELECT * FROM rows_of_a_test",
        columns={name: kind for name, kind, *_ in described},
        parts=(),
        tables={"rows_of_a_test": table},
        **more,
    )


def of_columns(columns: Mapping[str, Sequence[Any]], **more: Any) -> Source:
    """A source of columns of Python's values."""
    return of_table(pa.table({name: pa.array(list(v)) for name, v in columns.items()}), **more)
