"""Files that came through a page: `checkpoints/uploads/<hash of their content>/<their names>`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from core.errors import InputError
from core.storage import atomic, places
from core.text import file_name


def root() -> Path:
    """Where all uploads lie."""
    return places.checkpoints_dir() / "uploads"


def keep(files: Mapping[str, bytes]) -> Path:
    """Write files that belong together; the same ones are written once.

    Args:
        files: content by name; a name is made one that no system takes amiss.

    Returns:
        The file, or the folder of several.

    Raises:
        InputError: there is none, or two have one name.
    """
    named = {file_name(name): content for name, content in files.items()}
    if not files or len(named) < len(files):
        raise InputError(
            f"uploaded files are {', '.join(files) or 'none'}; expected one or more, each with a "
            "name of its own. Rename them."
        )
    digest = hashlib.sha256()
    for name, content in sorted(named.items()):
        digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(content).digest())
    folder = root() / digest.hexdigest()[:16]
    atomic.make_folder(folder)
    for name, content in named.items():
        if not (folder / name).exists():
            with atomic.replacing(folder / name) as partial:
                partial.write_bytes(content)
    return folder / next(iter(named)) if len(named) == 1 else folder


def kept() -> list[Path]:
    """What was uploaded, the newest first: a file, or the folder of several."""
    folders = [p for p in root().glob("*") if p.is_dir() and any(p.iterdir())]
    folders.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    return [files[0] if len(files := sorted(p.iterdir())) == 1 else p for p in folders]


def shown(path: Path) -> str:
    """An upload as a reader knows it: by the names of its files."""
    names = [path.name] if path.is_file() else sorted(p.name for p in path.iterdir())
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"upload: {', '.join(names[:3])}{more}"
