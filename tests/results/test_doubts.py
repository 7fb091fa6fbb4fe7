from __future__ import annotations

import copy
import shutil

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.checkpoints import studies
from core.results import doubts, power, study_results
from tests.helpers.started import small_study


@pytest.fixture
def document(done) -> dict:
    """Models that are right in two of three texts, each predicting three classes."""
    found = copy.deepcopy(study_results.summary(small_study()))
    for run in found["runs"]:
        run |= {"accuracy": 0.66, "accuracy_ci": [0.6, 0.72], "skew_uptake_ci": [0.3, 0.5]}
        for of_language in run["confusion"].values():
            for i, of_label in enumerate(of_language.values()):
                for j, label in enumerate(of_label):
                    of_label[label] = 4 if i == j else 1
    return found


def runs_of(document: dict, *setups: str) -> list[dict]:
    return [run for run in document["runs"] if run["setup"] in setups]


def test_models_that_work_leave_the_seeds_alone_to_be_doubted(document) -> None:
    found = doubts.of_study(document)
    assert (found["one_class"], found["at_chance"]) == ([], [])
    assert (found["seeds"], found["nothing_learnt"], found["unseen"]) == (1, False, None)


def test_a_model_that_gives_one_class_is_found_as_sql_finds_it(
    trained, tmp_path, monkeypatch
) -> None:
    copied = tmp_path / "checkpoints"
    shutil.copytree(trained, copied)
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(copied))
    lazy = studies.run_ids("small")[1]
    path = copied / lazy / "predictions.parquet"
    table = pq.read_table(path)
    names = [name for name in table.column_names if name.startswith("p_")]
    for i, name in enumerate(names):
        at = table.column_names.index(name)
        values = np.full(table.num_rows, 0.8 if i == 2 else 0.1, dtype=np.float32)
        table = table.set_column(at, name, pa.array(values))
    pq.write_table(table, path)
    found = doubts.of_study(study_results.summary(small_study()))
    assert [(x["run"], f"p_{x['label']}", x["share"]) for x in found["one_class"]] == [
        (run, *of) for run in studies.run_ids("small") if (of := commonest(copied / run))[1] >= 0.98
    ]
    assert lazy in [x["run"] for x in found["one_class"]]


def commonest(folder) -> tuple[str, float]:
    """The class predicted most often and its share, asked by SQL."""
    frame = duckdb.sql(f"select * from '{folder}/predictions.parquet'").df()
    names = [name for name in frame if name.startswith("p_")]
    columns = ", ".join(f'"{n}"' for n in names)
    quoted = ", ".join(f"'{n}'" for n in names)
    query = f"""
        select x, count(*) / sum(count(*)) over () from (
            select list_extract([{quoted}], list_position(p, list_max(p))) as x
            from (select [{columns}] as p from frame)
        ) group by x order by 2 desc limit 1"""
    return duckdb.sql(query).fetchall()[0]


@pytest.mark.parametrize(("low", "is_at_chance"), [(0.30, True), (1 / 3, True), (0.34, False)])
def test_chance_is_that_of_the_commonest_class(document, low, is_at_chance) -> None:
    run = runs_of(document, "imbalanced")[0] | {"accuracy_ci": [low, 0.5]}
    found = doubts.at_chance(run)
    assert (found is not None) == is_at_chance
    if found:
        assert found["chance"] == pytest.approx(1 / 3)


def test_chance_of_a_weighted_test_set_is_of_what_it_is_weighted_to(document) -> None:
    run = copy.deepcopy(runs_of(document, "imbalanced")[0])
    languages, labels = document["languages"], document["labels"]
    shares = {x: dict(zip(labels, (0.6, 0.3, 0.1), strict=True)) for x in languages}
    run |= {"accuracy_ci": [0.55, 0.65], "test_weighting": {"target_shares": shares}}
    found = doubts.at_chance(run)
    assert found and found["chance"] == pytest.approx(0.6)


def test_nothing_is_learnt_where_one_side_is_at_chance(document) -> None:
    for run in runs_of(document, "balanced"):
        run["accuracy_ci"] = [0.3, 0.4]
    assert doubts.of_study(document)["nothing_learnt"]


def test_a_model_at_chance_that_goes_by_language_has_learnt_the_skew(document) -> None:
    others = [run for run in document["runs"] if run["setup"] != "balanced"]
    for run in others:
        run["accuracy_ci"] = [0.3, 0.4]
    found = doubts.of_study(document)
    assert len(found["at_chance"]) == len(others) and not found["nothing_learnt"]
    for run in others:
        run["skew_uptake_ci"] = [-0.1, 0.1]
    assert doubts.of_study(document)["nothing_learnt"]


def test_what_goes_unseen_is_said_where_the_uptake_cannot_be_told(document) -> None:
    for c in document["comparisons"]:
        spread = {"seeds": 4.93e-3, "sentences": 6.88e-4, "one_seed": 1.27e-3}
        c |= {"n_seeds": 3, "spread": spread, "verdict": "cannot tell"}
    for run in [r for r in document["runs"] if not r["null"]]:
        document["runs"] += [{**run, "seed": seed} for seed in (1, 2)]
    found = doubts.of_study(document)
    row = next(r for r in power.for_study(document)["rows"] if r["measure"] == "skew_uptake")
    assert (found["unseen"], found["unseen_seeds"]) == (row["detectable"], row["seeds_needed"])
    assert found["unseen"] is not None
    for c in document["comparisons"]:
        c["verdict"] = "differs"
    assert doubts.of_study(document)["unseen"] is None
