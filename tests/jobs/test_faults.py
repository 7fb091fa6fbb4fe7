"""What breaks while the queue works: nothing is lost, no state is wrong, messages say what was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from core.checkpoints import prune, run_folders, studies
from core.errors import InputError
from core.jobs import queue, slots, worker
from core.jobs.ask import ask_runs
from core.models.session import Session
from core.results import study_results
from core.storage import atomic, places
from core.studies import planning, study
from core.training.run import train_run
from core.training.trainer import RunTrainer
from tests.helpers import faults
from tests.helpers.started import small_study

SAME = ("accuracy", "test_loss", "accuracy_by_language", "n_train")


@pytest.fixture(scope="module")
def plan(study_file: Path) -> planning.Plan:
    return planning.plan(study.read(str(study_file)), Session())


@pytest.fixture
def queued(plan: planning.Plan) -> list[str]:
    """Ids of the small study's runs, all of them waiting."""
    return [job.name for job in ask_runs(plan)]


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def state(run_id: str) -> str:
    return str(run_folders.read_status(run_id)["state"])


def metrics(folder: Path, run_id: str) -> dict:
    document = json.loads((folder / run_id / "metrics.json").read_text())
    training = {k: v for k, v in document["training"].items() if k != "seconds"}
    return {key: document[key] for key in SAME} | {"training": training}


def steps(run_id: str) -> list[int]:
    text = (run_folders.folder(run_id) / "progress.jsonl").read_text()
    return [line["step"] for line in map(json.loads, text.splitlines()) if "loss" in line]


def job(run_id: str) -> queue.Job:
    found = queue.find(f"train-{run_id}")
    assert found is not None
    return found


def test_a_worker_killed_at_any_point_loses_nothing(queued, trained) -> None:
    first, second, third, fourth = queued
    points = [
        (first, "in a step"),
        (second, "while a checkpoint is written"),
        (third, "while the model is written"),
    ]
    for run_id, point in points:
        assert faults.work_until(point) == -signal.SIGKILL
        killed = time.monotonic()
        assert (state(run_id), job(run_id).state) == ("interrupted", "interrupted"), point
        assert time.monotonic() - killed < 10
        assert "killed, or the machine restarted" in run_folders.read_status(run_id)["message"]
        assert "its worker is gone" in job(run_id).message
        assert not slots.is_alive()
        assert job(fourth).state == "queued"
    for run_id in (third, first, second):  # resumed on request, behind the one that waits
        queue.enqueue("train", run_id)
        assert state(run_id) == "queued"
    assert faults.work_until("between two runs") == -signal.SIGKILL
    assert [job(r).state for r in (fourth, third, first)] == ["done", "queued", "queued"]
    assert state(fourth) == "done"
    assert faults.work_until("nowhere") == 0
    for run_id in queued:
        assert (state(run_id), job(run_id).state) == ("done", "done")
        assert metrics(places.checkpoints_dir(), run_id) == metrics(trained, run_id)
        left = [p for p in run_folders.folder(run_id).rglob("*") if "partial" in p.name]
        assert not left and not (run_folders.folder(run_id) / "resume").exists()
    assert (places.checkpoints_dir() / "index.duckdb").exists()


def test_a_worker_asked_to_end_saves_the_step_and_goes_on_from_it(queued, trained) -> None:
    first = queued[0]
    assert faults.work_until("in a step", signal.SIGTERM) == 0
    assert (state(first), job(first).state) == ("interrupted", "interrupted")
    assert "asked to end, and saved" in run_folders.read_status(first)["message"]
    stopped = max(steps(first))
    assert 12 < stopped < 24
    assert (run_folders.folder(first) / "resume" / f"checkpoint-{stopped}").is_dir()
    assert job(queued[1]).state == "queued"
    train_run(first)
    assert steps(first) == list(range(1, 25))  # none twice
    assert metrics(places.checkpoints_dir(), first) == metrics(trained, first)


def test_a_cancelled_run_stops_within_a_micro_batch_and_goes_on_from_its_last_epoch(
    queued, trained, monkeypatch
) -> None:
    first, second = queued[:2]
    for run_id in queued[2:]:
        queue.cancel(job(run_id).id)
        assert (state(run_id), job(run_id).state) == ("cancelled", "cancelled")
    original, seen = RunTrainer.compute_loss, []

    def cancelling(self: RunTrainer, model, *arguments, **more):
        if model.training:
            seen.append(self.state.global_step)
            if len(seen) == 18:  # in the second of two epochs
                assert queue.cancel(job(first).id) == "running"
        return original(self, model, *arguments, **more)

    monkeypatch.setattr(RunTrainer, "compute_loss", cancelling)
    queue.cancel(job(second).id)
    worker.serve("0", idle=0)
    assert len(seen) == 18
    assert (state(first), job(first).state) == ("cancelled", "cancelled")
    assert [p.name for p in run_folders.folder(first).glob("resume/*")] == ["checkpoint-12"]
    monkeypatch.setattr(RunTrainer, "compute_loss", original)
    queue.enqueue("train", first)
    worker.serve("0", idle=0)
    assert state(first) == "done"
    assert metrics(places.checkpoints_dir(), first) == metrics(trained, first)
    assert min(steps(first)[17:]) == 13


def ask(run_id: str) -> None:
    queue.enqueue("train", run_id, {"study": "small"})


def test_two_workers_and_five_sessions_train_a_run_once(plan, trained) -> None:
    run_id = run_folders.create(next(iter(plan.runs.values())))
    sessions = [faults.start(ask, run_id) for _ in range(5)]
    for session in sessions:
        session.join(60)
    assert [j.state for j in queue.listing()] == ["queued"]
    workers = [faults.start(faults.worker, "nowhere", 0, slot) for slot in ("0", "1")]
    while state(run_id) == "queued":
        time.sleep(0.01)
    assert queue.enqueue("train", run_id).state in ("running", "done")
    for process in workers:
        process.join(120)
        assert process.exitcode == 0
    assert state(run_id) == "done"
    assert steps(run_id) == list(range(1, 25))  # each step once
    assert metrics(places.checkpoints_dir(), run_id) == metrics(trained, run_id)


@pytest.mark.parametrize("what", ["progress", "everything"])
def test_a_full_disk_is_named_and_nothing_is_lost(queued, trained, monkeypatch, what) -> None:
    first = queued[0]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "progress.jsonl")

    def fill(path: Path, document: dict) -> None:
        if document.get("step", 0) >= 14:
            if what == "everything":
                patch.setattr(atomic, "write_text", full)
            full()
        append(path, document)

    append = atomic.append_line
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "append_line", fill)
        with pytest.raises(InputError, match="worker ended: the disk is full"):
            worker.serve("0", idle=0)
    log = (run_folders.folder(first) / "log.txt").read_text()
    assert "No space left" in log
    # With no room for another file it is told in the room of the old one.
    assert (state(first), job(first).state) == ("failed", "failed")
    message = "the disk is full (progress.jsonl); free some space, then train it again"
    assert message in run_folders.read_status(first)["message"]
    assert message in job(first).message
    assert [job(r).state for r in queued[1:]] == ["queued"] * 3
    assert not slots.is_alive()
    for run_id in queued[1:]:
        queue.cancel(job(run_id).id)
    queue.enqueue("train", first)
    worker.serve("0", idle=0)
    assert metrics(places.checkpoints_dir(), first) == metrics(trained, first)


def test_a_checkpoint_cut_short_is_not_used(queued, trained) -> None:
    first = queued[0]
    assert faults.work_until("while the model is written") == -signal.SIGKILL
    newest = run_folders.folder(first) / "resume" / "checkpoint-24"
    for name in ("optimizer.pt", "model.safetensors"):
        content = (newest / name).read_bytes()
        (newest / name).write_bytes(content[: len(content) // 2])
    train_run(first)
    assert metrics(places.checkpoints_dir(), first) == metrics(trained, first)
    assert steps(first)[-12:] == list(range(13, 25))  # from the epoch before


def test_a_truncated_model_is_named(copied) -> None:
    run_id = studies.run_ids("small")[0]
    path = copied / run_id / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    (copied / run_id / "probes.json").unlink()
    assert state(run_id) == "done"
    assert len(study_results.summary(small_study())["runs"]) == 4  # its numbers are still there
    queue.enqueue("train", run_id)
    worker.serve("0", idle=0)
    assert job(run_id).state == "failed"
    assert "model.safetensors does not read" in job(run_id).message
    assert "delete the run" in job(run_id).message


def test_a_deleted_index_is_written_again_and_missed_by_nobody(copied) -> None:
    (copied / "index.duckdb").unlink()
    (copied / studies.run_ids("small")[0] / "probes.json").unlink()
    assert set(run_folders.list_runs()["state"]) == {"done"}
    queue.enqueue("train", studies.run_ids("small")[0])
    worker.serve("0", idle=0)
    assert (copied / "index.duckdb").exists()


def test_a_clock_set_back_changes_neither_states_nor_order(queued, monkeypatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 1e6)
    queue.cancel(job(queued[0]).id)
    queue.enqueue("train", queued[0])  # asked for last, a million seconds before the others
    order = []
    while claimed := queue.claim({"train"}):
        with run_folders.claim(claimed.job.name):
            run_folders.write_status(claimed.job.name, "running", started=time.time())
            assert state(claimed.job.name) == job(claimed.job.name).state == "running"
        order.append(claimed.job.name)
        claimed.file.close()
        assert state(claimed.job.name) == job(claimed.job.name).state == "interrupted"
    assert order == [*queued[1:], queued[0]]


def test_checkpoints_are_kept_by_number_when_the_clock_is_set_back(queued, trained) -> None:
    """The newest by the clock may be the oldest by its number."""
    first = queued[0]
    assert faults.work_until("while the model is written") == -signal.SIGKILL
    resume = run_folders.folder(first) / "resume"
    assert "checkpoint-24" in {p.name for p in resume.iterdir()}
    for path in resume.iterdir():
        os.utime(path, (2e9, 2e9) if path.name != "checkpoint-24" else (1e9, 1e9))
    train_run(first)
    assert metrics(places.checkpoints_dir(), first) == metrics(trained, first)
    assert steps(first) == list(range(1, 25))


def test_a_process_id_that_another_program_got_is_not_taken_for_the_worker(queued) -> None:
    first = queued[0]
    claimed = queue.claim({"train"})
    assert claimed is not None
    status = {"state": "running", "message": "", "pid": os.getpid(), "time": time.time()}
    atomic.write_text(run_folders.folder(first) / "status.json", json.dumps(status))
    (queue.folder() / "worker-0.lock").write_text(f"{os.getpid()}\n")
    claimed.file.close()
    assert (state(first), job(first).state) == ("interrupted", "interrupted")
    assert not slots.is_alive()


def test_out_of_memory_halves_the_micro_batch_and_says_so(queued, trained, monkeypatch) -> None:
    original = RunTrainer.compute_loss

    def small_device(self: RunTrainer, model, inputs, *arguments, **more):
        if model.training and len(inputs["labels"]) > 4 and self.state.global_step == 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return original(self, model, inputs, *arguments, **more)

    monkeypatch.setattr(RunTrainer, "compute_loss", small_device)
    first = queued[0]
    train_run(first)
    found = metrics(places.checkpoints_dir(), first)
    assert found["training"]["batch_size"] == 4 and found["training"]["accumulation"] == 4
    assert found["training"]["steps"] == metrics(trained, first)["training"]["steps"]
    assert run_folders.read_config(first).run_id == first
    text = (run_folders.folder(first) / "progress.jsonl").read_text()
    said = [line["message"] for line in map(json.loads, text.splitlines()) if "message" in line]
    assert said == [
        "out of memory: going on with micro-batches of 8 rows, 2 an optimiser step",
        "out of memory: going on with micro-batches of 4 rows, 4 an optimiser step",
    ]


def test_memory_for_not_even_one_row_is_refused(queued, monkeypatch) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(RunTrainer, "compute_loss", no_memory)
    with pytest.raises(InputError, match="out of memory with a single row of 32 tokens"):
        train_run(queued[0])


def test_a_run_at_work_is_not_deleted(queued) -> None:
    with (
        run_folders.claim(queued[0]),
        pytest.raises(InputError, match=r"being trained .* It was not deleted"),
    ):
        prune.delete([queued[0]])
    assert run_folders.folder(queued[0]).exists()
