from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.config import Recipe, RunConfig
from core.errors import InputError
from core.models.session import Session
from core.results import study_results
from core.sampling import designs, subsets
from core.studies import planning, study
from core.studies.study import Study, from_document
from core.training.run import train_run
from tests.conftest import SMALL_STUDY


def write(folder: Path, text: str) -> Path:
    path = folder / "other.toml"
    path.write_text(text)
    return path


def show(capsys: pytest.CaptureFixture, *arguments: str) -> dict:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_shipped_studies_read() -> None:
    demo = study.read("demo")
    assert demo.corpus == "multiemo"
    assert demo.training.frozen_layers == 8
    assert study.read("synthetic").encoder == "tiny"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('encoder = "tiny"', 'encoders = "tiny"', "unknown key encoders; known are name, corpus"),
        ('corpus = "reviews.parquet"', "", "corpus missing"),
        ('"imbalanced+cw"', '"imbalanced+x"', r"unknown setup 'imbalanced\+x'; known are balanced"),
        ('"imbalanced+cw"', '"balanced"', "expected one or more, each once"),
        ("train_per_language = 30", "train_per_language = 0", "train_per_language is 0"),
        ("epochs = 2", "epoch = 2", "known keys are epochs, batch_size"),
        ("epochs = 2", 'epochs = "two"', r"epochs is 'two'; expected int"),
        ('name = "small"', 'name = "../small"', "study name is '../small'"),
        ('name = "small"', 'name = ""', "study name is ''"),
        ('name = "small"', "seeds = [0.5]", "seeds is .0.5.; expected a list of int"),
        ('name = "small"', "seeds = [-1]", "seeds has .-1."),
        ('name = "small"', 'groups = ["fr"]', "groups is .'fr'.; expected two lists"),
        ('name = "small"', "name = ", "is not TOML"),
    ],
)
def test_a_wrong_study_is_refused_by_name(study_file, tmp_path, old, new, message) -> None:
    assert old in SMALL_STUDY
    with pytest.raises(InputError, match=message):
        study.read(str(write(tmp_path, SMALL_STUDY.replace(old, new, 1))))


def test_an_unknown_study_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="shipped are amazon-mbert, .* demo-entropy, .*, started"):
        study.read("dmeo")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "train_per_language = 30",
            "train_per_language = 300",
            r"\(de, negative\) needs 150 and has 40.* works is 80\.",
        ),
        ("validation_per_language = 12", "validation_per_language = 90", "largest validation_per_"),
        (
            "test_per_language = 24",
            "test_per_language = 2",
            "test_per_language is 2, too few for 3",
        ),
        ('encoder = "tiny"', 'encoder = "nobody/nothing"', "hub did not answer for nobody/nothing"),
        ('name = "small"', 'languages = ["en", "xx"]', "languages named are en, xx"),
        ('name = "small"', 'languages = ["en", "de"]', "exactly one of two groups"),
        ('name = "small"', 'external = "nowhere.csv"', "neither a preset"),
    ],
)
def test_a_study_that_cannot_work_is_refused_before_it_trains(
    study_file, old, new, message
) -> None:
    text = SMALL_STUDY.replace(old, new, 1)
    path = study_file.parent / "wrong.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        planning.plan(study.read(str(path)), Session())
    assert not studies.started()


def test_class_weights_without_rows_in_a_cell_are_refused_in_the_plan(study_file) -> None:
    design = "[design]\n" + "".join(
        f"{x} = {{negative = {a}, neutral = 1, positive = 1}}\n"
        for x, a in zip(("de", "en", "es", "fr", "ja", "zh"), (0, 1, 1, 1, 1, 1), strict=True)
    )
    path = study_file.parent / "empty.toml"
    path.write_text(SMALL_STUDY + design)
    with pytest.raises(InputError, match=r"none in \(de, negative\)"):
        planning.plan(study.read(str(path)), Session())


def test_the_plan_has_the_null_shared_sizes_and_the_largest_overlap(study_file) -> None:
    session = Session()
    plan = planning.plan(study.read(str(study_file)), session)
    configs = list(plan.runs.values())
    assert [(c.setup, c.seed) for c in configs] == [
        ("balanced", 0),
        ("imbalanced", 0),
        ("imbalanced+cw", 0),
        ("balanced", 1),
    ]
    from core.sampling.subsets import subset, training_counts

    for split in ("train", "validation"):
        ids = [set(subset(c, plan.corpus, split)) for c in configs]
        assert ids[1] == ids[2]
        assert len(ids[0]) == len(ids[1]) == getattr(configs[0], f"{split}_per_language") * 6
        smaller = np.minimum(training_counts(configs[0], split), training_counts(configs[1], split))
        assert len(ids[0] & ids[1]) == smaller.to_numpy().sum()
        assert ids[0] != ids[3]
    tests = [subset(c, plan.corpus, "test") for c in configs]
    assert tests[0] == tests[1] == tests[2] == tests[3]
    rows = plan.corpus.rows("test").set_index("row").loc[tests[0]]
    assert rows.groupby("sentence")["language"].nunique().eq(6).all()
    assert rows.groupby(["language", "label"]).size().eq(8).all()


def test_each_balanced_setup_has_a_null(study_file) -> None:
    from dataclasses import replace

    setups = ("balanced", "imbalanced", "balanced+entropy", "imbalanced+entropy")
    plan = planning.plan(replace(study.read(str(study_file)), setups=setups), Session())
    assert [(c.setup, c.seed) for c in plan.runs.values()] == [
        *((setup, 0) for setup in setups),
        ("balanced", 1),
        ("balanced+entropy", 1),
    ]


def test_a_study_can_have_several_nulls(study_file) -> None:
    from dataclasses import replace

    asked = replace(study.read(str(study_file)), nulls=2)
    assert study.from_document(study.to_document(asked), study_file).nulls == 2
    plan = planning.plan(asked, Session())
    of_one = planning.plan(replace(asked, nulls=1), Session())
    assert [(c.setup, c.seed) for c in plan.runs.values()][3:] == [("balanced", 1), ("balanced", 2)]
    assert list(plan.runs)[:4] == list(of_one.runs)  # the same ids
    with pytest.raises(InputError, match="nulls is -1"):
        replace(asked, nulls=-1)


def test_three_seeds_need_no_run_for_the_null(study_file) -> None:
    from dataclasses import replace

    asked = replace(study.read(str(study_file)), seeds=(0, 1, 2))
    plan = planning.plan(asked, Session())
    assert len(plan.runs) == 9


def test_sizes_left_out_are_the_largest_that_fit(study_file) -> None:
    text = SMALL_STUDY.replace("train_per_language = 30\n", "").replace(
        "validation_per_language = 12\n", ""
    )
    path = study_file.parent / "largest.toml"
    path.write_text(text)
    config = next(iter(planning.plan(study.read(str(path)), Session()).runs.values()))
    assert config.train_per_language == 80  # 40 rows a cell, half of a language in one of them
    assert config.validation_per_language == 32
    assert config.test_per_language == 24


def test_the_id_of_a_run_is_the_hash_of_what_decides_its_result() -> None:
    def config(**changes):
        values = {
            "setup": "balanced", "seed": 0, "corpus": "c", "corpus_hash": "h",
            "labels": ("a", "b"), "languages": ("x",), "encoder": "e", "encoder_revision": "r",
            "shares": {"x": {"a": 0.5, "b": 0.5}}, "train_per_language": 4,
            "validation_per_language": 2, "test_per_language": 2,
        }  # fmt: skip
        return RunConfig(**{**values, **changes})

    assert config().run_id == config(training=Recipe(), columns={}).run_id
    assert "training" not in config().canonical_json()
    others = [
        config(seed=1),
        config(corpus_hash="i"),
        config(encoder_revision="s"),
        config(training=Recipe(epochs=4)),
        config(labels=("b", "a")),
    ]
    assert len({c.run_id for c in [config(), *others]}) == 6
    for c in [config(), *others]:
        assert RunConfig.from_json(c.canonical_json()) == c
    with pytest.raises(InputError, match="unexpected keyword"):
        RunConfig.from_json(config().canonical_json().replace('"seed"', '"sead"'))


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


# --- runs that break --------------------------------------------------------------------------


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def test_a_run_without_complete_is_not_used_and_trains_to_the_same_result(copied, capsys) -> None:
    run_id = studies.run_ids("small")[1]
    before = pd.read_parquet(copied / run_id / "predictions.parquet")
    (copied / run_id / "COMPLETE").unlink()
    (copied / run_id / "predictions.parquet").unlink()
    assert run_folders.read_status(run_id)["state"] == "failed"
    entry = show(capsys, "show", "small")["runs"][1]
    assert entry["state"] == "failed" and "COMPLETE is missing" in entry["message"]
    assert "accuracy" not in entry
    train_run(run_id)
    pd.testing.assert_frame_equal(pd.read_parquet(copied / run_id / "predictions.parquet"), before)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("predictions.parquet", b"PAR1 half", "does not read"),
        ("metrics.json", b'{"accuracy": ', "does not read"),
    ],
)
def test_a_broken_file_is_reported_and_the_rest_still_shown(
    copied, capsys, name, content, message
) -> None:
    run_id = studies.run_ids("small")[0]
    (copied / run_id / name).write_bytes(content)
    runs = show(capsys, "show", "small")["runs"]
    assert runs[0]["state"] == "failed"
    assert message in runs[0]["message"] and name in runs[0]["message"]
    assert [r["state"] for r in runs[1:]] == ["done"] * 3
    assert main(["show", "small"]) == 0
    assert main(["runs"]) == 0


def test_a_broken_config_or_status_is_listed_with_what_is_wrong(copied, capsys) -> None:
    ids = studies.run_ids("small")
    (copied / ids[0] / "config.json").write_text("{")
    (copied / ids[1] / "status.json").write_text("")
    (copied / ids[1] / "COMPLETE").unlink()
    listed = {r["run"]: r for r in show(capsys, "runs")["runs"]}
    assert listed[ids[0]]["state"] == "failed"
    assert "not a run configuration" in listed[ids[0]]["message"]
    assert "status.json does not read" in listed[ids[1]]["message"]
    assert listed[ids[2]]["state"] == "done"


def test_a_corpus_that_changed_is_refused(copied, study_file, monkeypatch) -> None:
    run_id = studies.run_ids("small")[0]
    (copied / run_id / "COMPLETE").unlink()
    config = json.loads((copied / run_id / "config.json").read_text())
    config["corpus_hash"] = "0" * 64
    (copied / run_id / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="has changed since the run was planned"):
        train_run(run_id)
    status = run_folders.read_status(run_id)
    assert status["state"] == "failed" and "has changed" in status["message"]


def test_two_processes_do_not_train_the_same_run(copied) -> None:
    run_id = studies.run_ids("small")[0]
    (copied / run_id / "COMPLETE").unlink()
    with run_folders.claim(run_id):
        run_folders.write_status(run_id, "running")
        assert run_folders.read_status(run_id)["state"] == "running"
        done = subprocess.run(
            [sys.executable, "-m", "core", "train", run_id], capture_output=True, text=True
        )
    assert done.returncode == 2
    assert "is being trained by another process" in done.stderr


def test_results_of_a_half_done_study(copied) -> None:
    ids = studies.run_ids("small")
    shutil.rmtree(copied / ids[3])
    document = study_results.summary("small")
    assert [r["state"] for r in document["runs"]] == ["done"] * 3 + ["failed"]
    assert "has no config.json" in document["runs"][3]["message"]
    before = study_results.fingerprint("small")
    run_folders.write_status(ids[0], "done", "touched")
    assert study_results.fingerprint("small") != before
    for run_id in ids[:3]:
        shutil.rmtree(copied / run_id)
    with pytest.raises(InputError, match="has no config.json"):
        study_results.summary("small")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/x", ".x", "-x", "a/b", "a\\b", "a\0", "a\n", "a b", "x" * 101,
             "é" * 51, "\u202ex", "=x", "<b>"]
)  # fmt: skip
def test_a_name_that_is_no_plain_word_is_refused(name) -> None:
    with pytest.raises(InputError, match="study name"):
        Study(name=name, corpus="synthetic", setups=("balanced",))


@pytest.mark.parametrize("name", ["x", "demo-2", "a.b_c", "étude", "研究", "0", "x" * 100])
def test_a_plain_word_is_a_name(name) -> None:
    assert Study(name=name, corpus="synthetic", setups=("balanced",)).name == name


@pytest.mark.parametrize("key", ["corpus", "external", "encoder"])
@pytest.mark.parametrize("value", ["x" * 300, "~nobody-of-that-name/x", "a\0b"])
def test_what_can_be_no_file_is_named(key, value, tmp_path) -> None:
    document = {"corpus": "synthetic", "setups": ["balanced"], key: value}
    with pytest.raises(InputError, match="cannot be the name of a file"):
        from_document(document, tmp_path / "s.toml")
