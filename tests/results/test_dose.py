"""Dose and response of a grid, trained once on generated texts."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association
from sklearn.metrics import accuracy_score, mutual_info_score

from core.audit.expected import tilted
from core.checkpoints import outputs, run_folders, studies
from core.cli.main import main
from core.errors import InputError
from core.models.session import Session
from core.results import dose, expected_cost
from core.results.dose import MEASURES, Dose
from core.results.run_measures import skewed_design
from core.sampling import joint
from core.studies import grid
from core.studies.grid import Grid
from tests.helpers.commands import show

STRENGTHS = (0, 1, 1.5)


@pytest.fixture
def asked(dosed, monkeypatch) -> Grid:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(dosed))
    return grid.read_started("dosed")


@pytest.fixture
def found(asked) -> Dose:
    return dose.dose(asked)


def runs_of(study: studies.Started, setup: str) -> dict[int, str]:
    return {m.seed: m.run for m in study.members if m.setup == setup}


def test_each_run_is_trained_once_whichever_study_has_it(asked) -> None:
    names = [p.name for p in asked.points()]
    assert names == ["dosed-s0", "dosed-s1", "dosed-s1.5"]
    assert set(names) < set(studies.started())
    ids = {name: set(studies.run_ids(name)) for name in [*names, "small"]}
    # Three balanced runs, three imbalanced ones at each strength above 0; some were there before.
    assert len(set().union(*(ids[name] for name in names))) == 3 + 2 * 3
    assert set.intersection(*(ids[name] for name in names)) == ids["dosed-s0"]
    assert len(ids["dosed-s1"] & ids["small"]) == 3  # two balanced ones, and one imbalanced
    assert len(run_folders.list_runs()) == 4 + 3 + 6 - 3


def test_the_same_command_goes_on_and_trains_nothing_twice(asked, dosed, study_file) -> None:
    before = {p: p.stat().st_mtime_ns for p in dosed.glob("*/model/*")}
    assert main(["study", "dosed"]) == 0
    assert {p: p.stat().st_mtime_ns for p in dosed.glob("*/model/*")} == before


def test_the_table_is_what_its_files_say(asked, found) -> None:
    frame = dose.table(found)
    assert not found["missing"]
    expected = [(s, m) for s in STRENGTHS[1:] for m in MEASURES]
    got = frame[frame["strength"] > 0]
    assert list(zip(got["strength"], got["measure"], strict=True)) == expected
    assert (got["setup"] == "imbalanced").all() and (got["seeds"] == 3).all()
    for row in got.itertuples():
        study = studies.read_started(row.study)
        config = study.config_of(runs_of(study, "imbalanced")[0])
        skewed = config.shares_table()
        sides = []
        for setup in ("balanced", "imbalanced"):
            of = []
            for _, run in sorted(runs_of(study, setup).items()):
                p = outputs.read_predictions(run)
                told = np.array(p.labels)[p.probabilities.argmax(axis=1)]
                if row.measure == "accuracy":
                    of.append(accuracy_score(p.rows["label"], told))
                elif row.measure == "probe_original_knn":
                    of.append(outputs.read_probes(run)["original"]["knn"])
                elif row.measure.endswith("uptake"):
                    shares = pd.crosstab(p.rows["language"], told, normalize="index")
                    if row.measure == "soft_uptake":
                        shares = pd.DataFrame(p.probabilities, columns=list(p.labels))
                        shares = shares.groupby(p.rows["language"].to_numpy()).mean()
                    shares = shares.reindex(index=skewed.index, columns=skewed.columns).fillna(0)
                    x, y = joint.deviation(skewed), shares - shares.mean()
                    of.append((x * y).to_numpy().sum() / (x**2).to_numpy().sum())
            sides.append(np.array(of))
        if not len(sides[0]):
            continue
        balanced, imbalanced = sides
        assert row.value == pytest.approx(imbalanced.mean(), abs=1e-6)
        assert row.difference == pytest.approx((imbalanced - balanced).mean(), abs=1e-6)
        assert row.low < row.difference < row.high
        between = [(a - b) ** 2 for a, b in combinations(balanced, 2)]
        assert row.between_balanced == pytest.approx(np.sqrt(np.mean(between)), abs=1e-6)


def test_the_skew_of_a_point_is_that_of_its_training_rows(asked, found) -> None:
    for row in {r["strength"]: r for r in found["rows"]}.values():
        study = studies.read_started(row["study"])
        setup = "imbalanced" if row["strength"] else "balanced"
        run = runs_of(study, setup)[0]
        ids = pd.read_parquet(run_folders.folder(run) / "subset.parquet")
        ids = set(ids.loc[ids["split"] == "train", "row"])
        texts = Session().corpus(study.config_of(run)).rows("train")
        texts = texts[texts["row"].isin(ids)]
        counts = pd.crosstab(texts["language"], texts["label"])
        assert row["size"] == len(ids) == 180
        assert row["cramers_v"] == pytest.approx(association(counts.to_numpy(), "cramer"), abs=1e-9)
        bits = mutual_info_score(texts["language"], texts["label"]) / np.log(2)
        assert row["mutual_information_bits"] == pytest.approx(bits, abs=1e-9)
    skews = [r["cramers_v"] for r in found["rows"] if r["measure"] == "accuracy"]
    assert skews == pytest.approx([s * skews[1] for s in STRENGTHS], abs=0.01)


def test_at_strength_0_balanced_runs_are_all_there_is(found) -> None:
    rows = [r for r in found["rows"] if r["strength"] == 0]
    assert [r["measure"] for r in rows] == ["accuracy", "probe_original_knn"]
    for row in rows:
        assert (row["setup"], row["seeds"], row["difference"]) == ("balanced", 3, 0)
        assert row["low"] is None and row["covers"] == dose.NOTHING
        assert row["between_balanced"] is not None


def test_what_is_not_there_is_named_and_the_rest_shown(asked) -> None:
    more = Grid(asked.study, (1.0, 1.25))
    found = dose.dose(more)
    assert {r["strength"] for r in found["rows"]} == {1}
    assert "dosed-s1.25' was never started" in found["missing"]["dosed-s1.25"]


def test_points_are_read_beside_the_expected_cost(asked) -> None:
    rows = expected_cost.check(asked)
    assert len(rows) == 2 * 3 * 2
    by = {(r["strength"], r["measure"], r["told_from"]): r for r in rows}
    for row in dose.dose(asked)["rows"]:
        name = "accuracy_change" if row["measure"] == "accuracy" else row["measure"]
        if (key := (row["strength"], name, "balanced models")) in by:
            assert by[key]["observed"] == pytest.approx(row["difference"], abs=1e-9)
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"]
        assert row["inside"] == (row["low"] <= row["observed"] <= row["high"])
        if row["observed_ci"] is None:
            assert row["contradicted"] is None
            continue
        low, high = row["observed_ci"]
        assert low <= row["observed"] <= high
        assert row["contradicted"] == (not (row["low"] <= high and low <= row["high"]))


def test_held_back_points_are_told_by_the_others_alone(asked, monkeypatch) -> None:
    rows = expected_cost.check(asked, [1.5])
    assert {r["strength"] for r in rows} == {1}
    monkeypatch.setattr(expected_cost, "MEASURED", ())
    assert expected_cost.check(asked, [1.5]) == rows
    with pytest.raises(InputError, match=r"nothing trained at strength 2; it has 1, 1\.5"):
        expected_cost.check(asked, [2])


def test_the_powers_are_those_that_give_the_uptake(asked) -> None:
    found = expected_cost.trained(studies.read_started("dosed-s1"))
    assert found is not None
    # Models made by tilting: the power comes back.
    made = [tilted(p, found.skewed, 0.7, found.rows) for p in found.balanced]
    of = replace(found, imbalanced=made)
    assert expected_cost.powers(of, "made").soft == pytest.approx((0.7,) * 3, abs=0.02)
    assert expected_cost.trained(studies.read_started("dosed-s0")) is None


def test_the_verb_prints_the_table_and_writes_its_files(asked, found, tmp_path, capsys) -> None:
    assert show(capsys, "dose", "dosed") == found
    assert main(["dose", "dosed", "--folder", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "skew uptake" in text and "between balanced" in text and "strength 0 imbalanced" in text
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "dosed-dose-rows.csv", "dosed-dose-rows.tex", "dosed-dose.png", "dosed-dose.svg"
    ]  # fmt: skip
    assert main(["dose", "dosed", "--check", "--fit", "1.5,"]) == 0
    assert "of 6 lie in the range that is told" in capsys.readouterr().out
    rows = show(capsys, "dose", "dosed", "--check")["rows"]
    assert rows == json.loads(json.dumps(expected_cost.check(asked)))
    assert main(["dose", "dosed", "--check", "--fit", "x"]) == 2
    assert "--fit is 'x'" in capsys.readouterr().err
    assert main(["dose", "nothing"]) == 2
    assert "grid 'nothing' was never started; started are dosed" in capsys.readouterr().err


def test_the_design_of_each_point_points_the_same_way(asked) -> None:
    tables = []
    for name in ("dosed-s1", "dosed-s1.5"):
        table = skewed_design(studies.read_started(name).configs)
        assert table is not None
        tables.append(joint.deviation(table))
    assert np.allclose(1.5 * tables[0], tables[1])
