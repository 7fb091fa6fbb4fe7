"""Where files are, and for whom: the checkpoints folder, the cache, what comes with LangSkew."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]  # where `python -m core` is started
CORE = ROOT / "core"


def checkpoints_dir() -> Path:
    """The checkpoints folder: LANGSKEW_CHECKPOINTS, else `checkpoints` beside `core`."""
    chosen = os.environ.get("LANGSKEW_CHECKPOINTS")
    return Path(chosen).expanduser() if chosen else ROOT / "checkpoints"


def cache_dir() -> Path:
    """Folder for what is fetched or derived once: LANGSKEW_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("LANGSKEW_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "langskew"


def keep_private() -> None:
    """Have what this process and those that it starts write be for its own user alone.

    Checkpoints, queue, logs and caches hold texts of corpora and what people typed. What is there
    keeps its mode; a folder's default ACL still lets others in where somebody set one.
    """
    os.umask(os.umask(0o077) | 0o077)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path, with its `..` and links followed, is in a folder or is the folder.

    In a snapshot of the hub's cache files are links to `blobs` beside it, which count as its own.
    """
    folder = folder.resolve()
    own = [folder]
    own += [p.parent / "blobs" for p in (folder, *folder.parents) if p.name == "snapshots"]
    return any(path.resolve().is_relative_to(place) for place in own)


def is_name(name: object) -> bool:
    """Whether something can be the name of a file or folder, and of nothing outside its own."""
    if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\0"):
        return False
    try:
        return len(name.encode()) <= 200  # of the 255 bytes; endings come behind it
    except UnicodeEncodeError:  # half of a character, which JSON can write down
        return False


def exists(path: Path) -> bool:
    """Whether there is such a file or folder that this process may look at."""
    try:
        return path.exists()
    except OSError:
        return False
