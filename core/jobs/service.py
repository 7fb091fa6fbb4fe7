"""The keeper: a service beside the page that starts a worker whenever something waits for one.

In a container of its own it does what a page otherwise does (`core.jobs.slots.start`), so that a
page that is restarted, or has no GPU, has nothing to do with the work. While nothing waits there is
no worker, and no memory taken on a device.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress

from core.errors import InputError
from core.jobs import kinds, queue, slots
from core.progress import on_sigterm

_POLL_SECONDS = 0.5
_PAUSE_SECONDS = 60.0  # after a worker that failed: on a full disk so would all others


def keep() -> None:
    """Start workers until SIGTERM; then ask them to end, and end when they did.

    A worker that another keeper started, which was killed, is asked too.

    Raises:
        InputError: there is a keeper already.
    """
    held = slots.take(slots.KEEPER)
    if held is None:
        raise InputError("a worker with --wait runs on these checkpoints already.")
    last: dict[str, subprocess.Popen[bytes]] = {}
    groups: set[int] = set()  # a worker's, with those that it started for other devices
    held.truncate(0)
    with held, on_sigterm() as terminated:
        print(os.getpid(), file=held, flush=True)  # for people
        print("waits for jobs", flush=True)
        try:
            rest = {slots.FIRST: 0.0, slots.QUICK: 0.0}  # until when no worker is started
            while not terminated.wait(_POLL_SECONDS):
                for slot, until in rest.items():
                    process = last.get(slot)
                    if process and process.poll() is None:
                        continue
                    if process and process.returncode:
                        rest[slot] = time.monotonic() + _PAUSE_SECONDS
                        print(f"worker {slot} failed; the next one in a minute", flush=True)
                        del last[slot]
                        continue
                    if time.monotonic() < until or not _waits(slot):
                        continue
                    if process := slots.start(slot, kept=True):
                        last[slot] = process
                        groups.add(process.pid)
        finally:
            # Of a keeper that was killed, whose worker lives on in its slot.
            groups |= {pid for slot in (slots.FIRST, slots.QUICK) if (pid := slots.holder(slot))}
            for group in groups:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGTERM)
            while groups := {group for group in groups if _is_there(group)}:
                time.sleep(0.1)


def _waits(slot: str) -> bool:
    return bool(queue.waiting(kinds.of_lane(quick=slot == slots.QUICK)))


def _is_there(group: int) -> bool:
    """Whether a process group has members that still run."""
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)  # one that ended must not count
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
