"""The character between fields: the one that gives most rows as many fields as the first."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from core.errors import InputError
from core.sources.scan import BLOCK, scan
from core.sources.source import Options
from core.sources.table import escaped
from core.sources.text import Text
from core.storage import sql

_USUAL = ("\t", ",", ";", "|")
_RARE = ("^", "~", "\x01", "\x1e", "\x1f", "#")
_OF_ENDING = {".tsv": "\t", ".tab": "\t", ".csv": ",", ".psv": "|"}


def find(text: Text, break_: int, options: Options, ending: str) -> int:
    """The byte between fields; 0 where a line is one field.

    Whichever gives most rows of the beginning as many fields as the first; where two do equally,
    the one that the ending says, or that DuckDB would take.
    """
    if options.delimiter is not None:
        if options.delimiter == "\\t":  # as it is typed
            return 9
        if len(options.delimiter) != 1 or not options.delimiter.isascii() or (
            options.delimiter in '"\r\n'
        ):  # fmt: skip
            raise InputError(
                f"the delimiter is {options.delimiter!r}; expected one character of ASCII, such as "
                "a comma, a semicolon or a tab."
            )
        return ord(options.delimiter)
    head = text.data[:BLOCK]
    if len(head) < len(text.data) and (at := np.flatnonzero(head == break_)).size:
        head = head[: at[-1] + 1]
    looked = {c: _agreeing(head, ord(c), break_, options) for c in _USUAL}
    agreeing = {c: share for c, share in looked.items() if share is not None}
    of_ending = _OF_ENDING.get(ending)
    best = max(agreeing.values(), default=0.0)
    if best < 0.9:
        rare = {c: _agreeing(head, ord(c), break_, options) for c in _RARE}
        if certain := [c for c, share in rare.items() if share == 1.0]:
            return ord(certain[0])
        if of_ending not in agreeing and best < 0.5:
            return 0
    level = [c for c, share in agreeing.items() if share >= best - 0.02]
    if of_ending in level:
        return ord(of_ending)
    if len(level) > 1 and (sniffed := _sniffed(text.path)) in level:
        return ord(sniffed)
    return ord(level[0]) if level else 0


def _agreeing(head: np.ndarray, delimiter: int, break_: int, options: Options) -> float | None:
    """Share of the rows with as many fields as the first; None where that has a single one."""
    looked = scan(head, delimiter, break_)
    shares = []
    for found in (looked.letters, looked.enclosing if options.quoting is not False else None):
        if found is None or found.blank.all():
            continue
        fields = int(found.delimiters[found.first])
        if fields:
            behind = found.delimiters[~found.blank][1:]
            right = (behind == fields) | (behind == fields + 1)
            shares.append(float(right.mean()) if len(behind) else 1.0)
    return max(shares, default=None)


def _sniffed(path: Path) -> str:
    try:
        found = sql.query(f"SELECT Delimiter FROM sniff_csv({sql.literal(escaped(path))})")
        return str(found["Delimiter"][0])
    except duckdb.Error:
        return ""


def absent(data: np.ndarray) -> int:
    """A byte that a file does not have, to be the delimiter where there is none."""
    for byte in (0x1F, 0x1E, 0x1D, 0x1C, *range(1, 9), *range(0xF8, 0x100)):
        if not (data == byte).any():
            return byte
    raise AssertionError("no text in UTF-8 has a byte above 0xF7")
