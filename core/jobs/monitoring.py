"""How the queue's jobs get on, for pages and the command line: states, curves, time left, logs."""

from __future__ import annotations

import json
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from core.checkpoints import run_folders
from core.errors import InputError
from core.jobs import kinds, queue, slots
from core.jobs.queue import Job
from core.storage import reading

_COLUMNS = ("step", "steps", "epoch", "loss", "validation_loss", "samples_per_second", "seconds")
ACTIVE = ("queued", "running")


def overview() -> pd.DataFrame:
    """All jobs but the quick ones, and runs to be trained (anew) though nobody asks for them.

    Columns: `job` (id), `what`, `state`, `done` (share, 0 to 1), `doing`, `left` (seconds, NaN
    where unknown), `asked` (time), `by` (who), `kind`, `study` and `run`
    (id) where it has any, `message`.
    A run's state is that of its folder.
    """
    listed = queue.listing()
    known = {job.id for job in listed}
    runs = run_folders.list_runs()
    asked_for = [_row(job) for job in listed if job.kind not in kinds.of_lane(quick=True)]
    others = [
        _row(Job("train", run["run"], state=run["state"], message=run["message"], by=run["by"]))
        for run in runs.to_dict("records")
        if (run["state"] != "done" or run["message"]) and f"train-{run['run']}" not in known
    ]
    columns = ["job", "what", "state", "done", "doing", "left", "asked", "by", "kind"]
    return pd.DataFrame(asked_for + others, columns=[*columns, "study", "run", "message"])


def _row(job: Job) -> dict[str, Any]:
    doing, share = queue.progress(job.id) if job.state == "running" else ("", 0.0)
    row = {
        "job": job.id,
        "what": f"{job.kind} {job.name}",
        "state": job.state,
        "done": 1.0 if job.state == "done" else share,
        "doing": doing,
        "left": float("nan"),
        "asked": pd.Timestamp(job.asked, unit="s", tz="UTC") if job.asked else pd.NaT,
        "by": job.by,
        "kind": job.kind,
        "study": str(job.arguments.get("study") or (job.name if job.kind == "study" else "")),
        "run": "",
        "message": job.message,
    }
    if job.kind != "train":
        return row
    row["run"] = job.name
    try:
        config = run_folders.read_config(job.name)
    except InputError as error:  # deleted, or broken
        return row | {"state": "failed", "message": f"{job.message} {error}".strip()}
    study = f"{row['study']}: " if row["study"] else ""
    row["what"] = f"{study}{config.setup}, seed {config.seed}"
    if job.state != "queued":
        status = run_folders.read_status(job.name)
        row |= {"state": status["state"], "message": status["message"]}
    if row["state"] == "done":
        return row | {"done": 1.0}
    lines = curves(job.name)
    if len(lines) and row["state"] != "queued":
        share = float(lines["step"].iloc[-1] / lines["steps"].iloc[-1])
        row["done"] = share if 0 <= share <= 1 else 0.0
    if row["state"] == "running":
        row["left"] = seconds_left(lines)
    return row


def curves(run_id: str) -> pd.DataFrame:
    """Progress of a run, one row a step; of steps computed twice (it was stopped) the later.

    Columns: step, steps, epoch, loss, validation_loss, samples_per_second, seconds.
    """
    rows: dict[int, dict[str, float]] = {}
    path = run_folders.folder(run_id) / "progress.jsonl"
    text = ""
    with suppress(OSError):
        text = path.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        found: dict[str, Any] = {}
        with suppress(ValueError, RecursionError):  # a crash of the machine may have cut it short
            found = reading.as_object(json.loads(line))
        found = {name: found[name] for name in _COLUMNS if reading.is_number(found.get(name))}
        if "step" not in found:
            continue
        if "loss" in found:  # steps after this one were computed before it was stopped
            rows = {step: row for step, row in rows.items() if step < found["step"]}
        rows.setdefault(found["step"], {}).update(found)
    return pd.DataFrame(list(rows.values()), columns=list(_COLUMNS)).astype(float)


def seconds_left(lines: pd.DataFrame) -> float:
    """Until training ends, at the speed of the last twenty logging steps; NaN where unknown."""
    last = lines.dropna(subset=["loss"]).tail(20)
    if len(last) < 2:
        return float("nan")
    seconds = last["seconds"].diff()
    steps = last["step"].diff()[seconds > 0].sum()  # the clock begins anew where it was resumed
    if not steps:
        return float("nan")
    remaining = last["steps"].iloc[-1] - last["step"].iloc[-1]
    return float(seconds[seconds > 0].sum() / steps * remaining)


def log_tail(job_id: str, lines: int = 40) -> str:
    """The end of what a job printed; empty where it printed nothing."""
    kind, _, name = job_id.partition("-")
    return _tail(queue.log_path(kind, name), lines)


def _tail(path: Path, lines: int) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, lines))
    except OSError:
        return ""


def idle_jobs() -> int:
    """Jobs that wait though no worker runs, as after a restart of the machine."""
    long = queue.waiting(kinds.of_lane(quick=False))
    if not long or slots.is_alive() or slots.is_alive(slots.KEEPER):
        return 0
    return len(long)


def worker_log(lines: int = 20) -> str:
    """The end of what workers printed between jobs, such as why one could not start."""
    return _tail(queue.folder() / "logs" / f"worker-{slots.FIRST}.txt", lines)
