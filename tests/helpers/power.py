"""A power failure that never happens: what the disk was told to take, in which order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """Watches a folder and knows what of it would outlive a power failure now.

    A file does as it was when it was last flushed, and under the names that its folder had when
    that was last flushed. That is the least a file system promises; many keep more. What is renamed
    may also keep its new name and lose its content, which `lost` takes for the worse case.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[int, tuple[int, int]] = {}  # inode -> size and time, when flushed
        self.names: dict[int, dict[str, int]] = {}  # folder's inode -> name -> inode, when flushed
        self.renaming: list[Callable[[Path], None]] = []  # called with the target, before it is
        self.order: list[str] = []

    def flushed(self, handle: int) -> None:
        path, of = Path(f"/proc/self/fd/{handle}").readlink(), os.fstat(handle)
        if path.is_dir():
            self.names[of.st_ino] = {p.name: p.stat().st_ino for p in path.iterdir()}
        else:
            self.files[of.st_ino] = (of.st_size, of.st_mtime_ns)
        self.order.append(f"flush {self.short(path)}")

    def short(self, path: Path) -> str:
        """A path without the random part of a partial file's name."""
        path = path.relative_to(self.folder) if path.is_relative_to(self.folder) else path
        first, *_ = path.name.lstrip(".").rsplit(".", 2)
        name = f"{first} (partial)" if path.name.endswith(".partial") else path.name
        return str(path.with_name(name)) if path.name else "."

    def is_kept(self, path: Path) -> bool:
        """Whether a file or folder would be there as it is now, under this name."""
        of = path.stat()
        if path.is_file() and self.files.get(of.st_ino) != (of.st_size, of.st_mtime_ns):
            return False
        if path == self.folder:
            return True
        there = self.names.get(path.parent.stat().st_ino, {})
        return there.get(path.name) == of.st_ino and self.is_kept(path.parent)

    def lost(self, folder: Path, but: tuple[str, ...] = ()) -> list[str]:
        """Files under a folder that a power failure now would take, or take the content of."""
        return sorted(
            str(p.relative_to(folder))
            for p in folder.rglob("*")
            if p.is_file() and p.relative_to(folder).parts[0] not in but and not self.is_kept(p)
        )


@contextmanager
def watched(folder: Path) -> Iterator[Disk]:
    """Within, what this process flushes and renames is seen."""
    disk = Disk(folder)
    fsync, replace = os.fsync, os.replace

    def seen_fsync(handle: int) -> None:
        fsync(handle)
        disk.flushed(handle)

    def seen_replace(source: str | Path, target: str | Path, **more: int) -> None:
        for ask in disk.renaming:
            ask(Path(target))
        replace(source, target, **more)
        disk.order.append(f"rename {disk.short(Path(target))}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", seen_fsync)
        patch.setattr(os, "replace", seen_replace)
        yield disk
