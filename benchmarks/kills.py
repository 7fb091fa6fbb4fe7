"""Random kills over a study and its attributions: nothing is lost, and the result is the same.

    python -m benchmarks.kills [--study synthetic] [--kills 50] [--json]

The study is trained and explained once undisturbed, then again while its parts are killed
(kill -9) at random times: half of the kills hit the worker, a quarter the service that starts
workers, a quarter the page's server with a visitor on Train. After a worker's kill its job must be
interrupted, and is asked for again; after the others it must still be running. What was killed is
started again. At the end the metrics, predictions, CLS vectors and models of the two are compared,
bit by bit, and attributions by their texts, tokens and evaluations; of a value the last digits
depend on the texts that were explained with it (batches of another size round otherwise), to 1e-6.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.sessions import free_port, rerun, start_server, visitor
from core.jobs import queue, slots
from core.jobs.ask import ask_runs
from core.models.session import Session
from core.studies import planning, study

POLL = 0.02
PATIENCE = 10.0  # seconds until a state that is not right is wrong
OPEN = ("queued", "running")
ROUNDING = 1e-6
PER_LANGUAGE = 40  # texts that are explained


def start_service(folder: Path) -> subprocess.Popen[bytes]:
    """The service that starts workers."""
    log = (folder / "service.txt").open("a")
    command = [sys.executable, "-m", "core", "worker", "--wait"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def ask(jobs: list[queue.Job]) -> None:
    """Ask for what is not done."""
    for job in jobs:
        found = queue.find(job.id)
        if not found or found.state not in (*OPEN, "done"):
            queue.enqueue(job.kind, job.name, job.arguments)


def states(jobs: list[queue.Job]) -> dict[str, str]:
    """The state of each job, by id."""
    found = ((job.id, queue.find(job.id)) for job in jobs)
    return {job_id: job.state if job else "gone" for job_id, job in found}


def wait_for(jobs: list[queue.Job], state: str) -> bool:
    """Wait until one has a state; False where all have ended before."""
    while state not in (now := states(jobs).values()):
        if not any(x in OPEN for x in now):
            return False
        time.sleep(POLL)
    return True


def undone(jobs: list[queue.Job]) -> float:
    """Share of the jobs that is still to be done."""
    open_ = [job for job, state in states(jobs).items() if state in OPEN]
    return max(sum(1 - queue.progress(job)[1] for job in open_) / len(jobs), 0.01)


def undisturbed(jobs: list[queue.Job]) -> float:
    """Do jobs without a kill; seconds of work, without loading the libraries."""
    command = [sys.executable, "-m", "core", "worker", "--idle", "0"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(jobs, "running")
    started = time.monotonic()
    worker.wait()
    assert set(states(jobs).values()) == {"done"}
    return time.monotonic() - started


class Parts:
    """The service, and the page's server with a visitor on Train."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._session = ExitStack()
        self.service = start_service(folder)
        self._serve()

    def _serve(self) -> None:
        self.server = start_server(self._port)
        rerun(self._session.enter_context(visitor(self._port)), "train", "")

    def kill(self, part: str) -> None:
        """Kill a part with -9; the worker by the number that it left for people in its slot."""
        if part == "server":
            self.server.kill()
            self.server.wait()
        elif part == "service":
            self.service.kill()
            self.service.wait()
        else:
            pid = int((queue.folder() / f"worker-{slots.FIRST}.lock").read_text())
            os.kill(pid, signal.SIGKILL)

    def again(self, part: str) -> None:
        """Start a part again. A service whose worker failed rests a minute; a new one does not."""
        if part == "server":
            self._session = ExitStack()  # the old connection went with its server
            self._serve()
            return
        if part == "worker":
            self.service.terminate()
            self.service.wait()
        self.service = start_service(self._folder)

    def end(self) -> None:
        """Ask both to end."""
        for process in (self.service, self.server):
            process.terminate()
            process.wait()


def disturbed(
    jobs: list[queue.Job], parts: Parts, kills: list[str], seconds: float
) -> dict[str, Any]:
    """Do jobs while parts are killed at random times, spread over what is left of the work.

    Args:
        kills: the parts to kill, in order; those that are killed are taken out.
        seconds: that the jobs take undisturbed.
    """
    at: Counter[str] = Counter()
    slowest, wrong = 0.0, []
    while kills and wait_for(jobs, "running"):
        time.sleep(random.expovariate(len(kills) / (0.7 * seconds * undone(jobs))))
        before = states(jobs)
        running = [job for job, state in before.items() if state == "running"]
        if not running:
            continue
        part, what = kills.pop(0), queue.progress(running[0])[0]
        parts.kill(part)
        killed = time.monotonic()
        at[f"{part}: {what.rstrip('0123456789%./ ') or 'starting'}"] += 1
        expected = ("interrupted", "done") if part == "worker" else ("running", "done")
        while any(states(jobs)[job] not in expected for job in running):
            if time.monotonic() - killed > PATIENCE:
                wrong.append(f"after a kill of the {part} {running} was not {expected}")
                break
            time.sleep(POLL)
        slowest = max(slowest, time.monotonic() - killed)
        parts.again(part)
        ask(jobs)
    while any(state in OPEN for state in states(jobs).values()):
        time.sleep(POLL)
    wrong += [f"{job} {state}" for job, state in states(jobs).items() if state != "done"]
    return {"at": dict(at), "seconds_until_right": round(slowest, 3), "wrong_states": wrong}


def attribution_job(name: str) -> queue.Job:
    """Ask for the attributions of the study."""
    arguments = {"study": name, "per_language": PER_LANGUAGE}
    return queue.enqueue("attribute", f"{name}-kills", arguments)


def content(folder: Path, run: str) -> dict[str, Any]:
    """What a run's folder holds, but for seconds and for how attributions are cut into files."""
    metrics = json.loads((folder / run / "metrics.json").read_text())
    for name in ("seconds", "evaluation_seconds"):
        metrics.pop(name)
    metrics["training"].pop("seconds")
    files = sorted((folder / run).glob("attributions/*/*.parquet"))
    table = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    table = table.sort_values(["row", "class"], ignore_index=True)
    inexact = ("base", "output", "values", "errors")
    numbers = np.concatenate([np.hstack(table[column].to_list()) for column in inexact])
    table = table.drop(columns=["seconds", *inexact])
    lists = ("tokens", "positions", "words")
    found: dict[str, Any] = {
        "metrics": metrics,
        "values": numbers.astype(float),
        "texts": table.assign(**{c: table[c].map(list) for c in lists}).to_json(),
        "files": sorted(file.name for file in (folder / run).iterdir()),
    }
    exact = ("predictions.parquet", "subset.parquet", "embeddings.npy", "probes.json")
    for path in (folder / run).rglob("*"):
        if path.name in exact or path.suffix == ".safetensors":
            found[str(path.relative_to(folder / run))] = path.read_bytes()
    return found


def same(a: Path, b: Path, run: str) -> list[str]:
    """What differs between the same run of two folders."""
    first, second = content(a, run), content(b, run)
    values = first.pop("values"), second.pop("values")
    if values[0].shape != values[1].shape or np.abs(values[0] - values[1]).max() > ROUNDING:
        return ["values of attributions"]
    return sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))


def measure(name: str, kills: int) -> dict[str, Any]:
    """Kill, finish and compare."""
    plan = planning.plan(study.read(name), Session())
    victims = ["worker"] * (kills - kills // 2) + ["service"] * (kills // 4)
    victims += ["server"] * (kills - len(victims))
    random.shuffle(victims)
    first = round(0.6 * kills)  # in training; the others while texts are explained
    with tempfile.TemporaryDirectory(prefix="langskew-kills-") as place:
        folders = [Path(place) / "undisturbed", Path(place) / "disturbed"]
        found: dict[str, Any] = {"phases": {}}
        seconds = {}
        os.environ["LANGSKEW_WORKER"] = "off"
        for folder in folders:
            folder.mkdir()
            os.environ["LANGSKEW_CHECKPOINTS"] = str(folder)
            parts = Parts(folder) if folder is folders[1] else None
            left: list[str] = []  # kills that training was too short for come later
            for phase, chosen in (("training", victims[:first]), ("attribution", victims[first:])):
                training = phase == "training"
                jobs = ask_runs(plan) if training else [attribution_job(plan.study.name)]
                if parts is None:
                    seconds[phase] = undisturbed(jobs)
                else:
                    left += chosen
                    found["phases"][phase] = disturbed(jobs, parts, left, seconds[phase])
            if parts is not None:
                parts.end()
        found["differs"] = {run: same(*folders, run) for run in plan.runs}
        partial = folders[1].rglob("*.partial*")
        found["left_behind"] = [str(path.relative_to(folders[1])) for path in partial]
    found["undisturbed_seconds"] = {phase: round(x, 1) for phase, x in seconds.items()}
    return found


def main() -> None:
    """Print what was killed and whether the results are the same; exit with 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--study", default="synthetic", help="name or TOML file (%(default)s)")
    parser.add_argument("--kills", type=int, default=50, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the times (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    found = measure(chosen.study, chosen.kills)
    wrong = [problem for phase in found["phases"].values() for problem in phase["wrong_states"]]
    if chosen.json:
        print(json.dumps(found, indent=1))
    else:
        for phase, what in found["phases"].items():
            at = ", ".join(f"{n} {place}" for place, n in sorted(what["at"].items()))
            print(f"{phase}, {sum(what['at'].values())} kills: {at}")
            print(f"  states right after at most {what['seconds_until_right']} s")
        for problem in wrong:
            print(f"wrong: {problem}")
        for file in found["left_behind"]:
            print(f"left behind: {file}")
        alike = sum(not what for what in found["differs"].values())
        print(f"the same as undisturbed: {alike} of {len(found['differs'])} runs")
        for run, what in found["differs"].items():
            if what:
                print(f"  {run}: {', '.join(what)}")
    sys.exit(bool(wrong or found["left_behind"] or any(found["differs"].values())))


if __name__ == "__main__":
    main()
