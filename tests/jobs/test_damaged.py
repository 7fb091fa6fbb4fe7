"""Files of the queue that are no jobs are set aside and listed; what is done stays done."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.errors import InputError
from core.jobs import ask, kinds, monitoring, queue, worker
from core.results import index, study_results
from core.storage import places
from tests.helpers.commands import show
from tests.helpers.started import small_study

JOB = {"kind": "report", "name": "x", "arguments": {"study": "x"}, "order": 1, "state": "queued"}


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def put(state: str, name: str, content: object) -> Path:
    with queue.exclusively():
        path = queue.folder() / state / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


DAMAGES = [
    ("other.json", JOB, "its name is another than its job's, report-x"),
    ("report-x.json", JOB | {"arguments": None}, "expected a JSON object, found NoneType"),
    ("report-x.json", JOB | {"name": None}, "name: expected text, found None"),
    ("report-x.json", JOB | {"kind": 1}, "kind: expected text, found 1"),
    ("report-x.json", JOB | {"order": "1"}, "order: expected a number"),
    ("report-x.json", JOB | {"asked": 1e300}, "asked: expected a number"),
    ("report-x.json", JOB | {"state": "lost"}, "state is 'lost'"),
    ("report-x.json", JOB | {"more": 1}, "more is no part of a job"),
    ("report-x.json", {"kind": "report"}, "name is missing"),
    ("report-x.json", [JOB], "expected a JSON object, found list"),
    ("report-x.json", b"", "does not read"),
    ("report-x.json", b"not JSON", "does not read"),
    ("report-x.json", b"\xff", "does not read"),
    ("report-x.json", b"[" * 100_000, "does not read"),
    ("report-x.json", b'{"order": ' + b"9" * 5000 + b"}", "does not read"),
    ("teleport-x.json", JOB | {"kind": "teleport"}, "of a kind that this version does not know"),
]


@pytest.mark.parametrize(("name", "content", "message"), DAMAGES)
def test_what_is_no_job_is_set_aside_and_listed(capsys, name, content, message) -> None:
    path = put("waiting", name, content)
    queue.enqueue("report", "unknown")
    assert main(["queue"]) == 0
    before = time.monotonic()
    worker.serve("quick", idle=0)
    assert time.monotonic() - before < 10
    assert not path.exists()
    assert (queue.folder() / "damaged" / name).exists()
    states = {job.id: job.state for job in queue.listing()}
    damaged = f"damaged-{path.stem}"
    assert states == {"report-unknown": "failed", damaged: "failed"}  # there is no such study
    listed = {job["id"]: job for job in show(capsys, "queue")["jobs"]}
    assert message in listed[damaged]["message"] and name in listed[damaged]["message"]
    shown = monitoring.overview().set_index("job").loc[damaged]
    assert shown["state"] == "failed" and message in shown["message"]
    assert queue.cancel(damaged) == "failed"
    with pytest.raises(InputError, match="delete it"):
        ask.again(damaged)
    queue.remove(damaged)
    assert queue.find(damaged) is None
    assert not list((queue.folder() / "damaged").iterdir())


@pytest.mark.parametrize("state", ["running", "ended"])
def test_damaged_files_of_other_folders_are_set_aside_too(state) -> None:
    put(state, "report-x.json", JOB | {"arguments": None})
    assert queue.claim(["report"]) is None
    assert [(job.id, job.state) for job in queue.listing()] == [("damaged-report-x", "failed")]


def test_two_damaged_files_of_one_name_are_both_kept() -> None:
    for _ in range(3):
        put("waiting", "a.json", b"{")
        queue.set_aside(kinds.KINDS)
    ids = {job.id for job in queue.listing()}
    assert ids == {"damaged-a", "damaged-a.2", "damaged-a.3"}


def test_a_job_without_its_arguments_fails_by_itself() -> None:
    queue.enqueue("report", "x")
    queue.enqueue("plan", "y", {"document": {"corpus": 5}})
    worker.serve("quick", idle=0)
    report, plan = queue.find("report-x"), queue.find("plan-y")
    assert report is not None and "has no argument study" in report.message
    assert plan is not None and plan.state == "failed" and "missing" in plan.message


@pytest.mark.parametrize(
    "error",
    [InputError("a run does not read."), OSError(28, "No space left on device"), KeyError("x")],
)
def test_an_index_that_cannot_be_written_fails_no_job(copied, monkeypatch, error) -> None:
    run = studies.run_ids("small")[0]
    (copied / run / "probes.json").unlink()

    def refuse() -> None:
        raise error

    monkeypatch.setattr(index, "publish", refuse)
    queue.enqueue("train", run)
    worker.serve("0", idle=0)
    job = queue.find(f"train-{run}")
    assert job is not None and job.state == "done"
    log = (copied / run / "log.txt").read_text()
    assert "index.duckdb was not written" in log and "python -m core index" in log
    assert ("Traceback" in log) == isinstance(error, KeyError)


def test_a_study_in_the_foreground_goes_on_beside_a_damaged_run(copied, study_file, capsys) -> None:
    ids = studies.run_ids("small")
    (copied / ids[0] / "predictions.parquet").write_bytes(b"")
    for run in ids[1:3]:
        (copied / run / "probes.json").unlink()
    assert main(["study", str(study_file)]) == 0
    assert all((copied / run / "probes.json").exists() for run in ids[1:3])
    assert [run["state"] for run in study_results.summary(small_study())["runs"]] == [
        "failed", *["done"] * 3
    ]  # fmt: skip
    assert (places.checkpoints_dir() / "index.duckdb").exists()
    states = {job.state for job in queue.listing()}
    assert states == {"done"}
    assert run_folders.read_status(ids[1])["state"] == "done"


@pytest.mark.parametrize(
    "line",
    ["5", "[1]", "null", '{"step": "x"}', "[" * 100_000, "\x00"],
)
def test_progress_that_does_not_read_is_left_out(copied, line) -> None:
    run = studies.run_ids("small")[0]
    path = copied / run / "progress.jsonl"
    before = monitoring.curves(run)
    path.write_bytes(path.read_bytes() + line.encode() + b"\n\xff\n")
    pd.testing.assert_frame_equal(monitoring.curves(run), before)
    monitoring.overview()
