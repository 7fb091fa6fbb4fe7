"""The table of all runs, against the studies' own results and statistics by hand."""

from __future__ import annotations

import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from core.checkpoints import run_folders, studies
from core.results import index, run_table
from core.results.study_results import summary
from tests.helpers.started import small_study
from tests.pages.conftest import copied, varied

__all__ = ["copied", "varied"]  # fixtures


def table() -> pd.DataFrame:
    index.publish()
    return run_table.of_all(index.read())


def test_every_run_has_its_measures(varied) -> None:
    frame = table().set_index("run")
    document = summary(small_study())
    assert len(document["runs"]) == len(frame) == 4
    for run in document["runs"]:
        row = frame.loc[run["run"]]
        assert row["accuracy"] == pytest.approx(run["accuracy"])
        assert [row["accuracy from"], row["accuracy to"]] == pytest.approx(run["accuracy_ci"])
        assert row["skew uptake"] == pytest.approx(run["skew_uptake"])
        assert row["language effect"] == pytest.approx(run["language_effect"])
        assert row["calibration error"] == pytest.approx(run["calibration"]["all"]["rms"])
        assert row["probe, 15 neighbours"] == pytest.approx(run["probe"]["original"]["knn"])
        assert (row["test rows"], row["training rows"]) == (run["n_test"], run["n_train"])
        assert row["seconds"] == pytest.approx(run["seconds"])
        assert row["setup"] == run["setup"] + (" (null)" if run["null"] else "")
    file = str(index.path())
    with duckdb.connect(file, read_only=True) as connection:
        said = connection.execute(
            "SELECT run, value FROM measures WHERE measure = 'soft uptake' AND class IS NULL "
            'AND "language" IS NULL'
        ).fetchall()
    assert frame["soft uptake"].to_dict() == dict(said)


def test_states_are_those_of_now_and_measures_of_finished_runs_alone(copied) -> None:
    ids = studies.run_ids("small")
    index.publish()
    (copied / ids[0] / "COMPLETE").unlink()
    run_folders.write_status(ids[0], "cancelled", "stopped by hand")
    shutil.rmtree(copied / ids[1])
    (copied / ids[2] / "config.json").unlink()
    frame = run_table.of_all(index.read()).set_index("run")
    states = ["cancelled", "deleted", "failed", "done"]
    assert frame.loc[ids, "state"].tolist() == states
    assert frame["accuracy"].notna().tolist() == [s == "done" for s in states]
    assert frame.loc[ids[1], "corpus"] == frame.loc[ids[3], "corpus"] != ""
    assert not run_table.unmeasured(frame.reset_index())


def test_a_run_of_two_studies_stands_for_each_and_one_of_none_by_itself(copied) -> None:
    ids = studies.run_ids("small")
    other = copied / "studies" / "other"
    shutil.copytree(copied / "studies" / "small", other)
    studies.remove("other", ids[1:])
    studies.remove("small", ids[3:])
    frame = table()
    assert frame["key"].tolist() == [f"other/{ids[0]}", *(f"small/{i}" for i in ids[:3]), ids[3]]
    assert frame["accuracy"].notna().tolist() == [True] * 4 + [False]  # measured in studies


def test_without_an_index_the_runs_are_there_and_named_as_unmeasured(copied) -> None:
    index.path().unlink(missing_ok=True)
    frame = run_table.of_all(index.read())
    assert frame["state"].tolist() == ["done"] * 4
    assert run_table.unmeasured(frame) == frame["key"].tolist()
    index.path().write_bytes(b"no database")
    assert len(run_table.of_all(index.read())) == 4


def rows(values: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    """Finished runs with an accuracy each, seeds 0, 1, …"""
    return pd.DataFrame(
        [
            {"study": study, "setup": setup, "seed": seed, "state": "done", "accuracy": value}
            | {"corpus": "c", "encoder": "e", "run": f"{study}{setup}{seed}", "message": ""}
            | {"key": f"{study}/{setup}{seed}"}
            for (study, setup), own in values.items()
            for seed, value in enumerate(own)
        ]
    )


def test_means_over_seeds_and_paired_differences_are_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(0.7, 0.02, (3, 5))
    frame = rows(
        {
            ("s", "balanced"): [*a],
            ("s", "imbalanced"): [*b[:4]],
            ("s", "imbalanced+cw"): [*c[:2]],
            ("t", "balanced"): [*c],
        }
    )
    baseline = frame[(frame["study"] == "s") & (frame["setup"] == "balanced")]
    found = run_table.by_setup(frame, ["accuracy"], baseline).set_index("key")
    ends = scipy.stats.t.interval(0.95, 4, a.mean(), scipy.stats.sem(a))
    row = found.loc["s/balanced"]
    assert row["accuracy"] == pytest.approx(a.mean()) and row["seeds"] == 5
    assert [row["accuracy from"], row["accuracy to"]] == pytest.approx(ends)
    assert row["Δ accuracy"] == 0
    row, apart = found.loc["s/imbalanced"], b[:4] - a[:4]
    ends = scipy.stats.t.interval(0.95, 3, apart.mean(), scipy.stats.sem(apart))
    assert row["Δ accuracy"] == pytest.approx(apart.mean())
    assert [row["Δ accuracy from"], row["Δ accuracy to"]] == pytest.approx(ends)
    two = found.loc["s/imbalanced+cw"]
    assert two["Δ accuracy"] == pytest.approx((c[:2] - a[:2]).mean())
    assert two[["accuracy from", "accuracy to", "Δ accuracy from"]].isna().all()
    other = found.loc["t/balanced"]
    assert other["Δ accuracy"] == pytest.approx(c.mean() - a.mean())
    assert np.isnan(other["Δ accuracy from"]) and not np.isnan(other["accuracy from"])


def test_unfinished_runs_are_in_no_mean() -> None:
    frame = rows({("s", "balanced"): [0.5, 0.7, 0.9]})
    frame.loc[2, "state"] = "failed"
    assert run_table.by_setup(frame, ["accuracy"])["accuracy"].tolist() == [pytest.approx(0.6)]
    assert run_table.by_setup(frame.assign(state="queued"), ["accuracy"]).empty


def test_filters_take_every_word_and_any_of_the_values() -> None:
    frame = rows({("s", "balanced"): [0.5], ("s", "imbalanced+cw"): [0.6], ("t", "x"): [0.7]})
    assert run_table.filtered(frame, "IMBAL s")["setup"].tolist() == ["imbalanced+cw"]
    assert (
        run_table.filtered(frame, "", {"study": ["s"], "setup": []})["study"].tolist() == ["s"] * 2
    )
    assert run_table.filtered(frame, "", {"setup": ["x", "balanced"]}).index.tolist() == [0, 2]
    assert run_table.filtered(frame, "nothing").empty


def test_differences_are_to_the_baseline() -> None:
    frame = rows({("s", "balanced"): [0.5, 0.75]})
    found = run_table.against(frame, frame.iloc[0].to_dict(), ["accuracy"])
    assert found["Δ accuracy"].tolist() == [0, 0.25]
