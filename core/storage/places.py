"""Where files are: the checkpoints folder, the cache, and what comes with LangSkew."""

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
