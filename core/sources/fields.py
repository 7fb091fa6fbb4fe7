"""The fields of a text file's rows, one row after another, for files that SQL cannot read.

A quote encloses a field only where it begins one, and what it encloses ends at a quote before the
next delimiter or line break; every other quote is a letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.sources.scan import CR, LF


@dataclass(frozen=True)
class Dialect:
    """How fields are told apart.

    Attributes:
        delimiter: as a byte.
        quote: as a byte; None: quotes are letters.
        backslash: whether a backslash before a quote makes that a letter.
        break_: LF (with or without CR before it) or CR.
    """

    delimiter: int
    quote: int | None
    backslash: bool = False
    break_: int = LF


@dataclass(frozen=True)
class Row:
    """One row: its fields, as bytes, the line, from 1, in which it begins, and how many it has."""

    fields: list[bytes]
    line: int
    lines: int = 1


def rows(data: np.ndarray, dialect: Dialect) -> Iterator[Row]:
    """All rows of a file but blank lines."""
    if dialect.quote is None:
        yield from _lines(data, dialect)
        return
    pattern = _pattern(dialect)
    quote = bytes([dialect.quote])
    buffer = data.data
    position, line, size = 0, 1, len(data)
    while position < size:
        fields, lines = [], 1
        start = position
        while True:
            match = pattern.match(buffer, position)
            assert match is not None  # a field may be empty
            enclosed, plain, end = match.groups()
            if enclosed is not None:
                lines += enclosed.count(b"\r" if dialect.break_ == CR else b"\n")
                fields.append(_without_escapes(enclosed, quote, dialect.backslash))
            else:
                fields.append(plain)
            position = match.end()
            if end != _byte(dialect.delimiter):
                break
        if position > start + len(end):
            yield Row(fields, line, lines)
        line += lines


def _lines(data: np.ndarray, dialect: Dialect) -> Iterator[Row]:
    delimiter, break_ = _byte(dialect.delimiter), _byte(dialect.break_)
    left, number = b"", 0
    for start in range(0, len(data), 1 << 20):
        block = left + data[start : start + (1 << 20)].tobytes()
        *whole, left = block.split(break_)
        for text in whole:
            number += 1
            if dialect.break_ == LF:
                text = text.removesuffix(b"\r")
            if text:
                yield Row(text.split(delimiter), number)
    if left:
        yield Row(left.split(delimiter), number + 1)


def _byte(value: int) -> bytes:
    return bytes([value])


@lru_cache
def _pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """A field and what ends it."""
    assert dialect.quote is not None
    q, d = re.escape(_byte(dialect.quote)), re.escape(_byte(dialect.delimiter))
    ending = rb"\r" if dialect.break_ == CR else rb"\r?\n"
    within = rb"[^%b\\]|\\.|%b%b" % (q, q, q) if dialect.backslash else rb"[^%b]|%b%b" % (q, q, q)
    stops = rb"[^%b\r]" % d if dialect.break_ == CR else rb"[^%b\n\r]|\r(?!\n)" % d
    return re.compile(
        rb"(?:%b((?:%b)*+)%b(?=%b|%b|\Z)|((?:%b)*+))(%b|%b|\Z)"
        % (q, within, q, d, ending, stops, d, ending),
        re.DOTALL,
    )


def _without_escapes(field: bytes, quote: bytes, backslash: bool) -> bytes:
    if not backslash:
        return field.replace(2 * quote, quote)
    q = re.escape(quote)
    return re.sub(rb"\\([\\%b])|%b%b" % (q, q, q), lambda match: match[1] or quote, field)
