"""`audit` and `corpora` on files as people have them: no traceback, and every row accounted for."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from core.cli.main import main
from core.corpora import corpus

WORDS = {
    "de": "gut schlecht das paket war",
    "en": "good bad the box was",
    "fr": "bon tard le colis",
}


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))


def rows(n: int = 60) -> list[tuple[str, str, str]]:
    """Text, label and language, n a language and label."""
    at = random.Random(0)
    return [
        (" ".join(at.choices(words.split(), k=5)) + f" {language}{i}{label}", label, language)
        for i in range(n)
        for language, words in WORDS.items()
        for label in ("neg", "pos")
    ]


def written(path: Path, lines: list[str]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def audited(capsys, *arguments: str) -> dict:
    capsys.readouterr()
    assert main(["audit", *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["read"] == document["rows"] + sum(document["dropped"].values())
    by_language = document["dropped_by_language"]
    assert {k: sum(v.values()) for k, v in by_language.items()} == document["dropped"]
    assert sum(sum(cells.values()) for cells in document["joint"].values()) == document["rows"]
    return document


def refused(capsys, *arguments: str) -> str:
    capsys.readouterr()
    assert main(["audit", *arguments]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_raw_quotes_swallow_no_row(tmp_path, capsys) -> None:
    lines = ["text\tlabel\tlanguage"] + [
        f'"{text}\t{label}\t{language}' if i % 50 in (3, 7) else f"{text}\t{label}\t{language}"
        for i, (text, label, language) in enumerate(rows())
    ]
    assert audited(capsys, written(tmp_path / "a.tsv", lines))["rows"] == 360
    few = [
        "text\tlabel\tlanguage",
        '"Nice.\tpos\ten',
        "bad\tneg\ten",
        '"Rot.\tpos\tde',
        "x\tneg\tde",
    ]
    assert audited(capsys, written(tmp_path / "b.tsv", few))["joint"] == {
        "de": {"neg": 1, "pos": 1},
        "en": {"neg": 1, "pos": 1},
    }


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_nan_is_a_missing_label_and_each_call_says_the_same(tmp_path, capsys, form) -> None:
    given = [(t, float("nan") if i % 7 == 0 else float(x == "pos"), y)
             for i, (t, x, y) in enumerate(rows())]  # fmt: skip
    frame = pd.DataFrame(given, columns=["text", "label", "language"])
    path = tmp_path / f"a.{form}"
    if form == "parquet":
        frame.to_parquet(path)
    elif form == "csv":
        names = frame["label"].map(lambda x: "nan" if x != x else f"{x:.0f}")
        frame.assign(label=names).to_csv(path, index=False)
    else:
        lines = [json.dumps(row, allow_nan=True) for row in frame.to_dict("records")]
        written(path, lines)
    first, again = audited(capsys, str(path)), audited(capsys, str(path))
    assert first["labels"] == ["0", "1"] and first == again
    assert first["dropped"] == {"empty label": sum(i % 7 == 0 for i in range(360))}
    assert corpus.load(str(path)).content_hash == corpus.load(str(path)).content_hash


def test_copies_are_counted_and_stay_on_one_side(tmp_path, capsys) -> None:
    lines = ["text,label,language", *(",".join(row) for row in rows() for _ in (1, 2))]
    path = written(tmp_path / "twice.csv", lines)
    assert {"step": "copies", "rows": 360} in [
        {k: f[k] for k in ("step", "rows")} for f in audited(capsys, path)["findings"]
    ]
    frame = corpus.load(path).table.to_pandas()
    assert (frame.groupby("text")["split"].nunique() == 1).all()
    mended = audited(capsys, path, "--mend", "copies")
    assert mended["rows"] == 360 and mended["dropped"] == {"copy of a row": 360}
    assert mended["findings"] == []


def test_columns_do_not_shift(tmp_path, capsys) -> None:
    lines = ["text,label,language", *(",".join(row) + "," for row in rows())]
    found = audited(capsys, written(tmp_path / "trailing.csv", lines))
    assert found["languages"] == ["de", "en", "fr"] and found["rows"] == 360
    said = refused(capsys, written(tmp_path / "ragged.csv", [
        "text,label,language", "fine, thanks,pos,en", "ok,pos,de", "no,neg,de"]))  # fmt: skip
    assert "line 2" in said


def test_a_folder_of_languages_and_splits_takes_one_step(tmp_path, capsys) -> None:
    for language in ("amh", "hau", "pcm"):
        for split in ("train", "dev", "test"):
            lines = ["ID\ttweet\tlabel", *(f"{i}\t{t} {split}\t{x}" for i, (t, x, _) in
                                            enumerate(rows(5)))]  # fmt: skip
            written(tmp_path / f"data/{language}/{split}.tsv", lines)
    written(tmp_path / "data/orm/train.tsv", ["ID\ttweet\tlabel"])
    found = audited(capsys, str(tmp_path / "data"))
    assert found["languages"] == ["am", "ha", "pcm"] and found["rows"] == 270
    assert set(found["splits"]) == {"train", "validation", "test"}
    assert any("no rows" in note for note in found["notes"])


def test_several_files_and_an_archive(tmp_path, capsys) -> None:
    paths = []
    for language in WORDS:
        own = [f"{t}\t{x}" for t, x, y in rows() if y == language]
        paths.append(written(tmp_path / f"{language}-projections.tsv", ["text\tlabel", *own]))
    assert audited(capsys, *paths)["languages"] == ["de", "en", "fr"]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in paths:
            archive.write(path, f"data/{Path(path).name}")
    assert audited(capsys, str(tmp_path / "all.zip"))["rows"] == 360


@pytest.mark.parametrize("name", ["array.json", "lines.json"])
def test_json_in_its_forms(tmp_path, capsys, name) -> None:
    every = [dict(zip(("text", "label", "language"), row, strict=True)) for row in rows()]
    lines = [json.dumps(every)] if name == "array.json" else [json.dumps(row) for row in every]
    assert audited(capsys, written(tmp_path / name, lines))["rows"] == 360


def test_other_names_of_columns_and_languages_take_no_option(tmp_path, capsys) -> None:
    names = {"de": "German", "en": "en-US", "fr": "fra"}
    lines = [
        "review,stars,lang",
        *(f"{t},{5 if x == 'pos' else 1},{names[y]}" for t, x, y in rows()),
    ]
    found = audited(capsys, written(tmp_path / "mine.csv", lines))
    assert found["columns"] == {"text": "review", "label": "stars", "language": "lang"}
    assert found["languages"] == ["de", "en", "fr"] and found["labels"] == ["1", "5"]


def test_all_that_is_missing_is_said_at_once(tmp_path, capsys) -> None:
    said = refused(capsys, written(tmp_path / "a.csv", ["foo,bar", *("1,2" for _ in range(9))]))
    assert all(f"'{ours}' not found" in said for ours in ("text", "label", "language"))


def test_a_file_without_languages_has_them_identified(tmp_path, capsys) -> None:
    sentences = {
        "de": "Das ist ein ganz gewöhnlicher deutscher Satz über das Wetter",
        "en": "This is quite an ordinary English sentence about the weather",
        "fr": "Ceci est une phrase française tout à fait ordinaire sur le temps",
    }
    lines = ["text,label", *(f"{sentences[y]} {i},{x}" for i, (_, x, y) in enumerate(rows(20)))]
    path = written(tmp_path / "a.csv", lines)
    assert "--identify-language" in refused(capsys, path)
    found = audited(capsys, path, "--identify-language")
    assert found["languages"] == ["de", "en", "fr"]
    assert any("confidence" in note and "below 0.8" in note for note in found["notes"])
    assert audited(capsys, path, "--language", "German")["languages"] == ["de"]


def test_a_saved_corpus_is_named_with_what_was_done(tmp_path, capsys) -> None:
    lines = ["review,stars,lang"] + [
        f"{t},{i % 5 + 1},{y}" for i, (t, _, y) in enumerate([*rows(), *rows(10)])
    ]
    path = written(tmp_path / "mine.csv", lines)
    choices = ["--join", "1,2=low", "--join", "4,5=high", "--leave-out", "3", "--mend", "copies"]
    assert main(["audit", path, *choices, "--save", "mine"]) == 0
    before = audited(capsys, path, *choices)
    after = audited(capsys, "mine")
    assert after["labels"] == ["high", "low"] and after["joint"] == before["joint"]
    assert set(after["splits"]) == {"train", "validation", "test"}
    assert "there is a corpus 'mine' already" in refused(capsys, path, "--save", "mine")
    assert main(["corpora"]) == 0
    said = capsys.readouterr().out
    assert "copy of a row" in said and "label left out" in said and path in said


def test_several_labels_a_row_are_said_and_the_table_is_kept_narrow(tmp_path, capsys) -> None:
    at = random.Random(1)
    lines = ["text\tlabel\tlanguage"] + [
        f"{t}\t{', '.join(sorted(at.sample('12345678', at.choice([1, 1, 2, 3]))))}\t{y}"
        for t, _, y in rows()
    ]
    path = written(tmp_path / "many.tsv", lines)
    assert "several labels a row" in audited(capsys, path)["several"]
    assert main(["audit", path]) == 0
    said = capsys.readouterr().out
    assert "more labels" in said and "--several" in said
    assert max(map(len, said.partition("\nlanguage")[2].partition("\n\n")[0].splitlines())) < 200
    only = audited(capsys, path, "--several", "only")
    assert only["labels"] == list("12345678") and only["dropped"]["several labels"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--column", "text"], "expected OURS=THEIRS"),
        (["--split", "x"], "expected THEIRS=OURS"),
        (["--join", "a="], "expected A,B=C"),
        (["--mend", "everything"], "mending step 'everything' is unknown"),
        (["--several", "most"], "several is 'most'"),
        (["--save", "../x"], "corpus name is"),
        (["--save", "multiemo"], "there is a corpus 'multiemo' already"),
        (["--encoding", "no-such"], "encoding"),
        (["--accuracy", "0.2"], "accuracy"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, capsys, arguments, message) -> None:
    lines = ["text\tlabel\tlanguage"] + [
        f"{t}\t{x if i % 3 else 'pos'}\t{y}" for i, (t, x, y) in enumerate(rows())
        if y != "de" or x == "pos"
    ]  # fmt: skip
    column = ["--column", "label=label"] if "--several" in arguments else []
    assert message in refused(capsys, written(tmp_path / "a.tsv", lines), *arguments, *column)


def test_the_cost_of_a_skew_is_an_estimate(tmp_path, capsys) -> None:
    lines = ["text\tlabel\tlanguage"] + [
        f"{t}\t{x}\t{y}" for i, (t, x, y) in enumerate(rows())
        if not (y == "de" and x == "pos" and i % 3) and not (y == "fr" and x == "neg" and i % 3)
    ]  # fmt: skip
    found = audited(capsys, written(tmp_path / "a.tsv", lines), "--accuracy", "0.7")
    assert found["verdict"]["kind"] == "skewed"
    assert (
        found["expected"]["accuracy_change"]["value"]
        < 0
        < found["expected"]["skew_uptake"]["value"]
    )
    assert found["expected"]["sentence"].startswith("An estimate")


def test_a_damaged_corpus_hides_no_other(tmp_path, capsys) -> None:
    lines = ["text,label,language", *(",".join(row) for row in rows(10))]
    for name in ("one", "two"):
        assert main(["audit", written(tmp_path / "a.csv", lines), "--save", name]) == 0
    (tmp_path / "checkpoints/corpora/one/corpus.toml").write_text("rows = ")
    capsys.readouterr()
    assert main(["corpora"]) == 0
    said = capsys.readouterr().out
    assert "two" in said and "one/corpus.toml does not read" in said
    assert "does not read" in refused(capsys, "one")
    (tmp_path / "checkpoints/corpora/two/corpus.parquet").write_bytes(b"PAR1")
    assert "does not read" in refused(capsys, "two")
