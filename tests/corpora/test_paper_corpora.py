from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.cli.main import main
from core.corpora import corpus, licences, paper_corpora
from core.errors import InputError
from core.models.session import Session
from core.sources import hub
from core.studies import study
from tests.helpers import layouts


@pytest.fixture
def agreed(tmp_path, monkeypatch) -> None:
    """A cache of its own, in which the licence of amazon is accepted."""
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))
    licences.accept("amazon")


def test_xnli_has_named_labels_and_pairs_shared_by_languages(tmp_path) -> None:
    folder = layouts.xnli(tmp_path / "xnli", ["de", "en", "fr"])
    loaded = corpus.load(f"xnli@{folder}")
    assert loaded.languages == ("en", "fr")  # the paper's, of more
    assert loaded.labels == layouts.LABELS
    assert loaded.is_pair_task
    frame = loaded.table.to_pandas()
    assert frame["split"].value_counts().to_dict() == {k: 2 * n for k, n in layouts.SPLITS.items()}
    by_sentence = frame.groupby("sentence")
    assert (by_sentence["language"].apply(tuple) == ("en", "fr")).all()
    assert (by_sentence[["label", "split"]].nunique() == 1).all().all()
    raw = pq.read_table(folder / "fr" / "test-00000-of-00001.parquet").to_pylist()
    ours = frame[(frame["language"] == "fr") & (frame["sentence"] == "test-4")].iloc[0]
    assert (ours["text"], ours["text_b"]) == (raw[4]["premise"], raw[4]["hypothesis"])
    assert ours["label"] == layouts.LABELS[raw[4]["label"]]
    assert corpus.load(f"xnli@{folder}", languages=["de", "fr"]).languages == ("de", "fr")


def test_xnli_reads_alike_from_every_layout(tmp_path) -> None:
    import datasets

    folder = layouts.xnli(tmp_path / "xnli")
    expected = corpus.load(f"xnli@{folder}")
    for language in ("en", "fr"):
        datasets.load_dataset(
            str(folder), language, cache_dir=str(tmp_path / "their cache")
        ).save_to_disk(str(tmp_path / "saved" / language))
    rows = []
    for language in ("en", "fr"):
        for split in layouts.SPLITS:
            table = pq.read_table(folder / language / f"{split}-00000-of-00001.parquet")
            rows += [{**r, "language": language, "split": split} for r in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "one.parquet")
    (tmp_path / "one.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "README.md").unlink()  # folders alone tell the languages apart
    for source in (folder, tmp_path / "saved", tmp_path / "one.parquet", tmp_path / "one.jsonl"):
        found = corpus.load(f"xnli@{source}")
        assert found.content_hash == expected.content_hash, source
        assert found.table.equals(expected.table), source


def test_pairs_that_are_no_translations_stand_alone(tmp_path) -> None:
    folder = layouts.xnli(tmp_path / "xnli")
    path = folder / "fr" / "train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    loaded = corpus.load(f"xnli@{folder}")
    assert "train: rows at one position differ in label" in loaded.notes[0]
    frame = loaded.table.to_pandas()
    languages = frame.groupby(["split", "sentence"])["language"].nunique().groupby("split").max()
    assert languages.to_dict() == {"test": 2, "train": 1, "validation": 2}


@pytest.mark.parametrize("layout", ["amazon", "amazon_copies"])
def test_amazon_has_the_body_and_stars_from_1_to_5(tmp_path, agreed, layout) -> None:
    source = getattr(layouts, layout)(tmp_path / "data")
    loaded = corpus.load(f"amazon@{source}")
    assert loaded.labels == ("1", "2", "3", "4", "5")
    assert loaded.languages == layouts.AMAZON
    frame = loaded.table.to_pandas()
    cells = frame.groupby(["split", "language", "label"]).size().groupby("split").unique()
    assert {split: list(n) for split, n in cells.items()} == {
        split: [n // 5] for split, n in layouts.SPLITS.items()
    }
    assert not frame["text"].str.contains("title").any()
    first = frame[frame["text"] == layouts._text("ja", 2003)].iloc[0]
    assert (first["language"], first["split"], first["label"]) == ("ja", "test", "4")
    assert corpus.load(f"amazon@{source}", languages=["fr", "de"]).table.num_rows == 170


def test_both_copies_of_amazon_are_one_corpus(tmp_path, agreed) -> None:
    one, two = (
        corpus.load(f"amazon@{write(tmp_path / name)}")
        for name, write in (("a", layouts.amazon), ("b", layouts.amazon_copies))
    )
    assert one.content_hash == two.content_hash


def test_amazon_reads_from_a_file_and_refuses_other_stars(tmp_path, agreed) -> None:
    layouts.amazon(tmp_path / "data", ["de", "fr"], {"test": 10})
    lines = [p.read_text() for p in sorted((tmp_path / "data" / "json" / "test").iterdir())]
    path = tmp_path / "reviews.jsonl"
    path.write_text("".join(lines))
    assert corpus.load(f"amazon@{path}").languages == ("de", "fr")
    path.write_text("".join(lines).replace('"stars": "5"', '"stars": "7"'))
    with pytest.raises(InputError, match="stars are 1, 2, 3, 4, 7; expected"):
        corpus.load(f"amazon@{path}")
    path.write_text("".join(lines).replace('"stars"', '"rating"'))
    with pytest.raises(InputError, match="no column stars or label; it has: review_id"):
        corpus.load(f"amazon@{path}")


def test_the_licence_of_amazon_is_shown_and_accepted_once(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))
    source = f"amazon@{layouts.amazon(tmp_path / 'data')}"
    assert main(["audit", source]) == 2
    assert "academic research only" in (told := capsys.readouterr().err)
    assert "python -m core accept amazon" in told
    assert main(["accept", "amazon"]) == 0
    assert "academic research only" in capsys.readouterr().out
    assert main(["audit", source]) == 0
    assert main(["accept", "xnli"]) == 2


def test_wikipedia_draws_articles_by_seed_and_groups_them_by_title(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(paper_corpora, "ARTICLES", 12)
    folder = layouts.wikipedia(tmp_path / "wikipedia", dump="20240501")
    loaded = corpus.load(f"wikipedia@{folder}")
    assert loaded.languages == loaded.labels == layouts.AMAZON
    frame = loaded.table.to_pandas()
    assert (frame["language"].value_counts() == 12).all()
    assert frame["sentence"].str.startswith("Title ").all()
    assert corpus.load(f"wikipedia@{folder}").content_hash == loaded.content_hash
    monkeypatch.setattr(paper_corpora, "ARTICLES_SEED", 1)
    assert corpus.load(f"wikipedia@{folder}").content_hash != loaded.content_hash
    whole = pq.read_table(folder / "20240501.ja" / "train-00000-of-00002.parquet")
    texts = set(frame.loc[frame["language"] == "ja", "text"])
    assert 0 < len(texts & set(whole["text"].to_pylist())) < 12  # out of both files


def test_the_external_corpus_has_those_of_the_languages_that_there_are(tmp_path) -> None:
    folder = layouts.wikipedia(tmp_path / "wikipedia", ["de", "fr", "ja"])
    session = Session()
    found = session.load_external(f"wikipedia@{folder}", ("fr", "en", "de"))
    assert found.languages == ("fr", "de")
    with pytest.raises(InputError, match="has the languages fr; at least two of fr, en are needed"):
        session.load_external(f"wikipedia@{folder}", ("fr", "en"))
    rows = found.table.select(["text", "language", "sentence"]).to_pandas()
    rows = rows.rename(columns={"sentence": "title"})
    pq.write_table(pa.Table.from_pandas(rows), tmp_path / "articles.parquet")
    same = session.load_external(f"wikipedia@{tmp_path / 'articles.parquet'}", ("fr", "en", "de"))
    assert same.content_hash == found.content_hash


def test_without_a_hub_the_error_comes_soon_and_says_what_to_do(monkeypatch) -> None:
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    for source in ("xnli", "wikipedia", "xnli@somebody/copy"):
        started = time.monotonic()
        with pytest.raises(InputError, match="the hub did not answer .* Name a local copy"):
            corpus.load(source)
        assert time.monotonic() - started < 5
    assert datasets.config.HF_HUB_OFFLINE is False


def test_articles_need_a_configuration_a_language(tmp_path) -> None:
    (tmp_path / "mixed").mkdir()
    rows = [{"text": f"text {i}", "language": "de" if i % 2 else "fr"} for i in range(10)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "mixed" / "train.parquet")
    with pytest.raises(InputError, match="no configuration or folder for de"):
        corpus.load(f"wikipedia@{tmp_path / 'mixed'}")


@pytest.mark.parametrize(
    ("source", "languages", "message"),
    [
        ("xnli@/no/such/folder", None, "/no/such/folder is no folder"),
        ("xnli@{folder}", ["en", "it"], "xnli has no language it; it has ar, bg"),
        ("xnli@{folder}", ["en", "sw"], "xnli has no language sw; it has: en, fr"),
        ("xnli@{folder}/en/test-00000-of-00001.parquet", None, "no column language"),
        ("xnli@{empty}", None, "does not read"),
    ],
)
def test_a_source_that_cannot_work_is_refused(tmp_path, source, languages, message) -> None:
    (tmp_path / "empty").mkdir()
    folder = layouts.xnli(tmp_path / "xnli")
    with pytest.raises(InputError, match=message):
        corpus.load(source.format(folder=folder, empty=tmp_path / "empty"), languages=languages)


def test_a_source_in_a_study_is_relative_to_its_file(tmp_path) -> None:
    layouts.xnli(tmp_path / "xnli")
    (tmp_path / "mine.toml").write_text('corpus = "xnli@xnli"\nsetups = ["balanced"]\n')
    asked = study.read(str(tmp_path / "mine.toml"))
    assert asked.corpus == f"xnli@{tmp_path / 'xnli'}"
    text = 'corpus = "xnli@facebook/xnli"\nexternal = "wikipedia"\nsetups = ["balanced"]\n'
    (tmp_path / "hub.toml").write_text(text)
    asked = study.read(str(tmp_path / "hub.toml"))
    assert (asked.corpus, asked.external) == ("xnli@facebook/xnli", "wikipedia")
    assert study.from_document(study.to_document(asked), tmp_path / "x.toml") == asked


def test_the_stamp_of_a_local_source_changes_with_its_files(tmp_path) -> None:
    folder = layouts.xnli(tmp_path / "xnli")
    before = paper_corpora.stamp(f"xnli@{folder}")
    assert paper_corpora.stamp(f"xnli@{folder}") == before
    (folder / "en" / "test-00000-of-00001.parquet").write_bytes(b"other")
    assert paper_corpora.stamp(f"xnli@{folder}") != before
    assert paper_corpora.stamp("xnli") == ["xnli"]


def test_the_library_is_loaded_by_who_needs_it() -> None:
    code = (
        "import sys, core.corpora.corpus, core.studies.study, core.studies.form; "
        "assert 'datasets' not in sys.modules"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_languages_of_a_hub_id_are_not_asked_for() -> None:
    assert hub.languages("facebook/xnli") is None
    assert paper_corpora.languages_of("xnli", ("fr", "en")) == ("fr", "en")
