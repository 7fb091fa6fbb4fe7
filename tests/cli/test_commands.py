"""Commands, and what they leave on disk."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.models.session import Session
from core.results import mitigations
from core.sampling import designs, subsets
from tests.helpers.commands import show


def test_a_study_from_the_command_line_gives_whole_run_folders(done, capsys) -> None:
    listed = show(capsys, "runs")["runs"]
    assert [r["state"] for r in listed] == ["done"] * 4
    for run in listed:
        folder = run_folders.folder(run["run"])
        expected = {
            "config.json", "status.json", "progress.jsonl", "subset.parquet", "model",
            "metrics.json", "predictions.parquet", "embeddings.parquet", "COMPLETE", "lock",
            "base_values.parquet", "probes.json", "FORMAT",
        }  # fmt: skip
        assert {p.name for p in folder.iterdir()} == expected
        lines = [json.loads(x) for x in (folder / "progress.jsonl").read_text().splitlines()]
        assert sum("validation_loss" in x for x in lines) == 2
        embeddings = pd.read_parquet(folder / "embeddings.parquet")
        predicted = pd.read_parquet(folder / "predictions.parquet")
        assert embeddings["row"].tolist() == predicted["row"].tolist()
        assert np.stack(embeddings["cls"]).dtype == np.float32
        assert len(pd.read_parquet(folder / "subset.parquet")) == 6 * (30 + 12 + 24)


def test_show_has_the_documented_keys_and_numbers_that_follow_from_the_files(done, capsys) -> None:
    document = show(capsys, "show", "small")
    assert document["study"] == "small"
    assert document["encoder"] == "tiny"
    assert document["groups"] == [["es", "fr", "ja"], ["de", "en", "zh"]]
    assert [r["null"] for r in document["runs"]] == [False, False, False, True]
    for run in document["runs"]:
        frame = pd.read_parquet(done / run["run"] / "predictions.parquet")
        labels = document["labels"]
        predicted = frame[[f"p_{c}" for c in labels]].to_numpy().argmax(axis=1)
        predicted = np.array(labels)[predicted]
        assert run["accuracy"] == pytest.approx(accuracy_score(frame["label"], predicted))
        low, high = run["accuracy_ci"]
        assert low <= run["accuracy"] <= high
        assert run["n_train"] == 180
        assert run["n_test"] == 144
        german = predicted[(frame["language"] == "de").to_numpy()]
        assert run["predictions"]["de"] == pytest.approx({c: (german == c).mean() for c in labels})
        assert run["skew_uptake_ci"][0] <= run["skew_uptake"] <= run["skew_uptake_ci"][1]
        assert isinstance(run["soft_uptake"], float)
    capsys.readouterr()
    assert main(["show", "small"]) == 0
    text = capsys.readouterr().out
    assert "imbalanced+cw" in text and "95 % intervals" in text and "balanced (null)" in text


def test_show_of_one_run_and_of_none(done, capsys) -> None:
    run_id = show(capsys, "runs")["runs"][0]["run"]
    assert show(capsys, "show", run_id[:6])["config"]["corpus"].endswith("reviews.parquet")
    assert main(["show", run_id]) == 0
    assert "accuracy" in capsys.readouterr().out
    assert main(["show", "nothing"]) == 2
    assert "Studies that were started: small" in capsys.readouterr().err


def test_the_test_set_keeps_the_corpus_order(done, study_file) -> None:
    run_id = studies.run_ids("small")[0]
    predicted = pd.read_parquet(done / run_id / "predictions.parquet")["row"].tolist()
    config = run_folders.read_config(run_id)
    order = Session().corpus(config).table["row"].to_pylist()
    assert predicted == [row for row in order if row in set(predicted)]


def test_the_same_config_is_never_trained_twice(done, study_file, capsys) -> None:
    before = {p: p.stat().st_mtime_ns for p in done.glob("*/model/*")}
    assert main(["study", str(study_file)]) == 0
    assert {p: p.stat().st_mtime_ns for p in done.glob("*/model/*")} == before


def test_a_dry_run_says_what_exists_and_the_rows_of_each_cell(done, study_file, capsys) -> None:
    assert main(["study", str(study_file), "--seeds", "0,7", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert text.count(" done ") == 3
    assert text.count(" new ") == 3
    assert "rows of each cell, imbalanced" in text
    assert "With 2 seeds there is no verdict on any difference" in text
    assert "seeds needed" in text and "at Holm" not in text
    assert [line.split() for line in text.splitlines() if line.startswith("fr ")][1] == [
        "fr", "5", "10", "15", "|", "2", "4", "6"
    ]  # fmt: skip


def test_errors_go_to_standard_error_with_exit_code_2(capsys) -> None:
    for arguments in (
        ["study", "nothing"],
        ["audit", "nothing.csv"],
        ["train", "nothing"],
        ["study", "demo", "--seeds", "a"],
        ["audit", "synthetic", "--column", "x"],
    ):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("langskew: ")
        assert "Traceback" not in err


def test_audit_of_a_skewed_file(tmp_path, capsys) -> None:
    shares = designs.design_shares("linear", ["fr", "de"], ["1", "2", "3"], (("fr",), ("de",)))
    counts = subsets.allocate(120, shares)
    rows = [
        {"text": f"{lang} {c} {i}", "label": c, "lang": lang, "split": "train"}
        for lang in counts.index
        for c in counts
        for i in range(counts.loc[lang, c])
    ]
    pd.DataFrame([*rows, {"text": "", "label": "1", "lang": "fr", "split": "train"}]).to_csv(
        tmp_path / "a.csv", index=False
    )
    found = show(capsys, "audit", str(tmp_path / "a.csv"), "--column", "language=lang")
    assert found["rows"] == 120
    assert found["dropped"] == {"empty text": 1}
    assert found["joint"]["fr"] == {"1": 10, "2": 20, "3": 30}
    assert found["language_only_accuracy"] == 0.5
    assert found["cramers_v"] == pytest.approx(0.408, abs=0.001)
    assert found["mutual_information_bits"] == pytest.approx(0.1258, abs=1e-3)
    assert main(["audit", str(tmp_path / "a.csv"), "--column", "language=lang"]) == 0
    assert "dropped 1 rows: empty text" in capsys.readouterr().out


def test_mitigations_of_a_study_and_those_there_are(mitigated, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(mitigated))
    assert main(["mitigations", "mitigated"]) == 0
    said = capsys.readouterr().out
    assert "imbalanced+undersample" in said and "Sorted by the distance" in said
    assert "**" not in said and "\\" not in said
    assert main(["mitigations", "mitigated", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"][0]["setup"] == "balanced"
    assert main(["mitigations", "mitigated", "--csv"]) == 0
    frame = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert frame["setup"].tolist() == [row["setup"] for row in document["rows"]]
    assert frame["accuracy"].tolist() == [row["accuracy"]["value"] for row in document["rows"]]
    assert main(["mitigations", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["mitigations"]
    assert {"name", "title", "source", "about", "settings"} <= set(listed[0])
    assert main(["mitigations", "--list"]) == 0
    assert "+cw  class weights per language" in capsys.readouterr().out
    assert main(["mitigations", "--json", "--csv"]) == 2
    assert main(["mitigations", "gone"]) == 2
    monkeypatch.setattr(mitigations, "of_study", lambda study: {**document, "rows": []})
    assert main(["mitigations", "mitigated"]) == 2
    assert "no setup that is trained here is done" in capsys.readouterr().err
