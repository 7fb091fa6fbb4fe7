"""A disk that is full or may not be written to is said to be so, and states are right afterwards.

Where this process may mount file systems, the commands run on one of a few megabytes; root writes
past permissions, so a folder of no permissions would show nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.jobs import queue, slots
from core.jobs.ask import ask_runs
from core.models.session import Session
from core.storage import atomic, disk
from core.studies import forecast, planning, study

FULL = OSError(28, "No space left on device")
WRITERS = (
    ["study", "FILE"],
    ["index"],
    ["worker", "--idle", "0"],
    ["report", "small"],
    ["project", "small", "--points", "2000"],
    ["attribute", "small", "--per-language", "4"],
)


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 6 MB for the checkpoints, which is not seen before it fills up."""
    monkeypatch.setattr(forecast, "_disk_free", lambda: 10**12)
    folder = tmp_path / "mounted"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this process may not mount file systems")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(folder / "checkpoints"))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "fill").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def check(command: list[str], study_file: Path, capsys: pytest.CaptureFixture, said: str) -> None:
    """A command says it and ends; a traceback would come out of `main`."""
    words = [str(study_file) if word == "FILE" else word for word in command]
    assert main(words) == 2, command
    assert f"langskew: {said}" in capsys.readouterr().err, command


def test_a_study_on_a_disk_that_fills_up_says_so_and_leaves_right_states(
    mount, study_file, capsys
) -> None:
    check(["study", "FILE"], study_file, capsys, "the disk is full")
    states = [job.state for job in queue.listing()]
    assert sorted(set(states)) == ["cancelled", "done", "failed"]  # none waits, none is lost
    failed = next(job for job in queue.listing() if job.state == "failed")
    assert "the disk is full" in failed.message
    status = run_folders.read_status(failed.name)
    assert status["state"] == "failed" and "the disk is full" in status["message"]
    fill(mount)
    for command in WRITERS:
        check(command, study_file, capsys, "the disk is full")
    assert [job.state for job in queue.listing()] == states
    for command in (["runs"], ["queue"], ["show", "small"], ["prune"]):
        assert main(command) == 0


def test_states_are_told_on_a_disk_with_no_room_at_all(mount, study_file) -> None:
    first, second, *_ = ask_runs(planning.plan(study.read(str(study_file)), Session()))
    claimed = queue.claim(["train"])
    assert claimed is not None and claimed.job.id == first.id
    with run_folders.claim(first.name):
        run_folders.write_status(first.name, "running")
        fill(mount)
        run_folders.write_status(first.name, "failed", "the disk is full")
    queue.finish(claimed, "failed", "the disk is full; free some space")
    assert queue.cancel(second.id) == "cancelled"
    states = {job.id: job.state for job in queue.listing()}
    assert (states[first.id], states[second.id]) == ("failed", "cancelled")
    assert run_folders.read_status(first.name)["message"] == "the disk is full"
    assert run_folders.read_status(second.name)["state"] == "cancelled"


def test_a_folder_that_only_reads_is_said_to_be_so_and_read(
    mount, trained, study_file, capsys
) -> None:
    if subprocess.run(["mount", "-o", "remount,size=60m", str(mount)]).returncode:
        pytest.skip("this process may not mount file systems")
    shutil.copytree(trained, mount / "checkpoints")
    (mount / "checkpoints" / studies.run_ids("small")[0] / "probes.json").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    for command in (*WRITERS, ["worker", "--wait"], ["study", "FILE", "--background"]):
        check(command, study_file, capsys, "cannot be written: Read-only file system")
    for command in (["runs"], ["queue"], ["show", "small"], ["prune"]):
        assert main(command) == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "a"), r"the disk is full \(a\); free some space"),
        (OSError(122, "Disk quota exceeded"), "the disk is full; free"),
        (OSError(30, "Read-only file system", "a"), "cannot be written: Read-only file system"),
        (PermissionError(13, "Permission denied", "a"), "cannot be written: Permission denied"),
        (RuntimeError("Os { message: No space left on device }"), "the disk is full"),
    ],
)
def test_a_command_says_what_the_disk_said(monkeypatch, capsys, error, said) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr("core.results.index.publish", refuse)
    assert main(["index"]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert re.search(said, told)


def test_other_errors_are_no_troubles_of_the_disk() -> None:
    assert disk.trouble(KeyError("x")) is None
    assert disk.trouble(OSError(2, "No such file or directory")) is None
    wrapped = RuntimeError("cannot save")
    wrapped.__cause__ = FULL
    assert disk.is_full(wrapped)


def test_runs_that_were_asked_for_before_the_disk_was_full_do_not_wait(
    study_file, monkeypatch
) -> None:
    plan = planning.plan(study.read(str(study_file)), Session())
    enqueue, asked = queue.enqueue, []

    def full(*given: object, **more: object) -> queue.Job:
        if len(asked) == 2:
            raise FULL
        asked.append(enqueue(*given, **more))
        return asked[-1]

    monkeypatch.setattr(queue, "enqueue", full)
    with pytest.raises(OSError, match="No space"):
        ask_runs(plan)
    assert [job.state for job in queue.listing()] == ["cancelled"] * 2
    assert not slots.is_alive()


def test_a_state_longer_than_the_room_it_has_is_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "status.json"
    path.write_text("old")

    def full(*_: object, **__: object) -> None:
        raise FULL

    monkeypatch.setattr(atomic, "write_text", full)
    atomic.write_state(path, "new")
    assert path.read_text() == "new"
    with pytest.raises(OSError, match="No space"):
        atomic.write_state(path, "x" * (1024 * path.stat().st_blocks))
    assert path.read_text() == "new"
    with pytest.raises(OSError, match="No space"):
        atomic.write_state(tmp_path / "other.json", "x")
