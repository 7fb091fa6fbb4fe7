"""CSV, TSV and their like: found out how, verified line by line, and read by SQL.

Fields are text as it stands: nothing is guessed to be a number or missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import InputError
from core.sources import delimiter as delimiter_
from core.sources import fields as own_fields
from core.sources.header import is_header
from core.sources.kept import kept
from core.sources.readings import Reading, readings
from core.sources.scan import line_break
from core.sources.source import Options
from core.sources.table import NoRowsError, Table, distinct, escaped
from core.sources.text import Text
from core.storage import sql

_SEPARATOR = re.compile(rb"sep=([\t -~])\r?\n", re.IGNORECASE)
_SAID = {"\t": "a tab", " ": "a blank"}
_NO_VALUE = "\x1f\x02no value\x02\x1f"  # no field is this, so none is missing
_SHOWN = 5  # lines that a note or an error names
_BATCH = 20_000  # rows that are written at once
_CHECKED = 32 << 20  # bytes up to which SQL counts the rows once more
_BUFFER = 4_000_000  # bytes that SQL reads at once: an eighth of what it would, and as fast
_COMPARED = 1000  # first rows that SQL must read as we do
_HEADER_ROWS = 2000  # that are looked at to tell a header


@dataclass(frozen=True)
class _Layout:
    """A reading with its columns, and whether the first row holds their names."""

    reading: Reading
    header: bool
    names: list[str]
    notes: tuple[str, ...]


def read(path: Path, text: Text, options: Options, name: str) -> Table:
    """A file of delimited text.

    Args:
        path: of the file.
        text: what it holds.
        name: of it in errors.

    Raises:
        InputError: it is empty, has no row behind its header, or no reading accounts for its lines.
    """
    if (said := _SEPARATOR.match(text.data[:16].tobytes())) is not None:
        # A first line that tells Excel the delimiter, and is no row.
        text = replace(text, data=text.data[said.end() :], skipped=1)
        options = replace(options, delimiter=options.delimiter or said[1].decode())
        if not len(text.data):
            raise NoRowsError(f"{name} has no rows. Name a file that has rows.")
    break_ = line_break(text.data)
    delimiter = delimiter_.find(text, break_, options, path.suffix.lower())
    found = readings(text.data, delimiter or delimiter_.absent(text.data), break_, options.quoting)
    reading = _chosen(name, found, options, text.skipped)
    layout = _layout(name, text.data, reading, options)
    table = _direct(text, layout) or _written(path, text, layout)
    return replace(
        table,
        read_as=_read_as(text, layout, delimiter),
        refused=_refused(layout),
        header=layout.header,
        notes=(*_notes(text, layout), *layout.notes),
    )


def _chosen(name: str, found: list[Reading], options: Options, skipped: int) -> Reading:
    """The reading that accounts for every line, or for all but few.

    Args:
        skipped: lines above the first that was read.

    Raises:
        InputError: none does; the lines are named.
    """
    if found[0].rows == 0:
        raise NoRowsError(f"{name} is empty: it has blank lines alone. Name a file that has rows.")
    if found[0].perfect:
        return found[0]
    # A row that a quote may have made wrong is left out only where it was said what quotes are.
    sure = [r for r in found if options.quoting is not None or not r.quoted_wrong]
    tolerable = [r for r in sure if r.is_tolerable(_second(r))]
    if tolerable:
        return _below(min(tolerable, key=lambda r: len(r.wrong)), skipped)
    best = _below(min(found, key=lambda r: len(r.wrong) + len(r.swallowed)), skipped)
    raise InputError(_explained(name, best, found, options))


def _below(reading: Reading, lines: int) -> Reading:
    """A reading whose lines are counted from as many higher up."""
    swallowed = [(first + lines, last + lines) for first, last in reading.swallowed]
    return replace(reading, wrong=reading.wrong + np.array([lines, 0]), swallowed=swallowed)


def _second(reading: Reading) -> int | None:
    """Line of the row behind the first."""
    if reading.whole is None:
        return None
    first = reading.whole.first
    behind = np.flatnonzero(~reading.whole.blank[first + 1 :])
    return int(reading.whole.lines(behind[:1] + first + 1)[0]) if len(behind) else None


def _explained(name: str, best: Reading, found: list[Reading], options: Options) -> str:
    """What is wrong with a file that no reading accounts for."""
    lines = _listed(best.wrong[:, 0].tolist())
    if best.swallowed and not len(best.wrong):
        first, last = best.swallowed[0]
        return (
            f"{name}: a quote in line {first} encloses lines {first} to {last}, which look like "
            f"rows of their own{_others(len(best.swallowed) - 1)}; but other rows need their "
            "quotes. Mend these lines, or set quoting: on if quotes enclose, off if they are "
            "letters."
        )
    if (best.wrong[:, 1] == best.fields + 1).all() and len(best.wrong) == best.rows - 1:
        return (
            f"{name}: every row has {best.fields + 1} fields and the header {best.fields}; so it "
            "is not known which column has no name (some programs write names of rows first). Give "
            "each column a name in the first line."
        )
    what = (
        f"{name}: {len(best.wrong):,} of {best.rows:,} rows have another number of fields than the "
        f"first ({best.fields}): {lines}"
    )
    if any(r.said for r in found):
        if options.quoting is None:
            what += ", whether quotes enclose fields or are letters"
        return f"{what}. Mend these lines, or set quoting (on: they enclose, off: letters)."
    return f"{what}. Put quotes around fields that hold the delimiter, or set another delimiter."


def _others(count: int) -> str:
    return f" (and {count:,} more such)" if count else ""


def _listed(lines: list[int]) -> str:
    shown = ", ".join(f"{line:,}" for line in lines[:_SHOWN])
    more = f" and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"


def _layout(name: str, data: np.ndarray, reading: Reading, options: Options) -> _Layout:
    rows = (r.fields for r in own_fields.rows(data, reading.dialect))
    first, *rest = ([value.decode() for value in row] for row in islice(rows, _HEADER_ROWS))
    width = reading.fields + reading.trailing
    rest = [row for row in rest if len(row) == width]
    header = options.header
    if header is None:
        header = is_header(first, [row[: reading.fields] for row in rest])
    if header and reading.rows == 1:
        raise NoRowsError(
            f"{name} has a header ({', '.join(first)[:80]}) and no rows. Name a file that has "
            "rows, or say that it has no header."
        )
    if not header:
        names = [f"column {i + 1}" for i in range(width)]
        return _Layout(reading, False, names, ("no header; columns are called by their number",))
    names, notes = distinct(first)
    if reading.trailing:
        notes.append("every row ends in a delimiter; the empty last column is left out")
    return _Layout(reading, True, names, tuple(notes))


def _direct(text: Text, layout: _Layout) -> Table | None:
    """The file read by SQL as it is; None where SQL would read other rows than were verified."""
    reading, found = layout.reading, layout.reading.whole
    if (
        found is None
        or text.skipped
        or len(reading.wrong)
        or reading.trailing
        or not found.even_ends
    ):
        return None
    if reading.fields == 1 and found.blank.any():
        return None
    longest = int(np.diff(found.ends, prepend=-1).max()) + 2
    dialect = reading.dialect
    quote = sql.literal(chr(dialect.quote)) if dialect.quote is not None else "''"
    columns = ", ".join(f"{sql.literal(name)}: 'VARCHAR'" for name in layout.names)
    settings = [
        sql.literal(escaped(text.path)),
        "auto_detect = false",
        f"delim = {sql.literal(chr(dialect.delimiter))}",
        f"quote = {quote}",
        f"escape = {quote}",
        f"header = {str(layout.header).lower()}",
        f"columns = {{{columns}}}",
        f"nullstr = {sql.literal(_NO_VALUE)}",
        "strict_mode = true",
        *([] if reading.spanning == 0 else ["parallel = false"]),
        f"max_line_size = {max(1_000_000, longest + 16)}",
        f"buffer_size = {max(_BUFFER, 2 * longest + 32)}",
    ]  # fmt: skip
    select = f"SELECT * FROM read_csv({', '.join(settings)})"
    if dialect.delimiter >= 0x80 or not _agrees(select, text.data, layout):
        return None
    return Table(select, dict.fromkeys(layout.names, "VARCHAR"), "")


def _agrees(select: str, data: np.ndarray, layout: _Layout) -> bool:
    """Whether SQL reads the first rows as they were verified, and finds as many in all."""
    own = own_fields.rows(data, layout.reading.dialect)
    verified = [
        tuple(value.decode() for value in row.fields)
        for row in islice(own, int(layout.header), _COMPARED + layout.header)
    ]
    try:
        with sql.connection() as connection:
            if connection.execute(f"{select} LIMIT {_COMPARED}").fetchall() != verified:
                return False
            if len(data) > _CHECKED:
                return True
            # A text of each row is read too: counting alone skips what would not read.
            counted = f"SELECT count(*), count(columns(*)) FROM ({select})"
            found = connection.execute(counted).fetchall()[0][0]
    except duckdb.Error:
        return False
    return int(found) == layout.reading.rows - layout.header


def _written(path: Path, text: Text, layout: _Layout) -> Table:
    """The file's rows as Parquet in the cache, but those that are refused."""
    reading = layout.reading
    what = repr(("rows", reading.dialect, reading.fields, layout.header, layout.names,
                 reading.trailing, text.encoding))  # fmt: skip
    names = layout.names
    width = reading.fields + reading.trailing

    def write(target: Path) -> None:
        schema = pa.schema([(name, pa.string()) for name in names])
        rows = own_fields.rows(text.data, reading.dialect)
        if layout.header:
            next(rows)
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            while batch := list(islice(rows, _BATCH)):
                right = [row.fields for row in batch if len(row.fields) == width]
                columns = list(zip(*right, strict=True)) or [() for _ in names]
                arrays = [pa.array(c, pa.binary()).cast(pa.string()) for c in columns[: len(names)]]
                writer.write_table(pa.table(arrays, schema=schema))

    copy = kept(path, what, ".parquet", write)
    select = f"SELECT * FROM read_parquet({sql.literal(escaped(copy))})"
    return Table(select, dict.fromkeys(names, "VARCHAR"), "")


def _read_as(text: Text, layout: _Layout, delimiter: int) -> str:
    character = chr(delimiter)
    kind = "text of one column"
    if delimiter == 9:
        kind = "TSV"
    elif delimiter:
        kind = f"CSV with {_SAID.get(character) or repr(character)}"
    said = layout.reading.said
    return ", ".join(
        [
            kind,
            *([text.encoding] if text.encoding else []),
            *([said] if said else []),
            *([] if layout.header else ["no header"]),
        ]
    )


def _refused(layout: _Layout) -> dict[str, int]:
    than = "the header" if layout.header else "the first row"
    fields = layout.reading.fields
    more = int((layout.reading.wrong[:, 1] > fields).sum())
    fewer = len(layout.reading.wrong) - more
    counted = {f"more fields than {than}": more, f"fewer fields than {than}": fewer}
    return {why: n for why, n in counted.items() if n}


def _notes(text: Text, layout: _Layout) -> list[str]:
    reading = layout.reading
    notes = []
    if len(reading.wrong):
        notes.append(
            f"{_listed(reading.wrong[:, 0].tolist())} left out: another number of fields "
            f"than {reading.fields}"
        )
    if text.guessed:
        notes.append(
            f"not UTF-8: read as {text.encoding}, which looks likeliest; if letters are wrong, set "
            "the encoding"
        )
    if reading.spanning:
        notes.append(f"{reading.spanning:,} rows have line breaks within a quoted field")
    return notes
