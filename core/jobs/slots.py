"""Slots of workers: one a device, and one for quick jobs; a worker holds its slot's lock.

Where a service starts the workers (`core.jobs.service`, in a container of its own), the environment
variable LANGSKEW_WORKER is `off`: all others only put jobs into the queue.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from core.errors import InputError
from core.jobs import queue
from core.storage import locks, places

FIRST = "0"
QUICK = "quick"  # the slot for quick jobs; the others are numbers of devices
KEEPER = "keeper"  # held by `core.jobs.service` while it waits for jobs


def see_to(slot: str = FIRST) -> None:
    """Start the worker of a slot if it is missing, unless the keeper starts them."""
    if not _is_off():
        start(slot)


def start(
    slot: str = FIRST, device: str | None = None, *, kept: bool = False
) -> subprocess.Popen[bytes] | None:
    """Start the worker of a slot, detached from this process; None where it is there already.

    Args:
        slot: the number of a device, or QUICK.
        device: what CUDA_VISIBLE_DEVICES shall be in it; by default as here.
        kept: for `core.jobs.service`: it prints where this process prints, and the workers that it
            starts for other devices belong to its process group, so that one signal reaches all.

    Raises:
        InputError: LANGSKEW_WORKER is off, and this is not the keeper.
    """
    if _is_off() and not kept:
        raise InputError(
            "workers are started by a service here (LANGSKEW_WORKER is off), and that one does "
            "not run; start it with `docker compose up -d worker`, or `python -m core worker "
            "--wait`."
        )
    with queue.exclusively():
        lock = locks.take(_path(slot))
        if lock is None:
            return None
        environment = {
            **os.environ,
            "LANGSKEW_CHECKPOINTS": str(places.checkpoints_dir().resolve()),
        }
        if device is not None:
            environment["CUDA_VISIBLE_DEVICES"] = device
        command = [sys.executable, "-m", "core", "worker", "--slot", slot]
        # The lock goes over to the new process while it is held: nobody can come in between.
        command += ["--lock", str(lock.fileno())]
        log = queue.folder() / "logs" / f"worker-{slot}.txt"
        command += ["--kept"] if kept else []
        with lock, log.open("a") as output:
            return subprocess.Popen(
                command,
                cwd=places.ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=None if kept else output,
                stderr=None if kept else output,
                start_new_session=not (kept and device),
                pass_fds=[lock.fileno()],
            )


def is_alive(slot: str = FIRST) -> bool:
    """Whether a slot has a worker."""
    try:
        with queue.exclusively():  # a look at the lock must not be in the way of one who takes it
            return locks.is_held(_path(slot))
    except OSError:  # where nothing can be written, nobody takes it
        return locks.is_held(_path(slot))


def holder(slot: str) -> int | None:
    """The process of this machine, or container, that holds a slot and has said so; None else.

    What stands in the slot's file may be of another container, or of a process long gone: it counts
    where that process has the file open.
    """
    path = _path(slot)
    try:
        pid = int(path.read_text(encoding="utf-8"))
        opened = list(Path(f"/proc/{pid}/fd").iterdir())
    except (OSError, ValueError):  # nobody, or another system than Linux
        return None
    for handle in opened:
        with suppress(OSError):  # closed meanwhile
            if pid > 0 and os.path.samestat(handle.stat(), path.stat()):
                return pid
    return None


def take(slot: str) -> IO[str] | None:
    """Hold a slot, until the file is closed; None where a worker holds it."""
    with queue.exclusively():
        return locks.take(_path(slot))


def _is_off() -> bool:
    return os.environ.get("LANGSKEW_WORKER") == "off"


def _path(slot: str) -> Path:
    return queue.folder() / f"worker-{slot}.lock"


def own_device(slot: str) -> dict[str, str]:
    """Keep this process to one device; the other devices, by slot, if this is the first worker.

    A quick job computes on the CPU: the devices' memory belongs to the runs.
    """
    if slot == QUICK:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        return {}
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()  # does not yet bind the process to any
    devices = named.split(",")[:count] if named else [str(i) for i in range(count)]
    if slot != FIRST or len(devices) < 2:
        return {}
    os.environ["CUDA_VISIBLE_DEVICES"] = devices[0]
    return {str(i): device for i, device in enumerate(devices) if i}
