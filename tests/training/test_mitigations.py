"""Mitigations from end to end, at the shipped settings: what a run of each stores is what its saved
files say, read in plain transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForTokenClassification, AutoTokenizer

from core.attribution.attribute import attribute
from core.attribution.result import Sentence
from core.attribution.typed_text import read_sentences
from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.config import RunConfig
from core.corpora import identify
from core.mitigation import setups
from core.models.session import Session
from core.progress import Terminated
from core.training import run as training_run
from core.training.run import train_run

STUDY = """
name = "all"
corpus = "{corpus}"
encoder = "tiny"
labels = ["negative", "neutral", "positive"]
languages = ["de", "en", "fr"]
groups = [["fr"], ["de", "en"]]
setups = [{setups}]
train_per_language = 18
validation_per_language = 60
test_per_language = 12
[training]
epochs = 2
batch_size = 8
accumulation = 2
max_length = 24
frozen_layers = {frozen}
"""
NAMES = list(dict.fromkeys(["balanced", *setups.suggested(), "imbalanced+focal+prior"]))


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory) -> Path:
    from core.corpora import synthetic

    path = tmp_path_factory.mktemp("mitigated") / "corpus.parquet"
    pq.write_table(synthetic.generate({"train": 40, "validation": 40, "test": 8}), path)
    return path


def start(folder: Path, corpus: Path, names: list[str], frozen: int = 1) -> Path:
    text = STUDY.format(
        corpus=corpus, setups=", ".join(f'"{name}"' for name in names), frozen=frozen
    )
    (folder / "all.toml").write_text(text)
    return folder / "all.toml"


@pytest.fixture(scope="module")
def checkpoints(once, corpus_file) -> Path:
    def make(folder: Path) -> None:
        assert main(["study", str(start(folder, corpus_file, NAMES))]) == 0

    return once("mitigations", make)


@pytest.fixture
def runs(checkpoints, monkeypatch) -> dict[str, tuple[RunConfig, Path]]:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(checkpoints))
    found = studies.read_started("all")
    return {m.setup: (found.config_of(m.run), run_folders.folder(m.run)) for m in found.members}


def logits_and_vectors(folder: Path, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Of the saved model in plain transformers, a text at a time."""
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    logits, vectors = [], []
    with torch.no_grad():
        for text in texts:
            given = tokenizer(text, truncation=True, max_length=24, return_tensors="pt")
            output = model(**given, output_hidden_states=True)
            logits.append(output.logits[0, 0].numpy())
            vectors.append(output.hidden_states[-1][0, 0].numpy())
    return np.array(logits), np.array(vectors)


def test_each_setup_is_trained_measured_and_its_own(runs) -> None:
    assert list(runs) == sorted(NAMES, key=lambda n: setups.parse(n).correction is not None)
    assert len({config.run_id for config, _ in runs.values()}) == len(NAMES)
    stored = {}
    for name, (_, folder) in runs.items():
        assert (folder / "COMPLETE").exists() and (folder / "probes.json").exists(), name
        frame = pd.read_parquet(folder / "predictions.parquet")
        stored[name] = frame.filter(like="p_").to_numpy()
    same = [
        (a, b)
        for i, a in enumerate(NAMES)
        for b in NAMES[:i]
        if np.array_equal(stored[a], stored[b])
    ]
    # Labels are even over all: weights without regard to language are 1, and those to
    # independence are the paper's. Erasure leaves a model alone that does not use the language.
    assert set(same) <= {
        ("imbalanced+global-cw", "imbalanced"),
        ("imbalanced+independent-cw", "imbalanced+cw"),
        ("imbalanced+prior-identified", "imbalanced+prior"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_what_the_saved_files_say(runs, name, corpus_file) -> None:
    config, folder = runs[name]
    rows = pd.read_parquet(folder / "predictions.parquet")
    corpus = pd.read_parquet(corpus_file)
    texts = corpus.set_index("row")["text"].loc[rows["row"]].tolist() if "row" in corpus else None
    if texts is None:
        loaded = Session().corpus(config).table.to_pandas().set_index("row")
        texts = loaded["text"].loc[rows["row"]].tolist()
    logits, vectors = logits_and_vectors(folder / "model", texts)
    correction = folder / "model" / "correction.safetensors"
    if correction.exists():
        with safe_open(correction, "np") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if "offsets" in tensors:
            spoken = rows["language"].tolist()
            if name.endswith("identified"):
                spoken = identify.languages_of(texts, config.languages)
            logits = logits + tensors["offsets"][[config.languages.index(x) for x in spoken]]
        if "map" in tensors:
            vectors = vectors @ tensors["map"].T + tensors["shift"]
    expected = torch.tensor(logits).softmax(-1).numpy()
    assert rows.filter(like="p_").to_numpy() == pytest.approx(expected, abs=1e-5)
    stored = np.stack(pd.read_parquet(folder / "embeddings.parquet")["cls"].to_list())
    assert stored == pytest.approx(vectors, abs=1e-4)


def test_a_correction_is_the_formula_over_the_model_that_it_corrects(runs) -> None:
    """`prior` by hand: the stored probabilities of the trained run over p(label | language)."""
    _, before = runs["imbalanced"]
    config, after = runs["imbalanced+prior"]
    first, second = (pd.read_parquet(x / "predictions.parquet") for x in (before, after))
    subset = pd.read_parquet(before / "subset.parquet").query("split == 'train'")
    table = Session().corpus(config).table.to_pandas().set_index("row").loc[subset["row"]]
    counts = pd.crosstab(table["language"], table["label"])
    given = counts.div(counts.sum(axis=1), axis=0)
    odds = np.stack(
        [first[f"p_{c}"] / given.loc[first["language"], c].to_numpy() for c in config.labels],
        axis=1,
    )
    expected = odds / odds.sum(axis=1, keepdims=True)
    assert second.filter(like="p_").to_numpy() == pytest.approx(expected, abs=1e-5)


def test_corrections_share_the_file_of_the_weights_where_they_stay(runs) -> None:
    weights = {n: (folder / "model" / "model.safetensors") for n, (_, folder) in runs.items()}
    assert weights["imbalanced+prior"].samefile(weights["imbalanced"])
    assert weights["imbalanced+focal+prior"].samefile(weights["imbalanced+focal"])
    assert not weights["imbalanced+leace"].samefile(weights["imbalanced"])


def test_a_correction_says_whose_model_it_corrects_and_trains_nothing(runs) -> None:
    of_training = json.loads((runs["imbalanced"][1] / "metrics.json").read_text())
    for name in ("prior", "prior-identified", "label-shift", "last-layer", "leace"):
        _, folder = runs[f"imbalanced+{name}"]
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["corrects"] == runs["imbalanced"][0].run_id
        assert metrics["training"] == of_training["training"]
        assert not (folder / "progress.jsonl").exists()


def test_fewer_rows_are_trained_on_where_rows_are_left_out(runs) -> None:
    under = json.loads((runs["imbalanced+undersample"][1] / "metrics.json").read_text())
    assert under["n_drawn"] < under["n_train"] == 54
    assert under["training"]["steps"] < 2 * 4
    over = json.loads((runs["imbalanced+oversample"][1] / "metrics.json").read_text())
    assert over["training"]["steps"] == 2 * 4


def test_base_values_of_a_model_that_is_told_the_language_are_of_each_language(runs) -> None:
    before, after = (
        pd.read_parquet(runs[name][1] / "base_values.parquet")
        for name in ("imbalanced", "imbalanced+prior")
    )
    assert after["texts"].sum() == before["texts"].sum() == 36
    assert len(after) > len(before)


def test_attributions_add_up_to_what_a_told_model_says(runs, checkpoints) -> None:
    """Of each text in its language: values and base value sum to the stored probability."""
    done = attribute(
        studies.read_started("all"), Session(), lambda what, share: None, per_language=3
    )
    for name in ("imbalanced+prior", "imbalanced+prior-identified", "imbalanced+leace"):
        config, folder = runs[name]
        files = sorted((folder / "attributions" / done.key).glob("*.parquet"))
        found = pd.concat(pd.read_parquet(file) for file in files)
        rows = pd.read_parquet(folder / "predictions.parquet").set_index("row")
        assert len(found) == 9 * len(config.labels)
        for one in found.to_dict("records"):
            stored = rows.loc[one["row"], f"p_{one['class']}"]
            assert one["output"] == pytest.approx(stored, abs=1e-5)
            assert one["base"] + sum(one["values"]) == pytest.approx(stored, abs=1e-4)


@pytest.mark.parametrize("name", ["imbalanced+dro", "imbalanced+reversal"])
def test_what_a_mitigation_learns_on_its_way_survives_an_interruption(
    name, corpus_file, tmp_path, monkeypatch
) -> None:
    """Ended after an evaluation and resumed, it gives the weights of a run that was not."""
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "one"))
    assert main(["study", str(start(tmp_path, corpus_file, ["balanced", name], 0))]) == 0
    [run] = [m.run for m in studies.read_started("all").members if m.setup == name]
    whole = pd.read_parquet(run_folders.folder(run) / "predictions.parquet")
    config = run_folders.read_config(run)

    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "two"))
    run_folders.create(config)

    class Killed(Exception):
        pass

    def kill(what: str, share: float) -> None:
        if what == "training" and share > 0.7:
            raise Killed

    with pytest.raises((Killed, Terminated)):
        train_run(run, Session(), kill)
    assert list((run_folders.folder(run) / "resume").glob("checkpoint-*"))
    train_run(run, Session())
    resumed = pd.read_parquet(run_folders.folder(run) / "predictions.parquet")
    pd.testing.assert_frame_equal(whole, resumed, atol=1e-6)


def test_a_correction_trains_the_model_that_it_corrects_where_nobody_has(
    corpus_file, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path))
    path = start(tmp_path, corpus_file, ["imbalanced", "imbalanced+prior"])
    from core.studies import planning, study

    plan = planning.plan(study.read(str(path)), Session())
    by_setup: dict[str, Any] = {c.setup: c for c in plan.runs.values()}
    last = run_folders.create(by_setup["imbalanced+prior"])
    trained: list[str] = []
    plain = training_run._execute
    monkeypatch.setattr(
        training_run,
        "_execute",
        lambda path, *more: (trained.append(path.name), plain(path, *more)),
    )
    train_run(last, Session())
    assert trained == [by_setup["imbalanced"].run_id]
    assert run_folders.is_complete(last)


@pytest.mark.parametrize("attributed", [False, True])
@pytest.mark.parametrize(("said", "told"), [(None, "en"), ("de", "de"), ("xx", "en")])
def test_a_typed_text_is_told_in_its_language_or_as_it_is_identified(
    runs, said, told, attributed
) -> None:
    text = "According to my sister, the phone is wonderful and I like it very much."
    before, after = (runs[name][0].run_id for name in ("imbalanced", "imbalanced+prior"))
    [one] = read_sentences(
        [before, after], [Sentence(text, language=said)], lambda what, share: None,
        attributed=attributed,
    )["sentences"]  # fmt: skip
    found = one["runs"]
    assert found[after]["language"] == told
    assert "language" not in found[before]
    config, folder = runs["imbalanced+prior"]
    logits, _ = logits_and_vectors(folder / "model", [text])
    with safe_open(folder / "model" / "correction.safetensors", "np") as file:
        offset = file.get_tensor("offsets")[config.languages.index(told)]
    expected = torch.tensor(logits[0] + offset).softmax(-1).tolist()
    assert found[after]["output"] == pytest.approx(expected, abs=1e-5)
