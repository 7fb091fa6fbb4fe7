"""The queue's part of the command line: `python -m core worker`, `queue` and `cancel`."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.terminal import as_json, quiet, say, table


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the verbs."""
    worker = commands.add_parser("worker", help="do what the queue holds, until it is empty")
    worker.add_argument("--slot", default="0", help=argparse.SUPPRESS)
    worker.add_argument("--lock", type=int, help=argparse.SUPPRESS)
    worker.add_argument("--kept", action="store_true", help=argparse.SUPPRESS)
    worker.add_argument(
        "--wait",
        action="store_true",
        help="stay until SIGTERM and start a worker whenever something waits",
    )
    worker.add_argument(
        "--idle", type=float, default=120, metavar="SECONDS", help="wait so long for the next job"
    )
    worker.set_defaults(command=_worker, logs=True)

    queue = commands.add_parser("queue", help="list what waits, runs and ended")
    queue.add_argument("--json", action="store_true", help="one JSON document")
    queue.set_defaults(command=_queue)

    cancel = commands.add_parser("cancel", help="stop a job; what it saved stays")
    cancel.add_argument("job", help="as `queue` lists it, or a run")
    cancel.set_defaults(command=_cancel)


def _worker(chosen: argparse.Namespace) -> None:
    from core.jobs import service, slots
    from core.jobs import worker as job_worker

    if chosen.wait:
        service.keep()
        return
    if chosen.slot != slots.QUICK:  # a quick job may need none of the libraries
        quiet()
    job_worker.serve(chosen.slot, chosen.lock, chosen.idle, chosen.kept)


def _queue(chosen: argparse.Namespace) -> None:
    from core.jobs import queue as job_queue

    listed = job_queue.listing()
    if chosen.json:
        document = {"jobs": [{"id": job.id, **asdict(job)} for job in listed]}
        say(as_json(document))
        return
    if not listed:
        say("the queue is empty; `python -m core study NAME --background` puts a study into it.")
        return
    rows = [
        [job.id, job.state, datetime.fromtimestamp(job.asked).strftime("%Y-%m-%d %H:%M"), job.by]
        for job in listed
    ]
    say(table(["job", "state", "asked for", "by"], rows))
    for job in listed:
        if job.message:
            say(f"{job.id} {job.state}: {job.message}")


def _cancel(chosen: argparse.Namespace) -> None:
    from core.checkpoints import run_folders
    from core.jobs import queue as job_queue

    job_id = chosen.job
    if job_queue.find(job_id) is None:
        job_id = f"train-{run_folders.resolve(job_id)}"
    state = job_queue.cancel(job_id)
    say(f"{job_id}: {'stopping' if state == 'running' else state}")
