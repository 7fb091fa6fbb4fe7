"""The page Data on a corpus: states, words that are data, and the numbers that are shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.corpora import corpus, find
from core.corpora.choices import Choices

from .conftest import charts, run_page, texts

HOSTILE = '[x](http://elsewhere) <img src=x> $a$ **b** "; DROP'


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))


def written(path: Path, good: str = "good", bad: str = "bad") -> str:
    """Skewed: of German a quarter is good, of English three quarters; every tenth row twice."""
    rows = []
    for i in range(120):
        for language, every in (("de", 4), ("en", 2)):
            label = good if (i % every == 0) == (language == "de") else bad
            quoted = label.replace('"', '""')
            line = f'a text in {language} of number {i},"{quoted}",{language}'
            rows += [line] * (2 if i % 10 == 0 else 1)
    path.write_text("\n".join(["review,stars,lang", *rows]), encoding="utf-8")
    return str(path)


def shown(path: str, **view: str):
    app = run_page("data", look="a corpus", corpus=path, **view)
    assert not app.exception
    return app


def test_without_anything_it_begins_with_a_corpus_that_is_there() -> None:
    app = run_page("data", look="a corpus")
    assert not app.exception
    assert "No evidence of skew" in texts(app, "success")
    assert "synthetic" in app.selectbox[0].options


def test_a_file_is_mapped_counted_and_judged(tmp_path) -> None:
    path = written(tmp_path / "own.csv")
    app = shown(path)
    boxes = {box.label: box.value for box in app.selectbox}
    assert (boxes["Text"], boxes["Label"], boxes["Language"]) == ("review", "stars", "lang")
    lines = Path(path).read_text().splitlines()[1:]
    counted = Counter((line.split(",")[2], line.split(",")[1].strip('"')) for line in lines)
    cells = {(r["language"], r["label"]): r["value"] for r in charts(app)[0]["rows"]}
    assert {k: v for k, v in cells.items() if "all" not in k} == counted
    assert "are skewed" in texts(app, "warning")
    assert f"**{len(lines):,}** rows of {len(lines):,} that were read" in texts(app, "markdown")
    copies = next(box for box in app.checkbox if "repeat the text" in box.label)
    assert copies.label.startswith(f"Leave out {len(lines) - len(set(lines))} ")


def test_names_and_texts_are_data(tmp_path) -> None:
    app = shown(written(tmp_path / "own.csv", good=HOSTILE))
    for kind in ("markdown", "warning", "caption", "error"):
        for element in app.get(kind):
            assert "](http" not in str(element.value).replace("\\]\\(http", "")
            assert "<img" not in str(element.value).replace("\\<img", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"foo,bar\n1,2\n3,4\n", "is not known"),
        (b"text,label,language\n", "no rows"),
        (b"text,label,language\nx,,en\n", "no usable row left"),
    ],
)
def test_what_does_not_read_is_said(tmp_path, content, message) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert message in texts(shown(str(tmp_path / "a.csv")), "error")


def test_one_row_is_judged_as_what_it_is(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("text,label,language\nx,y,en\n")
    app = shown(str(tmp_path / "a.csv"))
    assert not app.error and "**1** rows of 1 that were read" in texts(app, "markdown")


def test_a_damaged_parquet_and_a_file_that_is_gone_are_said(tmp_path) -> None:
    table = pa.table({"text": [f"text {i}" for i in range(3000)], "label": ["a", "b"] * 1500,
                      "language": ["de", "en", "fr"] * 1000})  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[:200] + bytes(2000) + whole[2200:])
    assert "does not read" in texts(shown(str(tmp_path / "a.parquet")), "error")
    assert "does not exist" in texts(shown(str(tmp_path / "gone.csv")), "error")


def test_a_saved_corpus_leads_to_training(tmp_path) -> None:
    path = written(tmp_path / "own.csv")
    corpus.save("own", find.mapped(find.source(path), Choices()))
    app = shown("own")
    assert parse_qs(app.get("page_link")[0].proto.query_string) == {"begin": ["corpus own"]}
    train = run_page("train", begin="corpus own")
    assert not train.exception and not train.error
    name = next(box for box in train.text_input if box.label == "Name")
    assert name.value == "own"
    design = next(box for box in train.selectbox if box.label == "Design of the imbalanced setups")
    assert design.value == "natural"
