from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.checkpoints import run_folders
from core.figures import queue
from core.jobs import monitoring
from core.jobs import queue as job_queue
from core.models.session import Session
from core.storage import memory
from core.studies import forecast, planning, study


@pytest.fixture
def run(tmp_path: Path) -> str:
    run_folders.folder("r").mkdir(parents=True)
    return "r"


def write(run: str, *lines: dict | str) -> None:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (run_folders.folder(run) / "progress.jsonl").write_text("\n".join(texts))


def line(step: int, seconds: float, loss: float = 1.0, **more: float) -> dict:
    return {"step": step, "steps": 100, "epoch": step / 50, "seconds": seconds, "loss": loss} | more


def test_curves_have_one_row_a_step_and_of_a_resumed_run_the_later(run) -> None:
    validation = {"step": 50, "steps": 100, "epoch": 1, "seconds": 51, "validation_loss": 0.7}
    write(
        run,
        line(25, 25.0, 0.9),
        line(50, 50.0, 0.8),
        validation,
        line(75, 75.0, 0.7),
        line(100, 99.0, 0.6),
        {"message": "out of memory: …"},
        line(75, 10.0, 0.5),  # killed, and gone on from the end of the first epoch
        '{"step": 100, "lo',
    )
    found = monitoring.curves(run)
    assert found["step"].tolist() == [25, 50, 75]
    assert found["loss"].tolist() == [0.9, 0.8, 0.5]
    assert found["validation_loss"].dropna().to_dict() == {1: 0.7}
    assert monitoring.curves("none").empty


def test_time_left_follows_the_last_steps_whatever_the_clock_did(run) -> None:
    assert pd.isna(monitoring.seconds_left(monitoring.curves(run)))
    write(run, *(line(n, 3.0 * n) for n in range(1, 41)))
    assert monitoring.seconds_left(monitoring.curves(run)) == pytest.approx(180)
    write(run, *(line(n, 3.0 * n) for n in range(1, 36)), *(line(n, n - 35.0) for n in (36, 37)))
    left = monitoring.seconds_left(monitoring.curves(run))
    assert 63 < left < 3 * 63  # the seconds began anew when it was resumed


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (89, "89 s"), (300, "5 min"), (7200, "2.0 h")]
)
def test_durations_are_said_as_people_do(seconds, text) -> None:
    assert queue.duration(seconds) == text


def test_the_log_s_end_is_shown(run) -> None:
    (run_folders.folder(run) / "log.txt").write_text("\n".join(map(str, range(100))))
    assert monitoring.log_tail(f"train-{run}", 3) == "97\n98\n99"
    assert monitoring.log_tail("study-none") == ""


@pytest.fixture(scope="module")
def plan(study_file: Path) -> planning.Plan:
    return planning.plan(study.read(str(study_file)), Session())


def test_a_forecast_counts_runs_rows_and_what_exists(plan, done) -> None:
    found = forecast.of(plan)
    assert (found["new"], found["reused"], found["problems"]) == (0, 4, [])
    assert found["seconds"] == found["disk"] == 0
    cells = {design: pd.DataFrame(of["train"]).T for design, of in found["cells"].items()}
    assert cells["balanced"].loc["de"].tolist() == [10, 10, 10]
    assert cells["imbalanced"].loc["de"].tolist() == [15, 10, 5]
    assert all(table.to_numpy().sum() == 6 * 30 for table in cells.values())
    assert json.loads(json.dumps(found)) == found


def test_time_is_forecast_from_runs_like_these_only(plan, done) -> None:
    found = forecast.of(plan)
    seconds = [
        json.loads((done / run / "metrics.json").read_text())["seconds"] for run in plan.runs
    ]
    assert found["measured"] == 4
    assert min(seconds) / 2 < found["seconds_a_run"] < 2 * max(seconds)
    longer = replace(plan.study, training=replace(plan.study.training, max_length=16))
    other = forecast.of(planning.plan(longer, Session()))
    assert (other["new"], other["measured"], other["seconds"]) == (4, 0, None)


def test_what_does_not_fit_is_said(plan, monkeypatch) -> None:
    monkeypatch.setattr(forecast, "_disk_free", lambda: 1000)
    monkeypatch.setattr(memory, "of_machine", lambda: 10**8)
    problems = forecast.of(plan)["problems"]
    assert len(problems) == 2
    assert "GB of disk, 0.0 GB are free; delete runs" in problems[0]
    assert "GB of memory, the machine has 0.1" in problems[1]


def test_the_parameters_of_an_encoder_are_counted_as_torch_counts_them() -> None:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=1000,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
        type_vocab_size=2,
    )
    model = BertModel(config, add_pooling_layer=False)
    shape = forecast._Shape(3, 32, 64, 40, 1000, 1000)
    assert shape.parameters(1000) == sum(p.numel() for p in model.parameters())


def test_runs_that_nobody_asks_for_are_listed_with_what_became_of_them(plan, done) -> None:
    assert set(monitoring.overview()["state"]) == {"done"}


def test_a_run_left_by_an_older_version_is_listed(plan) -> None:
    run_id = run_folders.create(next(iter(plan.runs.values())))
    run_folders.write_status(run_id, "running")
    [row] = monitoring.overview().to_dict("records")
    assert (row["job"], row["state"], row["what"]) == (
        f"train-{run_id}", "interrupted", "balanced, seed 0",
    )  # fmt: skip
    job_queue.enqueue("train", run_id, {"study": "small"})
    [row] = monitoring.overview().to_dict("records")
    assert (row["state"], row["what"]) == ("queued", "small: balanced, seed 0")


def test_an_ended_job_of_a_deleted_run_is_not_listed(plan) -> None:
    run_id, other = (run_folders.create(config) for config in list(plan.runs.values())[:2])
    for name in (run_id, other):
        job_queue.enqueue("train", name, {"study": "small"})
        job_queue.cancel(f"train-{name}")
    assert len(monitoring.overview()) == 2
    shutil.rmtree(run_folders.folder(run_id))
    assert monitoring.overview()["run"].tolist() == [other]
