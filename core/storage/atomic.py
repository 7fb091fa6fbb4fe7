"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, renamed over `path` (a file or folder) when the block ends well."""
    # Not the process id: in two containers that share the folder it may be the same.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
        if path.is_dir():  # a folder cannot be renamed over
            shutil.rmtree(path)
        partial.replace(path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def append_line(path: Path, document: dict[str, Any]) -> None:
    """Append one line of JSON in one write, so that readers see whole lines."""
    line = (json.dumps(document) + "\n").encode()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def is_disk_full(error: BaseException) -> TypeGuard[OSError]:
    """Whether writing failed because there was no room."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
