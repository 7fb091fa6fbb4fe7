"""Files of text as UTF-8: what they are encoded in is found out, and the rest is written anew."""

from __future__ import annotations

import codecs
import mmap
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.errors import InputError
from core.sources import encodings
from core.sources.kept import Room, check_regular, kept
from core.sources.scan import in_threads
from core.sources.source import Options
from core.sources.table import NoRowsError

_BLOCK = 1 << 20
_SAMPLE = 1 << 18  # bytes that an encoding is guessed from
# Of the characters beyond ASCII this share may be broken for a file to count as damaged UTF-8.
_DAMAGED = 0.2
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # first: it begins as UTF-16's does
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SAID = {
    **{f"cp{n}": f"Windows-{n}" for n in range(1250, 1258)},
    **{"cp932": "Shift-JIS", "shift_jis": "Shift-JIS", "latin_1": "Latin-1", "gb18030": "GB18030"},
    **{"koi8_r": "KOI8-R", "big5": "Big5", "euc_kr": "EUC-KR", "euc_jp": "EUC-JP"},
    **{"utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32"},
}


@dataclass(frozen=True)
class Text:
    """A file as UTF-8.

    Attributes:
        path: of the file, or of its copy in UTF-8.
        data: its bytes, without a byte order mark: array of uint8.
        encoding: of the file itself, for a reader; empty for UTF-8.
        guessed: whether that is a guess.
        skipped: lines of the file above `data`.
        marked: whether `path` begins with a byte order mark.
    """

    path: Path
    data: np.ndarray
    encoding: str = ""
    guessed: bool = False
    marked: bool = False
    skipped: int = 0


def open_text(path: Path, options: Options) -> Text:
    """A file's bytes as UTF-8; a copy of it is written where it is in another encoding.

    Raises:
        InputError: it is empty, not text, or not in the encoding that it should be in.
    """
    check_regular(path)
    if path.stat().st_size == 0:
        raise NoRowsError(f"{path} is empty; expected a table. Name a file that has rows.")
    data = mapped(path)
    encoding = _encoding(path, data, options)
    if not encoding:
        marked = data[:3].tobytes() == codecs.BOM_UTF8
        data = data[3:] if marked else data
        if not len(data):
            raise NoRowsError(f"{path} is empty but for a byte order mark. Name a file with rows.")
        _check_text(path, data)
        return Text(path, data, marked=marked)

    def write(target: Path) -> None:
        _write_utf8(path, encoding, target)

    copy = kept(path, f"UTF-8 of {encoding}", ".txt", write)
    if copy.stat().st_size == 0:
        raise NoRowsError(f"{path} is empty; expected a table. Name a file that has rows.")
    data = mapped(copy)
    _check_text(path, data)
    guessed = options.encoding is None and not encoding.startswith("utf")
    return Text(copy, data, _SAID.get(encoding, encoding), guessed)


def mapped(path: Path) -> np.ndarray:
    """The bytes of a file that is not empty, read as they are asked for."""
    with path.open("rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


def _check_text(path: Path, data: np.ndarray) -> None:
    def has_null(bounds: tuple[int, int]) -> bool:
        return bool((data[slice(*bounds)] == 0).any())

    bounds = _bounds(data)
    for (start, end), found in zip(bounds, in_threads(data, has_null, bounds), strict=True):
        if found:
            at = start + int(np.argmin(data[start:end]))
            raise InputError(
                f"{path} is no text: line {_line(data, at)} holds a null character. Name a table, "
                "as CSV, TSV, JSON, Parquet or Excel, or mend that line."
            )


def _encoding(path: Path, data: np.ndarray, options: Options) -> str:
    """Python's name of a file's encoding; empty for UTF-8."""
    if options.encoding is not None:
        try:
            name = codecs.lookup(options.encoding).name
            if not codecs.lookup(name)._is_text_encoding:
                raise LookupError
        except (LookupError, ValueError) as error:
            raise InputError(
                f"unknown encoding {options.encoding!r}; give one that Python knows, such as "
                "utf-8, latin-1, cp1252, gb18030 or shift_jis."
            ) from error
        if name not in ("utf-8", "utf-8-sig", "ascii"):
            return name
        if (at := _first_damage(data)) is not None:
            raise InputError(
                f"{path}, line {_line(data, at)} is not {options.encoding}; give the encoding that "
                "it is in, or mend the line."
            )
        return ""
    start = data[:4].tobytes()
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    even, odd = (np.count_nonzero(data[i : 1 << 16 : 2] == 0) for i in (0, 1))
    if (even > 10 * odd or odd > 10 * even) and 2 * max(even, odd) > 0.3 * min(len(data), 1 << 16):
        return "utf-16-be" if even > odd else "utf-16-le"
    at = _first_damage(data)
    return "" if at is None else _guess(path, data, at)


def _first_damage(data: np.ndarray) -> int | None:
    """Position at which a file is not UTF-8."""

    def is_utf8(bounds: tuple[int, int]) -> bool:
        return _is_utf8(data[slice(*bounds)])

    bounds = _bounds(data)
    for (start, end), right in zip(bounds, in_threads(data, is_utf8, bounds), strict=True):
        if not right:
            try:
                data[start:end].tobytes().decode()
            except UnicodeDecodeError as error:
                return start + error.start
    return None


def _bounds(data: np.ndarray) -> list[tuple[int, int]]:
    """Parts of a file; in UTF-8 each begins with a character."""
    edges, size = [0], len(data)
    for start in range(_BLOCK, size, _BLOCK):
        edge = start
        while edge > start - 4 and data[edge] & 0xC0 == 0x80:
            edge -= 1
        edges.append(edge)
    return list(pairwise([*edges, size]))


def _is_utf8(block: np.ndarray) -> bool:
    """As Arrow says, which is several times faster than Python."""
    ends = pa.py_buffer(np.array([0, len(block)], np.int64))
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(block)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _line(data: np.ndarray, position: int) -> int:
    return 1 + int(np.count_nonzero(data[:position] == 10))


def _guess(path: Path, data: np.ndarray, at: int) -> str:
    """An encoding that reads the whole file, the likeliest by its letters."""
    around = max(0, at - _SAMPLE // 2)
    sample = data[around : around + _SAMPLE].tobytes()
    read = sample.decode("utf-8", "replace")
    beyond = sum(c > "\x7f" for c in read)
    if read.count("\ufffd") - 1 <= _DAMAGED * beyond and beyond > 10:
        raise InputError(
            f"{path}, line {_line(data, at)} is not UTF-8, though the rest around it is. Mend the "
            "line, or set the encoding."
        )
    # Lines with letters beyond ASCII tell; in a long file there may be few.
    telling = b"\n".join(x for x in sample.split(b"\n") if not x.isascii())[: 1 << 16]
    names = [*encodings.likeliest(telling), "latin_1"]
    whole = data.tobytes()
    for name in dict.fromkeys(names):
        try:
            text = whole.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return name
    raise InputError(f"{path} is no text. Name a table, as CSV, TSV, JSON, Parquet or Excel.")


def _write_utf8(path: Path, encoding: str, target: Path) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    room, done = Room(path), 0
    with path.open("rb") as source, target.open("wb") as copy:
        while True:
            block = source.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:
                raise InputError(
                    f"{path} is not {encoding}: byte {done + getattr(error, 'start', 0):,} does "
                    "not read. Give the encoding that it is in, or write it anew as UTF-8."
                ) from error
            try:
                encoded = (text if done else text.removeprefix("\ufeff")).encode()
            except UnicodeEncodeError as error:
                raise InputError(
                    f"{path} holds half of a character; write it anew as UTF-8."
                ) from error
            room.take(len(encoded))
            copy.write(encoded)
            done += len(block)
            if not block:
                return
