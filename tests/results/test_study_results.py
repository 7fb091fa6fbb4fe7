from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve

from core.checkpoints import (
    run_folders,  # fmt: skip
    studies,  # fmt: skip
)
from core.errors import InputError
from core.figures import comparison  # fmt: skip
from core.measures.calibration import calibration_error, reliability
from core.measures.predictions import Predictions
from core.results import (
    cache,  # fmt: skip
    comparison_tables,  # fmt: skip
    comparisons,  # fmt: skip
    overlap,  # fmt: skip
    settings,  # fmt: skip
    study_results,  # fmt: skip
)
from core.sampling import joint  # fmt: skip
from core.studies import overview  # fmt: skip
from core.text import signed
from tests.helpers.started import small_study


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


# --- kept documents -----------------------------------------------------------------------------


def test_a_document_is_computed_once_for_a_key(tmp_path) -> None:
    path, calls = tmp_path / "it.json", []

    def compute() -> dict:
        calls.append(1)
        return {"n": len(calls), "pair": (1, 2.5), "none": None}

    first = cache.kept(path, "a", compute)
    assert first == {"n": 1, "pair": [1, 2.5], "none": None}
    assert cache.kept(path, "a", compute) == first and len(calls) == 1
    assert cache.kept(path, "b", compute)["n"] == 2
    path.write_text("{")
    assert cache.kept(path, "b", compute)["n"] == 3
    path.write_text("[]")
    assert cache.kept(path, "b", compute)["n"] == 4
    assert cache.kept(tmp_path / "gone" / "it.json", "b", compute)["n"] == 5
    assert not list(tmp_path.glob(".*"))


def test_a_summary_is_kept_until_a_file_of_a_run_changes(copied, monkeypatch) -> None:
    first = study_results.summary(small_study())
    assert (copied / "studies" / "small" / "summary.json").exists()
    with monkeypatch.context() as patch:
        patch.setattr(study_results, "measure", None)  # would fail if it were measured again
        assert study_results.summary(small_study()) == first
    run = studies.run_ids("small")[1]
    os.utime(copied / run / "predictions.parquet", ns=(1, 1))
    (copied / run / "predictions.parquet").write_bytes(b"PAR1")
    states = {r["run"]: r["state"] for r in study_results.summary(small_study())["runs"]}
    assert states[run] == "failed"


# --- comparisons --------------------------------------------------------------------------------


def test_two_runs_compare_as_their_setups_do(done) -> None:
    ids = studies.run_ids("small")
    for a, b, runs in (("imbalanced", "balanced", (1, 0)), ("balanced (null)", "balanced", (3, 0))):
        fixed = {
            c["measure"]: c
            for c in study_results.summary(small_study())["comparisons"]
            if (c["a"], c["b"]) == (a, b)
        }
        free = comparisons.compare_runs(small_study(), [ids[runs[0]]], [ids[runs[1]]])
        by_measure = {c["measure"]: c for c in free if "," not in c["measure"]}
        assert set(by_measure) == set(fixed)
        for name, found in by_measure.items():
            assert found["difference"] == pytest.approx(fixed[name]["difference"])
            assert found["method"] == fixed[name]["method"]
            assert found["difference"] == pytest.approx(found["value_a"] - found["value_b"])
            if found["ci"]:  # fewer draws of the same sentences
                assert found["ci"] == pytest.approx(fixed[name]["ci"], abs=0.05)


def test_to_swap_the_sides_is_to_change_the_sign(done) -> None:
    ids = studies.run_ids("small")
    there = comparisons.compare_runs(small_study(), ids[1:2], ids[2:3])
    back = {c["measure"]: c for c in comparisons.compare_runs(small_study(), ids[2:3], ids[1:2])}
    for found in there:
        other = back[found["measure"]]
        assert found["difference"] == pytest.approx(-other["difference"])
        assert found["value_a"] == other["value_b"]
        assert found["beyond_chance"] == other["beyond_chance"]


def test_accuracy_in_each_language_is_among_the_measures(done) -> None:
    ids = studies.run_ids("small")
    found = {c["measure"]: c for c in comparisons.compare_runs(small_study(), ids[1:2], ids[:1])}
    runs = {r["run"]: r for r in study_results.summary(small_study())["runs"]}
    for language in ("de", "ja"):
        by = [runs[ids[i]]["accuracy_by_language"][language]["accuracy"] for i in (1, 0)]
        assert found[f"accuracy, {language}"]["difference"] == pytest.approx(by[0] - by[1])


def test_sides_without_a_common_seed_are_refused(done) -> None:
    ids = studies.run_ids("small")
    with pytest.raises(InputError, match=r"one side has \[0, 1\], the other \[\]; choose single"):
        comparisons.compare_runs(small_study(), [ids[0], ids[3]], [])


def compared(measure: str, difference: float, verdict: str, within: bool | None = False) -> dict:
    ci = [difference - 0.1, difference + 0.1]
    values = {"value_a": difference, "value_b": 0.0, "difference": difference, "ci": ci}
    judged = {"p": 0.01, "verdict": verdict, "within_margin": within, "margin": 0.02, "n_seeds": 3}
    return {"measure": measure, "covers": "other seeds", **values, **judged}


def test_a_reading_says_what_differs_what_is_equivalent_and_what_cannot_be_told() -> None:
    frame = comparison_tables.table(
        [
            compared("skew_uptake", 0.5, "differs"),
            compared("accuracy", -0.03, "differs", within=True),
            compared("calibration", 0.01, "equivalent", within=True),
            compared("probe_original_knn", 0.4, "cannot tell"),
            compared("base_values", 0.4, "no verdict", within=None),
        ]
    )
    assert frame["measure"].tolist()[:2] == ["accuracy", "skew uptake"]
    assert frame["verdict"].iloc[0] == "differs, by less than the margin"
    text = comparison.reading(frame, "x", "y")
    assert "**2 of 4** measures differ between **x** and **y**" in text
    assert "skew uptake +0.500; accuracy \u22120.030." in text
    assert "Equivalent within the margin: calibration error." in text
    assert "is shown): language identification, test set: 15 neighbours." in text
    assert "nothing is corrected across the measures" in text
    one = comparison_tables.table([compared("accuracy", 0.0, "cannot tell")])
    assert "**0 of 1** measures" in comparison.reading(one, "x", "y")


def test_without_a_verdict_a_reading_says_that_seeds_were_not_tried() -> None:
    frame = comparison_tables.table([compared("accuracy", 0.4, "no verdict", within=None)])
    text = comparison.reading(frame, "x", "y")
    assert "Other seeds were not tried" in text and "same trained models" in text
    assert "beyond" not in text and "differ by" in text


def test_a_difference_is_written_with_its_sign_interval_and_verdict() -> None:
    def written(*given) -> str:
        return comparison.written(compared("accuracy", *given), lambda x: signed(x, 2))

    assert written(0.2, "differs") == "**+0.20** [+0.10, +0.30], differs"
    assert written(-0.1, "cannot tell") == "**\u22120.10** [\u22120.20, 0.00], cannot tell"
    assert written(0.0, "equivalent", True).endswith("equivalent (±0.02)")
    assert written(0.05, "differs", True).endswith("differs, by less than the margin (±0.02)")


def test_below_three_seeds_every_document_says_so(done) -> None:
    ids = studies.run_ids("small")
    for found in (
        study_results.summary(small_study())["comparisons"],
        comparisons.compare_runs(small_study(), ids[1:2], ids[:1]),
    ):
        assert {c["verdict"] for c in found} == {"no verdict"}
        assert {c["p"] for c in found} == {c["beyond_chance"] for c in found} == {None}
        by_rows = {c["covers"] for c in found if c["method"] == "sentences"}
        assert by_rows == {"other test sentences, these trained models"}
    assert "language_reliance" not in {
        c["measure"] for c in study_results.summary(small_study())["comparisons"]
    }
    wide = comparisons.compare_runs(small_study(), ids[1:2], ids[:1], margins=2.0)
    assert [c["margin"] for c in wide] == [2 * c["margin"] for c in found]


def test_the_setups_with_entropy_are_read_against_their_own() -> None:
    setups = [f"{s}+entropy" for s in ("balanced", "imbalanced", "imbalanced+cw")]
    assert comparisons.pairs(setups) == [
        ("imbalanced+entropy", "balanced+entropy"),
        ("imbalanced+cw+entropy", "imbalanced+entropy"),
        ("imbalanced+cw+entropy", "balanced+entropy"),
    ]


def test_every_mitigation_is_read_against_balanced_and_what_it_starts_from() -> None:
    paper = ["balanced", "imbalanced", "imbalanced+cw"]
    first = comparisons.pairs(paper)
    further = ["imbalanced+focal", "imbalanced+cw+leace", "imported", "imbalanced+unheard-of"]
    found = comparisons.pairs([*paper, *further])
    assert found[: len(first)] == first
    assert found[len(first) :] == [
        ("imported", "balanced"),
        ("imbalanced+focal", "balanced"),
        ("imbalanced+focal", "imbalanced"),
        ("imbalanced+cw+leace", "balanced"),
        ("imbalanced+cw+leace", "imbalanced+cw"),
        ("imbalanced+cw+leace", "imbalanced"),
    ]
    lossy = ["balanced", "balanced+entropy", "imbalanced+focal+entropy"]
    assert ("imbalanced+focal+entropy", "balanced+entropy") in comparisons.pairs(lossy)


def test_sides_are_setups_and_the_runs_of_those_with_several() -> None:
    runs = [
        {"run": f"{i}" * 16, "setup": s, "seed": seed, "null": False}
        for i, (s, seed) in enumerate([("balanced", 0), ("imbalanced", 0), ("imbalanced", 1)])
    ]
    found = comparison_tables.sides(runs)
    assert found["imbalanced"] == ("imbalanced, 2 seeds", ["1" * 16, "2" * 16])
    assert found["balanced"] == ("balanced", ["0" * 16])
    assert list(found)[2:] == ["1" * 16, "2" * 16]


def test_only_settings_that_differ_are_listed(done) -> None:
    ids = studies.run_ids("small")
    found = settings.differing([ids[1]], [ids[0]]).set_index("setting")
    assert found.index.tolist() == ["setup", "shares"]
    v = joint.cramers_v(run_folders.read_config(ids[1]).shares_table())
    assert found.loc["shares", "first"] == f"skewed, Cramér's V {v:.3f}"
    assert settings.differing([ids[0]], [ids[0]]).empty
    both = settings.differing([ids[0], ids[3]], [ids[0]]).set_index("setting")
    assert both.loc["seed"].tolist() == ["0, 1", "0"]


# --- reliability, subsets, studies --------------------------------------------------------------


def test_the_reliability_diagram_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"row": [f"{i}" for i in range(500)]})
    table["sentence"] = table["row"]
    table["language"] = rng.choice(["de", "fr"], 500)
    table["label"] = rng.choice(["a", "b"], 500)
    given = Predictions(table, rng.dirichlet([1, 1], 500), ("a", "b"), ("de", "fr"))
    found = reliability(given)
    right = given.predicted == given.truth
    for language in ("all", "de", "fr"):
        rows = (
            np.ones(500, bool) if language == "all" else (table["language"] == language).to_numpy()
        )
        mine = found[found["language"] == language]
        accuracy, confidence = calibration_curve(
            right[rows], given.probabilities.max(axis=1)[rows], n_bins=15
        )
        assert mine["accuracy"].tolist() == pytest.approx(accuracy.tolist())
        assert mine["confidence"].tolist() == pytest.approx(confidence.tolist())
        assert mine["n"].sum() == rows.sum()
        error = (mine["n"] * (mine["accuracy"] - mine["confidence"]).abs()).sum() / rows.sum()
        assert error == pytest.approx(calibration_error(given).loc[language, "ece"])


def test_shared_rows_are_those_of_the_files(done) -> None:
    ids = studies.run_ids("small")
    taken = {
        run: set(
            pd.read_parquet(done / run / "subset.parquet").query("split == 'validation'")["row"]
        )
        for run in ids
    }
    found = overlap.shared_rows(small_study(), "validation")
    assert len(found) == 16
    for run, other, n, largest in found.itertuples(index=False):
        assert n == len(taken[run] & taken[other]) <= largest
    assert overlap.shared_rows(replace(small_study(), members=()), "train").empty


def test_designs_have_the_sizes_of_the_runs(done) -> None:
    found = overlap.designs(small_study())
    assert list(found) == [
        "balanced, train", "balanced, validation", "imbalanced, train", "imbalanced, validation"
    ]  # fmt: skip
    assert [t.to_numpy().sum() for t in found.values()] == [180, 72, 180, 72]


def test_studies_are_listed_with_what_most_needs_attention(copied) -> None:
    ids = studies.run_ids("small")
    assert overview.studies()[["study", "state", "done", "runs"]].values.tolist() == [
        ["small", "done", 4, 4]
    ]
    assert overview.broken_runs().empty
    for run, state in ((ids[0], "queued"), (ids[1], "failed")):
        (copied / run / "COMPLETE").unlink()
        (copied / run / "status.json").write_text(json.dumps({"state": state, "message": "x"}))
    listed = overview.studies().iloc[0]
    assert (listed["state"], listed["done"]) == ("failed", 2)
    assert overview.broken_runs()["run"].tolist() == [ids[1]]
    (copied / "studies" / "small" / "study.toml").write_text("[")
    assert overview.studies().iloc[0]["state"] == "failed"
    assert "does not read" in overview.studies().iloc[0]["message"]


def test_each_question_is_corrected_over_its_own_pairs_alone() -> None:
    """A mitigation that is added takes nothing from the evidence of the skew."""
    names = ["balanced", "imbalanced", "imbalanced+cw", "imbalanced+focal", "imbalanced+prior"]
    found = comparisons.pairs(names)
    by_question: dict[str, list[tuple[str, str]]] = {}
    for a, b in found:
        by_question.setdefault(comparisons.question(a, b), []).append((a, b))
    assert by_question == {
        "the paper's pairs": [
            ("imbalanced", "balanced"),
            ("imbalanced+cw", "imbalanced"),
            ("imbalanced+cw", "balanced"),
        ],
        "mitigations against balanced": [
            ("imbalanced+focal", "balanced"),
            ("imbalanced+prior", "balanced"),
        ],
        "mitigations against none": [
            ("imbalanced+focal", "imbalanced"),
            ("imbalanced+prior", "imbalanced"),
        ],
    }
    assert comparisons.most_together(found) == 3
    assert comparisons.question("balanced (null)", "balanced") == "the paper's pairs"


def test_the_entropy_loss_is_read_against_balanced_where_balanced_has_it_not() -> None:
    names = ["balanced", "imbalanced", "imbalanced+entropy"]
    assert ("imbalanced+entropy", "balanced") in comparisons.pairs(names)
    assert ("imbalanced+entropy", "balanced") not in comparisons.pairs([*names, "balanced+entropy"])
