"""Where the rows of a text file end and how many fields each has, under both readings of quotes.

numpy looks at all bytes in blocks, without a Python loop over lines: 150 MB take about a quarter of
a second. Every line is accounted for, so that no reading loses or merges rows unseen.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 1 << 20
LF, CR, QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Rows:
    """The rows under one reading, as arrays with an entry a row.

    Attributes:
        ends: position of the line break behind it.
        delimiters: how many stand between fields.
        last_lines: number of the line, from 0, in which it ends; None: a line is a row.
        blank: whether it has no character.
        even_ends: whether all lines end alike and a CR stands nowhere else but in quotes.
    """

    ends: np.ndarray
    delimiters: np.ndarray
    last_lines: np.ndarray | None
    blank: np.ndarray
    even_ends: bool

    def wrong(self, delimiters: int) -> np.ndarray:
        """Indices of the rows with another number of delimiters, blank ones aside."""
        return np.flatnonzero((self.delimiters != delimiters) & ~self.blank)

    def span(self, row: int) -> tuple[int, int]:
        """Positions of a row's first character and of the break behind its last."""
        return int(self.ends[row - 1]) + 1 if row else 0, int(self.ends[row])

    @property
    def several(self) -> np.ndarray:
        """Indices of the rows over several lines."""
        if self.last_lines is None:
            return np.empty(0, np.int64)
        return np.flatnonzero(np.diff(self.last_lines, prepend=-1) > 1)

    def lines(self, rows: np.ndarray) -> np.ndarray:
        """Number of the line, from 1, in which each of some rows begins."""
        if self.last_lines is None:
            return rows + 1
        return np.where(rows > 0, self.last_lines[rows - 1] + 2, 1)

    @property
    def first(self) -> int:
        """Index of the first row that is not blank; there is one."""
        return int(np.argmin(self.blank))


@dataclass(frozen=True)
class Scan:
    """A file's rows under two readings.

    Attributes:
        letters: quotes are letters: each line is a row.
        enclosing: quotes enclose fields; None where there is none.
        legal: whether every quote stands where RFC 4180 has one: before and behind a whole field,
            or doubled within, and none is left open.
    """

    letters: Rows
    enclosing: Rows | None
    legal: bool


def line_break(data: np.ndarray) -> int:
    """LF, or CR where a file has no other (an old Mac's)."""
    has_return = False
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK].tobytes()
        if b"\n" in block:
            return LF
        has_return = has_return or b"\r" in block
    return CR if has_return else LF


def scan(data: np.ndarray, delimiter: int, break_: int, quote: int = QUOTE) -> Scan:
    """Look at all bytes of a file.

    Args:
        data: its bytes, without a byte order mark.
        delimiter, break_, quote: as bytes; before an LF, CR counts as part of the break.
    """
    breaks, returns = _Marks(), _Marks()
    delimiters = 0
    quotes, outside, legal = 0, 0, True
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        ends, marks, found = (np.flatnonzero(block == b) for b in (break_, delimiter, quote))
        within = _within(found, quotes, ends)
        free = marks[~_within(found, quotes, marks)] if found.size or quotes % 2 else marks
        breaks.add(
            ends + start,
            np.searchsorted(marks, ends) + delimiters,
            np.searchsorted(free, ends) + outside,
            within,
        )
        if break_ == LF and (at := np.flatnonzero(block == CR)).size:
            returns.add(at + start, at, at, _within(found, quotes, at))
        if start % (16 * BLOCK) == 0:
            forget(data)
        if found.size:
            legal = legal and _is_legal(data, found + start, quotes, delimiter, break_)
        delimiters, outside, quotes = (
            delimiters + len(marks), outside + len(free), quotes + len(found)
        )  # fmt: skip
    if len(data) and data[-1] != break_:  # the last line has no break
        end = np.array([len(data)])
        breaks.add(end, end * 0 + delimiters, end * 0 + outside, np.array([False]))
    position, all_, free_, within_ = breaks.arrays()
    cr, _, _, cr_within = returns.arrays()
    letters = _rows(data, position, all_, None, cr)
    if not quotes:
        return Scan(letters, None, True)
    if within_.any():
        kept = np.flatnonzero(~within_)
        position, free_ = position[kept], free_[kept]
    else:
        kept = None
    enclosing = _rows(data, position, free_, kept, cr[~cr_within])
    return Scan(letters, enclosing, legal and quotes % 2 == 0)


class _Marks:
    """Arrays that grow by blocks."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(self, *arrays: np.ndarray) -> None:
        self._parts.append(arrays)

    def arrays(self) -> tuple[np.ndarray, ...]:
        if not self._parts:
            empty = np.empty(0, np.int64)
            return empty, empty, empty, empty.astype(bool)
        return tuple(np.concatenate(column) for column in zip(*self._parts, strict=True))


def _within(quotes: np.ndarray, before: int, positions: np.ndarray) -> np.ndarray:
    """Whether positions of a block stand behind an odd number of quotes."""
    if not quotes.size:
        return np.full(len(positions), before % 2 == 1)
    return (np.searchsorted(quotes, positions) + before) % 2 == 1


def _is_legal(
    data: np.ndarray, quotes: np.ndarray, before: int, delimiter: int, break_: int
) -> bool:
    """Whether opening quotes follow, and closing ones precede, an edge of a field or a quote."""
    opening = quotes[before % 2 :: 2]
    closing = quotes[1 - before % 2 :: 2]
    edges = np.zeros(256, bool)
    edges[[delimiter, break_, data[quotes[0]]]] = True
    left = edges[data[opening[opening > 0] - 1]].all()
    behind = closing[closing < len(data) - 1] + 1
    right = edges[data[behind]]
    if break_ == LF:  # CR LF
        pair = behind[~right]
        pair = pair[pair < len(data) - 1]
        right_all = len(pair) == int((~right).sum()) and bool(
            ((data[pair] == CR) & (data[pair + 1] == LF)).all()
        )
    else:
        right_all = bool(right.all())
    return bool(left) and right_all


def forget(data: np.ndarray) -> None:
    """Give the memory back that the pages of a mapped file take; they are read again if asked."""
    base: Any = data
    while isinstance(base, np.ndarray):
        base = base.base
    base = getattr(base, "obj", base)  # of a memoryview
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _rows(
    data: np.ndarray,
    ends: np.ndarray,
    delimiters: np.ndarray,
    last_lines: np.ndarray | None,
    cr: np.ndarray,
) -> Rows:
    """Rows that end at some of the file's line breaks.

    Args:
        ends: positions of the breaks.
        delimiters: before each in the file.
        last_lines: of each among all breaks; None: they are all.
        cr: positions of the CR that count.
    """
    real = ends[ends < len(data)]
    ends_in_cr = data[np.maximum(real - 1, 0)] == CR if cr.size else np.zeros(len(real), bool)
    ends_in_cr &= real > 0
    even = (not ends_in_cr.any() or bool(ends_in_cr.all())) and len(cr) == int(ends_in_cr.sum())
    length = np.diff(ends, prepend=-1) - 1
    blank = length == 0
    if cr.size:
        single = np.flatnonzero((length == 1) & (ends < len(data)))
        blank[single] = data[ends[single] - 1] == CR
    return Rows(
        ends=ends,
        delimiters=np.diff(delimiters, prepend=0).astype(np.int32),
        last_lines=last_lines,
        blank=blank,
        even_ends=even,
    )
