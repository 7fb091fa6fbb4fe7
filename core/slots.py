"""Slots of workers: one a device, and one for quick jobs; a worker holds its slot's lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from core import checkpoints, jobs, locks

FIRST = "0"
QUICK = "quick"  # the slot for quick jobs; the others are numbers of devices


def start(slot: str = FIRST, device: str | None = None) -> bool:
    """Start the worker of a slot, detached from this process; False where it is there already.

    Args:
        slot: the number of a device, or QUICK.
        device: what CUDA_VISIBLE_DEVICES shall be in it; by default as here.
    """
    with jobs.exclusively():
        lock = locks.take(_path(slot))
        if lock is None:
            return False
        environment = {**os.environ, "LANGSKEW_CHECKPOINTS": str(checkpoints.root().resolve())}
        if device is not None:
            environment["CUDA_VISIBLE_DEVICES"] = device
        command = [sys.executable, "-m", "core", "worker", "--slot", slot]
        # The lock goes over to the new process while it is held: nobody can come in between.
        command += ["--lock", str(lock.fileno())]
        log = jobs.folder() / "logs" / f"worker-{slot}.txt"
        with lock, log.open("a") as output:
            subprocess.Popen(
                command,
                cwd=Path(__file__).parent.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
    return True


def is_alive(slot: str = FIRST) -> bool:
    """Whether a slot has a worker."""
    with jobs.exclusively():  # a look at the lock must not be in the way of one who takes it
        return locks.is_held(_path(slot))


def take(slot: str) -> IO[str] | None:
    """Hold a slot, until the file is closed; None where a worker holds it."""
    with jobs.exclusively():
        return locks.take(_path(slot))


def _path(slot: str) -> Path:
    return jobs.folder() / f"worker-{slot}.lock"


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
