"""What the disk says when it takes nothing more: it is full, or may not be written to."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
# Libraries that write by themselves hand the system's words on, in exceptions of their own.
_SAID = {os.strerror(number): number for number in (*FULL, errno.EROFS)}
# Torch says of a full disk only that what it wrote is shorter than what it meant to write.
_SAID |= {"unexpected pos": errno.ENOSPC, "PytorchStreamWriter failed": errno.ENOSPC}


def trouble(error: BaseException, again: str = "do the same again") -> str | None:
    """What to tell of an error of writing: what was wrong and what to do; None of another error.

    Args:
        again: how to go on once there is room.
    """
    found = next(((n, e) for e in _chain(error) if (n := _number(e)) is not None), None)
    if found is None:
        return None
    number, cause = found
    name = getattr(cause, "filename", None)
    where = f" ({os.fsdecode(name)})" if isinstance(name, (str, bytes)) else ""
    if number in FULL:
        return f"the disk is full{where}; free some space, then {again} to go on"
    return (
        f"cannot be written: {os.strerror(number)}{where}; make it writable for this user, or name "
        "another folder (LANGSKEW_CHECKPOINTS, LANGSKEW_CACHE)"
    )


def is_full(error: BaseException) -> bool:
    """Whether writing failed because there was no room."""
    return any(_number(e) in FULL for e in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        yield found
        seen.add(id(found))
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno in (*FULL, *CLOSED):
        return error.errno
    text = str(error)
    return next((number for words, number in _SAID.items() if words in text), None)
