"""What run folders weigh, and deleting those that are not wanted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from core import checkpoints, jobs, study
from core.errors import InputError


def sizes() -> pd.DataFrame:
    """Each run with what it weighs: `run`, `setup`, `seed`, `state`, `studies`, `model`, `all`.

    `model` and `all` are bytes, of the model and of the whole folder.
    """
    of_run: dict[str, list[str]] = {}
    for name in study.started():
        for run_id in study.run_ids(name):
            of_run.setdefault(run_id, []).append(name)
    listed = checkpoints.list_runs()[["run", "setup", "seed", "state"]]
    folders = [checkpoints.folder(run) for run in listed["run"]]
    return listed.assign(
        studies=[", ".join(of_run.get(run, [])) for run in listed["run"]],
        model=[_bytes(folder / "model") for folder in folders],
        all=[_bytes(folder) for folder in folders],
    )


def unused() -> list[str]:
    """Runs that no started study stands for."""
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
            with checkpoints.claim(run_id) as folder:
                size = _bytes(folder)
                shutil.rmtree(folder)
        except InputError as error:
            raise InputError(f"{error} It was not deleted.") from error
        freed += size
    return freed


def remove(job_id: str) -> None:
    """Delete what is left of a job that neither waits nor runs; of a run, its folder.

    Raises:
        InputError: it waits or runs.
    """
    job = jobs.find(job_id)
    if job and job.state in ("queued", "running"):
        raise InputError(f"{job_id} is {job.state}; cancel it first.")
    kind, _, name = job_id.partition("-")
    if kind == "train" and checkpoints.folder(name).is_dir():
        delete([name])
    jobs.forget(job_id)


def _bytes(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
