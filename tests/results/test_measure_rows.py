from __future__ import annotations

import json

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.checkpoints import run_folders, studies
from core.results import index, study_results
from core.results.measure_rows import COLUMNS, measure_rows
from tests.helpers.started import small_study


@pytest.fixture
def measures(done) -> pd.DataFrame:
    with duckdb.connect(str(index.publish()), read_only=True) as connection:
        return connection.sql("SELECT * FROM measures").df()


def test_one_row_a_run_measure_language_and_class(measures) -> None:
    assert tuple(measures.columns) == COLUMNS
    assert not measures.duplicated(["study", "run", "measure", "language", "class"]).any()
    assert set(measures["run"]) == set(studies.run_ids("small"))
    assert measures[["measure", "unit"]].notna().all(axis=None)
    with_ends = measures.dropna(subset=["low", "high"])
    assert (with_ends["low"] <= with_ends["high"]).all() and len(with_ends)


def test_sql_by_hand_over_the_stored_predictions_says_the_same(done, measures) -> None:
    for run in studies.run_ids("small"):
        file = run_folders.folder(run) / "predictions.parquet"
        labels = [x.removeprefix("p_") for x in pq.read_schema(file).names if x.startswith("p_")]
        best = "CASE " + " ".join(
            f"WHEN \"p_{x}\" >= greatest({', '.join(f'p_{y}' for y in labels)}) THEN '{x}'"
            for x in labels
        )
        said = f"SELECT *, {best} END AS said FROM '{file}'"
        own = measures[measures["run"] == run]
        right = duckdb.sql(f"SELECT avg((said = label)::INT), count(*) FROM ({said})").fetchall()
        all_of = own[(own["measure"] == "accuracy") & own["language"].isna()]
        assert all_of[["value", "n"]].to_numpy().tolist() == [pytest.approx(right[0])]
        counted = duckdb.sql(
            f'SELECT "language", said AS class, count(*) AS n FROM ({said}) GROUP BY 1, 2'
        ).df()
        counts = counted.set_index(["language", "class"])["n"]
        shares = counts / counts.groupby("language").transform("sum")
        stored = own[own["measure"] == "share predicted"].set_index(["language", "class"])["value"]
        np.testing.assert_allclose(stored, shares.reindex(stored.index).fillna(0), atol=1e-9)
        mean = duckdb.sql(
            f'SELECT "language", avg("p_{labels[0]}") AS p FROM \'{file}\' GROUP BY 1'
        ).df()
        stored = own[(own["measure"] == "mean probability") & (own["class"] == labels[0])]
        expected = mean.set_index("language")["p"].reindex(stored["language"])
        np.testing.assert_allclose(stored["value"], expected, atol=1e-6)


def test_rows_hold_what_the_pages_show(done, measures) -> None:
    document = study_results.summary(small_study())
    keys = {"skew uptake": "skew_uptake", "soft uptake": "soft_uptake"}
    keys["language effect"] = "language_effect"
    overall = measures[measures["language"].isna() & measures["class"].isna()]
    table = overall.set_index(["run", "measure"])
    for run in document["runs"]:
        for measure, key in keys.items():
            found = table.loc[(run["run"], measure), ["value", "low", "high"]].tolist()
            assert found == pytest.approx([run[key], *run[f"{key}_ci"]])
        for name, probe in run["probe"].items():
            row = table.loc[(run["run"], f"language identification, {name}, 15 neighbours")]
            assert (row["value"], row["n"], row["unit"]) == (probe["knn"], probe["n"], "share")


def test_runs_that_are_not_done_have_none(done) -> None:
    document = json.loads(json.dumps(study_results.summary(small_study())))
    first = document["runs"][0]
    document["runs"][0] = {k: first[k] for k in ("run", "setup", "seed", "null", "message")}
    document["runs"][0]["state"] = "queued"
    assert first["run"] not in set(measure_rows(document)["run"])
    assert len(measure_rows(document | {"runs": []})) == 0
