"""What is said to be written outlives a power failure: it is flushed first, and in which order."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest

from core.checkpoints import run_folders, studies
from core.jobs import queue, worker
from core.jobs.ask import ask_runs
from core.models.session import Session
from core.storage import atomic, places
from core.studies import planning, study
from core.training.run import train_run
from tests.helpers import faults, power

# What a run's folder has for people and for the time it is worked on.
PASSING = ("log.txt", "lock", "progress.jsonl", "status.json")


def test_a_file_is_flushed_then_renamed_then_its_folder_is_flushed(tmp_path) -> None:
    with power.watched(tmp_path) as disk:
        atomic.write_text(tmp_path / "a.json", "{}")
    assert disk.order == ["flush a.json (partial)", "rename a.json", "flush ."]
    assert not disk.lost(tmp_path)


def test_a_folder_is_flushed_with_all_that_is_in_it(tmp_path) -> None:
    with power.watched(tmp_path) as disk, atomic.replacing(tmp_path / "model") as partial:
        (partial / "sub").mkdir(parents=True)
        (partial / "sub" / "weights").write_bytes(b"x" * 100)
        (partial / "config.json").write_text("{}")
    assert disk.order[-2:] == ["rename model", "flush ."]
    assert len(disk.order) == 6
    assert not disk.lost(tmp_path)


def test_folders_are_flushed_into_those_above_them(tmp_path) -> None:
    with power.watched(tmp_path) as disk:
        atomic.make_folder(tmp_path / "a" / "b")
        atomic.write_text(tmp_path / "a" / "b" / "c", "")
    assert disk.is_kept(tmp_path / "a" / "b" / "c")


def test_what_need_not_last_is_not_waited_for(tmp_path) -> None:
    with power.watched(tmp_path) as disk:
        atomic.write_text(tmp_path / "a.json", "{}", lasting=False)
    assert disk.order == ["rename a.json"]
    assert disk.lost(tmp_path) == ["a.json"]


def test_a_complete_run_is_on_the_disk_before_it_is_said_to_be_complete(study_file) -> None:
    plan = planning.plan(study.read(str(study_file)), Session())
    run = run_folders.folder(next(iter(plan.runs)))
    lost: list[str] = []

    def look(target: Path) -> None:
        if target == run / "COMPLETE":
            lost.extend(disk.lost(run, PASSING))
            lost.append("looked")

    with power.watched(places.checkpoints_dir()) as disk:
        disk.renaming.append(look)
        first, *others = ask_runs(plan)
        queue.withdraw([job.id for job in others])
        worker.serve("0", idle=0)
    partial, looked = lost
    assert partial.startswith(".COMPLETE.") and looked == "looked"
    assert disk.is_kept(run / "COMPLETE") and not disk.lost(run, PASSING)
    assert {"model", "metrics.json", "probes.json"} <= {p.name for p in run.iterdir()}
    assert disk.is_kept(queue.folder() / "ended" / f"{first.id}.json")


def killed_before_complete(run_id: str) -> None:
    replace = os.replace

    def struck(source, target, **more) -> None:
        if Path(target).name == "COMPLETE":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target, **more)

    os.replace = struck
    train_run(run_id)


def test_a_process_killed_before_it_says_complete_loses_nothing(study_file, trained) -> None:
    plan = planning.plan(study.read(str(study_file)), Session())
    run_id = run_folders.create(next(iter(plan.runs.values())))
    process = faults.start(killed_before_complete, run_id)
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert not run_folders.is_complete(run_id)
    assert run_folders.read_status(run_id)["state"] == "interrupted"
    train_run(run_id)
    own, other = run_folders.folder(run_id), trained / run_id
    for name in ("predictions.parquet", "embeddings.parquet", "subset.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(own / name), pd.read_parquet(other / name))


@pytest.mark.parametrize("state", ["waiting", "running", "ended"])
def test_a_job_is_on_the_disk_where_it_is_said_to_be(state) -> None:
    with power.watched(places.checkpoints_dir()) as disk:
        queue.enqueue("report", "x", {"study": "x"})
        if state != "waiting":
            claimed = queue.claim(["report"])
            assert claimed is not None
        if state == "ended":
            queue.finish(claimed, "done")
    path = queue.folder() / state / "report-x.json"
    assert disk.is_kept(path)
    for other in {"waiting", "running", "ended"} - {state}:
        kept = disk.names.get((queue.folder() / other).stat().st_ino, {})
        assert "report-x.json" not in kept


def test_a_cancelled_job_does_not_wait_again_after_a_power_failure() -> None:
    with power.watched(places.checkpoints_dir()) as disk:
        queue.enqueue("report", "x")
        queue.cancel("report-x")
    waiting = disk.names[(queue.folder() / "waiting").stat().st_ino]
    assert "report-x.json" not in waiting
    assert disk.is_kept(queue.folder() / "ended" / "report-x.json")


def test_a_started_study_is_on_the_disk(study_file) -> None:
    with power.watched(places.checkpoints_dir()) as disk:
        plan = planning.plan(study.read(str(study_file)), Session())
        planning.record(plan)
        for config in plan.runs.values():
            run_folders.create(config)
    assert disk.is_kept(studies.started_folder("small") / "study.toml")
    for run in plan.runs:
        assert disk.is_kept(run_folders.folder(run) / "config.json")


def test_an_unsound_run_is_no_finished_one_before_its_files_go(
    trained, tmp_path, monkeypatch
) -> None:

    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    run = run_folders.folder(studies.run_ids("small")[0])
    config = json.loads((run / "config.json").read_text())
    config["training"]["frozen_layers"] = 1
    (run / "config.json").write_text(json.dumps(config))
    (run / "FORMAT").unlink()
    unlink, seen = os.unlink, []

    def seen_unlink(path, **more) -> None:
        unlink(path, **more)
        flushed = disk.names.get(run.stat().st_ino)
        seen.append((Path(path).name, flushed is not None and "COMPLETE" not in flushed))

    with power.watched(tmp_path / "checkpoints") as disk:
        monkeypatch.setattr(os, "unlink", seen_unlink)
        run_folders.begin(run.name)
    assert seen[0] == ("COMPLETE", False)  # flushed after it, and before all others
    assert len(seen) > 3 and all(flushed for _, flushed in seen[1:])
