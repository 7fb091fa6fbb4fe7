"""Which files a path stands for: itself, what it unpacks to, or the tables below a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.errors import InputError
from core.sources import unpacked
from core.storage.places import is_inside

MOST = 20_000  # files of one folder
ENDINGS = frozenset(
    {".csv", ".tsv", ".tab", ".psv", ".txt", ".text", ".label", ".labels", ".json", ".jsonl",
     ".ndjson", ".jl", ".parquet", ".pq", ".arrow", ".feather", ".xlsx", ".xlsm", ".xlsb", ".xls",
     ".ods"}
)  # fmt: skip
_NO_TABLE = re.compile(
    r"(?i)(readme|licen[cs]e|copying|citation|changelog|requirements|notice|dataset_infos?|"
    r"dataset_dict|state|package)\b"
)


@dataclass(frozen=True)
class File:
    """A file that may be a table.

    Attributes:
        path: where it lies, unpacked.
        shown: for a reader: the path as given; of a member the archive's, with the member behind.
        name: beneath what was asked for, with `/`: what says language and split.
    """

    path: Path
    shown: str
    name: str


@dataclass
class Found:
    """What was asked for as files, in their order, and the names of others that are no tables."""

    files: list[File] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def find(paths: Sequence[Path]) -> Found:
    """The files that some paths stand for, in natural order beneath each.

    Raises:
        InputError: one is missing, is neither file nor folder, leads out of its folder, or has no
            table in it.
    """
    found = Found()
    above = _common(paths)
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist. Name a file, a folder or an archive.")
        own = _in_folder(path) if path.is_dir() else _of_file(path)
        if not own.files:
            raise InputError(
                f"{path} has no table in it{_but(own.ignored)}. Name a folder or an archive with "
                "files of CSV, TSV, JSON, Parquet or Excel."
            )
        if len(paths) > 1:
            prefix = path.relative_to(above).as_posix()
            own.files = [
                File(f.path, f.shown, prefix if f.path == path else f"{prefix}/{f.name}")
                for f in own.files
            ]
        found.files += own.files
        found.ignored += own.ignored
    return found


def _but(ignored: list[str]) -> str:
    return f" (but {', '.join(ignored[:3])})" if ignored else ""


def _common(paths: Sequence[Path]) -> Path:
    """The folder that all paths lie in."""
    above = Path(os.path.commonpath([p.absolute() for p in paths]))
    return above if len(paths) > 1 and above not in [p.absolute() for p in paths] else above.parent


def _of_file(path: Path) -> Found:
    if (members := unpacked.archive(path)) is None:
        return Found([File(unpacked.file(path), str(path), path.name)])
    return _chosen(
        [
            File(unpacked.file(where), f"{path}/{name}", name)
            for name, where in members
            if _is_table(name)
        ],
        [name for name, _ in members if not _is_table(name)],
    )


def _in_folder(folder: Path) -> Found:
    files, archives, ignored = [], [], []
    for path in _below(folder):
        name = path.relative_to(folder).as_posix()
        if _is_archive(name):
            archives.append(path)
        elif _is_table(name):
            files.append(File(unpacked.file(path), str(path), name))
        else:
            ignored.append(name)
    if files:
        ignored += [path.relative_to(folder).as_posix() for path in archives]
        return _chosen(files, ignored)
    inside = Found(ignored=ignored)
    for path in archives:
        own = _of_file(path)
        prefix = path.relative_to(folder).as_posix()
        inside.files += [File(f.path, f.shown, f"{prefix}/{f.name}") for f in own.files]
        inside.ignored += [f"{prefix}/{name}" for name in own.ignored]
    return inside


def _chosen(files: Iterable[File], ignored: Iterable[str]) -> Found:
    return Found(sorted(files, key=lambda f: _natural(f.name)), sorted(ignored, key=_natural))


def _below(folder: Path) -> list[Path]:
    """All files below a folder but hidden ones; links lead to places within it alone."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not _is_hidden(f))
        for name in [*folders, *files]:
            path = Path(place) / name
            if path.is_symlink() and not is_inside(path, folder):
                raise InputError(
                    f"{path} is a link to a place outside {folder}. Nothing was read; put a copy "
                    "of the file into the folder, or name the file itself."
                )
        found += [Path(place) / name for name in files if not _is_hidden(name)]
        if len(found) > MOST:
            raise InputError(
                f"{folder} has more than {MOST:,} files. Where each is one text, write them as one "
                "table first; else name a folder further down."
            )
    return found


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name == "__MACOSX"


def _is_archive(name: str) -> bool:
    return name.casefold().endswith((".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz"))


def _is_table(name: str) -> bool:
    path = PurePosixPath(unpacked.without_compression(name))
    return path.suffix.casefold() in ENDINGS and not _NO_TABLE.match(path.name)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """So that part 2 comes before part 10."""
    return [(t.isdigit(), int(t) if t.isdigit() else 0, t) for t in re.split(r"(\d+)", name)]
