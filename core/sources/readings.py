"""What quotes are in a file: the reading that accounts for every line is taken, with its evidence.

A quote that begins a raw text (`"Nice box.` in a TSV) would swallow all rows up to the next one. So
both readings are looked at line by line, and no row is lost or merged unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.sources.fields import Dialect, rows
from core.sources.scan import QUOTE, TAB, Rows, Scan, scan

LETTERS, ENCLOSING = "quotes are letters", "quotes enclose fields"
_SHARE = 0.01  # of the rows that may have another number of fields and be left out
_SINGLE = 39  # an apostrophe, which some writers enclose fields in
_LOOKED_AT = 1000  # rows over several lines that are looked into
_SAMPLE = 5000  # rows whose values are known
_FEW = 20  # rows of one line, below which their values say little


@dataclass(frozen=True)
class Reading:
    """One way to read a file.

    Attributes:
        dialect: of it.
        said: what quotes are; empty where there is none.
        rows: that are not blank, the first among them.
        fields: of the first row.
        wrong: line and fields of each row with another number of them: array (rows, 2).
        swallowed: first and last line of each row that looks like several.
        spanning: rows with a line break in a field.
        whole: where SQL can read the file straight, its rows as arrays.
        trailing: whether each row but the first ends in one delimiter more.
        quoted_wrong: whether one of the wrong rows holds a quote.
    """

    dialect: Dialect
    said: str
    rows: int
    fields: int
    wrong: np.ndarray
    swallowed: list[tuple[int, int]]
    spanning: int
    whole: Rows | None = None
    trailing: bool = False
    quoted_wrong: bool = False

    @property
    def perfect(self) -> bool:
        """Whether every row has as many fields as the first."""
        return not len(self.wrong) and not self.swallowed

    def is_tolerable(self, second: int | None) -> bool:
        """Whether a few wrong rows can be left out; not where the first of all is wrong.

        Args:
            second: line of the row behind the first, the header.
        """
        few = len(self.wrong) <= _SHARE * self.rows and not self.swallowed
        return few and second not in self.wrong[:, 0]


def readings(data: np.ndarray, delimiter: int, break_: int, quoting: bool | None) -> list[Reading]:
    """The readings of a file, best first: a single one where it accounts for every line."""
    found = []
    for reading in _readings(data, delimiter, break_, quoting):
        if reading.perfect:
            return [reading]
        found.append(reading)
    return found


def _readings(
    data: np.ndarray, delimiter: int, break_: int, quoting: bool | None
) -> Iterator[Reading]:
    looked = scan(data, delimiter, break_)

    def letters() -> Reading:
        return _of_rows(data, looked.letters, Dialect(delimiter, None, break_=break_), looked)

    if looked.enclosing is None:
        plain = letters()
        yield plain
        if len(plain.wrong) and quoting is not False and (data == _SINGLE).any():
            yield from _single(data, delimiter, break_)
        return
    if quoting is False:
        yield replace(letters(), said=LETTERS)
        return
    dialect = Dialect(delimiter, QUOTE, break_=break_)
    if looked.legal:
        enclosing = replace(_of_rows(data, looked.enclosing, dialect, looked), said=ENCLOSING)
        if quoting:  # it was said what they are
            enclosing = replace(enclosing, swallowed=[])
        raw = not quoting and delimiter == TAB and letters().perfect
        if not (raw and _are_letters(data, enclosing)):
            yield enclosing
    if not quoting:
        yield replace(letters(), said=LETTERS)
    if not looked.legal:
        for backslash in (True, False):
            if not backslash or _has_backslash(data):
                own = replace(dialect, backslash=backslash)
                fields = replace(_of_fields(data, own, looked.letters), said=ENCLOSING)
                yield replace(fields, swallowed=[]) if quoting else fields


def _are_letters(data: np.ndarray, enclosing: Reading) -> bool:
    """Whether quotes that need not be there, in a TSV, are part of the texts.

    Writers of TSV quote what needs it, or all of a column. Each line has its fields without; so if
    no value has a quote within its quotes, and in a column some have quotes and others none, they
    are text. In a CSV they enclose, as everybody reads it.
    """
    mixed = [[0, 0] for _ in range(enclosing.fields)]
    lines = rows(data, replace(enclosing.dialect, quote=None))
    next(lines, None)  # the header
    for _, row in zip(range(_SAMPLE), lines, strict=False):
        for counted, value in zip(mixed, row.fields, strict=False):
            counted[value.startswith(b'"')] += 1
            if b'"' in value[1:-1]:
                return False
    return any(without and quoted for without, quoted in mixed)


def _of_rows(data: np.ndarray, found: Rows, dialect: Dialect, looked: Scan) -> Reading:
    if bool(found.blank.all()):
        return Reading(dialect, "", 0, 0, np.empty((0, 2), np.int64), [], 0, found)
    fields = int(found.delimiters[found.first])
    wrong = found.wrong(fields)
    trailing = _is_trailing(data, found, fields, wrong, dialect.delimiter)
    if trailing:
        wrong = wrong[:0]
    quoted = any((data[slice(*found.span(int(i)))] == QUOTE).any() for i in wrong[:_SAMPLE])
    several = found.several
    begin = found.lines(several)
    return Reading(
        dialect,
        "",
        int((~found.blank).sum()),
        fields + 1,
        np.stack([found.lines(wrong), found.delimiters[wrong] + 1], axis=1),
        _swallowed(data, looked.letters, dialect, fields, begin, found.lines(several + 1) - begin),
        len(several),
        found,
        trailing,
        quoted,
    )


def _is_trailing(
    data: np.ndarray, found: Rows, fields: int, wrong: np.ndarray, delimiter: int
) -> bool:
    """Whether each row but the header has an empty field more at its end."""
    if not len(wrong) or len(wrong) != int((~found.blank).sum()) - 1:
        return False
    last = found.ends[wrong] - 1
    last = np.where((data[last] == 13) & (last > 0), last - 1, last)
    more = found.delimiters[wrong] == fields + 1
    return bool(more.all() and (data[last] == delimiter).all())


def _single(data: np.ndarray, delimiter: int, break_: int) -> Iterator[Reading]:
    """Apostrophes as quotes: only where nothing else accounts for the lines, and they do."""
    looked = scan(data, delimiter, break_, _SINGLE)
    if looked.enclosing is not None and looked.legal:
        dialect = Dialect(delimiter, _SINGLE, break_=break_)
        reading = _of_rows(data, looked.enclosing, dialect, looked)
        if reading.perfect:
            yield replace(reading, said="apostrophes enclose fields")


def _has_backslash(data: np.ndarray) -> bool:
    at = np.flatnonzero(data == QUOTE)
    at = at[at > 0]
    return bool((data[at - 1] == 92).any())


def _of_fields(data: np.ndarray, dialect: Dialect, letters: Rows) -> Reading:
    """A reading that only the fields themselves tell, one after another."""
    total = fields = 0
    wrong: list[tuple[int, int]] = []
    several: list[tuple[int, int]] = []
    quoted = False
    for row in rows(data, dialect):
        total += 1
        fields = fields or len(row.fields)
        if len(row.fields) != fields:
            wrong.append((row.line, len(row.fields)))
            quoted = quoted or any(b'"' in field for field in row.fields)
        elif row.lines > 1:
            several.append((row.line, row.lines))
    first = np.array([line for line, _ in several], np.int64)
    spans = np.array([lines for _, lines in several], np.int64)
    swallowed = _swallowed(data, letters, dialect, fields - 1, first, spans)
    rest = np.array(wrong, np.int64).reshape(-1, 2)
    return Reading(dialect, "", total, fields, rest, swallowed, len(several), quoted_wrong=quoted)


def _swallowed(
    data: np.ndarray,
    letters: Rows,
    dialect: Dialect,
    delimiters: int,
    first: np.ndarray,
    spans: np.ndarray,
) -> list[tuple[int, int]]:
    """Rows over several lines of which each looks like a row: first and last line of each.

    Each line has as many delimiters as the first row or is blank, and in some column each has a
    value that rows of one line have too, such as a label; where there are few of these, that any
    other line has.
    """
    if not len(first) or delimiters == 0:
        return []
    right = (letters.delimiters == delimiters) | letters.blank
    before = np.concatenate([[0], np.cumsum(right)])
    begin = first - 1
    alike = np.flatnonzero(before[begin + spans] - before[begin] == spans)[:_LOOKED_AT]
    if not len(alike):
        return []
    inside = np.zeros(len(right) + 1, np.int64)
    np.add.at(inside, begin, 1)
    np.add.at(inside, begin + spans, -1)
    right &= ~letters.blank
    alone = np.flatnonzero((np.cumsum(inside)[:-1] == 0) & right)[1 : _SAMPLE + 1]
    least = 1 if len(alone) <= 50 else 2
    if len(alone) < _FEW:
        alone, least = np.flatnonzero(right)[1 : _SAMPLE + 1], 2
    delimiter = bytes([dialect.delimiter])

    def values(line: int) -> list[bytes]:
        text = data[slice(*letters.span(int(line)))].tobytes()
        return text.removesuffix(b"\r").split(delimiter)

    counted: list[Counter[bytes]] = [Counter() for _ in range(delimiters + 1)]
    for line in alone:
        for counter, value in zip(counted, values(line), strict=True):
            counter[value] += 1
    known = [{v for v, n in c.items() if n >= least and v.strip()} for c in counted]
    found = []
    for row in alike:
        start, lines = int(begin[row]), int(spans[row])
        of_lines = [values(start + i) for i in range(lines) if not letters.blank[start + i]]
        columns = list(zip(*of_lines, strict=True))
        if any(known[j].issuperset(column) for j, column in enumerate(columns)):
            found.append((start + 1, start + lines))
    return found
