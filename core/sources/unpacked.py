"""Compressed files and archives, unpacked once into the cache, as far as there is room.

Members are written by number, never by their names, so that no name leads to another place.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

import pyarrow as pa

from core.errors import InputError
from core.sources.kept import Room, check_regular, kept
from core.storage import reading

_BLOCK = 1 << 20
_MEMBERS = 20_000
_NAMES = "names.json"
_MEND = "unpack it, and name what is in it"
_STARTS = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}
# A file of these formats is no archive, though it is one inside.
_WORKBOOKS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")


def without_compression(name: str) -> str:
    """A file's name without `.gz` and the like."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.casefold() in _STARTS.values() else name


def file(path: Path) -> Path:
    """A file, or what it holds where it is compressed.

    Raises:
        InputError: it is no file, does not read, or unpacks to more than there is room for.
    """
    check_regular(path)
    with reading.reading(path, _MEND, said="does not unpack"):
        if not (kind := _compression(path)):
            return path

        def write(target: Path) -> None:
            room = Room(path)
            with _opened(path, kind) as source, target.open("wb") as copy:
                _copy(source, copy, room)

        return kept(path, "unpacked", PurePosixPath(without_compression(path.name)).suffix, write)


def archive(path: Path) -> list[tuple[str, Path]] | None:
    """Members of an archive, by name and where they lie unpacked; None of what is none.

    Raises:
        InputError: it does not read, has names that lead elsewhere, links or a password, or unpacks
            to more than there is room for.
    """
    check_regular(path)
    with reading.reading(path, _MEND, said="does not unpack"):
        if path.stat().st_size == 0:
            return None
        if zipfile.is_zipfile(path) and not _is_other(path):
            write = _write_zip
        elif _is_tar(path):
            write = _write_tar
        else:
            return None
        folder = kept(path, "members", "", lambda target: write(path, target))
        names = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        return [(name, folder / member) for name, member in names]


def _compression(path: Path) -> str:
    with path.open("rb") as source:
        start = source.read(6)
    return next((kind for mark, kind in _STARTS.items() if start.startswith(mark)), "")


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[Any]:
    if kind == ".gz":
        with gzip.open(path) as source:
            yield source
    elif kind == ".bz2":
        with bz2.open(path) as source:
            yield source
    elif kind == ".xz":
        with lzma.open(path) as source:
            yield source
    else:
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as source:
            yield source


def _copy(source: IO[bytes] | Any, target: BinaryIO, room: Room) -> None:
    try:
        while block := source.read(_BLOCK):
            room.take(len(block))
            target.write(block)
    except lzma.LZMAError as error:
        raise OSError(str(error)) from error


def _is_other(path: Path) -> bool:
    """Whether a file is a zip only inside: a workbook, or a Parquet file with one behind it."""
    with path.open("rb") as source:
        if source.read(2) != b"PK":
            return True
    with zipfile.ZipFile(path) as parts:
        return any(name in _WORKBOOKS for name in parts.namelist())


def _is_tar(path: Path) -> bool:
    """Whether it is a tar, maybe compressed: asked of few bytes, not of the whole file."""
    kind = _compression(path)
    try:
        if not kind:
            with path.open("rb") as source:
                head = source.read(512)
        else:
            with _opened(path, kind) as source:
                head = source.read(512)
    except (OSError, EOFError, lzma.LZMAError, ValueError):
        return False
    return head[257:262] == b"ustar"


class _Members:
    """What is written of an archive."""

    def __init__(self, path: Path, target: Path) -> None:
        self._path, self._target, self._room = path, target, Room(path)
        self._names: list[tuple[str, str]] = []
        target.mkdir()

    def is_wanted(self, name: str) -> bool:
        """Whether a member is a file of the user's, and its name leads nowhere else."""
        place = PurePosixPath(name.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or "\0" in name or ":" in place.parts[:1]:
            raise InputError(
                f"{self._path} has a member that leads out of it: {name!r}. Nothing of it was "
                "read; unpack it, and name the files."
            )
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in place.parts)
        return not hidden and bool(place.parts)

    def refuse_link(self, name: str) -> None:
        raise InputError(
            f"{self._path} has a link or a device as a member: {name!r}. Nothing of it was read; "
            "unpack it, and name the files."
        )

    def add(self, name: str, source: Any) -> None:
        place = PurePosixPath(name.replace("\\", "/"))
        if len(self._names) == _MEMBERS:
            raise InputError(
                f"{self._path} has more than {_MEMBERS:,} members. Where each is one text, write "
                "them as one table first."
            )
        inner = PurePosixPath(without_compression(place.name)).suffix[:12]
        outer = place.suffix[:12] if inner != place.suffix else ""
        member = f"{len(self._names):05d}{inner}{outer}"
        with (self._target / member).open("wb") as copy:
            _copy(source, copy, self._room)
        self._names.append((str(place), member))

    def close(self) -> None:
        said = json.dumps(self._names, ensure_ascii=True)
        (self._target / _NAMES).write_text(said, encoding="utf-8")


def _write_zip(path: Path, target: Path) -> None:
    members = _Members(path, target)
    with zipfile.ZipFile(path) as parts:
        for part in parts.infolist():
            if part.is_dir() or not members.is_wanted(part.filename):
                continue
            if part.flag_bits & 1:
                raise InputError(f"{path} needs a password. Unpack it, and name what is in it.")
            if (part.external_attr >> 16) & 0o170000 == 0o120000:
                members.refuse_link(part.filename)
            try:
                with parts.open(part) as source:
                    members.add(part.filename, source)
            except NotImplementedError as error:
                raise InputError(f"{path} does not unpack ({error}); {_MEND}.") from error
    members.close()


def _write_tar(path: Path, target: Path) -> None:
    members = _Members(path, target)
    kind = _compression(path)
    try:
        with _tar_stream(path, kind) as stream, tarfile.open(fileobj=stream, mode="r|") as parts:
            for part in parts:
                if part.isdir() or not members.is_wanted(part.name):
                    continue
                if not part.isreg():
                    members.refuse_link(part.name)
                members.add(part.name, parts.extractfile(part))
            end = parts.offset
        with _tar_stream(path, kind) as stream:
            _check_end(stream, end)
    except (tarfile.TarError, lzma.LZMAError) as error:
        raise OSError(str(error)) from error
    members.close()


def _check_end(stream: Any, end: int) -> None:
    """Refuse a tar behind whose last member is anything but zeros: tarfile takes that for the end.

    Raises:
        OSError: there is, or nothing is, as where it was cut off.
    """
    position = 0
    zeros = 0
    while block := stream.read(_BLOCK):
        rest = block[max(0, end - position) :]
        position += len(block)
        zeros += len(rest)
        if rest.strip(b"\0"):
            raise OSError("a member in it is damaged")
    if not zeros:
        raise OSError("its end is missing")


@contextmanager
def _tar_stream(path: Path, kind: str) -> Iterator[Any]:
    if kind:
        with _opened(path, kind) as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream
