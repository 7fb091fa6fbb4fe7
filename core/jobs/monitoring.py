"""How the queue's jobs get on, for pages and the command line: states, curves, time left, logs."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from core.checkpoints import run_folders, studies
from core.errors import InputError
from core.jobs import kinds, queue, slots
from core.jobs.queue import Job
from core.storage import reading

_COLUMNS = ("step", "steps", "epoch", "loss", "validation_loss", "samples_per_second", "seconds")
ACTIVE = ("queued", "running")


def overview() -> pd.DataFrame:
    """All jobs but the quick ones, and runs to be trained (anew) though nobody asks for them.

    Columns: `job` (id), `what`, `state`, `done` (share, 0 to 1), `doing`, `left` (seconds, NaN
    where unknown), `asked` (time), `order` (in which they were asked for), `by` (who), `kind`,
    `study` and `run` (id) where it has any, `message`, `seconds` that it took and, of a finished
    run, `accuracy` (NaN where unknown).
    A run's state is that of its folder.
    """
    listed = queue.listing()
    known = {job.id for job in listed}
    runs = {run["run"]: run for run in run_folders.list_runs().to_dict("records")}
    long = [job for job in listed if job.kind not in kinds.of_lane(quick=True)]
    asked_for = [_row(job, runs) for job in long if not _is_of_deleted(job)]
    of_study = _studies()
    others = []
    for run_id, run in runs.items():
        if (run["state"] != "done" or run["message"]) and f"train-{run_id}" not in known:
            belongs = {"study": of_study[run_id]} if run_id in of_study else {}
            job = Job("train", run_id, belongs, state=run["state"], message=run["message"])
            others.append(_row(replace(job, by=run["by"]), runs))
    columns = ["job", "what", "state", "done", "doing", "left", "asked", "order", "by", "kind"]
    columns += ["study", "run", "message", "seconds", "accuracy"]
    return pd.DataFrame(asked_for + others, columns=columns)


def _is_of_deleted(job: Job) -> bool:
    """Whether a job ended whose run was deleted since: nothing can be done about it here."""
    # What failed is listed with what is wrong; so is a file that is no job.
    ended = job.state not in (*ACTIVE, "failed")
    return job.kind == "train" and ended and run_folders.is_deleted(job.name)


def _studies() -> dict[str, str]:
    """The first study that stands for a run, by run."""
    found: dict[str, str] = {}
    for name in studies.started():
        with suppress(InputError):  # the pages say which does not read
            for run_id in studies.run_ids(name):
                found.setdefault(run_id, name)
    return found


@dataclass(frozen=True)
class Group:
    """What a study asked for, or what belongs to none.

    Attributes:
        study: its name; empty for what belongs to none.
        rows: of `overview`, in its order.
        runs: how many the study stands for.
        done: how many of them are finished.
        share: of all runs, with what is trained of those that run.
        left: seconds until they are, one after the other; NaN where that is not known.
        seconds: that its jobs took.
    """

    study: str
    rows: list[dict[str, Any]]
    runs: int
    done: int
    share: float
    left: float
    seconds: float

    @property
    def active(self) -> bool:
        """Whether something of it waits or runs."""
        return any(row["state"] in ACTIVE for row in self.rows)


def by_study(table: pd.DataFrame) -> list[Group]:
    """The rows of `overview` by study; those of which something waits or runs come first."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(row["study"], []).append(row)
    groups = [_group(name, own) for name, own in rows.items()]
    return sorted(groups, key=lambda group: not group.active)


def _group(name: str, rows: list[dict[str, Any]]) -> Group:
    members: list[str] = []
    with suppress(InputError):  # it is not laid out yet
        members = studies.run_ids(name) if name else []
    done = sum(map(run_folders.is_complete, members))
    trained = [row for row in rows if row["kind"] == "train"]
    took = [r["seconds"] for r in trained if r["state"] == "done" and r["seconds"] > 0]
    usual = sum(took) / len(took) if took else float("nan")
    left, going = 0.0, 0.0
    for row in trained:
        if row["state"] == "running":
            left += row["left"] if row["left"] == row["left"] else usual * (1 - row["done"])
            going += row["done"]
        elif row["state"] == "queued":
            left += usual
    share = min(1.0, (done + going) / len(members)) if members else 0.0
    seconds = sum(row["seconds"] for row in rows if row["seconds"] == row["seconds"])
    return Group(name, rows, len(members), done, share, left, seconds)


def resumable(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Jobs that stopped or failed, in the order in which they are to be asked for again: what
    follows the runs of a study behind them."""
    stopped = [row for row in rows if row["state"] in ("interrupted", "cancelled", "failed")]
    known = [row for row in stopped if row["kind"] in kinds.KINDS]
    known.sort(key=lambda row: (row["kind"] not in ("study", "train"), row["order"]))
    return [row["job"] for row in known]


def ended(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Jobs that can be taken off the list: done, or of no run; a run that is not done stays."""
    return [
        row["job"]
        for row in rows
        if (row["state"] == "done" and not row["message"])
        or (row["state"] not in ACTIVE and row["kind"] != "train")
    ]


def _row(job: Job, runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    doing, share = queue.progress(job.id) if job.state == "running" else ("", 0.0)
    row = {
        "job": job.id,
        "what": f"{job.kind} {job.name}",
        "state": job.state,
        "done": 1.0 if job.state == "done" else share,
        "doing": doing,
        "left": float("nan"),
        "asked": pd.Timestamp(job.asked, unit="s", tz="UTC") if job.asked else pd.NaT,
        "order": job.order,
        "by": job.by,
        "kind": job.kind,
        "study": str(job.arguments.get("study") or (job.name if job.kind == "study" else "")),
        "run": "",
        "message": job.message,
        "seconds": job.seconds or float("nan"),
        "accuracy": float("nan"),
    }
    if job.kind != "train":
        return row
    row["run"] = job.name
    run = runs.get(job.name)
    if run is None or run["setup"] != run["setup"]:  # deleted, or its config does not read
        why = run_folders.DELETED if run is None else run["message"]
        with suppress(InputError):  # it may have been made since
            run_folders.read_config(job.name)
            why = ""
        return row | {"state": "failed", "message": f"{job.message} {why}".strip()}
    study = f"{row['study']}: " if row["study"] else ""
    row["what"] = f"{study}{run['setup']}, seed {run['seed']:.0f}"
    if job.state != "queued":
        row |= {name: run[name] for name in ("state", "message", "accuracy")}
    if not job.seconds:  # such as one that was trained from the command line
        row["seconds"] = run["seconds"]
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
