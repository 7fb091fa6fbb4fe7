"""Documents that are computed from files and kept beside them until one of the files changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from core import checkpoints


def kept(path: Path, key: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The document at `path` if it was made for this key by this version, else computed and kept.

    Where the folder cannot be written to, it is computed each time.

    Args:
        path: of a JSON file; whoever deletes it loses nothing but time.
        key: says what the document was made from, such as `results.fingerprint`.
        compute: makes a document that JSON holds.
    """
    key = f"{_version()} {key}"
    with suppress(OSError, ValueError, KeyError, TypeError):
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["key"] == key:
            return dict(stored["document"])
    text = json.dumps({"key": key, "document": compute()})
    with suppress(OSError):
        checkpoints.write_text(path, text)
    return dict(json.loads(text)["document"])  # the same types whether it was kept or not


@cache
def _version() -> str:
    """Changes with the code that measures."""
    core = Path(__file__).parent
    names = ("measured.py", "results.py", "attributed.py", "joint.py")
    files = [core / name for name in names]
    digest = hashlib.sha256()
    for file in files + sorted((core / "measures").glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
