"""Started studies: their folders, and the runs that each stands for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.storage import places


def started_folder(name: str) -> Path:
    """Folder of a started study."""
    return places.checkpoints_dir() / "studies" / name


def started() -> list[str]:
    """Names of the studies that were started."""
    found = (places.checkpoints_dir() / "studies").glob("*/study.toml")
    return sorted(path.parent.name for path in found)


def entries(name: str) -> list[dict[str, Any]]:
    """The runs that a started study stands for: `run`, `setup` and `seed` of each.

    Raises:
        InputError: it was never started, or its file does not read.
    """
    path = started_folder(name) / "study.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return [{key: e[key] for key in ("run", "setup", "seed")} for e in document["runs"]]
    except FileNotFoundError as error:
        raise InputError(
            f"study {name!r} was never started; started are {', '.join(started()) or 'none'}. "
            f"Start it with `python -m core study {name}`."
        ) from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} does not read: {error!r}; start the study again.") from error


def run_ids(name: str) -> list[str]:
    """Ids of the runs that a started study stands for; see `entries`."""
    return [entry["run"] for entry in entries(name)]
