"""Reading files: what libraries raise at damaged content becomes one error that names the file."""

from __future__ import annotations

import json
import logging
import math
import os
import stat
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError

from core.errors import InputError
from core.storage import places, sql

_log = logging.getLogger(__name__)

# What content that nobody wrote on purpose makes Python and the libraries raise. ValueError has
# JSON, TOML and UTF-8 that are none, numbers of too many digits, and most of Arrow's and numpy's;
# OSError has what Arrow says of Parquet that is none ("Couldn't deserialize thrift").
DAMAGE = (
    OSError,
    ValueError,
    RecursionError,
    EOFError,
    OverflowError,
    MemoryError,
    pa.ArrowException,
    duckdb.Error,
    SafetensorError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
# What other content than expected makes our own code raise. It may as well be a defect of ours: so
# the log of the page or worker has where it came from.
UNEXPECTED = (TypeError, LookupError, AttributeError)


@contextmanager
def reading(
    path: Path | str,
    mend: str,
    *,
    said: str = "does not read",
    but: tuple[type[BaseException], ...] = (),
) -> Iterator[None]:
    """Within, what damaged content raises is one error that names the file.

    Args:
        path: of the file, or of the folder whose files are read.
        mend: what to do about it, such as "delete it to compute it anew".
        said: what is said of it.
        but: what passes as it is, such as FileNotFoundError.

    Raises:
        InputError: it does not read; one that is raised within passes as it is.
    """
    try:
        yield
    except InputError:
        raise
    except (*DAMAGE, *UNEXPECTED) as error:
        if isinstance(error, but):
            raise
        if isinstance(error, UNEXPECTED):
            _log_once(str(path), repr(error), error)
        raise refusal(path, error, mend, said) from error


_logged: set[tuple[str, str]] = set()


def _log_once(path: str, what: str, error: BaseException) -> None:
    """Into the log, once in this process: a page reads again every two seconds."""
    if (path, what) not in _logged:
        _logged.add((path, what))
        _log.warning("%s does not read", path, exc_info=error)


def refusal(
    path: Path | str, error: BaseException, mend: str, said: str = "does not read"
) -> InputError:
    """The error that says that a file does not read, why, and what to do."""
    reason = " ".join(str(error).split())
    gone = isinstance(error, duckdb.Error) and not places.exists(Path(path))
    if isinstance(error, FileNotFoundError) or gone:
        reason = "it is missing"
    elif isinstance(error, UNEXPECTED) or not reason:
        reason = f"{type(error).__name__}: {reason}".removesuffix(": ")
    if len(reason) > 300:
        reason = reason[:300] + "…"
    return InputError(f"{path} {said} ({reason}); {mend}.")


def text(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        FileNotFoundError: no such file.
        OSError, ValueError: it does not read; see `reading`.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # to read a pipe is to wait for its writer
        raise OSError("it is no file")
    return path.read_text(encoding="utf-8")


def json_object(path: Path, mend: str) -> dict[str, Any]:
    """The object that a file holds as JSON.

    Raises:
        InputError: it is missing, does not read or holds something else; see `reading`.
    """
    with reading(path, mend):
        return as_object(json.loads(text(path)))


def as_object(document: Any) -> dict[str, Any]:
    """What JSON has, if it is an object.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(document, dict):
        raise ValueError(f"expected a JSON object, found {type(document).__name__}")
    return document


def toml(path: Path, mend: str, said: str = "does not read") -> dict[str, Any]:
    """What a file holds as TOML.

    Raises:
        InputError: it is missing or does not read; see `reading`.
    """
    with reading(path, mend, said=said):
        return tomllib.loads(text(path))


def is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    """Whether what JSON has is a finite number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and low <= value <= high


def check_number(
    document: Mapping[str, Any],
    key: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    none: bool = False,
) -> None:
    """Refuse a value of JSON that is no finite number from `low` to `high`.

    Args:
        none: whether it may be null.

    Raises:
        ValueError: it is something else.
    """
    value = document.get(key)
    if key in document and ((value is None and none) or is_number(value, low, high)):
        return
    expected = "a number" if low == -math.inf else f"a number from {low:g} on"
    expected = expected if high == math.inf else f"a number from {low:g} to {high:g}"
    found = "nothing" if key not in document else repr(value)[:60]
    raise ValueError(f"{key}: expected {expected}, found {found}")


def parquet_rows(path: Path | str, mend: str, columns: Sequence[str] = ()) -> int:
    """Rows of a Parquet file by its footer, which is quick.

    Args:
        columns: that it must have.

    Raises:
        InputError: it is missing, its footer does not read, or a column is missing.
    """
    with reading(path, mend):
        footer = pq.read_metadata(path)
        there = set(footer.schema.to_arrow_schema().names)
        if missing := [c for c in columns if c not in there]:
            raise ValueError(f"column {', '.join(missing)} is missing")
        return footer.num_rows


def query(
    statement: str, parameters: Sequence[Any], files: Sequence[Path | str], mend: str
) -> pd.DataFrame:
    """Answer SQL over Parquet files.

    Args:
        parameters: for each `?` of the statement, paths among them.
        files: those that it reads.

    Raises:
        InputError: a file does not read; the first such is named.
    """
    paths = [os.fspath(file) for file in files]
    try:
        return sql.query(statement, list(parameters))
    except duckdb.Error as error:
        for path in paths:
            with reading(path, mend):
                pq.read_table(path)
        # Each reads by itself: their columns are not those that the statement asks for.
        raise refusal(", ".join(paths[:3]), error, mend) from error
