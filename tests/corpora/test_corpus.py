from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.corpora import corpus, multiemo
from core.errors import InputError
from tests.helpers import hostile
from tests.helpers.needs import missing

ROWS = [
    {"text": "good, 1", "label": "up", "language": "en", "split": "train", "sentence": "a"},
    {"text": "gut", "label": "up", "language": "de", "split": "train", "sentence": "a"},
    {"text": 'so "so"', "label": "down", "language": "en", "split": "test", "sentence": "b"},
    {
        "text": "Käse\nbrot",
        "label": "down",
        "language": "de",
        "split": "validation",
        "sentence": "c",
    },
]


def write(path: Path, rows: list[dict] = ROWS, bom: bool = False) -> str:
    encoding = "utf-8-sig" if bom else "utf-8"
    frame = pd.DataFrame(rows)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(frame), path)
    elif path.suffix == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_text("\n".join(lines), encoding=encoding)
    else:
        frame.to_csv(
            path, sep="\t" if path.suffix == ".tsv" else ",", index=False, encoding=encoding
        )
    return str(path)


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_format_gives_the_same_corpus(tmp_path, ending, bom) -> None:
    plain = corpus.load(write(tmp_path / "plain.csv"))
    other = corpus.load(write(tmp_path / f"other{ending}", bom=bom))
    assert other.table.to_pylist() == plain.table.to_pylist()
    assert other.content_hash == plain.content_hash
    assert other.labels == ("down", "up")
    assert other.languages == ("de", "en")
    assert not other.is_pair_task
    assert other.table["text"].to_pylist() == [row["text"] for row in ROWS]


def test_ids_and_hash_do_not_depend_on_the_order_of_rows(tmp_path) -> None:
    one = corpus.load(write(tmp_path / "a.csv"))
    two = corpus.load(write(tmp_path / "b.csv", ROWS[::-1]))
    assert one.content_hash == two.content_hash
    assert one.table["row"].to_pylist() == two.table["row"].to_pylist()[::-1]
    changed = corpus.load(write(tmp_path / "c.csv", [*ROWS[:3], {**ROWS[3], "text": "Käsebrot"}]))
    assert changed.content_hash != one.content_hash
    assert corpus.load(write(tmp_path / "a.csv"), labels=["up", "down"]).content_hash != (
        one.content_hash
    )


def test_copies_of_a_row_get_ids_of_their_own(tmp_path) -> None:
    loaded = corpus.load(write(tmp_path / "a.csv", [*ROWS, ROWS[0], ROWS[0]]))
    assert len(set(loaded.table["row"].to_pylist())) == 6


def test_words_that_look_like_missing_values_are_texts(tmp_path) -> None:
    rows = [{**ROWS[0], "text": t, "label": "None"} for t in ("NA", "null", "nan", "1e5")]
    loaded = corpus.load(write(tmp_path / "a.csv", rows))
    assert loaded.table["text"].to_pylist() == ["NA", "null", "nan", "1e5"]
    assert loaded.labels == ("None",)


def test_incomplete_rows_are_counted_and_left_out(tmp_path) -> None:
    bad = [
        {**ROWS[0], "text": "  "},
        {**ROWS[0], "label": ""},
        {**ROWS[0], "language": ""},
        {**ROWS[0], "text": ""},
    ]
    loaded = corpus.load(write(tmp_path / "a.csv", [*ROWS, *bad]))
    assert loaded.dropped == {"empty text": 2, "empty label": 1, "empty language": 1}
    assert loaded.table.num_rows == 4


def test_a_missing_key_in_json_lines_is_an_empty_value(tmp_path) -> None:
    incomplete = {k: v for k, v in ROWS[0].items() if k != "label"}
    loaded = corpus.load(write(tmp_path / "a.jsonl", [incomplete, *ROWS]))
    assert loaded.dropped == {"empty label": 1}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "text,label,language,split\n", "and no rows"),
        (
            "a.csv",
            "text,label,tongue\nx,y,1\n",
            "column 'language' not found; the file has: text, la",
        ),
        ("a.csv", "text,label,language,split\nx,y,en,tset\n", "split has 'tset'"),
        ("a.csv", "text,label,language,split\n,y,en,test\n", "no usable row left; dropped 1 rows"),
        ("a.jsonl", '{"text": "x"}\n{"text": \n', "line 2 is not JSON"),
        ("a.parquet", "no parquet", "does not read"),
        ("a.xlsx", "x", "no rows"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path, name, content, message) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as error:
        corpus.load(str(tmp_path / name))
    assert name in str(error.value)


def test_an_unknown_corpus_lists_the_presets() -> None:
    with pytest.raises(InputError, match="a preset .multiemo, synthetic, amazon, .* nor a file"):
        corpus.load("multimo")


def test_columns_can_be_named(tmp_path) -> None:
    rows = [{("lang" if k == "language" else k): v for k, v in row.items()} for row in ROWS]
    path = write(tmp_path / "a.csv", rows)
    assert corpus.load(path, columns={"language": "lang"}).languages == ("de", "en")
    loaded = corpus.load(path)  # by its usual name, which is said
    assert loaded.languages == ("de", "en") and "language is the column 'lang'" in loaded.notes[-1]
    with pytest.raises(InputError, match="unknown column name lingo"):
        corpus.load(path, columns={"lingo": "lang"})
    with pytest.raises(InputError, match="column 'nope' not found"):
        corpus.load(path, columns={"language": "lang", "split": "nope"})


def test_labels_have_their_natural_order(tmp_path) -> None:
    def order(labels: list) -> tuple[str, ...]:
        rows = [{**ROWS[0], "label": label} for label in labels]
        return corpus.load(write(tmp_path / "a.parquet", rows)).labels

    assert order([10, 9, 1]) == ("1", "9", "10")
    assert order(["contradiction", "neutral", "entailment"]) == (
        "entailment",
        "neutral",
        "contradiction",
    )
    assert order(["b", "a"]) == ("a", "b")


def test_labels_and_languages_named_must_occur(tmp_path) -> None:
    path = write(tmp_path / "a.csv")
    assert corpus.load(path, labels=["up", "down"]).labels == ("up", "down")
    assert corpus.load(path, languages=["en"]).table.num_rows == 2
    one = corpus.load(path, labels=["up"])
    assert one.labels == ("up",) and one.dropped == {"label left out": 2}
    with pytest.raises(InputError, match="labels named are up, left; the corpus has down, up"):
        corpus.load(path, labels=["up", "left"])
    with pytest.raises(InputError, match="languages named are fr; the corpus has de, en"):
        corpus.load(path, languages=["fr"])


def test_pairs_are_recognised_and_their_ids_belong_to_a_split(tmp_path) -> None:
    rows = [
        {"premise": "p", "hypothesis": "h", "label": "l", "language": lang, "split": split,
         "pair_id": 0}
        for lang in ("en", "fr")
        for split in ("train", "test")
    ]  # fmt: skip
    loaded = corpus.load(write(tmp_path / "a.parquet", rows))
    assert loaded.is_pair_task
    assert set(loaded.table["sentence"].to_pylist()) == {"train-0", "test-0"}
    assert [note.partition(":")[0] for note in loaded.notes] == ["no validation rows in the source"]
    half = corpus.load(write(tmp_path / "b.parquet", [*rows, {**rows[0], "hypothesis": ""}]))
    assert half.dropped == {"empty text_b": 1}


def test_a_corpus_without_split_is_split_by_sentence(tmp_path) -> None:
    rows = [
        {"text": f"{lang} {i}", "label": "x", "language": lang, "sentence": str(i)}
        for i in range(300)
        for lang in ("de", "en")
    ]
    loaded = corpus.load(write(tmp_path / "a.csv", rows))
    frame = loaded.table.to_pandas()
    assert (frame.groupby("sentence")["split"].nunique() == 1).all()
    shares = frame["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.6, abs=0.08)
    assert shares["test"] == pytest.approx(0.2, abs=0.08)
    assert "no split in the source" in loaded.notes[0]


def test_a_sentence_in_two_splits_is_noted(tmp_path) -> None:
    rows = [*ROWS, {**ROWS[0], "split": "test"}]
    loaded = corpus.load(write(tmp_path / "a.csv", rows))
    assert loaded.notes[-1] == "1 sentences stand in more than one split"


def test_synthetic_has_known_informative_tokens() -> None:
    loaded = corpus.load("synthetic")
    row = loaded.table.slice(0, 1).to_pylist()[0]
    assert row["informative"]
    assert loaded.labels == ("negative", "neutral", "positive")


def _task(texts: list[str], labels: list[str]) -> dict:
    names = ("negative", "neutral", "positive", "ambivalent")
    return {
        "canary": "c",
        "examples": [
            {"input": t, "target_scores": {n: int(n == label) for n in names}}
            for t, label in zip(texts, labels, strict=True)
        ],
    }


def test_multiemo_keeps_whole_distinct_sentences_of_three_labels() -> None:
    labels = ["negative", "ambivalent", "positive", "neutral", "positive", "neutral"]
    tasks = {}
    for domain in multiemo.DOMAINS:
        for language in multiemo.LANGUAGES:
            texts = [f"{domain} {language} {i}" for i in range(6)]
            if language == "zh":
                texts[2] = " "  # no translation
            if language == "fr":
                texts[4] = f"{domain}  FR 3".lower()  # the same French text as sentence 3
            tasks[domain, language] = _task(texts, labels)
    table, left_out = multiemo.tabulate(tasks)
    assert left_out == {
        "ambivalent label": 3,
        "no text in some language": 3,
        "same text as an earlier sentence": 3,
    }
    frame = table.to_pandas()
    assert set(frame["sentence"]) == {f"{d}-{i}" for d in multiemo.DOMAINS for i in (0, 3, 5)}
    assert (frame.groupby("sentence")["language"].apply(tuple) == multiemo.LANGUAGES).all()
    assert (frame.groupby("sentence")["split"].nunique() == 1).all()
    assert not frame.duplicated(["language", "text"]).any()


def test_the_cached_multiemo_has_no_sentence_in_two_splits(monkeypatch, real_cache) -> None:
    if not multiemo.corpus_file().exists():
        missing("multiemo is not fetched; `make fetch` does")
    frame = pq.read_table(multiemo.corpus_file()).to_pandas()
    assert (frame.groupby("sentence")["split"].nunique() == 1).all()
    assert not frame.duplicated(["language", "text"]).any()
    test = frame[frame["split"] == "test"].groupby("language")["sentence"].apply(set)
    assert all(sentences == test["de"] for sentences in test)
    assert "canary GUID" in (multiemo.corpus_file().parent / "LICENCE.txt").read_text()


def test_multiemo_that_is_not_fetched_says_how() -> None:
    with pytest.raises(InputError, match="python -m core fetch"):
        corpus.load("multiemo")


def test_half_a_character_is_named(tmp_path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(r'{"text": "a\ud800b", "label": "x", "language": "en"}')
    with pytest.raises(InputError, match=r"c.jsonl holds half of a character \('\\ud800'\)"):
        corpus.load(str(path))


@pytest.mark.parametrize("source", ["x" * 300 + ".csv", "~nobody-of-that-name/x.csv", "a\0b.csv"])
def test_what_can_be_no_file_is_no_corpus(source) -> None:
    with pytest.raises(InputError, match="corpus "):
        corpus.load(source)


def test_texts_and_names_come_through_as_they_are(tmp_path) -> None:
    loaded = corpus.load(str(hostile.write(tmp_path).with_suffix(".jsonl")))
    assert set(loaded.labels) == set(hostile.LABELS)
    assert set(loaded.languages) == set(hostile.LANGUAGES)
    found = loaded.table["text"].to_pylist()
    assert all(any(text in one for one in found) for text in hostile.TEXTS)


def test_a_source_with_train_and_test_gets_a_validation_split_out_of_train(tmp_path) -> None:
    rows = [
        {"text": f"{lang} {i}", "label": "xy"[i % 2], "language": lang,
         "split": "test" if i >= 200 else "train"}
        for i in range(250) for lang in ("de", "en")
    ]  # fmt: skip
    loaded = corpus.load(write(tmp_path / "a.csv", rows))
    frame = loaded.table.to_pandas()
    assert set(frame.loc[frame["split"] == "test", "text"]) == {
        r["text"] for r in rows if r["split"] == "test"
    }
    assert (frame["split"] == "validation").sum() == 80
    assert "no validation rows in the source" in loaded.notes[-1]


def test_a_source_of_train_alone_gets_a_split(tmp_path) -> None:
    rows = [
        {**ROWS[i % 4], "text": f"text {i}", "split": "train", "sentence": str(i)}
        for i in range(200)
    ]
    loaded = corpus.load(write(tmp_path / "a.csv", rows))
    assert set(loaded.table["split"].to_pylist()) == {"train", "validation", "test"}
    assert any("no split but train in the source" in note for note in loaded.notes)
