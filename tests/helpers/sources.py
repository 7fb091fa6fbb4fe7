"""What tests of sources ask: the rows, and files with given content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.sources.source import Source
from core.storage import sql


def rows_of(source: Source) -> list[tuple[Any, ...]]:
    """All rows, as Python's values; the columns are those that are said."""
    with sql.connection() as connection:
        answer = connection.execute(source.select)
        assert [c[0] for c in answer.description] == list(source.columns)
        return answer.fetchall()


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    """A file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path
