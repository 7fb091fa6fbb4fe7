"""Workers in processes of their own that die, or are asked to end, at a chosen point.

The processes are forked from a server that has the libraries loaded: a second in place of ten.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["core.training.run", "core.training.evaluation", "core.studies.planning", "core.jobs.worker"]
)

# Where a signal strikes: an attribute, and at which of its calls (from 1).
POINTS = {
    "in a step": ("core.training.trainer.RunTrainer.compute_loss", 18),
    "before any step": ("core.training.trainer.RunTrainer.compute_loss", 1),
    "while a checkpoint is written": ("transformers.Trainer._save_rng_state", 2),
    "while the model is written": ("core.models.classifier.Classifier.save", 1),
    "between two runs": ("core.jobs.queue.claim", 2),
    "nowhere": ("core.jobs.queue.claim", 10**9),
}


def start(work: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """Call a function of a module in a process of its own."""
    names = ("LANGSKEW_CHECKPOINTS", "LANGSKEW_CACHE", "OMP_NUM_THREADS", "HF_HUB_OFFLINE")
    environment = {name: os.environ[name] for name in names}
    process = CONTEXT.Process(target=_call, args=(environment, work, arguments))
    process.start()
    return process


def work_until(point: str, sent: int = signal.SIGKILL, slot: str = "0") -> int | None:
    """Run a worker that is sent a signal at a point; its exit code."""
    process = start(worker, point, sent, slot)
    process.join(120)
    return process.exitcode


def worker(point: str, sent: int, slot: str = "0") -> None:
    """A worker, as `python -m core worker` runs it."""
    from core.cli.main import main

    target, at = POINTS[point]
    module, _, name = target.rpartition(".")
    with pytest.MonkeyPatch.context() as patch:
        original = _resolve(module, name)
        calls = 0

        def struck(*arguments: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                os.kill(os.getpid(), sent)
            return original(*arguments, **more)

        patch.setattr(target, struck)
        raise SystemExit(main(["worker", "--slot", slot, "--idle", "0"]))


def _resolve(path: str, name: str) -> Any:
    import importlib

    head, parts = path, [name]
    while True:
        try:
            found = importlib.import_module(head)
            break
        except ModuleNotFoundError:
            head, _, part = head.rpartition(".")
            parts.insert(0, part)
    for part in parts:
        found = getattr(found, part)
    return found


def _call(environment: dict[str, str], work: Callable[..., Any], arguments: tuple) -> None:
    os.environ.update(environment)
    output = os.open(
        Path(environment["LANGSKEW_CHECKPOINTS"]) / "output.txt", os.O_CREAT | os.O_WRONLY
    )
    os.dup2(output, 1)
    os.dup2(output, 2)
    work(*arguments)
