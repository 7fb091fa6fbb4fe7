from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.attribution.attribute import Attributed
from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.errors import InputError
from core.jobs import ask, kinds, monitoring, queue, slots, worker
from core.progress import Cancelled
from core.storage import locks, places
from core.studies import study

KINDS = {"a", "b"}


def states() -> dict[str, str]:
    return {job.id: job.state for job in queue.listing()}


def test_a_job_goes_from_waiting_to_running_to_ended() -> None:
    asked = queue.enqueue("a", "x", {"n": 1})
    assert states() == {"a-x": "queued"}
    claimed = queue.claim(KINDS)
    assert claimed is not None and claimed.job.arguments == {"n": 1}
    assert states() == {"a-x": "running"}
    queue.write_progress(claimed.job, "counting", 0.5)
    assert queue.progress("a-x") == ("counting", 0.5)
    queue.finish(claimed, "done", result=[1, 2])
    found = queue.find(asked.id)
    assert found is not None and (found.state, found.result) == ("done", [1, 2])
    assert not list((queue.folder() / "running").iterdir())


def test_without_its_lock_a_claimed_job_is_interrupted_and_may_be_asked_for_again() -> None:
    queue.enqueue("a", "x")
    claimed = queue.claim(KINDS)
    assert claimed is not None
    claimed.file.close()
    job = queue.find("a-x")
    assert job is not None and job.state == "interrupted" and "resume" in job.message
    assert queue.claim(KINDS) is None
    queue.enqueue("a", "x")
    assert states() == {"a-x": "queued"}


def test_a_worker_takes_its_own_kinds_only() -> None:
    for kind in "ab":
        queue.enqueue(kind, "x")
    claimed = queue.claim({"b"})
    assert claimed is not None and claimed.job.kind == "b"
    assert queue.claim({"b"}) is None
    assert queue.claim({"a"}, only=["b-x"]) is None


def test_a_file_that_does_not_read_is_named_and_stops_nothing() -> None:
    queue.enqueue("a", "x")
    queue.enqueue("a", "y")
    (queue.folder() / "waiting" / "a-x.json").write_text('{"kind": "a", "na')
    assert states() == {"a-x": "failed", "a-y": "queued"}
    assert "a-x.json does not read" in queue.listing()[-1].message
    claimed = queue.claim(KINDS)
    assert claimed is not None and claimed.job.name == "y"


def test_a_deleted_file_s_lock_counts_for_nothing(tmp_path) -> None:
    held = locks.take(tmp_path / "lock")
    assert held and locks.is_held(tmp_path / "lock")
    (tmp_path / "lock").unlink()
    assert not locks.is_held(tmp_path / "lock")
    with locks.take(tmp_path / "lock") as again:
        assert again and locks.take(tmp_path / "lock") is None


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(InputError, match=r"no file locks \(Operation not supported\)"):
        locks.take(tmp_path / "lock")


class Queue(RuleBasedStateMachine):
    """Against a plain list: first asked, first claimed; each job in one state."""

    def __init__(self) -> None:
        super().__init__()
        shutil.rmtree(places.checkpoints_dir() / "queue", ignore_errors=True)
        self.waiting: list[str] = []
        self.running: dict[str, queue.Claim] = {}
        self.ended: dict[str, str] = {}

    @rule(name=st.sampled_from("uvwxyz"))
    def enqueue(self, name: str) -> None:
        queue.enqueue("a", name)
        if name not in self.waiting and name not in self.running:
            self.waiting.append(name)
            self.ended.pop(name, None)

    @rule()
    def claim(self) -> None:
        claimed = queue.claim(KINDS)
        assert (claimed.job.name if claimed else None) == next(iter(self.waiting), None)
        if claimed:
            self.running[self.waiting.pop(0)] = claimed

    @precondition(lambda self: self.running)
    @rule(data=st.data(), state=st.sampled_from(["done", "failed", "killed"]))
    def end(self, data: st.DataObject, state: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.running)))
        claimed = self.running.pop(name)
        if state == "killed":
            claimed.file.close()
        else:
            queue.finish(claimed, state)
        self.ended[name] = "interrupted" if state == "killed" else state

    @rule(name=st.sampled_from("uvwxyz"))
    def cancel(self, name: str) -> None:
        queue.cancel(f"a-{name}")
        if name in self.waiting:
            self.waiting.remove(name)
            self.ended[name] = "cancelled"
        if name in self.running:
            assert queue.is_cancelled(self.running[name].job)

    @invariant()
    def each_job_has_one_state(self) -> None:
        expected = {f"a-{n}": "queued" for n in self.waiting}
        expected |= {f"a-{n}": "running" for n in self.running}
        expected |= {f"a-{n}": s for n, s in self.ended.items()}
        assert states() == expected


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=20, stateful_step_count=30)


# --- the worker -------------------------------------------------------------------------------


@pytest.fixture
def log(monkeypatch) -> list[str]:
    """Kinds of this test in place of the real ones; what they did, in order."""
    done: list[str] = []

    def echo(work: kinds.Work) -> str:
        done.append(work.name)
        return work.name.upper()

    def refuse(work: kinds.Work) -> None:
        raise InputError("no such thing; have another.")

    def crash(work: kinds.Work) -> None:
        raise ZeroDivisionError("oh")

    def full(work: kinds.Work) -> None:
        raise OSError(28, "No space left on device", "model")

    def cancel_itself(work: kinds.Work) -> None:
        work.report("half", 0.5)
        queue.cancel("cancel-x")
        work.report("more", 0.6)
        done.append("never")

    table = {"echo": echo, "refuse": refuse, "crash": crash, "full": full, "cancel": cancel_itself}
    made = {name: kinds.Kind(do) for name, do in table.items()}
    monkeypatch.setattr(kinds, "KINDS", made | {"quick": kinds.Kind(echo, quick=True)})
    monkeypatch.setattr(worker, "_POLL_SECONDS", 0.01)
    return done


def ended(job_id: str) -> tuple[str, str]:
    job = queue.find(job_id)
    assert job is not None
    return job.state, job.message


def test_a_worker_does_jobs_in_order_and_ends_when_idle(log) -> None:
    for kind, name in (("echo", "x"), ("crash", "x"), ("refuse", "x"), ("echo", "y")):
        queue.enqueue(kind, name)
    worker.serve("0", idle=0)
    assert log == ["x", "y"]
    assert queue.find("echo-x").result == "X"
    assert ended("crash-x") == ("failed", "ZeroDivisionError: oh")
    assert ended("refuse-x") == ("failed", "no such thing; have another.")
    text = queue.log_path("crash", "x").read_text()
    assert "crash-x, asked for by" in text and "ZeroDivisionError" in text
    assert "Traceback" not in queue.log_path("refuse", "x").read_text()
    assert not slots.is_alive("0")


def test_a_full_disk_ends_the_worker_and_leaves_the_rest_waiting(log) -> None:
    queue.enqueue("full", "x")
    queue.enqueue("echo", "x")
    with pytest.raises(InputError, match="worker ended: the disk is full"):
        worker.serve("0", idle=0)
    assert ended("full-x")[0] == "failed"
    assert "the disk is full (model); free some space" in ended("full-x")[1]
    assert states()["echo-x"] == "queued"


def test_a_cancelled_job_stops_where_it_reports(log) -> None:
    queue.enqueue("cancel", "x")
    worker.serve("0", idle=0)
    assert ended("cancel-x")[0] == "cancelled"
    assert not log


def test_quick_jobs_do_not_wait_behind_the_others(log, monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    queue.enqueue("echo", "long")
    queue.enqueue("quick", "short")
    worker.serve(slots.QUICK, idle=0)
    assert log == ["short"]
    assert states()["echo-long"] == "queued"


def test_one_worker_a_slot(log) -> None:
    with slots.take("0") as held:
        assert held and slots.is_alive("0")
        with pytest.raises(InputError, match="running already"):
            worker.serve("0", idle=0)
        assert not slots.start("0")


def test_jobs_in_the_foreground_are_taken_out_when_one_fails(log) -> None:
    asked = [queue.enqueue(*job) for job in (("echo", "x"), ("refuse", "x"), ("echo", "y"))]
    with pytest.raises(InputError, match="no such thing"):
        worker.work_through(asked, None, lambda name: lambda what, share: None)
    assert log == ["x"]
    assert states() == {"echo-x": "done", "refuse-x": "failed", "echo-y": "cancelled"}


def test_with_several_devices_each_has_a_worker(log, monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    started: list[tuple[str, str]] = []
    monkeypatch.setattr(slots, "start", lambda *slot, kept: started.append((*slot, kept)))
    queue.enqueue("echo", "x")
    worker.serve("0", idle=0)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert not started  # one job needs one worker
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    for name in "xy":
        queue.enqueue("echo", name)
    worker.serve("0", idle=0)
    assert started == [("1", "5", False), ("2", "7", False)]


def test_a_detached_worker_holds_its_slot_from_the_first_moment(tmp_path, monkeypatch) -> None:
    """The process that started it may end, and others may ask at once: there is one worker."""
    held = tmp_path / "held"
    script = f"import time; open({str(held)!r}, 'w'); time.sleep(60)"
    real = subprocess.Popen
    processes = []

    def popen(command: list[str], **options: object) -> subprocess.Popen:
        assert command[1:4] == ["-m", "core", "worker"] and options["start_new_session"]
        assert options["stdin"] == subprocess.DEVNULL
        processes.append(real([sys.executable, "-c", script], **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    assert slots.start("0")
    assert [slots.start("0") for _ in range(3)] == [None] * 3
    assert slots.is_alive("0") and len(processes) == 1
    while not held.exists():
        time.sleep(0.01)
    processes[0].kill()
    processes[0].wait()
    assert not slots.is_alive("0")


# --- the kinds ---


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setattr(slots, "start", lambda slot="0": True)
    return tmp_path / "checkpoints"


def test_a_study_is_laid_out_and_what_is_missing_is_trained(
    copied, study_file, monkeypatch
) -> None:
    asked = study.read(str(study_file))
    first, second, *_ = studies.run_ids("small")
    shutil.rmtree(copied / first)
    (copied / second / "base_values.parquet").unlink()
    finished = {p: p.stat().st_mtime_ns for p in copied.glob("*/COMPLETE")}
    shutil.rmtree(copied / "queue")
    assert ask.ask_study(asked, then=("project",)).id == "study-small"
    assert ask.ask_plan(asked).state == "queued"
    mapped: list[str] = []
    monkeypatch.setattr(
        "core.results.projection.project", lambda given, report, **_: mapped.append(given.name)
    )
    worker.serve("0", idle=0)
    assert mapped == ["small"]
    assert states() == {
        "study-small": "done",
        f"train-{first}": "done",
        f"train-{second}": "done",
        "project-small": "done",
        f"plan-{ask.plan_name(asked)}": "queued",
    }
    assert run_folders.is_complete(first)
    assert (copied / second / "base_values.parquet").exists()
    assert all(p.stat().st_mtime_ns == t for p, t in finished.items())
    worker.serve(slots.QUICK, idle=0)
    planned = queue.find(f"plan-{ask.plan_name(asked)}")
    assert planned is not None and (planned.result["new"], planned.result["reused"]) == (0, 4)


def test_what_follows_a_study_waits_for_its_runs_or_says_that_they_are_not_done(
    copied, study_file, monkeypatch
) -> None:
    asked, ids = study.read(str(study_file)), studies.run_ids("small")
    shutil.rmtree(copied / "queue")
    (copied / ids[1] / "COMPLETE").unlink()
    ask.ask_study(asked, ask.THEN, texts=1)
    claimed = queue.claim({"study"})
    assert claimed is not None
    _perform(claimed)
    job = queue.find("attribute-small")
    assert job is not None and job.arguments == {
        "study": "small", "when_trained": True, "per_language": 3,
    }  # fmt: skip
    queue.cancel(f"train-{ids[1]}")
    worker.serve("0", idle=0)
    for kind in ask.THEN:
        job = queue.find(f"{kind}-small")
        assert job is not None and job.state == "failed"
        assert "1 of 4 runs are not done (imbalanced, seed 0: cancelled)" in job.message
    (copied / ids[1] / "COMPLETE").touch()
    seen = [{"balanced, seed 0": "running"}, {"balanced, seed 0": "done"}]
    monkeypatch.setattr(kinds, "_states", lambda study: seen.pop(0))
    monkeypatch.setattr(kinds, "_POLL_SECONDS", 0)
    explained: list[int] = []

    def attribute(given, session, report, *, per_language):
        explained.append(per_language)
        return Attributed("key", per_language, 0)

    monkeypatch.setattr("core.attribution.attribute.attribute", attribute)
    monkeypatch.setattr("core.results.thresholds.keep", lambda given, key: None)
    ask.again("attribute-small")
    worker.serve("0", idle=0)
    job = queue.find("attribute-small")
    assert job is not None and job.state == "done"
    assert explained == [3] and not seen


def _perform(claimed: queue.Claim) -> None:
    from threading import Event

    worker._perform(claimed, worker._Shared(), Event(), lambda what, share: None)


def test_attributions_and_typed_texts_are_jobs(copied) -> None:
    run_id = studies.run_ids("small")[0]
    ask.ask("attribute", "small", {"study": "small", "per_language": 3})
    both = [{"text": "a good one"}, {"text": "eine gute", "language": "de"}]
    ask.ask("sentence", "x", {"runs": [run_id], "sentences": both})
    ask.ask("sentence", "y", {"runs": [run_id], "sentences": [{"text": " "}]})
    ask.ask("sentence", "z", {"runs": [run_id], "sentences": [{"language": "de"}]})
    ask.ask("sentence", "old", {"runs": [run_id], "text": "a good one"})  # of an older version
    worker.serve("0", idle=0)
    worker.serve(slots.QUICK, idle=0)
    attributed, typed = queue.find("attribute-small"), queue.find("sentence-x")
    assert attributed is not None and attributed.result["texts"] == 18
    assert typed is not None and [list(x["runs"]) for x in typed.result["sentences"]] == [
        [run_id],
        [run_id],
    ]
    assert ended("sentence-y") == ("failed", "the text is empty; type some words.")
    assert "job z does not read" in ended("sentence-z")[1]
    old = queue.find("sentence-old")
    assert old is not None and "tokens" in old.result["sentences"][0]["runs"][run_id]


# --- the command line -------------------------------------------------------------------------


def printed(kind: str, name: str) -> Path:
    """The log of a job that ended, with a typed text in it."""
    queue.enqueue(kind, name)
    claimed = queue.claim({kind})
    path = queue.log_path(kind, name)
    path.write_text("a typed text\n")
    queue.finish(claimed, "failed", "it failed")
    return path


def test_a_job_is_deleted_with_its_log() -> None:
    path, other = printed("plan", "x"), printed("plan", "y")
    queue.remove("plan-x")
    assert queue.find("plan-x") is None
    assert not path.exists() and other.exists()
    assert not [p for p in queue.folder().rglob("*") if p.is_file() and "-x" in p.name]
    queue.remove("plan-y")
    other.parent.mkdir(exist_ok=True)
    other.write_text("left by an older version")
    queue.remove("plan-y")  # nothing else is left of it
    assert not other.exists()


def test_a_new_job_shows_nothing_of_an_old_one_of_its_name() -> None:
    path = printed("plan", "x")
    assert monitoring.log_tail("plan-x") == "a typed text\n"
    queue.enqueue("plan", "x")
    assert monitoring.log_tail("plan-x") == "" and not path.exists()
    assert queue.find("plan-x").message == ""


def test_what_an_old_job_printed_goes_with_its_result(monkeypatch) -> None:
    monkeypatch.setattr(queue, "_KEPT", 2)
    logs = [printed("plan", str(i)) for i in range(4)]
    assert [path.exists() for path in logs] == [False, False, True, True]


@pytest.mark.parametrize("job", ["plan-../../secret", "plan-/etc/passwd"])
def test_no_file_elsewhere_is_deleted_as_a_log(job) -> None:
    secret = queue.folder().parent / "secret.txt"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.touch()
    with pytest.raises(InputError, match="is not a job"):
        queue.remove(job)
    assert secret.exists()


def test_the_command_line_lists_and_cancels(log, capsys) -> None:
    assert main(["queue"]) == 0
    assert "the queue is empty" in capsys.readouterr().out
    queue.enqueue("echo", "x")
    assert main(["queue"]) == 0
    assert "echo-x" in capsys.readouterr().out
    assert main(["cancel", "echo-x"]) == 0
    assert main(["queue", "--json"]) == 0
    out = capsys.readouterr().out
    listed = json.loads(out[out.index("{") :])["jobs"]
    assert [(job["id"], job["state"]) for job in listed] == [("echo-x", "cancelled")]
    assert main(["cancel", "nothing"]) == 2


def test_a_study_in_the_background_is_put_into_the_queue(study_file, monkeypatch, capsys) -> None:
    started: list[str] = []
    monkeypatch.setattr(slots, "start", started.append)
    code = main(["study", str(study_file), "--background"])
    assert code == 0 and started == ["0"]
    job = queue.find("study-small")
    assert job is not None and job.state == "queued"
    assert job.arguments["document"]["setups"] == ["balanced", "imbalanced", "imbalanced+cw"]
    assert Path(job.arguments["document"]["corpus"]).is_absolute()
    assert (job.arguments["then"], job.arguments["texts"]) == (list(ask.THEN), ask.THEN_TEXTS)
    queue.cancel(job.id)
    assert main(["study", str(study_file), "--background", "--train-only"]) == 0
    job = queue.find("study-small")
    assert job is not None and job.arguments["then"] == []


def test_a_cancelled_error_is_no_ordinary_exception() -> None:
    """Libraries that catch every Exception must not swallow it."""
    assert not issubclass(Cancelled, Exception)
