"""The queue: what is to be done in the background, as files that all processes see alike.

    checkpoints/queue/
      waiting/<job>.json      asked for
      running/<job>.json      claimed by a worker, which holds the lock on the file
                              (core.storage.locks); without that lock the worker is gone and the job
                              `interrupted`
      running/<job>.progress  what is being done, and how much of it
      running/<job>.cancel    asked to stop
      ended/<job>.json        done, failed or cancelled, with the result
      damaged/<file>.json     what stood in one of these and is no job: it does not read, its name
                              is another than its job's id, its kind is not known here
      logs/<job>.txt          what it printed, unless its kind keeps that elsewhere

A job is claimed by renaming its file. Its id is made of its kind and name, so that the same job
asked for by several is one job, and its file stands in one of the folders only. Every change is
made under the queue's own lock, for milliseconds; readers need none. Order is a number, not a time:
a clock may be set back.
"""

from __future__ import annotations

import getpass
import json
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import IO, Any

from core.checkpoints import run_folders
from core.errors import InputError
from core.jobs.kinds import kind_of
from core.storage import atomic, disk, locks, places, reading

_OPEN = ("running", "interrupted", "queued")
_DAMAGED = "damaged"
_KEPT = 100  # ended jobs of a kind whose results are kept


@dataclass(frozen=True)
class Job:
    """What is to be done.

    Attributes:
        kind: of core.jobs.kinds.KINDS.
        name: what it is done to: the id of a run, the name of a study.
        arguments: further ones, as JSON has them.
        order: jobs start in ascending order, and the one that was asked for last has the highest.
        asked: seconds since 1970, for people.
        by: who asked: the name that a page's visitor signed in with, else user and machine.
        state: of core.checkpoints.run_folders.State.
        message: how it ended.
        result: what it gave, as JSON has it.
        seconds: that it was worked on, the last time; 0 where that is not known.
    """

    kind: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    order: int = 0
    asked: float = 0.0
    by: str = ""
    state: str = "queued"
    message: str = ""
    result: Any = None
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """Name of its files."""
        return f"{self.kind}-{self.name}"


@dataclass
class Claim:
    """A job that this process works on, as long as the file is open."""

    job: Job
    file: IO[str]
    since: float = field(default_factory=time.monotonic)


def folder() -> Path:
    """The queue's folder, whether it is there or not."""
    return places.checkpoints_dir() / "queue"


def exclusively() -> AbstractContextManager[None]:
    """Hold the queue's lock, for a change of some files that others must see as one."""
    for name in ("waiting", "running", "ended", "logs"):
        try:
            atomic.make_folder(folder() / name)
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError(
                f"{error.filename} is a file where the queue has a folder; delete it."
            ) from error
    return locks.holding(folder() / "lock")


def enqueue(kind: str, name: str, arguments: dict[str, Any] | None = None, by: str = "") -> Job:
    """Put a job into the queue; one that waits or runs already is not put there twice.

    `core.jobs.ask.ask` also sees to it that a worker is there to do it.

    Args:
        by: who asks; by default the user of this process and its machine.

    Raises:
        InputError: its kind refuses it, such as a run that does not exist.
    """
    job = Job(kind, name, arguments or {}, asked=time.time(), by=by or _who())
    _path("waiting", job.id)  # refuses what cannot name a file
    with exclusively():
        found = find(job.id)
        if found and found.state in ("queued", "running"):
            return found
        kind_of(kind).asked(name, job.by)
        job = replace(job, order=max((j.order for j in listing()), default=0) + 1)
        _clear(job.id)
        _write("waiting", job)
    return job


def claim(kinds: Collection[str], only: Sequence[str] | None = None) -> Claim | None:
    """Take the next waiting job of these kinds, or None where there is none.

    Args:
        only: ids of the jobs to choose from, in the order in which they are wanted.
    """
    with exclusively():
        _set_aside()
        found = waiting(kinds)
        if only is not None:
            found = sorted((j for j in found if j.id in only), key=lambda j: only.index(j.id))
        for job in found:
            file = locks.take(_path("waiting", job.id))
            if file is None:
                continue
            atomic.move(_path("waiting", job.id), _path("running", job.id))
            for suffix in (".cancel", ".progress"):
                _path("running", job.id).with_suffix(suffix).unlink(missing_ok=True)
            return Claim(replace(job, state="running"), file)
    return None


def finish(claimed: Claim, state: str, message: str = "", result: Any = None) -> None:
    """Say how a claimed job ended, and let go of it."""
    seconds = round(time.monotonic() - claimed.since, 1)
    job = replace(claimed.job, state=state, message=message, result=result, seconds=seconds)
    with exclusively():
        _end("running", job)
        for suffix in (".cancel", ".progress"):
            _path("running", job.id).with_suffix(suffix).unlink(missing_ok=True)
        _forget_old_results(job.kind)
    claimed.file.close()


def cancel(job_id: str) -> str:
    """Ask a job to stop and return its state: a waiting one is cancelled at once."""
    with exclusively():
        job = find(job_id)
        if job is None:
            return "failed"
        if job.state == "queued":
            message = "cancelled while it waited"
            _end("waiting", replace(job, state="cancelled", message=message))
            kind_of(job.kind).cancelled(job.name)
            return "cancelled"
        if job.state == "running":
            _path("running", job_id).with_suffix(".cancel").touch()
        return job.state


def is_cancelled(job: Job) -> bool:
    """Whether a running job is asked to stop."""
    return _path("running", job.id).with_suffix(".cancel").exists()


def withdraw(ids: Collection[str]) -> None:
    """Take those of these jobs that still wait out of the queue, as far as the disk lets that."""
    for job_id in ids:
        with suppress(OSError):
            if (job := find(job_id)) and job.state == "queued":
                cancel(job_id)


def forget(job_id: str) -> None:
    """Delete what is left of a job that neither waits nor runs."""
    with exclusively():
        job = find(job_id)
        if job is None or job.state not in ("queued", "running"):
            _path("waiting", job_id).unlink(missing_ok=True)  # there only if it does not read
            _clear(job_id)
            if job and job.kind == _DAMAGED:
                _path(_DAMAGED, job.name).unlink(missing_ok=True)


def set_aside(known: Collection[str]) -> None:
    """Put what stands in the queue and is no job into a folder of its own, where it is listed.

    Args:
        known: kinds; a job of another one waits for nobody.
    """
    if _listed("waiting"):
        with exclusively():
            _set_aside(known)


def _set_aside(known: Collection[str] | None = None) -> None:
    for state in ("waiting", "running", "ended"):
        for path in (folder() / state).glob("*.json"):
            try:
                job = _job(path)
            except FileNotFoundError:
                continue
            except InputError:
                if locks.is_held(path):  # its worker is about to write it anew
                    continue
            else:
                if known is None or state != "waiting" or job.kind in known:
                    continue
            atomic.make_folder(folder() / _DAMAGED)
            target, number = _path(_DAMAGED, path.stem), 2
            while target.exists():
                target, number = _path(_DAMAGED, f"{path.stem}.{number}"), number + 1
            atomic.move(path, target)


def find(job_id: str) -> Job | None:
    """A job by its id, or None where it was never asked for."""
    kind, _, name = job_id.partition("-")
    if kind == _DAMAGED:
        return _damaged(_path(_DAMAGED, name))
    for _ in range(2):  # it may move on, from one folder to the next, between two looks
        for state in ("waiting", "running", "ended"):
            if job := _read(state, _path(state, job_id)):
                return job
    return None


def waiting(kinds: Collection[str]) -> list[Job]:
    """Jobs of these kinds that wait, the next one first."""
    found = [job for job in _listed("waiting") if job.state == "queued" and job.kind in kinds]
    return sorted(found, key=lambda j: j.order)


def listing() -> list[Job]:
    """All jobs: running and interrupted, then waiting in their order, then ended, newest first."""
    jobs: dict[str, Job] = {}
    for state in ("waiting", "running", "ended"):  # the way they go: none is missed
        for job in _listed(state):
            jobs.setdefault(job.id, job)
    for path in sorted((folder() / _DAMAGED).glob("*.json")):
        if (aside := _damaged(path)) is not None:
            jobs[aside.id] = aside

    def place(job: Job) -> tuple[int, int]:
        ended = job.state not in _OPEN
        return (len(_OPEN), -job.order) if ended else (_OPEN.index(job.state), job.order)

    return sorted(jobs.values(), key=place)


def write_progress(job: Job, what: str, share: float) -> None:
    """Say what of a running job is being done, and how much of it (0 to 1)."""
    path = _path("running", job.id).with_suffix(".progress")
    atomic.write_text(path, json.dumps({"what": what, "share": share}), lasting=False)


def progress(job_id: str) -> tuple[str, float]:
    """What of a running job is being done, and how much of it (0 to 1)."""
    path = _path("running", job_id).with_suffix(".progress")
    with suppress(InputError), reading.reading(path, "the worker writes it anew"):
        document = reading.json_object(path, "the worker writes it anew")
        reading.check_number(document, "share", 0, 1)
        return str(document["what"]), float(document["share"])
    return "starting", 0.0


def log_path(kind: str, name: str) -> Path:
    """Where a job's output goes."""
    if log := kind_of(kind).log:
        return log(name)
    return folder() / "logs" / f"{kind}-{name}.txt"


def _path(state: str, job_id: str) -> Path:
    if not places.is_name(job_id):
        raise InputError(f"{job_id!r:.120} is not a job; `python -m core queue` lists them.")
    return folder() / state / f"{job_id}.json"


def _write(state: str, job: Job) -> None:
    atomic.write_text(_path(state, job.id), _as_json(job))


def _end(state: str, job: Job) -> None:
    """Put a job that stands in another folder among those that ended."""
    source = _path(state, job.id)
    try:
        _write("ended", job)
    except OSError as error:
        if not disk.is_full(error):
            raise
        # What became of it fits into the file that there is, and a file can move on a full disk.
        atomic.write_state(source, _as_json(replace(job, result=None)))
        atomic.move(source, _path("ended", job.id))
    else:
        atomic.delete(source)


def _as_json(job: Job) -> str:
    """What stands in a job's file; what is not known yet does not, as in files of before."""
    document = asdict(job)
    if not job.seconds:
        del document["seconds"]
    return json.dumps(document)


def _listed(state: str) -> list[Job]:
    found = (_read(state, path) for path in sorted((folder() / state).glob("*.json")))
    return [job for job in found if job]


def _job(path: Path) -> Job:
    """The job that a file of the queue holds.

    Raises:
        FileNotFoundError: it is not there any more.
        InputError: it does not read, or is not the job of this name.
    """
    mend = "delete it, and ask for the job anew"
    with reading.reading(path, mend, but=(FileNotFoundError,)):
        found = reading.as_object(json.loads(reading.text(path)))
        if unknown := set(found) - {f.name for f in fields(Job)}:
            raise ValueError(f"{', '.join(sorted(unknown))[:80]} is no part of a job")
        if missing := {"kind", "name"} - set(found):
            raise ValueError(f"{', '.join(sorted(missing))} is missing")
        for name in ("kind", "name", "by", "state", "message"):
            if not isinstance(found.get(name, ""), str):
                raise ValueError(f"{name}: expected text, found {found[name]!r:.60}")
        job = Job(**found)
        reading.as_object(job.arguments)
        reading.check_number(vars(job), "order", -(2**53), 2**53)
        reading.check_number(vars(job), "asked", 0, 1e11)
        reading.check_number(vars(job), "seconds", 0, 1e11)
        if job.state not in run_folders.STATES:
            raise ValueError(f"state is {job.state[:60]!r}")
        if job.id != path.stem:
            raise ValueError(f"its name is another than its job's, {job.id[:120]}")
        return job


def _damaged(path: Path) -> Job | None:
    """What is set aside, as a job that failed."""
    message = f"{path} is of a kind that this version does not know; delete it."
    try:
        _job(path)
    except FileNotFoundError:
        return None
    except InputError as error:
        message = str(error)
    return Job(_DAMAGED, path.stem, state="failed", message=message)


def _read(state: str, path: Path) -> Job | None:
    try:
        job = _job(path)
    except FileNotFoundError:
        return None
    except InputError as error:
        kind, _, name = path.stem.partition("-")
        return Job(kind, name, state="failed", message=str(error))
    if state != "running":
        return job
    if locks.is_held(path):
        return replace(job, state="running")
    if not path.exists() or _path("ended", job.id).exists():  # it ended meanwhile
        return None
    message = "its worker is gone (killed, or the machine restarted); resume it to go on"
    return replace(job, state="interrupted", message=message)


def _forget_old_results(kind: str) -> None:
    old = (folder() / "ended").glob(f"{kind}-*.json")
    with suppress(OSError):
        for path in sorted(old, key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            _clear(path.stem)


def _clear(job_id: str) -> None:
    """Delete what a job left in the queue's folder, what it printed too."""
    for state in ("running", "ended"):
        _path(state, job_id).unlink(missing_ok=True)
    kind, _, name = job_id.partition("-")
    if kind_of(kind).log is None:
        log_path(kind, name).unlink(missing_ok=True)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def remove(job_id: str) -> None:
    """Delete what is left of a job that neither waits nor runs; of a run, its folder too.

    Raises:
        InputError: it waits or runs.
    """
    job = find(job_id)
    if job and job.state in ("queued", "running"):
        raise InputError(f"{job_id} is {job.state}; cancel it first.")
    kind, _, name = job_id.partition("-")
    kind_of(kind).deleted(name)
    forget(job_id)
