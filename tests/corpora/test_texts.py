from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.checkpoints import run_folders, studies
from core.config import RunConfig
from core.corpora import corpus, texts
from core.errors import InputError
from tests.helpers import layouts


@pytest.fixture
def config(done) -> RunConfig:
    return run_folders.read_config(studies.run_ids("small")[0])


@pytest.fixture
def loaded(config) -> pd.DataFrame:
    return corpus.load(config.corpus).table.to_pandas()


def test_the_file_holds_the_corpus_as_the_run_saw_it(config, loaded) -> None:
    stored = pq.read_table(texts.texts_file(config)).to_pandas()
    assert stored.columns.tolist() == list(texts.COLUMNS)
    both = stored.merge(loaded, on=list(texts.COLUMNS))
    assert len(both) == len(stored) == len(loaded)


def test_it_is_made_once_and_anew_when_the_source_changes(config, tmp_path) -> None:
    source = tmp_path / "mine.csv"
    source.write_text("text,label,language\nja,a,de\nnein,b,de\noui,a,fr\nnon,b,fr\n")
    hash_ = corpus.load(str(source)).content_hash
    mine = replace(
        config, corpus=str(source), corpus_hash=hash_, labels=("a", "b"), languages=("de", "fr")
    )
    first = texts.texts_file(mine).stat().st_mtime_ns
    assert texts.texts_file(mine).stat().st_mtime_ns == first
    source.write_text("text,label,language\nja,a,de\nnein,b,de\noui,a,fr\nmais,b,fr\n")
    with pytest.raises(InputError, match="has changed since the run was trained"):
        texts.texts_file(mine)
    source.unlink()
    with pytest.raises(InputError, match="the corpus is gone: .*mine.csv does not exist"):
        texts.texts_file(mine)


def test_counts_are_those_of_the_rows(config, loaded) -> None:
    tables = texts.counts(texts.texts_file(config), config.languages, config.labels)
    assert list(tables) == ["all splits", "train", "validation", "test"]
    for split, table in tables.items():
        rows = loaded if split == "all splits" else loaded[loaded["split"] == split]
        assert table.to_numpy().sum() == len(rows)
        japanese = rows[(rows["language"] == "ja") & (rows["label"] == "neutral")]
        assert table.loc["ja", "neutral"] == len(japanese)


def test_a_cell_is_read_whole_and_letters_narrow_it(config, loaded) -> None:
    file = texts.texts_file(config)
    rows = loaded[(loaded["language"] == "en") & (loaded["split"] == "train")]
    found, n = texts.browse(file, split="train", language="en", limit=7)
    assert (len(found), n) == (7, len(rows))
    assert "text_b" not in found
    word = rows["text"].iloc[0].split()[0]
    found, n = texts.browse(file, split="train", language="en", containing=word.upper())
    wanted = rows[rows["text"].str.lower().str.contains(word.lower(), regex=False)]
    assert n == len(wanted) and set(found["row"]) <= set(wanted["row"])
    for letters in ("%", "_", "' OR 1=1 --", "\\"):  # letters, not patterns or SQL
        n = texts.browse(file, containing=letters)[1]
        assert n == loaded["text"].str.contains(letters, regex=False).sum()
    assert texts.browse(file, language="xx")[1] == 0


def test_rows_get_their_texts_in_their_order(config, loaded) -> None:
    wanted = loaded.sample(9, random_state=0)[["row", "label"]].reset_index(drop=True)
    found = texts.of_rows(texts.texts_file(config), wanted)
    assert found["row"].tolist() == wanted["row"].tolist()
    by_row = loaded.set_index("row")["text"]
    assert found["text"].tolist() == by_row.loc[wanted["row"]].tolist()


def test_the_preset_that_is_not_fetched_says_how_to_fetch_it(config) -> None:
    with pytest.raises(InputError, match="python -m core fetch"):
        texts.texts_file(replace(config, corpus="multiemo"))


def test_a_corpus_by_name_is_read_anew_when_its_folder_changes(config, tmp_path) -> None:
    source = f"xnli@{layouts.xnli(tmp_path / 'xnli')}"
    of = {"corpus": source, "columns": {}, "labels": layouts.LABELS, "languages": ("en", "fr")}
    config = replace(config, **of, corpus_hash=corpus.load(source).content_hash)
    file = texts.texts_file(config)
    assert texts.has_pairs(file)
    written = file.stat().st_mtime_ns
    assert texts.texts_file(config).stat().st_mtime_ns == written
    path = tmp_path / "xnli" / "en" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(InputError, match="has changed since the run was trained"):
        texts.texts_file(config)
    (tmp_path / "xnli").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is no folder"):
        texts.texts_file(config)
