"""The worker: a process of its own that does what the queue holds, one job after the other.

It is started by whoever asks for a job and finds none (a page, the command line), detached, so that
nothing that happens to the page matters to it; it ends when there was nothing to do for a while.
There is one a device, and one for quick jobs, which must not wait behind a training run.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from threading import Event
from typing import IO, TYPE_CHECKING, Any

from core.checkpoints import run_folders
from core.errors import InputError
from core.jobs import kinds, queue, slots
from core.jobs.queue import Claim, Job
from core.progress import Cancelled, Stop, Terminated, on_sigterm
from core.storage import disk
from core.terminal import Line, say

if TYPE_CHECKING:
    from core.models.session import Session
    from core.progress import Progress

IDLE_SECONDS = 120.0  # as long as a worker waits for the next job
_POLL_SECONDS = 0.5


def serve(
    slot: str, lock: int | None = None, idle: float = IDLE_SECONDS, kept: bool = False
) -> None:
    """Do what the queue holds until there is nothing for `idle` seconds, or SIGTERM.

    Args:
        lock: the open file with which `start` holds the slot's lock.
        kept: started by `core.jobs.service`.

    Raises:
        InputError: the slot has a worker already, or the disk is full; what waits stays.
    """
    held = os.fdopen(lock, "a") if lock is not None else slots.take(slot)
    if held is None:
        raise InputError(f"a worker for {slot!r} is running already.")
    held.truncate(0)
    print(os.getpid(), file=held, flush=True)  # for people
    siblings = slots.own_device(slot)
    mine = kinds.of_lane(quick=slot == slots.QUICK)
    shared = _Shared()
    with held, on_sigterm() as terminated:
        since = time.monotonic()
        while not terminated.is_set():
            queue.set_aside(kinds.KINDS)
            if claimed := queue.claim(mine):
                if queue.waiting(mine):
                    for number, device in siblings.items():
                        slots.start(number, device, kept=kept)
                _say(f"{claimed.job.id}, asked for by {claimed.job.by}")
                with _output_to(claimed.job):
                    goes_on = _survives(claimed, shared, terminated)
                job = queue.find(claimed.job.id) or claimed.job
                if not goes_on:
                    _say(f"{job.id} {job.state}: the worker was asked to end")
                    return
                _say(": ".join(filter(None, (f"{job.id} {job.state}", job.message))))
                since = time.monotonic()
            elif time.monotonic() - since > idle:
                with queue.exclusively():  # so that no job comes between the look and the end
                    if not queue.waiting(mine):
                        held.close()
                        return
            else:
                terminated.wait(_POLL_SECONDS)


def work_through(
    asked: Collection[Job], session: Session, report: Callable[[str], Progress]
) -> None:
    """Do these jobs in this process; those that a worker has, or takes, are waited for.

    Args:
        report: gives the progress callback of a job, by its name.

    Raises:
        InputError: a job failed in a worker.
        KeyboardInterrupt, Terminated: stopped; what still waits is taken out of the queue.
    """
    names = {job.id: job.name for job in asked}
    ids = list(names)
    reports: dict[str, Progress] = {}
    shared = _Shared(session)
    slot: IO[str] | None = None
    try:
        with on_sigterm() as terminated:
            while unfinished := [i for i in ids if _state(i) in ("queued", "running")]:
                slot = slot or slots.take(slots.FIRST)
                if slot and (claimed := queue.claim(kinds.KINDS, unfinished)):
                    with suppress(Cancelled):
                        _perform(claimed, shared, terminated, report(claimed.job.name))
                    continue
                for i in unfinished:
                    if i not in reports:
                        reports[i] = report(names[i])
                    what, share = "waits for the worker that runs", 0.0
                    if _state(i) == "running":
                        what, share = queue.progress(i)
                        what = f"in another process: {what}"
                    reports[i](what, share)
                if terminated.wait(2 * _POLL_SECONDS):
                    raise Terminated
        for i in ids:
            job = queue.find(i)
            if job and job.state in ("failed", "interrupted"):
                raise InputError(f"{job.id} {job.state}: {job.message}")
    finally:
        queue.withdraw(ids)
        if slot:
            slot.close()
        with suppress(OSError):  # of a disk that takes nothing more
            if queue.waiting(kinds.of_lane(quick=False)):  # of others, who found the slot taken
                slots.see_to()


def train_here(run_id: str, report: Progress) -> None:
    """Train one run in this process whatever else runs: a cluster's scheduler has the devices.

    Raises:
        InputError: no such run, or another process works on it.
        Cancelled, Terminated: stopped.
    """
    job = queue.enqueue("train", run_id)
    claimed = queue.claim(kinds.KINDS, [job.id])
    if claimed is None:
        raise InputError(f"run {run_id} is being trained by another process; wait for it.")
    with on_sigterm() as terminated:
        _perform(claimed, _Shared(), terminated, report)


def _state(job_id: str) -> str:
    job = queue.find(job_id)
    return job.state if job else "done"


class _Shared:
    """The session that the jobs of one study share, as long as they follow on one another.

    Jobs that are not part of a study begin anew: a corpus file may have changed since.
    """

    def __init__(self, session: Session | None = None) -> None:
        self._session = session
        self._study: str | None = None

    def of(self, job: Job) -> Session:
        """The session for a job."""
        from core.models.session import Session

        study = job.arguments.get("study")
        if self._session is None or study is None or self._study not in (None, study):
            self._session = Session()
        self._study = study or job.name
        return self._session


def _survives(claimed: Claim, shared: _Shared, terminated: Event) -> bool:
    """Do a job in the background; whether the worker goes on with the next one."""
    job = claimed.job
    _say(f"{job.id}, asked for by {job.by}")
    try:
        _perform(claimed, shared, terminated, Line(job.name))
    except Cancelled:
        pass
    except Terminated:
        return False
    except InputError as error:
        say(f"langskew: {error}", flush=True)
    except Exception as error:
        with suppress(OSError):  # the log may be on the disk that is full
            traceback.print_exc()
        if disk.trouble(error):  # so would all others be
            raise InputError(f"worker ended: {run_folders.describe(error)}.") from error
    return True


def _say(what: str) -> None:
    say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {what}", flush=True)


def _perform(claimed: Claim, shared: _Shared, terminated: Event, show: Progress) -> None:
    """Do a claimed job and record how it ended; what it raised is raised again."""
    job = claimed.job
    stop = Stop(lambda: queue.is_cancelled(job), terminated)
    written = 0.0

    def report(what: str, share: float) -> None:
        nonlocal written
        stop.check()
        show(what, share)
        if time.monotonic() - written > _POLL_SECONDS:
            queue.write_progress(job, what, share)
            written = time.monotonic()

    def ask(kind: str, name: str, arguments: dict[str, Any]) -> None:
        queue.enqueue(kind, name, arguments, job.by)

    work = kinds.Work(job.name, job.arguments, lambda: shared.of(job), report, stop, ask)
    with claimed.file:  # whatever happens, the job is let go of
        try:
            result = kinds.KINDS[job.kind].do(work)
        except (KeyboardInterrupt, Cancelled):
            queue.finish(claimed, "cancelled", "stopped by hand; resume it to go on")
            raise
        except Terminated:
            raise  # without its lock the job is `interrupted`
        except Exception as error:
            queue.finish(claimed, "failed", run_folders.describe(error))
            raise
        queue.finish(claimed, "done", result=result)


@contextmanager
def _output_to(job: Job) -> Iterator[None]:
    """Send what the process prints, libraries and crashes included, to the end of a job's log."""
    try:
        opened = queue.log_path(job.kind, job.name).open("a", buffering=1)
    except (OSError, InputError):  # a run that was deleted, a full disk: the job will say so
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with opened as file, redirect_stdout(file), redirect_stderr(file):
        try:
            for handle in (1, 2):  # of libraries, and of a crash
                os.dup2(file.fileno(), handle)
            yield
        finally:
            for handle, before in zip((1, 2), kept, strict=True):
                os.dup2(before, handle)
                os.close(before)
