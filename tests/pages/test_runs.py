from __future__ import annotations

import json
import shutil

import pytest

from core.checkpoints import run_folders, studies
from core.jobs import queue, slots
from core.results import index
from core.results.study_results import summary
from tests.helpers.started import small_study

from .conftest import charts, texts


@pytest.fixture(autouse=True)
def no_worker(monkeypatch) -> None:
    monkeypatch.setattr(slots, "start", lambda slot="0": None)


def button(app, label: str):
    return next(b for b in app.button if b.label == label)


def test_without_a_run_the_page_says_what_to_do(open_page) -> None:
    app = open_page("runs")
    assert not app.exception and not app.dataframe
    assert "make demo" in texts(app, "info")


def test_all_runs_are_listed_with_their_measures(done, open_page) -> None:
    app = open_page("runs")
    assert not app.exception and not app.error and not app.warning
    table = app.dataframe[0].value.set_index("run")
    for run in summary(small_study())["runs"]:
        assert table.loc[run["run"], "accuracy"] == pytest.approx(run["accuracy"])
        assert table.loc[run["run"], "skew uptake"] == pytest.approx(run["skew_uptake"])
        folder = run_folders.folder(run["run"])
        weight = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        assert table.loc[run["run"], "MB"] == pytest.approx(weight / 1e6, rel=0.01)
        assert table.loc[run["run"], "minutes"] == pytest.approx(run["seconds"] / 60)
    assert "n = 4 of 4 rows" in texts(app, "caption")
    assert not charts(app) and "Choose rows" in texts(app, "info")


def test_a_link_filters_pins_a_baseline_and_draws_curves(done, open_page) -> None:
    ids = studies.run_ids("small")
    keys = [f"small/{ids[i]}" for i in (0, 1)]
    view = {"setup": ["balanced", "imbalanced"], "run": keys, "baseline": f"small/{ids[2]}"}
    app = open_page("runs", **view, curve="loss")
    assert not app.exception and not app.warning
    table = app.dataframe[0].value.set_index("run")
    assert set(table.index) == set(ids[:2]) and "n = 2 of 4 rows" in texts(app, "caption")
    cw = next(r for r in summary(small_study())["runs"] if r["run"] == ids[2])
    expected = table["accuracy"] - cw["accuracy"]  # though it is not shown itself
    assert table["Δ accuracy"].tolist() == pytest.approx(expected.tolist())
    (chart,) = charts(app)
    shown = {row["run"] for row in chart["rows"]}
    assert shown == {"small: balanced, seed 0", "small: imbalanced, seed 0"}
    lines = (run_folders.folder(ids[0]) / "progress.jsonl").read_text().splitlines()
    losses = [d["loss"] for d in map(json.loads, lines) if "loss" in d]
    drawn = {r["step"]: r["loss"] for r in chart["rows"] if r["run"] == "small: balanced, seed 0"}
    assert list(drawn.values()) == pytest.approx(losses)
    assert app.query_params["run"] == keys


def test_a_search_that_finds_nothing_says_so(done, open_page) -> None:
    app = open_page("runs", q="no such run")
    assert not app.exception and not app.dataframe
    assert "None of 4 rows" in texts(app, "info")


def test_by_setup_there_is_a_row_a_setup(done, open_page) -> None:
    app = open_page("runs", rows="setups")
    assert not app.exception
    table = app.dataframe[0].value
    assert table["setup"].tolist() == ["balanced", "balanced (null)", "imbalanced", "imbalanced+cw"]
    assert table["seeds"].tolist() == [1] * 4
    pinned = open_page("runs", rows="setups", **{"setup-baseline": "small/balanced"})
    found = pinned.dataframe[0].value.set_index("setup")
    runs = {r["setup"]: r for r in summary(small_study())["runs"] if not r["null"]}
    apart = runs["imbalanced"]["accuracy"] - runs["balanced"]["accuracy"]
    assert found.loc["imbalanced", "Δ accuracy"] == pytest.approx(apart)


def test_chosen_runs_are_deleted_once_that_is_confirmed_by_name(copied, open_page) -> None:
    ids = studies.run_ids("small")
    app = open_page("runs", run=[f"small/{ids[1]}", f"small/{ids[2]}"])
    said = texts(app, "markdown")
    assert "small: imbalanced, seed 0 (" in said and "small: imbalanced+cw, seed 0 (" in said
    assert "are set free" in said and "small lacks them until" in said
    assert all(run not in said for run in ids)  # names, not hashes
    app = button(app, "Delete for good").click().run()
    assert not app.exception
    assert "Deleted: small: imbalanced, seed 0; small: imbalanced+cw" in texts(app, "success")
    assert [(copied / run).exists() for run in ids] == [True, False, False, True]
    states = app.dataframe[0].value.set_index("run")["state"]
    assert states[ids].tolist() == ["done", "deleted", "deleted", "done"]


def test_a_run_that_is_being_trained_is_not_deleted(copied, open_page) -> None:
    ids = studies.run_ids("small")
    app = open_page("runs", run=[f"small/{run}" for run in ids[:2]])
    with run_folders.claim(ids[0]):
        app = button(app, "Delete for good").click().run()
    assert not app.exception
    assert "small: balanced, seed 0: run" in texts(app, "error")
    assert [(copied / run).exists() for run in ids[:2]] == [True, False]


def test_a_deleted_run_is_no_defect_and_can_be_removed_or_trained_again(copied, open_page) -> None:
    ids = studies.run_ids("small")
    index.publish()
    shutil.rmtree(copied / ids[3])
    for page in ("overview", "predictions", "compare", "mitigation", "paper", "latent"):
        app = open_page(page)
        assert not app.exception and not app.error
        assert page == "overview" or not app.warning  # where it doubts models this small
        assert str(copied) not in texts(app, "caption") + texts(app, "info")
        assert "Deleted: balanced, seed 1" in texts(app, "caption")
    app = button(open_page("runs"), "Train again").click().run()
    job = queue.find("study-small")
    assert not app.exception and job is not None and job.state == "queued"
    app = button(open_page("runs"), "Remove from the study").click().run()
    assert not app.exception and "no longer stands for 1" in texts(app, "success")
    assert studies.run_ids("small") == ids[:3]
    assert "Deleted:" not in texts(open_page("predictions"), "caption")


def test_the_last_runs_of_a_study_are_not_removed(copied, open_page) -> None:
    for run in studies.run_ids("small"):
        shutil.rmtree(copied / run)
    app = button(open_page("runs"), "Remove from the study").click().run()
    assert not app.exception
    assert "would stand for no runs" in texts(app, "error")
    assert len(studies.run_ids("small")) == 4


def test_what_the_index_lacks_is_measured_when_the_page_opens(copied, open_page) -> None:
    index.path().unlink(missing_ok=True)
    app = open_page("runs")
    assert not app.exception
    assert app.dataframe[0].value["accuracy"].notna().all() and index.path().exists()
