"""Whatever a corpus's texts and names hold, the pages show it and what they export is safe."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core import text as core_text
from core.checkpoints.studies import read_started
from core.results.names import language_order
from core.results.study_results import summary
from pages.shared import drawing
from tests.helpers import hostile

MARKDOWN = ("markdown", "caption", "info", "warning", "error", "title", "header", "subheader")
VIEWS: list[tuple[str, dict[str, str | list[str]]]] = [
    ("overview", {}),
    ("train", {"begin": "hostile"}),
    ("data", {"cells": "shares"}),
    ("data", {"containing": "<img"}),
    *(
        ("predictions", {"part": part})
        for part in ("accuracy by language", "confusion", "calibration", "translations")
    ),
    ("predictions", {"part": "disagreements", "label": hostile.LABELS[1]}),
    *(("latent", {"colour": colour}) for colour in ("language", "label", "prediction")),
    *(("tokens", {"class": label, "language": hostile.LANGUAGES[0]}) for label in hostile.LABELS),
    ("sentence", {}),
    ("compare", {}),
    ("compare", {"a": ["imbalanced", "balanced (null)"], "b": "balanced"}),
    ("runs", {"columns": ["accuracy", "intervals", "corpus", "encoder"]}),
    ("runs", {"rows": "setups", "setup-columns": ["accuracy", "corpus"]}),
    ("mitigation", {}),
    ("mitigation", {"scheme": "imbalanced+undersample"}),
    *(("paper", {"show": show}) for show in ("tables", "figures", "thresholds")),
]
# What Markdown, HTML or a terminal would obey where it is not escaped.
LIVE = re.compile(
    r"(?<!\\)(\*\*bold|<img|<script|\]\(javascript|!\[\]|:red\[|`code|\$x\^|[\x1b\x9b\u202e])"
)


@pytest.fixture
def made(monkeypatch) -> dict[str, Any]:
    """What is behind each download of a page, by the name of the file."""
    made: dict[str, Any] = {}

    def download(kind: str, file: str, mime: str, make: Callable[[], Any]) -> None:
        if kind != "PNG":  # drawn by the same renderer as SVG, and slowly
            made[core_text.file_name(file)] = make()

    monkeypatch.setattr(drawing, "_download", download)
    return made


@pytest.fixture
def opened(hostile_done, monkeypatch, open_page) -> Callable[..., AppTest]:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(hostile_done))
    return open_page


@pytest.mark.parametrize(
    ("page", "view"), VIEWS, ids=[f"{p}-{i}" for i, (p, _) in enumerate(VIEWS)]
)
def test_a_page_shows_hostile_names_as_text_and_exports_them_safely(
    opened, made, page, view
) -> None:
    app = opened(page, study="hostile", **view)
    assert not app.exception
    for kind in MARKDOWN:
        for element in app.get(kind):
            assert not LIVE.search(str(element.value)), (kind, element.value)
    assert app.title
    assert made or page == "train"
    for name, content in made.items():
        assert re.fullmatch(r"[\w+=][\w.+=-]*\.(svg|csv|tex)", name)
        CHECKS[name.rpartition(".")[2]](content)


def check_csv(content: bytes) -> None:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
            float(cell)  # a number, negative as it may be


def check_latex(content: str) -> None:
    body = content.split(r"\midrule")[1].split(r"\bottomrule")[0]
    for line in filter(None, body.split("\n")):
        cells = re.sub(r"\{\[\}|\{\*\}|\\text[a-z]+\{\}|\\[{}&%$#_]|\\\\$", "", line)
        assert not re.search(r"[\\{}$#_~^%\[*]", cells)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", cells)
    assert body.count("\\\\\n") == body.count("\n") - 1


def check_svg(content: str) -> None:
    root = ElementTree.fromstring(content)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "image", "foreignObject", "a", "iframe"}
    for element in root.iter():
        assert not [name for name in element.attrib if name.lower().startswith("on")]


CHECKS: dict[str, Callable[[Any], None]] = {
    "csv": check_csv,
    "tex": check_latex,
    "svg": check_svg,
}


def test_a_link_with_hostile_values_is_refused_in_words(opened) -> None:
    for value in (*hostile.TEXTS, *hostile.LABELS, "\0", "x" * 5000):
        app = opened("predictions", study=value, runs=value, part=value, first=value)
        assert not app.exception
        said = "\n".join(str(w.value) for w in app.warning)
        assert "of this link is not here" in said.replace("\\", "")
        assert not LIVE.search(said)


def test_the_names_come_through_whole(hostile_done, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(hostile_done))
    document = summary(read_started("hostile"))
    assert sorted(document["labels"]) == sorted(hostile.LABELS)
    assert sorted(language_order(document)) == sorted(hostile.LANGUAGES)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "..", ".", "x\0", "a/b", "x" * 300, "-x", "é" * 60]
)
def test_a_study_name_that_is_a_path_is_refused_on_the_page(name, opened) -> None:
    app = opened("train", begin="synthetic")
    app.text_input[0].set_value(name).run()
    assert not app.exception
    assert "study name" in "\n".join(str(e.value) for e in app.error)
    assert not [button for button in app.button if button.label == "Check"]


def test_a_message_of_a_job_is_text(opened, copied, monkeypatch) -> None:
    from core.jobs import queue

    queue.enqueue("study", "x", {"document": {}}, by=hostile.HTML)
    claimed = queue.claim({"study"})
    assert claimed is not None
    queue.finish(claimed, "failed", " ".join(hostile.TEXTS))
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(copied))
    app = opened("train", begin="synthetic")
    assert not app.exception
    said = [str(e.value) for kind in MARKDOWN for e in app.get(kind)]
    assert any("DROP TABLE" in text for text in said)
    assert not [text for text in said if LIVE.search(text)]


def test_a_table_keeps_the_texts_themselves(opened, made) -> None:
    opened("data", study="hostile", containing="passwd")
    table = next(content for name, content in made.items() if name.endswith("texts.csv"))
    frame = pd.read_csv(io.BytesIO(table), dtype=str, encoding="utf-8-sig")
    assert any(hostile.PATH in text for text in frame["text"])
