from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.attribution import attribute as attributing
from core.attribution import store
from core.attribution.attribute import attribute
from core.checkpoints import outputs, studies
from core.checkpoints.studies import Member
from core.cli.main import main
from core.errors import InputError
from core.measures.cumulative import PARTS
from core.models.session import Session
from core.results import attributions as result_attributions
from core.results import thresholds
from core.results.attributions import attributions, pairs_of
from core.results.references import available, compared
from tests.helpers.started import small_study

KEY = "gaussian_process-16@0.01"


def silent(what: str, share: float) -> None:
    pass


@pytest.fixture
def kept(explained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Read only."""
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    return explained


@pytest.fixture
def own(explained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to change."""
    shutil.copytree(explained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def table(run: str) -> pd.DataFrame:
    return store.read("SELECT * FROM attributions ORDER BY row, class", store.files([run], KEY))


def test_texts_are_the_same_sentences_with_every_label_alike(kept) -> None:
    tables = [table(run) for run in studies.run_ids("small")]
    first = tables[0]
    for other in tables[1:]:
        assert other[["row", "class"]].equals(first[["row", "class"]])
    texts = first.drop_duplicates("row")
    assert (texts.groupby(["language", "label"]).size() == 1).all()
    sentences = texts.groupby("language")["sentence"].apply(set)
    assert all(a == b for a, b in pairwise(sentences))


def test_values_add_up_to_the_stored_predictions(kept) -> None:
    for run in studies.run_ids("small"):
        found = table(run)
        total = found["values"].map(np.sum) + found["base"]
        np.testing.assert_allclose(total, found["output"], atol=1e-9)
        predictions = outputs.read_predictions(run)
        by_row = dict(zip(predictions.rows["row"], predictions.probabilities, strict=True))
        for row in found.to_dict("records"):
            stored = by_row[row["row"]][predictions.labels.index(row["class"])]
            assert row["output"] == pytest.approx(stored, abs=1e-5)
            assert len(row["tokens"]) == len(row["values"]) == len(row["errors"])


def test_asking_again_computes_only_what_is_missing(own) -> None:
    runs = studies.run_ids("small")
    before = table(runs[0])
    assert attribute(small_study(), Session(), silent, per_language=3).computed == 0
    # A run that lost its files is explained again; the others stay as they are.
    shutil.rmtree(own / runs[1] / "attributions")
    assert attribute(small_study(), Session(), silent, per_language=4).computed == 3 * 6 + 24
    after = table(runs[0])
    assert after[after["row"].isin(before["row"])].reset_index(drop=True).equals(before)
    assert len(store.done(runs[1], KEY)) == 24


def test_what_is_done_survives_a_stop(own, monkeypatch) -> None:
    runs = studies.run_ids("small")
    for run in runs:
        shutil.rmtree(own / run / "attributions")
    monkeypatch.setattr(attributing, "SECONDS_A_FILE", 0.0)
    seen = 0

    def stop(what: str, share: float) -> None:
        nonlocal seen
        seen += what == "attributing"
        if seen == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attribute(small_study(), Session(), stop, per_language=3)
    assert all(len(store.done(run, KEY)) == 10 for run in runs)
    assert attribute(small_study(), Session(), silent, per_language=3).computed == 4 * 8
    assert available(small_study()) == {KEY: 18}


def test_a_run_without_a_reference_of_its_seed_is_named(own) -> None:
    study = small_study()
    changed = [replace(m, seed=5) if m.setup == "imbalanced+cw" else m for m in study.members]
    left = next(m.run for m in changed if m.seed == 5)
    document = attributions(replace(study, members=tuple(changed)))
    assert document["left_out"] == {left: "no run of balanced with seed 5"}
    assert document["missing"] == []


def test_folders_tell_values_of_the_first_version_from_others() -> None:
    # Those of a run depended on the runs that it was explained with.
    for budget, tolerance in ((4, 0.0), (4, 0.01), (16, 0.01)):
        old = f"gaussian_process-{budget}" + (f"-{tolerance:g}" if tolerance else "")
        assert store.key("gaussian_process", budget, tolerance) != old
    assert store.key("permutation", 8) == "permutation-8"


def test_values_of_the_first_version_are_listed_and_not_added_to(own) -> None:
    runs = studies.run_ids("small")
    for run in runs:
        store.folder(run, KEY).rename(store.folder(run, "gaussian_process-4"))
    assert available(small_study()) == {"gaussian_process-4": 18}
    assert attribute(small_study(), Session(), silent, per_language=3).computed == 4 * 18
    assert available(small_study()) == {KEY: 18, "gaussian_process-4": 18}
    assert attributions(small_study())["key"] == KEY


def test_a_tolerance_has_a_folder_of_its_own(own) -> None:
    done = attribute(small_study(), Session(), silent, per_language=3, tolerance=1e-6)
    assert done.key == "gaussian_process-16@1e-06"
    cost = attributions(small_study(), key=done.key)["cost"]
    assert cost["evaluations"] > attributions(small_study(), key=KEY)["cost"]["evaluations"]


def test_another_method_is_kept_beside(own) -> None:
    done = attribute(
        small_study(), Session(), silent, per_language=3, method="permutation", budget=2
    )
    assert available(small_study()) == {KEY: 18, "permutation-2": 18}
    document = attributions(small_study(), key=done.key)
    assert document["cost"]["standard_error"] is None  # one pair of orders has none
    assert document["texts"] == 18


@pytest.mark.parametrize("threshold", [0.0, 0.001, 0.01, 0.1])
def test_groups_and_sums_are_those_of_a_plain_loop(kept, threshold) -> None:
    document = attributions(small_study(), threshold=threshold)
    by_setup = {m.setup: m.run for m in small_study().members if m.seed == 0}
    balanced, other = table(by_setup["balanced"]), table(by_setup["imbalanced"])
    sums: dict[tuple[str, str, str], list[float]] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for a, b in zip(balanced.to_dict("records"), other.to_dict("records"), strict=True):
        cell = (a["language"], a["class"])
        text = dict.fromkeys(PARTS, 0.0)
        text["base"] = b["base"] - a["base"]
        for s, o in zip(a["values"], b["values"], strict=True):
            group = "positive" if s > threshold else "negative" if s < -threshold else "neutral"
            text[group] += o - s
            counts[*cell, group] = counts.get((*cell, group), 0) + 1
        for part, value in text.items():
            sums.setdefault((*cell, part), []).append(value)
    rows = [r for r in document["rows"] if r["setup"] == "imbalanced"]
    assert len(rows) == 6 * 3 * 4
    for row in rows:
        key = (row["language"], row["label"], row["group"])
        assert row["mean"] == pytest.approx(np.mean(sums[key]), abs=1e-11)
        assert row["n_texts"] == 3
        if row["group"] != "base":
            assert row["n_tokens"] == counts.get(key, 0)


def test_pairs_are_those_of_the_document(kept) -> None:
    document = attributions(small_study())
    assert pairs_of(small_study(), "balanced", KEY) == [
        (row["setup"], row["seed"]) for row in document["decomposition"] if row["part"] == "total"
    ]


def test_the_pages_thresholds_are_kept_until_a_file_changes(own, monkeypatch) -> None:
    at = thresholds.THRESHOLDS[::3]
    expected = {t: attributions(small_study(), threshold=t, key=KEY) for t in at}
    labelled = attributions(small_study(), threshold=0.05, key=KEY, texts="label")
    curve = result_attributions.reliance_curve(small_study())
    thresholds.keep(small_study(), KEY)
    with monkeypatch.context() as patch:
        patch.setattr(result_attributions, "attributions", None)  # not asked
        patch.setattr(result_attributions, "reliance_curve", None)
        for threshold, document in expected.items():
            assert thresholds.attributions(small_study(), "balanced", threshold, KEY) == document
        assert thresholds.attributions(small_study(), "balanced", 0.05, KEY, "label") == labelled
        # As the report, the power guide and the command line ask for them.
        assert thresholds.attributions(small_study())["threshold"] == 0.01
        assert thresholds.reliance_curve(small_study(), "balanced", KEY) == curve
    other = thresholds.attributions(small_study(), "balanced", 0.03, KEY)  # not among them
    assert other == attributions(small_study(), threshold=0.03, key=KEY)
    attribute(small_study(), Session(), silent, per_language=4)
    changed = thresholds.attributions(small_study(), "balanced", 0.01, KEY)
    assert changed["texts"] > expected[0.01]["texts"]


def test_sides_are_those_of_the_design(kept) -> None:
    document = attributions(small_study())
    sides = {(r["language"], r["label"]): r["side"] for r in document["rows"]}
    assert sides["fr", "positive"] == sides["de", "negative"] == "over"
    assert sides["de", "positive"] == "under"
    assert sides["de", "neutral"] is None


def test_seeds_are_paired_and_the_other_balanced_runs_choose_the_groups() -> None:
    entries = [
        Member(f"{setup}{seed}", setup, seed)
        for seed in (0, 1, 2)
        for setup in ("balanced", "imbalanced")
    ]
    pairs = {(p.run, p.reference): list(p.choosers) for p in compared(entries, "balanced")}
    assert pairs == {
        ("imbalanced0", "balanced0"): ["balanced1", "balanced2"],
        ("imbalanced1", "balanced1"): ["balanced0", "balanced2"],
        ("imbalanced2", "balanced2"): ["balanced0", "balanced1"],
    }
    one = [*entries[:2], Member("balanced1", "balanced", 1)]
    [pair] = compared(one, "balanced")
    assert (pair.run, pair.choosers) == ("imbalanced0", ("balanced1",))
    elsewhere = Member("other", "imported", 7)
    [*_, pair] = compared([*one, elsewhere], "balanced")
    assert (pair.run, pair.seed, pair.reference) == ("other", 0, "balanced0")
    assert compared(entries[:2], "balanced")[0].choosers == ()
    with pytest.raises(InputError, match=r"setup balanced\+entropy has attributions; those"):
        compared(entries, "balanced+entropy")


def test_the_command_prints_a_table_and_one_json_document(kept, capsys) -> None:
    assert main(["attribute", "small", "--per-language", "3"]) == 0
    printed = capsys.readouterr().out
    assert "language reliance: what neutral tokens carry" in printed
    assert "over - under" in printed
    assert (
        "cross-fitted: groups chosen by the balanced model of another seed; differences" in printed
    )
    assert "other seeds may differ by more" in printed
    assert "minus the null" not in printed
    assert main(["attribute", "small", "--per-language", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cost"]["texts"] == 18
    row = document["rows"][0]
    wanted = "setup seed label language side group mean ci crossed crossed_ci n_texts n_tokens"
    assert set(wanted.split()) <= set(row)


def test_what_cannot_work_is_named(kept, own) -> None:
    with pytest.raises(InputError, match=r"100 texts a language .* 24 a language .* Ask for 3 to"):
        attribute(small_study(), Session(), silent, per_language=100)
    with pytest.raises(InputError, match="has no attributions by lime-1; there are gaussian"):
        attributions(small_study(), key="lime-1")
    with pytest.raises(
        InputError, match=r"tolerance is 0\.1 for permutation; only gaussian_process"
    ):
        attribute(small_study(), Session(), silent, method="permutation", tolerance=0.1)
    with pytest.raises(InputError, match="threshold is 2; expected 0 to 1"):
        attributions(small_study(), threshold=2)
    broken = own / studies.run_ids("small")[0] / "attributions" / KEY / "00000.parquet"
    broken.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"00000\.parquet does not read .*; delete it"):
        attributions(small_study())


def test_a_study_without_attributions_says_how_to_make_them(done) -> None:
    with pytest.raises(InputError, match="`python -m core attribute small` makes them"):
        attributions(small_study())
