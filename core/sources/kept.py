"""What is written once into the cache for SQL to read, and anew where its file changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from core.errors import InputError
from core.storage import memory, places
from core.storage.atomic import replacing

_VERSION = 1  # another number where what is written changes
_FREE = 0.5  # of the room on the disk that one file may take unpacked


def kept(path: Path, what: str, ending: str, write: Callable[[Path], None]) -> Path:
    """A file or folder made of `path`, written by `write` unless it is there.

    Args:
        what: is made, with every setting that decides it.
        ending: of its name.
    """
    there = path.stat()
    said = repr((_VERSION, os.fspath(path.resolve()), there.st_size, there.st_mtime_ns, what))
    folder = places.cache_dir() / "sources"
    target = folder / (hashlib.sha256(said.encode(errors="replace")).hexdigest()[:32] + ending)
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(target, lasting=False) as partial:
            write(partial)
    return target


def check_regular(path: Path) -> None:
    """Refuse what is no file, such as a pipe: to read one is to wait for its writer.

    Raises:
        InputError: names it.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise InputError(f"{path} is no file but a pipe or a device; name a file or a folder.")


class Room:
    """How much may be written of what unpacks; a file of kilobytes can unpack to terabytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        folder = places.cache_dir()
        while not folder.exists():
            folder = folder.parent
        self._most = min(memory.limit(), int(_FREE * shutil.disk_usage(folder).free))
        self._taken = 0

    def take(self, size: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            InputError: they are too many.
        """
        self._taken += size
        if self._taken > self._most:
            raise InputError(
                f"{self._path} unpacks to more than {self._most / 1e9:.2f} GB, which is what may "
                "be used here. Unpack it and take fewer rows; LANGSKEW_TABLE_GB sets another "
                "limit, in gigabytes."
            )
