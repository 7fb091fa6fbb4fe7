"""Files that are written whole or not at all, and that are on the disk once they are said to be.

What was written is in the memory of the system first, and reaches the disk in an order of the
system's own: after a power failure a file can have its new name and none of its content. So a file
is flushed before it is renamed into place and its folder after it, and what depends on it, such as
the file COMPLETE of a run, is written only then.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.storage import disk


@contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """A path to write to, renamed over `path` (a file or folder) when the block ends well.

    Args:
        lasting: whether it must outlive a power failure; else it is written faster.
    """
    # Not the process id: in two containers that share the folder it may be the same.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
        if lasting:
            flush(partial)
        if path.is_dir():  # a folder cannot be renamed over
            shutil.rmtree(path)
        partial.replace(path)
        if lasting:
            _flush(path.parent)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, lasting: bool = True) -> None:
    """Write a file whole or not at all; see `replacing`."""
    with replacing(path, lasting=lasting) as partial:
        partial.write_text(text, encoding="utf-8")


def write_state(path: Path, text: str) -> None:
    """Write a small file whole or, where the disk is full, over the bytes that it has already.

    So that a state can be told on a full disk too: a file takes room in blocks, and a new text that
    is no longer than those takes none.
    """
    try:
        write_text(path, text)
    except OSError as error:
        if not disk.is_full(error) or not _overwritten(path, text.encode()):
            raise


def _overwritten(path: Path, content: bytes) -> bool:
    """Whether there was a file with room enough, which now holds this."""
    try:
        handle = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return False
    try:
        if len(content) > 512 * os.fstat(handle).st_blocks:
            return False
        os.pwrite(handle, content, 0)
        os.ftruncate(handle, len(content))
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def append_line(path: Path, document: dict[str, Any]) -> None:
    """Append one line of JSON in one write, so that readers see whole lines."""
    line = (json.dumps(document) + "\n").encode()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder and those above it where they are missing."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    _flush(path.parent)


def move(path: Path, target: Path) -> None:
    """Give a file another name, maybe in another folder."""
    path.replace(target)
    _flush(target.parent)  # first: in both it can be told apart, in none it is lost
    _flush(path.parent)


def delete(path: Path) -> None:
    """Delete a file, where it is there."""
    path.unlink(missing_ok=True)
    _flush(path.parent)


def flush(path: Path) -> None:
    """Have the disk take what was written to a file, or to a folder with all that is in it."""
    if path.is_dir():
        for inside in path.iterdir():
            flush(inside)
    _flush(path)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot
            raise
    finally:
        os.close(handle)
