"""Memory: how much there is, how much is left, and refusing what would not fit.

A file of a few kilobytes can unpack to gigabytes: Parquet keeps a text that stands in a million
rows once. So what a table will take is looked at before it is unpacked, and compared with a share
of what this process can still get, in its container too.
"""

from __future__ import annotations

import glob
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import InputError
from core.storage import sql

SHARE = 0.5  # of what is left that one table may take; the rest is for what is made of it
COPIES = 3  # of its texts that reading and checking a table holds at once
ROW = 700  # bytes that a row takes besides: ids, and Python's own of each text
CELL = 64  # bytes of a text of one letter, in a file of texts
GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_GIGABYTE = 1e9


def of_machine() -> int:
    """Bytes of the machine; of the container, where that has less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *(limit for limit, _ in _limits())])


def available() -> int:
    """Bytes that this process can still get."""
    left = [limit - used for limit, used in _limits()]
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                left.append(1024 * int(line.split()[1]))
    except (OSError, ValueError):  # not Linux
        left.append(of_machine())
    asked, _ = resource.getrlimit(resource.RLIMIT_AS)
    if asked != resource.RLIM_INFINITY:
        left.append(asked - _own())
    return max(0, min(left))


def _own() -> int:
    """Address space that this process has taken."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):  # not Linux
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _limits() -> Iterator[tuple[int, int]]:
    """Limit and use of each control group that this process is in, innermost first."""
    names = {"": ("memory.max", "memory.current"),
             "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes")}  # fmt: skip
    try:
        lines = OWN.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        for kind in names.keys() & set(kinds.split(",")):
            inside = Path(path.lstrip("/"))
            for group in (inside, *inside.parents):
                try:
                    limit, used = (
                        int((GROUPS / kind / group / name).read_text(encoding="ascii"))
                        for name in names[kind]
                    )
                except (OSError, ValueError):  # no such group, or "max": no limit
                    continue
                yield limit, used


def limit() -> int:
    """Bytes that reading one table may take: LANGSKEW_TABLE_GB, else SHARE of what is left.

    Raises:
        InputError: LANGSKEW_TABLE_GB is no number above 0.
    """
    given = os.environ.get("LANGSKEW_TABLE_GB", "")
    if not given:
        return int(SHARE * available())
    try:
        chosen = float(given) * _GIGABYTE
    except ValueError:
        chosen = 0.0
    if not 0 < chosen < float("inf"):
        raise InputError(
            f"LANGSKEW_TABLE_GB is {given!r}; expected a number of gigabytes, such as 4."
        )
    return int(chosen)


def check(path: Path) -> None:
    """Refuse a file of a table that would not fit into memory: Parquet, Arrow, or texts.

    Raises:
        InputError: it would not.
        pyarrow.ArrowException, OSError: it does not read.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        check_parquet(path)
    elif suffix == ".arrow":  # as large in memory as on the disk
        size = path.stat().st_size
        if COPIES * size > (most := limit()):
            _refuse(path, COPIES * size, most, f"{size:,} bytes")
    else:
        check_texts(path)


def check_parquet(path: Path) -> None:
    """Refuse a Parquet file that would not fit into memory, before it is unpacked.

    Raises:
        InputError: it would not.
        pyarrow.ArrowException, duckdb.Error, OSError: it does not read.
    """
    most = limit()
    footer = pq.read_metadata(path)
    rows = footer.num_rows * ROW
    if rows > most:
        _refuse(path, rows, most, f"{footer.num_rows:,} rows")
    if rows + COPIES * _at_most(path) <= most:
        return
    # A dictionary says how long its texts are, and how often each stands there.
    names = [footer.schema.column(i).path for i in range(footer.num_columns)]
    taken = 0
    with pq.ParquetFile(path, read_dictionary=names) as file:
        for group in range(footer.num_row_groups):
            for column in file.read_row_group(group).columns:
                taken += sum(_unpacked(chunk) for chunk in column.chunks)
            if rows + COPIES * taken > most:
                what = f"{footer.num_rows:,} rows of {taken / _GIGABYTE:.1f} GB or more"
                _refuse(path, rows + COPIES * taken, most, what)


def check_texts(path: Path) -> None:
    """Refuse a file of CSV, TSV or JSON Lines that would not fit into memory.

    Raises:
        InputError: it would not.
    """
    most, size, cells = limit(), 0, 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            size += len(block)
            cells += sum(block.count(mark) for mark in (b",", b"\t", b"\n", b":", b"[", b"{"))
            if (needed := COPIES * size + CELL * cells) > most:
                _refuse(path, needed, most, f"{path.stat().st_size:,} bytes of text")


def check_rows(name: str, rows: int, size: int) -> None:
    """Refuse rows of a table that would not fit into memory.

    Args:
        name: of the table.
        rows: how many.
        size: bytes of their texts.

    Raises:
        InputError: they would not.
    """
    needed, most = ROW * rows + COPIES * size, limit()
    if needed > most:
        _refuse(name, needed, most, f"{rows:,} rows of {size / _GIGABYTE:.2f} GB")


def _refuse(path: Path | str, needed: int, most: int, what: str) -> None:
    raise InputError(
        f"{path} does not fit into memory: reading it takes {needed / _GIGABYTE:.2f} GB or more "
        f"({what}), and {most / _GIGABYTE:.2f} GB may be used. Take fewer rows of it, or give this "
        "process more memory; LANGSKEW_TABLE_GB sets another limit, in gigabytes."
    )


def _at_most(path: Path) -> int:
    """Bytes that the columns take at most, unpacked.

    Asked of DuckDB: of a damaged footer pyarrow's own account of a column ends the process.
    """
    chunks = sql.query(
        "SELECT num_values, total_uncompressed_size AS size, encodings FROM parquet_metadata(?)",
        [glob.escape(str(path))],
    )
    values = chunks["num_values"].clip(lower=1).astype(object)  # Python's integers do not overflow
    sizes = chunks["size"].clip(lower=0).astype(object)
    repeated = chunks["encodings"].fillna("").str.contains("DICTIONARY")
    return int((16 * values + sizes.where(~repeated, values * sizes)).sum())


def _unpacked(array: pa.Array) -> int:
    """Bytes that an array takes with its dictionaries written out."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.cast(pc.binary_length(array.dictionary), pa.int64())
        return 8 * len(array) + (pc.sum(lengths.take(array.indices)).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(_unpacked(array.field(i)) for i in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return 8 * len(array) + _unpacked(array.flatten())
    return array.nbytes
