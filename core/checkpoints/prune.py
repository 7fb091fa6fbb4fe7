"""What run folders weigh, and deleting those that are not wanted."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pandas as pd

from core.checkpoints import run_folders, studies
from core.errors import InputError


def sizes() -> pd.DataFrame:
    """Each run with what it weighs: `run`, `setup`, `seed`, `state`, `studies`, `model`, `all`.

    `model` and `all` are bytes, of the model and of the whole folder.
    """
    of_run: dict[str, list[str]] = {}
    for name in studies.started():
        with suppress(InputError):  # one that does not read: `unused` asks it too, and refuses
            for run_id in studies.run_ids(name):
                of_run.setdefault(run_id, []).append(name)
    listed = run_folders.list_runs()[["run", "setup", "seed", "state"]]
    folders = [run_folders.folder(run) for run in listed["run"]]
    return listed.assign(
        studies=[", ".join(of_run.get(run, [])) for run in listed["run"]],
        model=[_bytes(folder / "model") for folder in folders],
        all=[_bytes(folder) for folder in folders],
    )


def unused() -> list[str]:
    """Runs that no started study stands for.

    Raises:
        InputError: a study does not read, so that nobody knows which runs it stands for.
    """
    for name in studies.started():
        studies.run_ids(name)
    table = sizes()
    return table.loc[table["studies"] == "", "run"].tolist()


def delete(run_ids: list[str]) -> int:
    """Delete run folders for good and return the bytes set free.

    Raises:
        InputError: a process works on one of them; those before it are deleted.
    """
    freed = 0
    for run_id in run_ids:
        try:
            with run_folders.claim(run_id) as folder:
                size = _bytes(folder)
                shutil.rmtree(folder)
        except InputError as error:
            raise InputError(f"{error} It was not deleted.") from error
        freed += size
    return freed


def size(run_id: str) -> int:
    """Bytes of a run's whole folder; 0 where there is none."""
    return _bytes(run_folders.folder(run_id))


def _bytes(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):  # deleted meanwhile
                total += Path(place, name).stat().st_size
    return total
