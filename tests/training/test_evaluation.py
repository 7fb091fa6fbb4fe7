from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import torch

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.errors import InputError
from core.measures.probes import probe
from core.models.classifier import collate, read
from core.models.prediction import encode
from core.models.session import Session
from core.models.tokens import mask_content
from core.results.run_measures import measure
from core.sampling.subsets import subset
from core.training import evaluation


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def show(capsys: pytest.CaptureFixture, name: str) -> dict:
    capsys.readouterr()
    assert main(["show", name, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_base_values_are_the_outputs_for_masked_texts(done) -> None:
    run_id = studies.run_ids("small")[0]
    config = run_folders.read_config(run_id)
    classifier = read(done / run_id / "model")
    corpus = Session().corpus(config)
    rows = set(subset(config, corpus, "test"))
    part = corpus.table.filter([row in rows for row in corpus.table["row"].to_pylist()])
    tokens = encode(classifier, part, config.training.max_length)
    pad = classifier.tokenizer.pad_token_id
    values = []
    for text in tokens:
        masked = mask_content(text, classifier.tokenizer)
        assert len(masked.ids) == len(text.ids)
        assert masked.ids[0] == text.ids[0] and masked.ids[-1] == text.ids[-1]
        with torch.no_grad():
            values.append(classifier(collate([masked], pad)).logits.softmax(-1)[0].numpy())
    stored = pd.read_parquet(done / run_id / "base_values.parquet")
    assert stored["texts"].sum() == len(tokens)
    found = measure(run_id, config, None)["base_values"]
    expected = np.mean(values, axis=0)
    assert list(found["mean"].values()) == pytest.approx(expected.tolist(), abs=1e-5)
    distance = np.abs(np.array(values) - 1 / 3).sum(axis=1).mean() / 2
    assert found["distance_from_uniform"] == pytest.approx(distance, abs=1e-5)
    assert found["n"] == len(tokens)


def test_probes_are_those_of_the_stored_vectors(done) -> None:
    run_id = studies.run_ids("small")[1]
    stored = json.loads((done / run_id / "probes.json").read_text())["original"]
    frame = pd.read_parquet(done / run_id / "embeddings.parquet")
    vectors = np.stack(frame["cls"])
    expected = probe(vectors, frame["language"].to_numpy(), frame["sentence"].to_numpy())
    for key in ("accuracy", "accuracy_released", "knn", "chance", "n"):
        assert stored[key] == pytest.approx(getattr(expected, key))
    assert stored["before_fine_tuning"] > stored["chance"]


def test_probes_of_older_versions_read_without_their_control_task(copied) -> None:
    run_id = studies.run_ids("small")[0]
    config, path = run_folders.read_config(run_id), copied / run_id / "probes.json"
    now = json.loads(path.read_text())
    older = {"original": now["original"] | {"control": 0.17, "selectivity": 0.6}}
    path.write_text(json.dumps(older))
    assert measure(run_id, config, None)["probe"] == {"original": now["original"]}


def test_show_has_the_documented_keys(done, capsys) -> None:
    document = show(capsys, "small")
    for run in document["runs"]:
        probed = set(run["probe"]["original"])
        assert {"accuracy", "accuracy_released", "knn", "chance", "before_fine_tuning"} <= probed
        assert set(run["skew_uptake_by_class"]) == set(document["labels"])
        assert set(run["skew_uptake_by_language"]) == set(document["languages"])
        assert 0.001 <= run["language_effect_p"] <= 1
        low, high = run["language_effect_ci"]
        assert low <= high
        assert set(run["calibration"]) == {"all", *document["languages"]}
        assert set(run["calibration"]["all"]) == {"ece", "rms", "rms_ci", "n"}
        assert run["base_values"]["n"] == run["n_test"]
        matrix = pd.DataFrame(run["confusion"]["de"]).T
        assert matrix.to_numpy().sum() == 24
    comparisons = document["comparisons"]
    assert {"a", "b", "measure", "difference", "ci", "n_seeds", "beyond_chance", "verdict",
            "margin", "covers"} <= set(comparisons[0])  # fmt: skip
    by_key = {(c["a"], c["b"], c["measure"]): c for c in comparisons}
    runs = {r["setup"]: r for r in document["runs"] if not r["null"]}
    found = by_key["imbalanced", "balanced", "accuracy"]
    assert found["n_seeds"] == 1
    assert found["difference"] == pytest.approx(
        runs["imbalanced"]["accuracy"] - runs["balanced"]["accuracy"]
    )
    null = by_key["balanced (null)", "balanced", "skew_uptake"]
    values = [r["skew_uptake"] for r in document["runs"] if r["setup"] == "balanced"]
    assert null["difference"] == pytest.approx(values[1] - values[0])
    assert by_key["imbalanced", "balanced", "probe_original_knn"]["beyond_chance"] is None
    assert main(["show", "small"]) == 0
    text = capsys.readouterr().out
    assert "language identification from CLS vectors of the test set: n = 144" in text
    assert "before fine-tuning" in text
    assert "(Holm)" in text
    assert "minus balanced, paired by seed; 95 % intervals cover other test sentences" in text
    assert "Other seeds were not tried" in text


def test_missing_artefacts_are_made_and_the_same(copied, study_file) -> None:
    run_id = studies.run_ids("small")[2]
    before = {n: (copied / run_id / n).read_bytes() for n in evaluation.FILES}
    for name in evaluation.FILES:
        (copied / run_id / name).unlink()
    config = run_folders.read_config(run_id)
    assert measure(run_id, config, None)["base_values"] is None
    assert measure(run_id, config, None)["probe"] == {}
    assert main(["study", str(study_file)]) == 0
    after = json.loads((copied / run_id / "probes.json").read_text())
    assert after["original"] == pytest.approx(json.loads(before["probes.json"])["original"])
    assert measure(run_id, config, None)["base_values"]["n"] == 144


@pytest.mark.parametrize("labelled", [True, False])
def test_an_external_corpus_is_probed_in_the_languages_of_the_run(
    study_file, tmp_path, labelled
) -> None:
    """Without labels, and its columns by names of their own, where it has none."""
    rng = np.random.default_rng(0)
    words = {"de": "der die das und", "en": "the of and to", "xx": "xa xb xc xd"}
    rows = [
        {"text": " ".join(rng.choice(w.split(), 6)), "label": x, "language": x, "split": "all"}
        for x, w in words.items()
        for _ in range(40)
    ]
    frame = pd.DataFrame(rows)
    text = study_file.read_text().replace('"imbalanced", "imbalanced+cw"', '"imbalanced"')
    if not labelled:
        frame = frame.drop(columns="label").rename(columns={"text": "body", "language": "lang"})
        text += '[external_columns]\ntext = "body"\nlanguage = "lang"\n'
    frame.to_csv(tmp_path / "external.csv", index=False)
    path = study_file.parent / "with-external.toml"
    path.write_text(
        text.replace('name = "small"', f'name = "ext"\nexternal = "{tmp_path / "external.csv"}"')
    )
    assert main(["study", str(path)]) == 0
    run_id = studies.run_ids("ext")[0]
    found = measure(run_id, run_folders.read_config(run_id), None)["probe"]["external"]
    assert found["n"] == 80
    assert found["chance"] == 0.5
    vectors = pd.read_parquet(run_folders.folder(run_id) / "external_embeddings.parquet")
    assert vectors.groupby("language").size().to_dict() == {"de": 40, "en": 40}
    assert run_folders.read_config(run_id).external_hash


def test_entropy_setups_train_and_are_compared(study_file, capsys) -> None:
    path = study_file.parent / "entropy.toml"
    text = study_file.read_text().replace('"imbalanced", "imbalanced+cw"', '"balanced+entropy"')
    path.write_text(text.replace('name = "small"', 'name = "ent"\nseeds = [0, 1, 2]'))
    assert main(["study", str(path)]) == 0
    document = show(capsys, "ent")
    assert [r["null"] for r in document["runs"]] == [False] * 6
    assert document["runs"][0]["skew_uptake"] is None  # no skewed design in this study
    found = [c for c in document["comparisons"] if c["measure"] == "base_values"]
    assert [(c["a"], c["b"], c["n_seeds"]) for c in found] == [("balanced+entropy", "balanced", 3)]
    assert found[0]["method"] == "seeds"
    assert isinstance(found[0]["beyond_chance"], bool)


def test_the_index_is_a_snapshot_that_duckdb_opens(copied, capsys) -> None:
    (copied / studies.run_ids("small")[3] / "config.json").write_text("{")
    assert main(["index"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == copied / "index.duckdb"
    with duckdb.connect(str(path), read_only=True) as reader:
        rows = reader.execute(
            "SELECT setup, seed, state, accuracy, metrics->>'n_test' FROM runs ORDER BY setup, seed"
        ).fetchall()
        assert [r[2] for r in rows].count("done") == 3
        assert rows[0][0] == "balanced" and rows[0][4] == "144"
        assert reader.execute("SELECT count(*) FROM studies").fetchone() == (4,)
        counts = reader.execute(
            "SELECT count(*), count(DISTINCT run) FROM predictions JOIN runs USING (run) "
            "WHERE setup = 'imbalanced'"
        ).fetchone()
        assert counts == (144, 1)
        main(["index"])  # written anew while somebody reads
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (4,)
    assert not list(copied.glob(".index*"))


def test_prune_lists_and_deletes_only_what_is_asked(copied, capsys, monkeypatch) -> None:
    ids = studies.run_ids("small")
    assert main(["prune"]) == 0
    assert "4 runs" in capsys.readouterr().out
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert main(["prune", ids[3]]) == 0
    assert (copied / ids[3]).exists()
    assert main(["prune", "--unused", "--yes"]) == 0
    assert all((copied / run).exists() for run in ids)
    assert main(["prune", ids[3][:8], "--yes"]) == 0
    assert not (copied / ids[3]).exists()
    assert all((copied / run).exists() for run in ids[:3])
    with run_folders.claim(ids[0]):
        assert main(["prune", ids[0], "--yes"]) == 2
    assert (copied / ids[0]).exists()


def test_a_tokenizer_without_a_mask_is_refused_by_name(done) -> None:
    classifier = read(done / studies.run_ids("small")[0] / "model")
    classifier.tokenizer.mask_token = None
    from core.models.tokens import Tokens

    with pytest.raises(InputError, match="has no mask token"):
        mask_content(Tokens((1, 2), None), classifier.tokenizer)
