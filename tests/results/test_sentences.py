"""Single sentences: each number against the files by hand."""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.attribution import store
from core.checkpoints import run_folders, studies
from core.corpora import texts
from core.results import sentences, study_results
from core.results.schema import Sentence
from core.results.sentences import Cell, Row
from tests.helpers.started import small_study

RUNS = ("balanced", "imbalanced", "imbalanced+cw")


@pytest.fixture
def varied(explained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runs predict at random."""
    shutil.copytree(explained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    rng = np.random.default_rng(0)
    for run_id in studies.run_ids("small"):
        path = run_folders.folder(run_id) / "predictions.parquet"
        table = pq.read_table(path)
        values = rng.dirichlet([1, 1, 1], table.num_rows).astype(np.float32)
        values[:3] = np.eye(3)  # the farthest there is, in one of the sentences at least
        for i, name in enumerate(x for x in table.column_names if x.startswith("p_")):
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array(values[:, i]))
        pq.write_table(table, path)
    return tmp_path / "checkpoints"


def predictions(run: str) -> pd.DataFrame:
    return pd.read_parquet(run_folders.folder(run) / "predictions.parquet")


def by_hand(run: str) -> pd.DataFrame:
    """The largest total variation of each sentence, in plain pandas."""
    frame = predictions(run)
    columns = [c for c in frame if c.startswith("p_")]
    rows = []
    for sentence, own in frame.groupby("sentence"):
        if own["language"].duplicated().any() or len(own) < 2:
            continue
        own = own.sort_values("language")
        for (_, a), (_, b) in combinations(own.iterrows(), 2):
            gap = np.abs(a[columns].astype(float) - b[columns].astype(float)).sum() / 2
            rows.append((sentence, a["language"], b["language"], gap))
    found = pd.DataFrame(rows, columns=["sentence", "first", "second", "difference"])
    found = found.sort_values(["difference", "first"], ascending=[False, True])
    found = found.drop_duplicates("sentence")
    return found.sort_values(["difference", "sentence"], ascending=[False, True])


def test_the_sentences_that_change_most_are_those_by_hand(varied) -> None:
    run = studies.run_ids("small")[1]
    path = run_folders.folder(run) / "predictions.parquet"
    frame = predictions(run)  # one sentence stands in a language twice
    same = frame[frame["sentence"] == frame["sentence"].iloc[-1]].index
    frame.loc[same[0], "language"] = frame.loc[same[1], "language"]
    frame.to_parquet(path)
    found, n = sentences.most_changed(run, limit=1000)
    expected = by_hand(run)
    assert n == len(found) == len(expected) == predictions(run)["sentence"].nunique() - 1
    assert found["sentence"].tolist() == expected["sentence"].tolist()
    assert found["difference"].to_numpy() == pytest.approx(expected["difference"].to_numpy())
    assert found["first"].tolist() == expected["first"].tolist()
    assert found["second"].tolist() == expected["second"].tolist()
    few, same = sentences.most_changed(run)
    assert same == n and few["sentence"].tolist() == expected["sentence"].tolist()[: len(few)]
    assert len(few) == sentences.EXAMPLES


def test_examples_are_translations_that_change_most_by_the_imbalanced_run(varied) -> None:
    study = small_study()
    document = study_results.summary(study)
    runs = study_results.done_runs(document)
    file = texts.texts_file(study.config)
    found = sentences.examples(document, runs, file)
    imbalanced = studies.run_ids("small")[1]
    assert (found.by, found.run) == ("language", imbalanced)
    expected = by_hand(imbalanced)
    corpus = pd.read_parquet(file)
    for example, row in zip(found.found, expected.to_dict("records"), strict=False):
        assert example.difference == pytest.approx(row["difference"])
        assert example.between == (row["first"], row["second"])
        own = corpus[(corpus["sentence"] == row["sentence"]) & (corpus["split"] == "test")]
        texts_of = dict(zip(own["language"], own["text"], strict=True))
        assert {s.language: s.text for s in example.sentences} == texts_of
    assert len(found.found) == sentences.EXAMPLES


def untranslated(folder: Path) -> None:
    for run in studies.run_ids("small"):
        path = folder / run / "predictions.parquet"
        predictions(run).assign(sentence=lambda f: f["row"]).to_parquet(path)


def test_without_translations_examples_are_what_two_setups_disagree_on_most(varied) -> None:
    study = small_study()
    document = study_results.summary(study)
    untranslated(varied)
    file = texts.texts_file(study.config)
    found = sentences.examples(document, study_results.done_runs(document), file)
    balanced, imbalanced = studies.run_ids("small")[:2]
    assert (found.by, found.other, found.run) == ("run", balanced, imbalanced)
    a, b = predictions(balanced).set_index("row"), predictions(imbalanced).set_index("row")
    columns = [c for c in a if c.startswith("p_")]
    b = b.loc[a.index]
    other = a[columns].to_numpy().argmax(1) != b[columns].to_numpy().argmax(1)
    gap = (a[columns] - b[columns]).abs().sum(axis=1)[other] / 2
    assert found.n == int(other.sum())
    most = gap.sort_values(ascending=False).head(sentences.EXAMPLES)
    assert [x.difference for x in found.found] == pytest.approx(most.tolist(), abs=1e-6)
    by_row = pd.read_parquet(file).set_index("row")["text"]
    assert [x.sentences[0].text for x in found.found] == by_row.loc[most.index].tolist()


def test_without_translations_and_disagreements_there_are_the_first_texts(varied) -> None:
    study = small_study()
    document = study_results.summary(study)
    untranslated(varied)
    file = texts.texts_file(study.config)
    runs = [run for run in study_results.done_runs(document) if run["setup"] == "balanced"]
    found = sentences.examples(document, runs[:1], file)
    assert found.by == "none" and len(found.found) == sentences.EXAMPLES


def test_a_text_of_the_test_set_is_known_letter_by_letter_and_has_what_is_stored(varied) -> None:
    study = small_study()
    file = texts.texts_file(study.config)
    corpus = pd.read_parquet(file)
    row = corpus[corpus["split"] == "test"].iloc[3]
    trained = corpus[(corpus["split"] == "train") & ~corpus["text"].isin(
        corpus[corpus["split"] == "test"]["text"]
    )].iloc[0]  # fmt: skip
    own = Sentence(row["text"], None, row["language"])
    others = [
        Sentence(row["text"] + " ", None, row["language"]),
        Sentence(row["text"], None, None),
        Sentence(row["text"], "second", row["language"]),
        Sentence(trained["text"], None, trained["language"]),
    ]
    found = sentences.in_test_set(file, [own, *others])
    assert set(found) == {own}
    assert found[own].label == row["label"]
    runs = studies.run_ids("small")
    kept = sentences.stored(runs, [found[own].row])
    for run in runs:
        expected = predictions(run).set_index("row").loc[found[own].row].filter(like="p_")
        cell = kept[found[own].row, run]
        assert cell.stored and cell.output == pytest.approx(expected.tolist())
        assert cell.predicted == int(np.argmax(expected.to_numpy(float)))
    assert sentences.stored(runs, ["gone"]) == {} and sentences.stored(runs, []) == {}


def test_stored_tokens_are_those_of_the_file_and_words_add_up(varied) -> None:
    study, [run] = small_study(), studies.run_ids("small")[:1]
    labels = study.config.labels
    key = "gaussian_process-16@0.01"
    given = store.read("SELECT * FROM attributions ORDER BY row", store.files([run], key))
    row = given["row"].iloc[0]
    found = sentences.stored_tokens(study, run, row, labels)
    assert found is not None
    cell, tokens = found
    for c, label in enumerate(labels):
        [own] = given[(given["row"] == row) & (given["class"] == label)].to_dict("records")
        frame = sentences.frame(tokens, c, "subwords")
        assert frame["token"].tolist() == list(own["tokens"])
        assert frame["value"].tolist() == pytest.approx(list(own["values"]))
        assert frame["standard error"].tolist() == pytest.approx(list(own["errors"]))
        assert tokens["base"][c] + frame["value"].sum() == pytest.approx(cell.output[c], abs=1e-6)
        words = sentences.frame(tokens, c, "words")
        assert words["value"].sum() == pytest.approx(frame["value"].sum())
        assert len(words) == len(set(own["words"])) and "".join(words["token"]) == "".join(
            own["tokens"]
        )
    assert sentences.stored_tokens(study, run, "gone", labels) is None


def row(name: str, *outputs: tuple[float, ...], before: bool = False) -> Row:
    cells = {run: Cell(output, stored=False) for run, output in zip(RUNS, outputs, strict=False)}
    return Row(name, int(name[-1]), Sentence(name, None, name), None, cells, before)


A, B, C = (0.9, 0.1), (0.2, 0.8), (0.6, 0.4)


def test_translations_are_apart_where_a_run_predicts_two_classes_of_them() -> None:
    rows = [row("1", A, A), row("2", B, A), row("3", C, A), row("b1", B, B, before=True)]
    found = sentences.apart(rows, RUNS[0])
    assert {c: [r.name for r in of] for c, of in found.items()} == {0: ["1", "3"], 1: ["2"]}
    assert list(found) == [0, 1]  # the commonest first
    assert sentences.apart(rows, RUNS[1]) == {} == sentences.apart(rows, RUNS[2])


def test_the_cells_compared_first_are_those_that_differ_most() -> None:
    one = [row("1", A, B)]
    assert sentences.farthest(one, RUNS) == (("1", RUNS[0]), ("1", RUNS[1]))
    two = [row("1", A, B), row("2", C, C)]
    assert sentences.farthest(two, RUNS) == (("1", RUNS[1]), ("2", RUNS[1]))
    edited = [*two, row("b2", C, B, before=True)]
    assert sentences.farthest(edited, RUNS) == (("b2", RUNS[1]), ("2", RUNS[1]))
    alone = [row("1", A)]
    assert sentences.farthest(alone, RUNS) == (("1", RUNS[0]), ("1", RUNS[0]))


def test_of_many_runs_the_first_seed_of_each_setup_is_shown() -> None:
    runs = [
        {"run": f"{setup}{seed}", "setup": setup, "seed": seed, "null": seed > 2}
        for seed in (2, 1, 3)
        for setup in RUNS
    ]
    assert sentences.first_of_each(runs) == [f"{setup}1" for setup in RUNS]  # type: ignore[arg-type]
    assert sentences.first_of_each(runs[:6]) == [r["run"] for r in runs[:6]]  # type: ignore[arg-type]
