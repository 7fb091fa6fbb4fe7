"""Where the rows of a text file end and how many fields each has, under both readings of quotes.

numpy looks at all bytes in blocks, without a Python loop over lines: 150 MB take about a quarter of
a second. Every line is accounted for, so that no reading loses or merges rows unseen.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

BLOCK = 1 << 20
TAB, LF, CR, QUOTE = 9, 10, 13, 34
_T = TypeVar("_T")


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


@dataclass(frozen=True)
class _Block:
    """What stands in a part of a file.

    Attributes:
        ends: positions of the line breaks in the file.
        within: whether each stands in quotes; None: none does.
        delimiters, free: how many stand between the break before and each break: all of them, and
            those out of quotes; the last number is of those behind the last break.
        quotes, returns, returns_free: how many quotes, CR, and CR out of quotes.
        paired: whether a CR stands before each break; None: there is no CR.
        legal: whether the quotes are.
    """

    ends: np.ndarray
    within: np.ndarray | None
    delimiters: np.ndarray
    free: np.ndarray
    quotes: int
    returns: int
    returns_free: int
    paired: np.ndarray | None
    legal: bool


def scan(data: np.ndarray, delimiter: int, break_: int, quote: int = QUOTE) -> Scan:
    """Look at all bytes of a file.

    Args:
        data: its bytes, without a byte order mark.
        delimiter, break_, quote: as bytes; before an LF, CR counts as part of the break.
    """

    def looked(bounds: tuple[int, int], is_open: bool = False) -> _Block:
        return _look(data, *bounds, delimiter, break_, quote, is_open)

    blocks: list[_Block] = []
    is_open = False
    bounds = _bounds(data, break_)
    for at, block in zip(bounds, in_threads(data, looked, bounds), strict=True):
        if is_open:  # which is rare: blocks begin behind a line break
            block = looked(at, True)
        is_open ^= block.quotes % 2 == 1
        blocks.append(block)
    position = np.concatenate([b.ends for b in blocks])
    paired = _flags([b.paired for b in blocks], blocks)
    within = _flags([b.within for b in blocks], blocks)
    if data[-1] != break_:  # the last line has no break
        position = np.append(position, len(data))
        paired, within = np.append(paired, False), np.append(within, False)
    all_ = _joined([b.delimiters for b in blocks], len(position))
    letters = _rows(len(data), position, all_, None, sum(b.returns for b in blocks), paired)
    if not any(b.quotes for b in blocks):
        return Scan(letters, None, True)
    free, kept = _joined([b.free for b in blocks], len(position)), None
    if within.any():
        kept = np.flatnonzero(~within)
        free = np.diff(np.cumsum(free)[kept], prepend=0).astype(np.int32)
        position, paired = position[kept], paired[kept]
    returns = sum(b.returns_free for b in blocks)
    enclosing = _rows(len(data), position, free, kept, returns, paired)
    return Scan(letters, enclosing, all(b.legal for b in blocks) and not is_open)


def _flags(parts: Sequence[np.ndarray | None], blocks: Sequence[_Block]) -> np.ndarray:
    """Whether something holds of each line break; None: of none in a block."""
    return np.concatenate([
        np.zeros(len(block.ends), bool) if part is None else part
        for part, block in zip(parts, blocks, strict=True)
    ])  # fmt: skip


def in_threads(
    data: np.ndarray, function: Callable[[tuple[int, int]], _T], bounds: Sequence[tuple[int, int]]
) -> Iterator[_T]:
    """What a function says of parts of a file, in their order; numpy and Arrow free the threads."""
    if len(bounds) < 4:
        yield from map(function, bounds)
        return
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for i in range(0, len(bounds), 16):  # so that not too much waits
            yield from pool.map(function, bounds[i : i + 16])
            forget(data)


def _bounds(data: np.ndarray, break_: int) -> list[tuple[int, int]]:
    """Parts of a file that begin behind a line break, where there is one."""
    edges, size = [0], len(data)
    for start in range(BLOCK, size, BLOCK):
        found = data[start : start + BLOCK // 4].tobytes().find(break_)
        if start > edges[-1]:
            edges.append(min(start + found + 1, size))
    if edges[-1] < size:
        edges.append(size)
    return list(pairwise(edges))


def _look(
    data: np.ndarray, start: int, end: int, delimiter: int, break_: int, quote: int, is_open: bool
) -> _Block:
    block = data[start:end]
    ends, marks, found = (np.flatnonzero(block == b) for b in (break_, delimiter, quote))
    returns = np.flatnonzero(block == CR) if break_ == LF else ends[:0]
    delimiters = _between(marks, ends)
    within, free, returns_free, legal = None, delimiters, len(returns), True
    if found.size or is_open:
        inside = _within(found, is_open, ends)
        within = inside if inside.any() else None
        free = _between(marks[~_within(found, is_open, marks)], ends)
        returns_free = int((~_within(found, is_open, returns)).sum())
    if found.size:
        legal = _is_legal(data, found + start, is_open, delimiter, break_)
    paired = None
    if returns.size:
        paired = data[np.maximum(ends + start, 1) - 1] == CR
        paired[:1] &= ends[:1] + start > 0
    return _Block(
        ends=ends + start,
        within=within,
        delimiters=delimiters,
        free=free,
        quotes=len(found),
        returns=len(returns),
        returns_free=returns_free,
        paired=paired,
        legal=legal,
    )


def _between(marks: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Marks before the first end, between two, and behind the last."""
    before = np.searchsorted(marks, ends)
    return np.diff(before, prepend=0, append=len(marks)).astype(np.int32)


def _joined(parts: list[np.ndarray], rows: int) -> np.ndarray:
    """Numbers of the rows of all parts: a row may end in a later one than it begins in."""
    found = np.concatenate([*(part[:-1] for part in parts), np.zeros(1, np.int32)])
    at = 0
    for part in parts:
        at += len(part) - 1
        found[at] += part[-1]
    return found[:rows]


def _within(quotes: np.ndarray, is_open: bool, positions: np.ndarray) -> np.ndarray:
    """Whether positions of a block stand behind an odd number of quotes."""
    return (np.searchsorted(quotes, positions) + is_open) % 2 == 1


def _is_legal(
    data: np.ndarray, quotes: np.ndarray, is_open: bool, delimiter: int, break_: int
) -> bool:
    """Whether opening quotes follow, and closing ones precede, an edge of a field or a quote."""
    opening, closing = quotes[int(is_open) :: 2], quotes[1 - int(is_open) :: 2]
    edges = np.zeros(256, bool)
    edges[[delimiter, break_, data[quotes[0]]]] = True
    if not edges[data[opening[opening > 0] - 1]].all():
        return False
    behind = closing[closing < len(data) - 1] + 1
    others = behind[~edges[data[behind]]]
    if break_ == CR or not others.size:
        return not others.size
    if others[-1] == len(data) - 1:
        return False
    return bool(((data[others] == CR) & (data[others + 1] == LF)).all())


def forget(data: np.ndarray) -> None:
    """Give the memory back that the pages of a mapped file take; they are read again if asked."""
    base: Any = data
    while isinstance(base, np.ndarray):
        base = base.base
    base = getattr(base, "obj", base)  # of a memoryview
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _rows(
    size: int,
    ends: np.ndarray,
    delimiters: np.ndarray,
    last_lines: np.ndarray | None,
    returns: int,
    paired: np.ndarray,
) -> Rows:
    """Rows that end at some of the file's line breaks.

    Args:
        size: of the file.
        ends: positions of the breaks.
        delimiters: of each row.
        last_lines: of each among all breaks; None: they are all.
        returns: CR that count.
        paired: whether a CR stands before each break.
    """
    length = np.diff(ends, prepend=-1)
    even = returns == 0
    blank = length == 1
    if returns:
        breaks = len(ends) - (ends[-1] == size)
        even = returns == int(paired.sum()) == breaks
        blank |= (length == 2) & paired
    return Rows(ends, delimiters, last_lines, blank, even)
