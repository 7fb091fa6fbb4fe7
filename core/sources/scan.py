"""Where the rows of a text file end and how many fields each has, under both readings of quotes.

numpy looks at all bytes in blocks, without a Python loop over lines: 150 MB take about a quarter of
a second. Every line is accounted for, so that no reading loses or merges rows unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 1 << 20
LF, CR, QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Rows:
    """The rows under one reading, as arrays with an entry a row.

    Attributes:
        starts, ends: positions of the first character and of the line break behind the last.
        delimiters: how many stand between fields.
        lines: number of the line, from 1, in which a row begins.
        spans: lines of a row; above 1 where a quoted field holds line breaks.
        blank: whether it has no character.
        even_ends: whether all lines end alike and a CR stands nowhere else but in quotes.
        crlf: whether the first ends in CR LF.
    """

    starts: np.ndarray
    ends: np.ndarray
    delimiters: np.ndarray
    lines: np.ndarray
    spans: np.ndarray
    blank: np.ndarray
    even_ends: bool
    crlf: bool

    def wrong(self, delimiters: int) -> np.ndarray:
        """Indices of the rows with another number of delimiters, blank ones aside."""
        return np.flatnonzero((self.delimiters != delimiters) & ~self.blank)

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
    letters = _rows(data, position, all_, np.arange(len(position)), cr)
    if not quotes:
        return Scan(letters, None, True)
    kept = np.flatnonzero(~within_)
    enclosing = _rows(data, position[kept], free_[kept], kept, cr[~cr_within])
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


def _rows(
    data: np.ndarray, ends: np.ndarray, delimiters: np.ndarray, index: np.ndarray, cr: np.ndarray
) -> Rows:
    """Rows that end at some of the file's line breaks.

    Args:
        ends: positions of the breaks.
        delimiters: before each in the file.
        index: of each among all breaks.
        cr: positions of the CR that count.
    """
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    spans = np.diff(index, prepend=-1)
    real = ends[ends < len(data)]
    ends_in_cr = data[np.maximum(real - 1, 0)] == CR if cr.size else np.zeros(len(real), bool)
    ends_in_cr &= real > 0
    even = (not ends_in_cr.any() or bool(ends_in_cr.all())) and len(cr) == int(ends_in_cr.sum())
    length = ends - starts
    blank = length == 0
    if cr.size:
        single = np.flatnonzero((length == 1) & (ends < len(data)))
        blank[single] = data[starts[single]] == CR
    return Rows(
        starts=starts,
        ends=ends,
        delimiters=np.diff(delimiters, prepend=0),
        lines=index - spans + 2,
        spans=spans,
        blank=blank,
        even_ends=even,
        crlf=bool(len(ends_in_cr) and ends_in_cr[0]),
    )
