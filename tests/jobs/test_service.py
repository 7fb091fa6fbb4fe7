"""The keeper: a service that starts workers, beside pages that start none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import InputError
from core.jobs import ask, monitoring, queue, slots
from core.jobs import service as job_service
from core.storage import places

ROOT = Path(__file__).parents[2]


def wait_until(what) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def state(job_id: str) -> str:
    job = queue.find(job_id)
    return job.state if job else ""


@pytest.fixture
def off(monkeypatch) -> None:
    """As in the containers."""
    monkeypatch.setenv("LANGSKEW_WORKER", "off")


@pytest.fixture
def service() -> Iterator[subprocess.Popen]:
    """The keeper, as the worker's container runs it."""
    output = (places.checkpoints_dir() / "output.txt").open("w")
    command = [sys.executable, "-m", "core", "worker", "--wait"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    wait_until(lambda: slots.is_alive(slots.KEEPER))
    yield process
    process.terminate()
    process.wait(60)


def said() -> str:
    return (places.checkpoints_dir() / "output.txt").read_text()


def test_a_page_without_workers_only_asks(off, monkeypatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    ask.ask("plan", "x", {"document": {}})
    ask.ask("project", "x", {"study": "x"})
    assert [job.state for job in queue.listing()] == ["queued", "queued"]
    assert monitoring.idle_jobs() == 1
    with pytest.raises(InputError, match="a service .*docker compose up -d worker"):
        slots.start()


def test_the_service_does_what_a_page_asks_for_and_says_so(off, service) -> None:
    ask.ask("plan", "nonsense", {"document": {"name": "x"}})
    assert monitoring.idle_jobs() == 0
    wait_until(lambda: state("plan-nonsense") == "failed")
    wait_until(lambda: "plan-nonsense failed: " in said())
    assert "plan-nonsense, asked for by" in said()
    assert main(["worker", "--wait"]) == 2  # one is enough
    service.terminate()
    assert service.wait(60) == 0
    assert not slots.is_alive(slots.QUICK)


def stand_in(monkeypatch, script: str) -> list[list[str]]:
    """A worker that is a script, and does no jobs; the commands with which it was started."""
    real, commands = subprocess.Popen, []

    def popen(command: list[str], **options) -> subprocess.Popen:
        commands.append(command)
        return real([sys.executable, "-c", script], **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
    return commands


def keep_until(monkeypatch, over) -> None:
    """Run the keeper in this process; SIGTERM comes as soon as `over()`."""
    original = job_service._waits

    def waits(slot: str) -> bool:
        if over():
            os.kill(os.getpid(), signal.SIGTERM)
            return False
        return original(slot)

    monkeypatch.setattr(job_service, "_waits", waits)
    monkeypatch.setattr(job_service, "_POLL_SECONDS", 0.05)
    job_service.keep()


def test_sigterm_goes_to_workers_and_to_those_that_they_started(monkeypatch, tmp_path) -> None:
    """The keeper ends after all of them, also after one whose starter ended before."""
    ended = tmp_path / "ended"
    sibling = (
        "import signal, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: exit(open({str(ended)!r}, 'w').close()))\n"
        f"open({str(tmp_path / 'ready')!r}, 'w')\n"
        "time.sleep(60)"
    )
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sibling!r}])"
    commands = stand_in(monkeypatch, script)
    queue.enqueue("project", "x")
    keep_until(monkeypatch, (tmp_path / "ready").exists)
    assert ended.exists()
    assert commands[0][3:6] == ["worker", "--slot", "0"] and "--kept" in commands[0]


@pytest.mark.parametrize(("code", "times"), [(0, 3), (2, 1)])
def test_after_a_worker_that_failed_the_next_one_waits_a_minute(monkeypatch, code, times) -> None:
    commands = stand_in(monkeypatch, f"raise SystemExit({code})")
    queue.enqueue("project", "x")
    looks = iter(range(1000))
    keep_until(monkeypatch, lambda: len(commands) == 3 or next(looks) == 60)
    assert len(commands) == times


def test_sigterm_reaches_the_worker_of_a_keeper_that_was_killed(monkeypatch, tmp_path) -> None:
    ended, ready = tmp_path / "ended", tmp_path / "ready"
    script = (
        "import os, signal, sys, time\n"
        "lock = os.fdopen(int(sys.argv[sys.argv.index('--lock') + 1]), 'a')\n"
        "lock.truncate(0)\n"
        "print(os.getpid(), file=lock, flush=True)\n"
        f"signal.signal(signal.SIGTERM, lambda *_: exit(open({str(ended)!r}, 'w').close()))\n"
        f"open({str(ready)!r}, 'w')\n"
        "time.sleep(60)"
    )
    real = subprocess.Popen

    def popen(command: list[str], **options) -> subprocess.Popen:
        return real([sys.executable, "-c", script, *command], **options)

    with monkeypatch.context() as patch:  # what the keeper before left
        patch.setattr(subprocess, "Popen", popen)
        left = slots.start()
    assert left is not None
    wait_until(ready.exists)
    assert slots.holder(slots.FIRST) == left.pid
    keep_until(monkeypatch, lambda: True)
    assert left.wait(10) == 0 and ended.exists()
    assert slots.holder(slots.FIRST) is None  # its number still stands there
    assert (queue.folder() / "worker-0.lock").read_text().strip() == str(left.pid)


@pytest.mark.parametrize("content", ["", "x", "-1", "0", "1"])
def test_a_number_in_a_slot_that_nobody_of_here_holds_is_nobody(content) -> None:
    with queue.exclusively():
        (queue.folder() / "worker-0.lock").write_text(content)
    assert slots.holder(slots.FIRST) is None
