"""Random kills over one study: nothing is lost, and the result is that of the undisturbed study.

Run by hand: `python -m benchmarks.kills [--json]`. The study is trained once undisturbed, then
again while its worker is killed (kill -9) at random times, as often as asked; after each
kill the states must be right at once, and what was interrupted is asked for again. At the end the
metrics and every prediction of the two are compared, bit by bit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from core.checkpoints import run_folders
from core.jobs import monitoring, queue
from core.jobs.ask import ask_runs
from core.models.session import Session
from core.studies import planning, study

POLL = 0.02


def start_worker(folder: Path) -> subprocess.Popen[bytes]:
    """A worker as the page starts it, but as our child, to be killed by us."""
    log = (folder / "worker.txt").open("a")
    command = [sys.executable, "-m", "core", "worker", "--idle", "0"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def at_work(runs: list[str]) -> bool:
    """Whether some run is being trained."""
    return any(run_folders.read_status(run)["state"] == "running" for run in runs)


def ask(runs: list[str]) -> None:
    """Ask for what is not done."""
    for run in runs:
        if not (job := queue.find(f"train-{run}")) or job.state not in (
            "queued",
            "running",
            "done",
        ):
            queue.enqueue("train", run, {"study": "kills"})


def point_of(run: str) -> str:
    """What a killed run was doing, as its folder tells."""
    path = run_folders.folder(run)
    if list(path.glob(".*.partial")):
        return "writing a file"
    if (path / "COMPLETE").exists():
        return "after training"
    if (path / "model").exists():
        return "predicting"
    if any(not (p / "trainer_state.json").exists() for p in path.glob("resume/checkpoint-*")):
        return "writing a checkpoint"
    return "training" if (path / "progress.jsonl").exists() else "before training"


def undisturbed(folder: Path, plan: planning.Plan) -> float:
    """Train the study without a kill; seconds of work, without loading the libraries."""
    os.environ["LANGSKEW_CHECKPOINTS"] = str(folder)
    ask_runs(plan)
    worker = start_worker(folder)
    while not at_work(list(plan.runs)):
        time.sleep(POLL)
    started = time.monotonic()
    worker.wait()
    return time.monotonic() - started


def remaining(runs: list[str]) -> float:
    """Share of the study that is still to be done."""
    done = 0.0
    for run in runs:
        lines = monitoring.curves(run)
        share = lines["step"].iloc[-1] / lines["steps"].iloc[-1] if len(lines) else 0.0
        done += 1.0 if run_folders.is_complete(run) else 0.9 * share
    return max(1 - done / len(runs), 0.01)


def disturbed(folder: Path, plan: planning.Plan, kills: int, seconds: float) -> dict[str, Any]:
    """Train the study while its worker is killed at random times, spread over what is left of it.

    Args:
        seconds: that the study takes undisturbed.
    """
    os.environ["LANGSKEW_CHECKPOINTS"] = str(folder)
    ask_runs(plan)
    runs = list(plan.runs)
    points: Counter[str] = Counter()
    slowest, wrong = 0.0, []
    while True:
        worker = start_worker(folder)
        while not at_work(runs) and worker.poll() is None:
            time.sleep(POLL)
        if points.total() < kills:
            mean = 1.2 * seconds * remaining(runs) / (kills - points.total())
            time.sleep(random.expovariate(1 / mean))
            worker.kill()
        killed = time.monotonic()
        ended = worker.wait()
        if ended == 0:
            break
        unfinished = [run for run in runs if not run_folders.is_complete(run)]
        while at_work(runs):  # until then a state is wrong
            if time.monotonic() - killed > 10:
                wrong.append(f"still running 10 s after kill {points.total() + 1}")
                break
            time.sleep(POLL)
        slowest = max(slowest, time.monotonic() - killed)
        interrupted = [j.name for j in queue.listing() if j.state == "interrupted"]
        points[point_of(interrupted[0]) if interrupted else "between two runs"] += 1
        for run in unfinished:
            state = run_folders.read_status(run)["state"]
            if state not in ("queued", "interrupted"):
                wrong.append(f"{run} is {state} after kill {points.total()}")
        ask(runs)
    return {
        "kills": points.total(),
        "at": dict(points),
        "seconds_until_right": round(slowest, 3),
        "wrong_states": wrong,
    }


def same(a: Path, b: Path, run: str) -> bool:
    """Whether two folders hold the same result of a run, but for its seconds."""
    found = []
    for folder in (a, b):
        metrics = json.loads((folder / run / "metrics.json").read_text())
        for name in ("seconds", "evaluation_seconds"):
            metrics.pop(name)
        metrics["training"].pop("seconds")
        frames = [pd.read_parquet(folder / run / f"{n}.parquet") for n in ("predictions", "subset")]
        found.append((metrics, frames))
    (first, tables), (second, others) = found
    return first == second and all(x.equals(y) for x, y in zip(tables, others, strict=True))


def main() -> None:
    """Print what was killed and whether the results are the same; exit with 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--study", default="synthetic", help="name or TOML file (%(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the times (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    plan = planning.plan(study.read(chosen.study), Session())
    with tempfile.TemporaryDirectory(prefix="langskew-kills-") as name:
        folders = [Path(name) / "undisturbed", Path(name) / "disturbed"]
        for folder in folders:
            folder.mkdir()
        seconds = undisturbed(folders[0], plan)
        found = disturbed(folders[1], plan, chosen.kills, seconds)
        found["runs"] = {run: same(*folders, run) for run in plan.runs}
    found["undisturbed_seconds"] = round(seconds, 1)
    if chosen.json:
        print(json.dumps(found, indent=1))
    else:
        at = ", ".join(f"{n} {what}" for what, n in found["at"].items())
        print(f"{found['kills']} kills of the worker ({at})")
        print(f"states right after at most {found['seconds_until_right']} s")
        for problem in found["wrong_states"]:
            print(f"wrong: {problem}")
        alike = sum(found["runs"].values())
        print(f"same metrics and predictions as undisturbed: {alike} of {len(found['runs'])} runs")
    sys.exit(bool(found["wrong_states"]) or not all(found["runs"].values()))


if __name__ == "__main__":
    main()
