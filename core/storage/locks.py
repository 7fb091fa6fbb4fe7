"""Locks on files: the one thing that decides whether a process still works on something.

A lock (flock) belongs to the open file of a process, and the system lets go of it when that process
ends, however it ends: kill -9, a crash, a reboot. Nothing else is asked:

- a heartbeat says too late that a process died, and says it of a process that only slept (a laptop
  that was closed, a clock that was set);
- a process id says nothing of a process in another container or on another machine that shares the
  folder, and may by now belong to another program, even with a start time beside it.

Locks hold across containers of one machine, and across machines where the file system keeps them at
its server (NFS since Linux 2.6.12; Lustre mounted with `flock`). Where it has none, work is refused
with a message rather than done twice.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from core.errors import InputError


def take(path: Path) -> IO[str] | None:
    """Lock a file, made where it is missing, until the file is closed; None if it is locked.

    A process that is started with the open file keeps the lock (see `core.jobs.slots.start`).

    Raises:
        InputError: the file system has no locks.
        FileNotFoundError: the file's folder does not exist.
    """
    while True:
        file = path.open("a+")
        try:
            _flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB, path)
        except BlockingIOError:
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        if _is_at(file, path):
            return file
        file.close()  # deleted or moved between opening and locking: try the one that is there


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold the lock on a file, after waiting for it as long as it takes."""
    with path.open("a+") as file:
        _flock(file, fcntl.LOCK_EX, path)
        yield


def is_held(path: Path) -> bool:
    """Whether some process holds the lock on a file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no such file: nobody works there
        return False
    return False


def _flock(file: IO[str], operation: int, path: Path) -> None:
    try:
        fcntl.flock(file, operation)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK):
            raise
        raise InputError(
            f"the file system of {path.parent} has no file locks ({error.strerror}), so that two "
            "processes could work on one run. Put the checkpoints folder on another one "
            "(LANGSKEW_CHECKPOINTS names it)."
        ) from error


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
