"""Delimited text: the csv module of the standard library is the oracle."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.sources.read import read
from core.sources.source import Options, Source
from core.storage import sql

HEADER = ["text", "label", "language"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))


def rows_of(source: Source) -> list[list[str]]:
    frame = sql.query(source.select)
    assert list(frame.columns) == list(source.columns)
    return frame.values.tolist()


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


CELLS = st.text(
    st.one_of(
        st.sampled_from("ab ,;\t|\"'\n\r\\é好😀#"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    ),
    max_size=8,
)
CHECKED = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@CHECKED
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    break_=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"]),
    last=st.booleans(),
)
def test_what_csv_writes_is_read_back(
    tmp_path, rows, delimiter, break_, quoting, encoding, last
) -> None:
    """With the quoting, encoding and delimiter given, every table comes back."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=break_, quoting=quoting).writerows(
        [HEADER, *rows]
    )
    text = out.getvalue() if last else out.getvalue().removesuffix(break_)
    path = written(tmp_path / "x.csv", text, encoding)
    options = Options(delimiter=delimiter, quoting=True, header=True, encoding=encoding)
    assert rows_of(read(path, options)) == rows


WORDS = st.text(st.sampled_from("ab \"',;\t|好é"), max_size=12)


@CHECKED
@given(
    texts=st.lists(WORDS, min_size=4, max_size=20),
    delimiter=st.sampled_from(",;\t|"),
    break_=st.sampled_from(["\n", "\r\n"]),
    seed=st.integers(0, 100),
)
def test_what_csv_writes_is_found_out(tmp_path, texts, delimiter, break_, seed) -> None:
    """Nothing given: as many rows, and labels and languages as they are."""
    rows = [[x, "ab"[(i + seed) % 2], ["de", "en"][i % 2]] for i, x in enumerate(texts)]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=break_).writerows([HEADER, *rows])
    found = rows_of(read(written(tmp_path / "x.csv", out.getvalue())))
    assert [row[1:] for row in found] == [row[1:] for row in rows]
    assert [row[0] for row in found] == texts


@CHECKED
@given(
    texts=st.lists(st.text(st.sampled_from("ab \"',;好é"), max_size=12), min_size=4, max_size=20),
    break_=st.sampled_from(["\n", "\r\n"]),
)
def test_raw_quotes_lose_no_row(tmp_path, texts, break_) -> None:
    """Written without any quoting, each line is a row, whatever its quotes."""
    rows = [[x, "ab"[i % 2], ["de", "en"][i % 2]] for i, x in enumerate(texts)]
    lines = ["\t".join(row) + break_ for row in [HEADER, *rows]]
    found = rows_of(read(written(tmp_path / "x.tsv", "".join(lines))))
    assert [row[1:] for row in found] == [row[1:] for row in rows]
    # Only what is enclosed as a writer would have done it may be taken out of its quotes.
    differing = [x for x, row in zip(texts, found, strict=True) if x != row[0]]
    assert all(x.startswith('"') and x.endswith('"') for x in differing)
