"""Reading what people have: a file, a folder, an archive, or several of these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.sources import one_file
from core.sources.source import Options, Part, Source

_FOUND_OUT = Options()


def read(where: str | Path | Sequence[str | Path], options: Options = _FOUND_OUT) -> Source:
    """The rows of a file.

    Raises:
        InputError: it is missing, no table, has no row, or does not read.
    """
    if not isinstance(where, (str, Path)):
        (where,) = where
    path = Path(where).expanduser()
    table, *_ = one_file.tables(path, options)
    return Source(
        str(where),
        table.select,
        table.columns,
        (Part(str(path), table.read_as, table.language, table.split),),
        table.classes,
        table.refused,
        table.notes,
    )
