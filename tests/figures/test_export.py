from __future__ import annotations

import csv
import io
import json
import re
import shutil
import struct
import subprocess
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.figures import export
from tests.helpers.needs import missing

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(st.lists(st.tuples(TEXTS, st.floats(allow_nan=False, allow_infinity=False)), max_size=6))
def test_csv_keeps_numbers_and_no_cell_is_a_formula(rows) -> None:
    frame = pd.DataFrame(rows, columns=["text", "number"])
    back = list(csv.reader(io.StringIO(export.csv(frame).decode("utf-8-sig"), newline="")))
    assert back[0] == ["text", "number"]
    for (text, number), found in zip(rows, back[1:], strict=True):
        assert not found[0].startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        assert found[0].removeprefix("'") == text.removeprefix("'")
        assert float(found[1]) == number


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"])
def test_csv_marks_what_a_spreadsheet_would_run(text) -> None:
    rows = export.csv(pd.DataFrame({text: [text, "a=1"], "n": [-1.5, 2]})).decode("utf-8-sig")
    back = list(csv.reader(io.StringIO(rows, newline="")))
    assert back[0][0] == back[1][0] == f"'{text}"
    assert (back[1][1], back[2][0]) == ("-1.5", "a=1")


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_latex_leaves_no_special_character(texts) -> None:
    body = export.latex(pd.DataFrame({"a_b": texts})).split(r"\midrule")[1].split(r"\bottomrule")[0]
    rows = [x for x in body.split("\n") if x]
    assert len(rows) == len(texts)
    for row in rows:
        cell = row.removesuffix(r" \\")
        words = re.sub(r"\\text(backslash|ascii\w+|less|greater|bar|minus)\{\}|\{[\[*]\}", "", cell)
        assert "[" not in words and "*" not in words
        assert not re.search(r"(?<!\\)[&%$#_{}~^]", words)
        assert not re.search(r"\\(?![&%$#_{}])", words)


def test_latex_formats_numbers_and_aligns_them() -> None:
    frame = pd.DataFrame(
        {"setup": ["a", "b"], "share": [0.333, None], "slope": [-0.5, 1.0], "n": [3, 1000]}
    )
    text = export.latex(frame, {"share": "percent", "slope": "%.2f"})
    assert r"\begin{tabular}{lrrr}" in text
    assert r"setup & share & slope & n \\" in text
    assert "a & 33.3 \\% & \\textminus{}0.50 & 3 \\\\" in text
    assert r"b & – & 1.00 & 1,000 \\" in text


@pytest.mark.parametrize(
    ("value", "form", "written"),
    [
        (-0.0244, "%+.3f", "\u22120.024"), (0.0244, "%+.3f", "+0.024"),
        (-0.0004, "%.3f", "0.000"),
        (0.0, "%+.3f", "0.000"), (719000, None, "719,000"), (np.int64(-1800), None, "\u22121,800"),
        (1234.5, "%.1f", "1,234.5"), (3.0, "%.0f", "3"), (-0.125, "percent", "\u221212.5\u00a0%"),
        (0.0005, "%g", "0.0005"), (None, "%.3f", "–"), (pd.NA, None, "–"), (pd.NaT, None, "–"),
        (float("nan"), None, "–"),
        (True, None, "True"), ("-5", None, "-5"), (np.float32(-0.5), None, "\u22120.500"),
    ],
)  # fmt: skip
def test_numbers_are_written_alike_everywhere(value, form, written) -> None:
    assert export.as_text(value, form) == written


def chart(text: str) -> alt.Chart:
    return alt.Chart(pd.DataFrame({"x": [1, 2], "y": [text, "b"]})).mark_bar().encode(
        x=alt.X("x:Q"), y=alt.Y("y:N", title=None)
    )  # fmt: skip


def test_a_figure_has_all_its_panels_with_title_and_caption() -> None:
    panels = [chart(str(i)) for i in range(5)]
    document = export.specification(panels, "A title", "n = 5", columns=2, above=[chart("key")])
    assert document["title"]["text"] == "A title"
    assert document["title"]["subtitle"] == ["n = 5"]
    assert [len(row.get("hconcat", "x")) for row in document["vconcat"]] == [1, 2, 2, 1]
    shown = json.dumps(document["datasets"])
    assert all(f'"y": "{i}"' in shown for i in (*range(5), "key"))


def test_png_and_svg_show_the_chart() -> None:
    document = export.specification([chart("ラベル")], "漢字の題")
    image = export.png(document)
    assert image.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", image[16:24])
    assert width > 600 and height > 100
    svg = export.svg(document)
    assert svg.startswith("<svg") and "漢字の題" in svg and "ラベル" in svg


def test_chinese_characters_are_drawn_each_their_own() -> None:
    """Without a font they would all be the same box."""
    fonts = shutil.which("fc-list")
    if not fonts or b"WenQuanYi" not in subprocess.run([fonts], capture_output=True).stdout:
        missing("there is no font with Chinese characters")
    images = {export.png(export.specification([chart("a")], text)) for text in "漢字中文"}
    assert len(images) == 4


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\ufffe", "\x0b", "<b>&\"']]>"])
def test_a_figure_of_any_text_is_drawn(text) -> None:
    """vl-convert ends the whole process at a character that XML cannot hold."""
    frame = pd.DataFrame({"x": [1], "y": [text], f"p.{text}[0]": [1]})
    drawn = alt.Chart(frame).mark_bar().encode(x="x:Q", y=alt.Y("y:N", title=text))
    document = export.specification([drawn], text, text)
    assert export.png(document).startswith(b"\x89PNG")
    root = ElementTree.fromstring(export.svg(document))
    shown = "".join(root.itertext())
    if text.startswith("<b>"):
        assert text in shown
    assert not [e for e in root.iter() if e.tag.endswith(("}b", "}script"))]


@pytest.mark.parametrize(
    "cell", ["[2cm]", "*", r"\input{/etc/passwd}", r"\write18{ls}", "\x1b[0m", "a\nb"]
)
def test_latex_reads_no_cell_as_a_command(cell) -> None:
    text = export.latex(pd.DataFrame({cell: [cell, cell]}))
    assert r"\input" not in text and r"\write" not in text
    assert not re.search(r"\\\\\s*[\[*]|rule\s*[\[*]|[\x00-\x09\x0b-\x1f]", text)
