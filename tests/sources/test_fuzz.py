"""Files that nobody wrote on purpose: each is read with every line accounted for, or refused."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import InputError
from core.sources.read import read
from core.storage import reading
from tests.helpers import fuzz, workbooks
from tests.helpers.sources import rows_of

TEXTS = [
    *("plain", "", " ", 'a "b" c', '"', '"a', 'a"', "a,b", "a\tb", "a\nb", "a\r\nb", "a\rb"),
    *("é好", "\\", '\\"', "'", "'a", "#", "NA", "1e5", "{", "[1]", '""', '"""', ";|"),
]


def accounted(path: Path) -> bool:
    """Read it all, or be refused (False); every line of delimited text is a row, or refused."""
    with fuzz.in_time():
        try:
            source = read(path)
            with reading.reading(path, "write it anew"):
                rows = rows_of(source)
        except InputError:
            return False
    said = source.parts[0].read_as
    text = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    lines = [x for x in text.split(b"\n" if b"\n" in text else b"\r") if x not in (b"", b"\r")]
    found = len(rows) + sum(source.refused.values()) + ("no header" not in said)
    if said.startswith(("CSV", "TSV", "text")) and "UTF" not in said:
        assert found == len(lines) or (found < len(lines) and "enclose" in said)
    return True


def table(random_: random.Random) -> list[list[str]]:
    rows = [[random_.choice(TEXTS), random_.choice("ab"), random_.choice(("de", "en"))]
            for _ in range(random_.randint(0, 12))]  # fmt: skip
    return [["text", "label", "language"], *rows]


def delimited(random_: random.Random, path: Path) -> None:
    """CSV of a writer or of none, ragged, in some encoding, with an accident."""
    delimiter, end = random_.choice(",;\t|"), random_.choice(("\n", "\r\n", "\r"))
    rows = table(random_)
    for _ in range(random_.choice((0, 0, 1, 3))):
        row = random_.choice(rows)
        if random_.random() < 0.5:
            row.append("x")
        else:
            row.pop()
    if random_.random() < 0.5:
        text = end.join(delimiter.join(row) for row in rows)
    else:
        out = io.StringIO()
        quoting = random_.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC))
        csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
        text = out.getvalue()
    encodings = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "gb18030", "utf-32")
    path.write_bytes(text.encode(random_.choice(encodings), "replace"))


def lines_of_json(random_: random.Random, path: Path) -> None:
    path.write_text("".join(
        "{" + ", ".join(f'"{key}": {value}' for key, value in zip("abcd", random_.choices(
            ["1", "1.5", "null", "NaN", '"x"', "[1]", '{"a": 1}', "true", "1e999", "[]", "-0",
             "[null]", '["a", 1]', '{"b": {"c": 1}}', "9" * 30], k=random_.randint(0, 4)),
            strict=False)) + "}\n"
        for _ in range(random_.randint(1, 8))
    ))  # fmt: skip


def parquet(random_: random.Random, path: Path) -> None:
    columns = {
        "text": pa.array(["a", None, "b"]),
        "bytes": pa.array([b"\xff", b"a", None]),
        "number": pa.array([1.0, float("nan"), None]),
        "null": pa.nulls(3),
        "list": pa.array([[1], [], None]),
        "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        "time": pa.array([1, 2, None], pa.time64("us")),
        "span": pa.array([1, 2, None], pa.int64()),
        "struct": pa.array([{"a": {"b": 1}}, None, {"a": None}]),
        "category": pa.array(["x", "y", None]).dictionary_encode(),
        "Text": pa.array([True, False, None]),
        "a\"'b": pa.array([1, 2, 3], pa.uint64()),
    }
    names = random_.sample(sorted(columns), random_.randint(1, 6))
    pq.write_table(pa.table({name: columns[name] for name in names}), path)


def workbook(random_: random.Random, path: Path) -> None:
    workbooks.write(path, {"one": [
        [random_.choice(["text", 1, None, 2.5, True, "", "=1+1"]) for _ in range(3)]
        for _ in range(random_.randint(0, 5))
    ]})  # fmt: skip


@pytest.mark.parametrize(
    ("make", "ending", "cases"),
    [
        (delimited, ".csv", 250),
        (delimited, ".tsv", 120),
        (lines_of_json, ".jsonl", 120),
        (parquet, ".parquet", 100),
        (workbook, ".xlsx", 60),
    ],
)
def test_files_are_read_whole_or_refused(tmp_path, make, ending, cases) -> None:
    whole = 0
    for seed in range(cases):
        random_ = random.Random(seed)
        path = tmp_path / f"{seed}{ending}"
        make(random_, path)
        whole += accounted(path)
        if path.stat().st_size:
            path.write_bytes(fuzz.damaged_bytes(path.read_bytes(), random_))
            accounted(path)
    assert whole > cases / 3
