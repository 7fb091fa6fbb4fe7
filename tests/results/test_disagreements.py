from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.checkpoints import outputs, run_folders, studies
from core.corpora import texts
from core.errors import InputError
from core.measures.predictions import Predictions
from core.results import disagreements


@pytest.fixture
def varied(trained, tmp_path, monkeypatch) -> Path:
    """The runs predict at random, some with equal probabilities."""
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    rng = np.random.default_rng(0)
    for run_id in studies.run_ids("small"):
        path = run_folders.folder(run_id) / "predictions.parquet"
        table = pq.read_table(path)
        values = rng.dirichlet([1, 1, 1], table.num_rows).astype(np.float32)
        values[:5] = [0.4, 0.4, 0.2]
        for i, name in enumerate(x for x in table.column_names if x.startswith("p_")):
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array(values[:, i]))
        pq.write_table(table, path)
    return tmp_path / "checkpoints"


def named(given: Predictions) -> np.ndarray:
    return np.array(given.labels)[given.predicted]


@pytest.mark.parametrize("direction", disagreements.DIRECTIONS)
@pytest.mark.parametrize("language", [texts.ANY, "fr"])
def test_disagreements_are_those_of_the_predictions(varied, direction, language) -> None:
    first, second = studies.run_ids("small")[:2]
    a, b = (outputs.read_predictions(run) for run in (first, second))
    label = a.rows["label"].to_numpy()
    wanted = named(a) != named(b)
    if language != texts.ANY:
        wanted &= (a.rows["language"] == language).to_numpy()
    right = {
        disagreements.DIRECTIONS[1]: named(a) == label,
        disagreements.DIRECTIONS[2]: named(b) == label,
        disagreements.DIRECTIONS[3]: (named(a) != label) & (named(b) != label),
    }
    wanted &= right.get(direction, np.True_)
    found, n = disagreements.disagreements(
        first, second, None, language=language, direction=direction
    )
    assert n == wanted.sum() == len(found)
    assert set(found["row"]) == set(a.rows["row"][wanted])
    gaps = np.abs(a.probabilities - b.probabilities).sum(axis=1) / 2
    expected = dict(zip(a.rows["row"], gaps, strict=True))
    assert found["difference"].tolist() == pytest.approx([expected[r] for r in found["row"]])
    assert found["difference"].is_monotonic_decreasing
    classes = dict(zip(a.rows["row"], named(a), strict=True))
    assert found["first"].tolist() == [classes[r] for r in found["row"]]
    assert disagreements.disagreements(first, first, None)[1] == 0


def test_sentences_that_change_are_counted_by_hand(varied) -> None:
    run = studies.run_ids("small")[1]
    given = outputs.read_predictions(run)
    by_sentence: dict[str, list[str]] = {}
    for sentence, predicted in zip(given.rows["sentence"], named(given), strict=True):
        by_sentence.setdefault(sentence, []).append(str(predicted))
    wanted = {s: len(p) - max(Counter(p).values()) for s, p in by_sentence.items()}
    found, n, translated = disagreements.changing(run)
    assert translated == len(by_sentence)
    assert n == sum(w > 0 for w in wanted.values()) == len(found)
    differ = dict(zip(found["sentence"], found["languages that differ"], strict=True))
    assert differ == {s: w for s, w in wanted.items() if w}
    assert found["languages that differ"].is_monotonic_decreasing
    languages = ["de", "en", "es", "fr", "ja", "zh"]
    for _, row in found.iterrows():
        assert sorted(row[languages]) == sorted(by_sentence[row["sentence"]])
    positive, m, _ = disagreements.changing(run, "positive")
    assert set(positive["label"]) == {"positive"} and m < n


def test_a_sentence_in_all_languages_has_their_predictions(varied) -> None:
    run = studies.run_ids("small")[1]
    given = outputs.read_predictions(run)
    sentence = given.rows["sentence"].iloc[7]
    file = texts.texts_file(run_folders.read_config(run))
    found = disagreements.translations(run, sentence, file)
    mine = (given.rows["sentence"] == sentence).to_numpy()
    assert found["language"].tolist() == ["de", "en", "es", "fr", "ja", "zh"]
    expected = dict(zip(given.rows["language"][mine], named(given)[mine], strict=True))
    assert dict(zip(found["language"], found["predicted"], strict=True)) == expected
    assert found["p"].tolist() == pytest.approx(
        [given.probabilities[i].max() for x in found["language"]
         for i in np.flatnonzero(mine & (given.rows["language"] == x).to_numpy())]
    )  # fmt: skip
    assert found["text"].str.len().min() > 0
    assert "text" not in disagreements.translations(run, sentence, None)


def test_labels_may_hold_quotes(varied) -> None:
    first, second = studies.run_ids("small")[:2]
    for run in (first, second):
        folder = run_folders.folder(run)
        config = (folder / "config.json").read_text().replace('"negative"', '"it\'s \\"bad\\""')
        (folder / "config.json").write_text(config)
        table = pq.read_table(folder / "predictions.parquet")
        names = [x.replace("p_negative", 'p_it\'s "bad"') for x in table.column_names]
        pq.write_table(table.rename_columns(names), folder / "predictions.parquet")
    found, n = disagreements.disagreements(first, second, None)
    assert n and 'it\'s "bad"' in set(found["first"])


def test_a_file_that_does_not_read_is_the_users_to_mend(varied) -> None:
    first, second = studies.run_ids("small")[:2]
    (run_folders.folder(second) / "predictions.parquet").write_bytes(b"PAR1")
    for ask in (
        lambda: disagreements.disagreements(first, second, None),
        lambda: disagreements.changing(second),
        lambda: disagreements.translations(second, "x", None),
    ):
        with pytest.raises(InputError, match="does not read"):
            ask()
