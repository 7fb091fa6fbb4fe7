from __future__ import annotations

import copy
import json

import duckdb
import numpy as np
import pytest
import scipy.stats

from core.checkpoints.studies import Started, read_started
from core.figures import mitigation_tables
from core.figures import mitigations as figures
from core.mitigation.setups import schemes
from core.results import mitigations, study_results
from tests.helpers.started import small_study

MARKED = "\u00a0"


@pytest.fixture
def study(mitigated, monkeypatch) -> Started:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(mitigated))
    return read_started("mitigated")


@pytest.fixture
def document(study) -> dict:
    return copy.deepcopy(study_results.summary(study))


def by_setup(found: dict) -> dict:
    return {row["setup"]: row for row in found["rows"]}


def test_a_setup_is_a_row_and_numbers_are_those_of_the_files(study, mitigated) -> None:
    found = mitigations.of_study(study)
    rows = by_setup(found)
    assert found["rows"][0]["setup"] == "balanced"
    setups = {"balanced", "imbalanced", "imbalanced+undersample", "imbalanced+prior"}
    assert set(rows) == setups
    for setup in setups:
        runs = [m.run for m in study.members if m.setup == setup]
        assert rows[setup]["seeds"] == len(runs) == 3
        files = [str(mitigated / run / "predictions.parquet") for run in runs]
        shares = duckdb.sql(
            """
            WITH said AS (
                SELECT parse_path(filename)[-2] AS run, language, label,
                    CASE label WHEN 'negative' THEN p_negative >= greatest(p_neutral, p_positive)
                    WHEN 'neutral' THEN p_neutral > p_negative AND p_neutral >= p_positive
                    ELSE p_positive > greatest(p_negative, p_neutral) END AS own
                FROM read_parquet(?, filename = true)
            )
            SELECT run, language, label, avg(own::INT) AS own, count(*) AS n FROM said GROUP BY ALL
            """,
            params=[files],
        ).df()
        of_runs = shares.groupby("run")["own"].mean()  # cells have the same number of rows
        assert rows[setup]["accuracy"]["value"] == pytest.approx(of_runs.mean())
        interval = scipy.stats.ttest_1samp(of_runs, 0).confidence_interval(0.95)
        assert rows[setup]["accuracy"]["ci"] == pytest.approx(list(interval))
        cells = shares.groupby(["language", "label"])
        worst = rows[setup]["worst_cell"]
        assert worst["value"] == pytest.approx(cells["own"].mean().min())
        own = cells.get_group((worst["language"], worst["label"]))
        assert own["own"].mean() == pytest.approx(worst["value"])
        assert worst["n"] == own["n"].iloc[0] == 8
        assert 0 <= worst["ci"][0] <= worst["value"] <= worst["ci"][1] <= 1


def test_differences_are_those_of_the_comparisons(study) -> None:
    compared = study_results.summary(study)["comparisons"]
    rows = by_setup(mitigations.of_study(study))
    for setup, row in rows.items():
        for measure, c in row["minus_balanced"].items():
            assert c in compared
            assert (c["a"], c["b"], c["measure"]) == (setup, "balanced", measure)
    assert not rows["balanced"]["minus_balanced"]
    assert {"accuracy", "skew_uptake", "soft_uptake"} <= set(
        rows["imbalanced+prior"]["minus_balanced"]
    )


def test_costs_are_of_the_runs_metrics(study, mitigated) -> None:
    rows = by_setup(mitigations.of_study(study))

    def metrics(setup: str) -> list[dict]:
        runs = [m.run for m in study.members if m.setup == setup]
        return [json.loads((mitigated / run / "metrics.json").read_text()) for run in runs]

    for setup, row in rows.items():
        seconds = np.mean([of["seconds"] for of in metrics(setup)])
        assert row["cost"]["seconds"] == pytest.approx(seconds)
    drawn = metrics("imbalanced+undersample")[0]["n_drawn"]
    assert rows["imbalanced+undersample"]["cost"]["rows"] == drawn < 180
    assert rows["imbalanced"]["cost"]["rows"] == 180
    cost = rows["imbalanced+prior"]["cost"]
    assert (cost["rows"], cost["corrects"]) == (0, "imbalanced")
    assert cost["corrects_seconds"] == rows["imbalanced"]["cost"]["seconds"]
    assert rows["imbalanced+prior"]["serving"] == "given"


def test_balanced_runs_differ_by_their_seeds(study) -> None:
    found = mitigations.of_study(study)["between_balanced"]
    assert [pair["seeds"] for pair in found] == [[0, 1], [0, 2], [1, 2]]
    runs = study_results.done_runs(study_results.summary(study))
    of = {r["seed"]: r["accuracy"] for r in runs if r["setup"] == "balanced"}
    assert found[1]["differences"]["accuracy"] == of[0] - of[2]


def judge(document: dict, **within: tuple[float, float, bool]) -> None:
    """Give setups differences in uptake and accuracy, and whether they are within the margin."""
    for c in document["comparisons"]:
        name = c["a"].removeprefix("imbalanced").replace("+", "") or "imbalanced"
        if c["b"] != "balanced" or c["measure"] not in ("accuracy", "skew_uptake"):
            continue
        uptake, accuracy, inside = within[name]
        c["difference"] = uptake if c["measure"] == "skew_uptake" else accuracy
        c |= {"within_margin": inside, "verdict": "equivalent" if inside else "differs"}


def advice(document: dict) -> tuple[dict, str]:
    found = mitigations.mitigations(document, [])
    return found["advice"], figures.reading(found).replace(MARKED, " ")


def test_the_simplest_of_the_equivalent_setups_is_recommended(document) -> None:
    judge(document, imbalanced=(0.4, -0.02, False), undersample=(0.05, 0.005, True),
          prior=(0.001, 0.0, True))  # fmt: skip
    found = mitigations.mitigations(document, [])
    order = [row["setup"] for row in found["rows"]]
    assert order == ["balanced", "imbalanced+prior", "imbalanced+undersample", "imbalanced"]
    advised, said = advice(document)
    assert advised["state"] == "recommended"
    assert advised["equivalent"] == ["imbalanced+undersample", "imbalanced+prior"]
    assert said.startswith("**Recommended: imbalanced+undersample** (undersampling")
    assert "Of 3 setups on skewed rows 2 are" in said and "imbalanced+prior would do too" in said
    assert "Two of the balanced runs" in said
    judge(document, imbalanced=(0.01, 0.0, True), undersample=(0.05, 0.005, True),
          prior=(0.001, 0.0, True))  # fmt: skip
    assert "no mitigation is needed" in advice(document)[1]


def test_where_none_is_equivalent_the_nearest_is_named(document) -> None:
    judge(document, imbalanced=(0.4, -0.02, False), undersample=(0.0, -0.3, False),
          prior=(0.15, -0.01, False))  # fmt: skip
    advised, said = advice(document)
    assert (advised["state"], advised["setup"]) == ("none equivalent", "imbalanced+prior")
    assert said.startswith("**None of 3 setups is shown equivalent")
    assert (
        "3 of them are shown to differ" in said
        and "Nearest by estimate is **imbalanced+prior**" in said
    )
    for claim in ("no effect", "no difference", "Recommended"):
        assert claim not in said


def test_a_setup_with_more_accuracy_is_no_further_away(document) -> None:
    judge(document, imbalanced=(0.4, 0.3, False), undersample=(0.0, 0.0, False),
          prior=(0.2, 0.5, False))  # fmt: skip
    rows = by_setup(mitigations.mitigations(document, []))
    distances = [rows[f"imbalanced{x}"]["distance"] for x in ("", "+undersample", "+prior")]
    assert distances == pytest.approx([4, 0, 2])


def test_with_one_seed_there_is_no_verdict(done) -> None:
    found = mitigations.of_study(small_study())
    assert found["advice"]["state"] == "few seeds" and found["advice"]["seeds"] == 1
    said = figures.reading(found)
    assert said.startswith("**No verdict: one seed.**") and "Recommended" not in said
    assert all(row["equivalent"] is None for row in found["rows"])
    cell = by_setup(found)["imbalanced+cw"]["worst_cell"]
    oracle = scipy.stats.binomtest(round(cell["value"] * cell["n"]), cell["n"])
    wilson = list(oracle.proportion_ci(0.95, method="wilson"))
    assert cell["ci"] == pytest.approx(wilson, abs=1e-6)
    assert cell["covers"] == "other test sentences, these trained models"


def test_without_balanced_or_skew_nothing_is_recommended(document) -> None:
    alone = {**document, "comparisons": []}
    alone["runs"] = [run for run in document["runs"] if run["setup"] != "balanced"]
    advised, said = advice(alone)
    assert advised["state"] == "no balanced" and said.startswith("**No recommendation:**")
    assert figures.trade_off(mitigations.mitigations(alone, [])) is None
    assert advice({**document, "groups": []})[0]["state"] == "no skew"
    assert mitigations.mitigations({**document, "runs": []}, [])["rows"] == []


def test_a_setup_of_another_version_is_left_out(document) -> None:
    for run in document["runs"]:
        run["setup"] = run["setup"].replace("+prior", "+unheard-of")
    assert len(mitigations.mitigations(document, [])["rows"]) == 3


def test_language_reliance_is_that_of_the_curve_or_says_why_not(study, document) -> None:
    curve = [
        {"setup": "imbalanced", "threshold": t, "value": t, "ci": [0.0, 1.0], "n_texts": 3,
         "n_seeds": 3, "covers": "x"}
        for t in (0.001, 0.01)
    ]  # fmt: skip
    rows = by_setup(mitigations.mitigations(document, curve))
    assert rows["imbalanced"]["language_reliance"]["value"] == 0.01
    assert rows["balanced"]["no_reliance"] == "reference"
    assert rows["imbalanced+prior"]["no_reliance"] == "not attributed"


def test_every_mitigation_says_what_it_is() -> None:
    rows = mitigations.scheme_rows()
    assert [row["name"] for row in rows] == list(schemes())
    assert all(row["title"] and row["source"] and row["about"] for row in rows)


def test_figures_and_tables_keep_the_schema_and_all_setups(study) -> None:
    found = mitigations.of_study(study)
    made = [figures.trade_off(found), figures.forest(found)]
    for figure in made:
        assert figure is not None
        for chart in figure.charts:
            assert chart.to_dict()["$schema"]
        assert "n = 144 test rows, 3 seeds" in figure.caption
        assert "3 pairs of balanced runs" in figure.caption
    assert len(made[1].charts) == 6
    table = mitigation_tables.results_table(found)
    assert set(table.shown) <= set(table.frame)
    assert len(table.frame) == len(mitigation_tables.cost_table(found).frame) == 4
    assert len(mitigation_tables.whole_table(found).frame) == 4
