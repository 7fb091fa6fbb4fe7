from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.main import main
from core.jobs import queue
from core.storage import places

ROOT = Path(__file__).parents[2]


def open_to_others(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if stat.S_IMODE(p.stat().st_mode) & 0o077]


def test_what_a_study_writes_is_for_its_user_alone(trained, tmp_path_factory) -> None:
    assert len([p for p in trained.rglob("*") if p.is_file()]) > 50
    assert open_to_others(trained) == []
    assert open_to_others(tmp_path_factory.getbasetemp() / "cache") == []


@pytest.mark.parametrize(
    "program", ["import app", "from core.cli.main import main; main(['runs'])"]
)
@pytest.mark.parametrize(("before", "after"), [(0o022, 0o077), (0o002, 0o077), (0o177, 0o177)])
def test_every_entry_point_keeps_files_private(tmp_path, program, before, after) -> None:
    """What it starts, such as workers, has the same mask."""
    code = f"import os; os.umask({before}); {program}; print(oct(os.umask(0)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == oct(after)


def test_what_is_there_stays_readable_and_is_added_to(monkeypatch, tmp_path) -> None:
    """A folder of an older version, which others may read."""
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    before = os.umask(0o022)
    try:
        queue.enqueue("report", "old")
        assert open_to_others(tmp_path)
        places.keep_private()
        job = queue.enqueue("report", "new")
        assert main(["queue"]) == 0
    finally:
        os.umask(before)
    assert {queue.find(f"report-{name}").state for name in ("old", "new")} == {"queued"}
    mode = (queue.folder() / "waiting" / f"{job.id}.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
