"""Run folders: written whole or not at all, claimed by one process.

The folder is the truth. `COMPLETE` is written last; a run is being worked on exactly while a
process holds the lock on its folder (`core.storage.locks` says why a lock and no heartbeat), which
the system releases when that process ends, however it ends. The process id and times in status.json
are for people.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import pandas as pd

from core.config import RunConfig
from core.errors import InputError
from core.progress import Cancelled, Terminated
from core.storage import atomic, disk, locks, places, reading

OpenState = Literal["queued", "running", "failed", "cancelled", "interrupted", "deleted"]
State = Literal["done"] | OpenState
FORMAT = 2  # of what a run's folder holds; see `is_sound`
UNSOUND = (
    "made by an older version whose frozen layers ran with dropout: its numbers are not those of "
    "its saved model; train it again"
)
DELETED = "it was deleted; train it again, or remove it from the study, on the page Runs"
_PREDICTIONS = "predictions.parquet"
_KEPT = ("config.json", "status.json", "lock", "log.txt")
# What status.json may say; a run without a folder is `deleted`.
STATES: tuple[State, ...] = ("done", "queued", "running", "failed", "cancelled", "interrupted")
MEND = "delete the run's folder and train it again"


class Status(TypedDict):
    """How a run gets on: status.json, as far as `read_status` answers by it."""

    state: State
    message: str  # for people; may be empty
    by: NotRequired[str]  # who asked for it
    pid: NotRequired[int]  # of the process that wrote the status
    time: NotRequired[float]  # when it did, in seconds since 1970
    started: NotRequired[float]  # when the run began


def folder(run_id: str) -> Path:
    """A run's folder, whether it exists or not.

    Raises:
        InputError: the id would lead out of the checkpoints folder, or cannot name a folder.
    """
    if not places.is_name(run_id):
        raise InputError(
            f"{run_id!r:.120} is not the id of a run; `python -m core runs` lists them."
        )
    return places.checkpoints_dir() / run_id


def resolve(prefix: str) -> str:
    """The run id that begins with these characters.

    Raises:
        InputError: none or several do.
    """
    found = [path.name for path in _run_folders() if path.name.startswith(prefix)]
    if len(found) != 1 or not prefix:
        raise InputError(
            f"run {prefix!r}: {len(found)} of the runs in {places.checkpoints_dir()} begin with it"
            f"{': ' + ', '.join(found) if found else ''}. `python -m core runs` lists them."
        )
    return found[0]


def create(config: RunConfig) -> str:
    """Make the folder of a run with its config, as `queued`; a run that exists stays as it is."""
    path = folder(config.run_id)
    atomic.make_folder(path)
    if not (path / "config.json").exists():
        atomic.write_text(path / "config.json", config.canonical_json())
    if not (path / "status.json").exists():
        write_status(config.run_id, "queued")
    return config.run_id


def read_config(run_id: str) -> RunConfig:
    """The config of a run.

    Raises:
        InputError: no such run, or its config does not read.
    """
    path = folder(run_id) / "config.json"
    mend = "delete the run's folder and start the study again"
    try:
        with reading.reading(path, mend, but=(FileNotFoundError,)):
            found = reading.text(path)
        return RunConfig.from_json(found)
    except FileNotFoundError as error:
        if is_deleted(run_id):
            raise InputError(f"run {run_id} is not here: {DELETED}.") from error
        raise InputError(
            f"run {run_id} has no config.json in {folder(run_id)}; delete the folder, or bring the "
            "file back."
        ) from error
    except InputError as error:
        told = str(error)
        raise InputError(told if str(path) in told else f"{path}: {told}; {mend}.") from error


def is_deleted(run_id: str) -> bool:
    """Whether nothing is left of a run that a study stands for."""
    return not places.exists(folder(run_id))


def is_complete(run_id: str) -> bool:
    """Whether a run finished, with all its files written."""
    return places.exists(folder(run_id) / "COMPLETE")


def is_sound(run_id: str) -> bool:
    """Whether what a run's folder holds was made without the fault of format 1.

    Runs of format 1 have no file FORMAT. Their frozen layers were evaluated once with dropout, and
    these outputs fed training, predictions and CLS vectors; without frozen layers they are sound.
    """
    path = folder(run_id)
    try:
        if int((path / "FORMAT").read_text()) >= FORMAT:
            return True
    except (OSError, ValueError):  # none, or one that does not read, says nothing
        pass
    try:
        return read_config(run_id).training.frozen_layers == 0
    except InputError:  # said where the config is read
        return True


def is_current(run_id: str) -> bool:
    """Whether a run finished and is sound: nothing is to be trained."""
    return is_complete(run_id) and is_sound(run_id)


def state_to_plan_by(run_id: str) -> str:
    """`new` without a folder, `unsound` where it is to be trained anew, else the run's state."""
    if not places.exists(folder(run_id) / "config.json"):
        return "new"
    if is_complete(run_id) and not is_sound(run_id):
        return "unsound"
    return read_status(run_id)["state"]


def begin(run_id: str) -> None:
    """Make a run's folder ready for training: what an unsound version left in it is deleted."""
    path = folder(run_id)
    if not is_sound(run_id):
        atomic.delete(path / "COMPLETE")  # first: half of it is no finished run
        for left in path.iterdir():
            if left.name not in _KEPT:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    atomic.write_text(path / "FORMAT", str(FORMAT))


def write_status(run_id: str, state: str, message: str = "", **more: Any) -> None:
    """Replace status.json; who asked for the run (`by`) stays, unless somebody else does now."""
    if by := _stored_status(folder(run_id)).get("by"):
        more = {"by": by} | more
    status = {"state": state, "message": message, "pid": os.getpid(), "time": time.time(), **more}
    atomic.write_state(folder(run_id) / "status.json", json.dumps(status))


def read_status(run_id: str) -> Status:
    """State and message of a run; a run left `running` by a process that is gone is `interrupted`.

    A status that does not read, or a folder whose COMPLETE is missing though its status says done,
    is reported as `failed` with what is wrong. A finished run that is not sound (`is_sound`) is
    `done`, with a message. One without a folder is `deleted`.
    """
    path = folder(run_id)
    if is_deleted(run_id):
        return {"state": "deleted", "message": DELETED}
    if is_complete(run_id):
        done: Status = {"state": "done", "message": "" if is_sound(run_id) else UNSOUND}
        if by := _stored_status(path).get("by"):
            done["by"] = by
        return done
    status = _stored_status(path)
    if status["state"] == "running" and not locks.is_held(path / "lock"):
        # It may have ended well between the two looks; then what it wrote last counts.
        status = _stored_status(path)
        if status["state"] == "running":
            message = (
                "the process that worked on it is gone (killed, or the machine restarted); train "
                "it again to go on"
            )
            return {**status, "state": "interrupted", "message": message}
    if status["state"] == "done" and not is_complete(run_id):
        return {**status, "state": "failed", "message": "COMPLETE is missing; train it again"}
    return status


def _stored_status(path: Path) -> Status:
    file = path / "status.json"
    try:
        status = reading.json_object(file, "train the run again, which writes it anew")
        if status.get("state") not in STATES:
            raise InputError(
                f"{file} does not read (state is {status.get('state')!r:.60}; known are "
                f"{', '.join(STATES)}); train the run again, which writes it anew."
            )
    except InputError as error:
        return {"state": "failed", "message": str(error)}
    found: Status = {"state": status["state"], "message": str(status.get("message", ""))}
    if "by" in status:
        found["by"] = str(status["by"])
    for key in ("pid", "time", "started"):
        if reading.is_number(status.get(key)):
            found |= {key: status[key]}  # type: ignore[misc]
    return found


@contextmanager
def claim(run_id: str) -> Iterator[Path]:
    """Hold a run's lock while working on it.

    Raises:
        InputError: no such run, or another process works on it.
    """
    path = folder(run_id)
    for tries_left in reversed(range(5)):
        try:
            lock = locks.take(path / "lock")
        except FileNotFoundError as error:
            raise InputError(
                f"run {run_id} is not in {places.checkpoints_dir()}; was it deleted?"
            ) from error
        if lock:
            break
        if tries_left:
            time.sleep(0.1)  # a reader of the status holds the lock for a moment
    else:
        raise InputError(
            f"run {run_id} is being trained by another process; wait for it, or stop that process."
        )
    with lock:
        yield path


def list_runs() -> pd.DataFrame:
    """All runs: `run`, `setup`, `seed`, `corpus`, `encoder`, `state`, `message`, `by`, and of
    finished ones `accuracy` and `seconds` that they took.

    A folder that does not read is listed as failed, with what is wrong with it.
    """
    rows = []
    for path in _run_folders():
        stamp = _stamp(path)
        rows.append(_listed(path) if stamp is None else _listed_once(path, stamp))
    columns = ["run", "setup", "seed", "corpus", "encoder", "state", "message", "by", "accuracy"]
    frame = pd.DataFrame(rows, columns=[*columns, "seconds"])
    return frame.astype({"accuracy": float, "seconds": float})


# Of hundreds of finished runs that nobody touches, a page would read a thousand files each time.
@lru_cache(maxsize=4096)
def _listed_once(path: Path, stamp: tuple[int, ...]) -> dict[str, Any]:
    return _listed(path)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Changes with a file that `_listed` reads; None of a run that is not finished, whose state may
    change without."""
    found: list[int] = []
    for name in ("COMPLETE", "FORMAT", "config.json", "status.json", "metrics.json", _PREDICTIONS):
        try:
            stat = (path / name).stat()
            found += [stat.st_mtime_ns, stat.st_size]
        except OSError:
            if name == "COMPLETE":
                return None
            found += [-1, -1]
    return tuple(found)


def _listed(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"run": path.name, "by": "", **read_status(path.name)}
    try:
        config = read_config(path.name)
        row |= {k: getattr(config, k) for k in ("setup", "seed", "corpus", "encoder")}
        if row["state"] == "done":
            row |= _measured(path)
    except InputError as error:
        row |= {"state": "failed", "message": str(error)}
    return row


def _measured(path: Path) -> dict[str, float]:
    """Accuracy and seconds of a finished run, by a quick look at what its results are read from.

    Raises:
        InputError: a file does not read.
    """
    reading.parquet_rows(path / _PREDICTIONS, MEND)
    with reading.reading(path / "metrics.json", MEND):
        metrics = reading.json_object(path / "metrics.json", MEND)
        reading.check_number(metrics, "accuracy", 0, 1)
    found = {"accuracy": metrics["accuracy"], "seconds": metrics.get("seconds")}
    return {name: float(x) for name, x in found.items() if x is not None and reading.is_number(x)}


def _run_folders() -> list[Path]:
    if not places.checkpoints_dir().is_dir():
        return []
    return sorted(p.parent for p in places.checkpoints_dir().glob("*/config.json"))


def attempt(run_id: str, work: Callable[[Path], None]) -> None:
    """Work on a claimed run and record how it ended."""
    with claim(run_id) as path:
        for left in path.glob(".*.partial"):  # of a process that was killed while it wrote
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        try:
            write_status(run_id, "running", started=time.time())
            work(path)
            write_status(run_id, "done")
        except (KeyboardInterrupt, Cancelled):
            write_status(run_id, "cancelled", "stopped by hand; train it again to go on")
            raise
        except Terminated:
            message = "its process was asked to end, and saved; train it again to go on"
            write_status(run_id, "interrupted", message)
            raise
        except BaseException as error:
            with suppress(OSError):  # the disk may be full: the error itself says more
                write_status(run_id, "failed", describe(error))
            raise


def describe(error: BaseException) -> str:
    """An exception in words for status and log: what happened and, where we know, what to do."""
    if isinstance(error, InputError):
        return str(error)
    return disk.trouble(error, "train it again") or f"{type(error).__name__}: {error}"
