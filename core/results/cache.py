"""Documents that are computed from files and kept beside them until one of the files changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar

from core.errors import InputError
from core.storage import atomic, places, reading

ROOMS = ("sampling", "measures", "checkpoints", "attribution", "results")  # which measure
Document = TypeVar("Document", bound=Mapping[str, object])


def kept(path: Path, key: str, compute: Callable[[], Document]) -> Document:
    """The document at `path` if it was made for this key by this version, else computed and kept.

    Where the folder cannot be written to, it is computed each time.

    Args:
        path: of a JSON file; whoever deletes it loses nothing but time.
        key: says what the document was made from, such as `Started.stamp`.
        compute: makes a document that JSON holds.
    """
    document: Document | None = stored(path, key)
    if document is not None:
        return document
    return keep(path, key, compute())


def stored(path: Path, key: str) -> Any:
    """The document at `path` if it was made for this key by this version, else None."""
    with suppress(InputError):  # computed anew
        found = reading.json_object(path, "delete it to compute it anew")
        document = found.get("document")
        if found.get("key") == f"{_version()} {key}" and found.get("digest") == _digest(document):
            return document
    return None


def keep(path: Path, key: str, document: Document) -> Document:
    """Keep a document where that can be written; returned as JSON gives it back."""
    as_stored: Document = json.loads(json.dumps(document))
    found = {"key": f"{_version()} {key}", "digest": _digest(as_stored), "document": as_stored}
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        atomic.write_text(path, json.dumps(found), lasting=False)
    return as_stored  # the same types whether it was kept or not


def _digest(document: object) -> str:
    """Of what a document says: a byte that changed on the disk must not change a number."""
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]


@cache
def _version() -> str:
    """Changes with the code that measures; comments, docstrings and names of files do not count."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for file in sorted((places.CORE / room).glob("*.py")):
            code = compile(file.read_bytes(), room, "exec", dont_inherit=True, optimize=2)
            digest.update(_content(code).encode())
    return digest.hexdigest()[:16]


def _content(code: CodeType) -> str:
    """What a piece of code does, without where it stands."""
    parts = [code.co_code.hex(), *map(repr, (code.co_names, code.co_varnames, code.co_freevars))]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            parts.append(_content(constant))
        elif isinstance(constant, frozenset):  # in another order in each process
            parts.append(repr(sorted(map(repr, constant))))
        else:
            parts.append(repr(constant))
    return " ".join(parts)
