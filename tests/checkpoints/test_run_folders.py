"""Run folders that lack something, or are worked on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.errors import InputError
from core.results import study_results
from core.studies import study
from core.training.run import train_run
from tests.helpers.commands import show
from tests.helpers.started import small_study


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def test_a_run_without_complete_is_not_used_and_trains_to_the_same_result(copied, capsys) -> None:
    run_id = studies.run_ids("small")[1]
    before = pd.read_parquet(copied / run_id / "predictions.parquet")
    (copied / run_id / "COMPLETE").unlink()
    (copied / run_id / "predictions.parquet").unlink()
    assert run_folders.read_status(run_id)["state"] == "failed"
    entry = show(capsys, "show", "small")["runs"][1]
    assert entry["state"] == "failed" and "COMPLETE is missing" in entry["message"]
    assert "accuracy" not in entry
    train_run(run_id)
    pd.testing.assert_frame_equal(pd.read_parquet(copied / run_id / "predictions.parquet"), before)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("predictions.parquet", b"PAR1 half", "does not read"),
        ("metrics.json", b'{"accuracy": ', "does not read"),
    ],
)
def test_a_broken_file_is_reported_and_the_rest_still_shown(
    copied, capsys, name, content, message
) -> None:
    run_id = studies.run_ids("small")[0]
    (copied / run_id / name).write_bytes(content)
    runs = show(capsys, "show", "small")["runs"]
    assert runs[0]["state"] == "failed"
    assert message in runs[0]["message"] and name in runs[0]["message"]
    assert [r["state"] for r in runs[1:]] == ["done"] * 3
    assert main(["show", "small"]) == 0
    assert main(["runs"]) == 0


def test_a_broken_config_or_status_is_listed_with_what_is_wrong(copied, capsys) -> None:
    ids = studies.run_ids("small")
    (copied / ids[0] / "config.json").write_text("{")
    (copied / ids[1] / "status.json").write_text("")
    (copied / ids[1] / "COMPLETE").unlink()
    listed = {r["run"]: r for r in show(capsys, "runs")["runs"]}
    assert listed[ids[0]]["state"] == "failed"
    assert "not a run configuration" in listed[ids[0]]["message"]
    assert "status.json does not read" in listed[ids[1]]["message"]
    assert listed[ids[2]]["state"] == "done"


def test_a_corpus_that_changed_is_refused(copied, study_file, monkeypatch) -> None:
    run_id = studies.run_ids("small")[0]
    (copied / run_id / "COMPLETE").unlink()
    config = json.loads((copied / run_id / "config.json").read_text())
    config["corpus_hash"] = "0" * 64
    (copied / run_id / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="has changed since the run was planned"):
        train_run(run_id)
    status = run_folders.read_status(run_id)
    assert status["state"] == "failed" and "has changed" in status["message"]


def test_two_processes_do_not_train_the_same_run(copied) -> None:
    run_id = studies.run_ids("small")[0]
    (copied / run_id / "COMPLETE").unlink()
    with run_folders.claim(run_id):
        run_folders.write_status(run_id, "running")
        assert run_folders.read_status(run_id)["state"] == "running"
        done = subprocess.run(
            [sys.executable, "-m", "core", "train", run_id], capture_output=True, text=True
        )
    assert done.returncode == 2
    assert "is being trained by another process" in done.stderr


def test_results_of_a_half_done_study(copied) -> None:
    ids = studies.run_ids("small")
    shutil.rmtree(copied / ids[3])
    document = study_results.summary(small_study())
    assert [r["state"] for r in document["runs"]] == ["done"] * 3 + ["deleted"]
    assert "train it again, or remove it" in document["runs"][3]["message"]
    assert str(copied) not in document["runs"][3]["message"]
    before = small_study().stamp
    run_folders.write_status(ids[0], "done", "touched")
    assert small_study().stamp != before
    for run_id in ids[:3]:
        shutil.rmtree(copied / run_id)
    with pytest.raises(InputError, match="it was deleted; train it again"):
        study_results.summary(small_study())


def test_a_folder_without_a_config_is_no_deleted_run(copied) -> None:
    ids = studies.run_ids("small")
    (copied / ids[3] / "config.json").unlink()
    run = study_results.summary(small_study())["runs"][3]
    assert run["state"] == "failed" and "has no config.json" in run["message"]


def test_a_study_no_longer_stands_for_a_run_that_is_removed(copied) -> None:
    ids = studies.run_ids("small")
    shutil.rmtree(copied / ids[3])
    asked = study.read("small")
    studies.remove("small", [ids[3]])
    assert studies.run_ids("small") == ids[:3] and study.read("small") == asked
    assert [r["state"] for r in study_results.summary(small_study())["runs"]] == ["done"] * 3
    with pytest.raises(InputError, match="would stand for no runs; it has 3"):
        studies.remove("small", ids)
    assert studies.run_ids("small") == ids[:3]


def test_a_listing_says_what_is_there_now(copied) -> None:
    ids = studies.run_ids("small")
    before = run_folders.list_runs().set_index("run")
    assert before["accuracy"].notna().all()
    metrics = json.loads((copied / ids[0] / "metrics.json").read_text())
    (copied / ids[0] / "metrics.json").write_text(json.dumps(metrics | {"accuracy": 0.125}))
    (copied / ids[1] / "predictions.parquet").write_bytes(b"PAR1")
    (copied / ids[2] / "COMPLETE").unlink()
    shutil.rmtree(copied / ids[3])
    after = run_folders.list_runs().set_index("run")
    assert set(after.index) == set(ids[:3]) and after.loc[ids[0], "accuracy"] == 0.125
    assert after["state"].to_dict() == dict(zip(ids, ["done", "failed", "failed"], strict=False))
