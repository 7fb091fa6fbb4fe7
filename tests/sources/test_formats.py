"""JSON in its forms, Parquet and Arrow of several writers, workbooks: with their types."""

from __future__ import annotations

import datetime
import decimal
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.sources.read import read
from core.sources.source import NAME_LANGUAGE, NAME_SPLIT, Options
from tests.helpers import workbooks
from tests.helpers.sources import rows_of, written

ROWS = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(4)]
PAIRS = [(row["text"], row["label"]) for row in ROWS]


def lines(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


FORMS = {
    "lines": lines(ROWS),
    "lines with blank ones": lines(ROWS).replace("\n", "\n\n"),
    "lines with carriage returns": lines(ROWS).replace("\n", "\r\n"),
    "array": json.dumps(ROWS),
    "array over lines": json.dumps(ROWS, indent=2),
    "data": json.dumps({"version": 1, "data": ROWS}),
    "columns": json.dumps({"text": [r["text"] for r in ROWS], "label": [r["label"] for r in ROWS]}),
    "pandas": pd.DataFrame(ROWS).to_json(),
    "pandas split": pd.DataFrame(ROWS).to_json(orient="split"),
    "pandas index": pd.DataFrame(ROWS, index=["r1", "r2", "r3", "r4"]).to_json(orient="index"),
    "pandas table": pd.DataFrame(ROWS).to_json(orient="table", index=False),
    "lists": json.dumps([["text", "label"], *PAIRS]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", [".json", ".jsonl", ".txt"])
def test_forms_of_json_are_told_by_their_content(tmp_path, form, ending) -> None:
    source = read(written(tmp_path / f"x{ending}", FORMS[form]))
    assert rows_of(source) == PAIRS
    assert source.parts[0].read_as.startswith("JSON Lines" if "lines" in form[:5] else "JSON")


def test_splits_and_languages_that_are_keys(tmp_path) -> None:
    by_split = {"train": ROWS, "dev": ROWS[:1], "test": ROWS[:2]}
    source = read(written(tmp_path / "x.json", json.dumps(by_split)))
    found = [row[source_index(source, NAME_SPLIT)] for row in rows_of(source)]
    assert found == ["train"] * 4 + ["validation"] + ["test"] * 2
    by_language = {"de": ROWS, "it": ROWS[:1]}
    source = read(written(tmp_path / "y.json", json.dumps(by_language)))
    found = [row[source_index(source, NAME_LANGUAGE)] for row in rows_of(source)]
    assert found == ["de"] * 4 + ["it"]
    with pytest.raises(InputError, match="several tables \\(good, bad\\)"):
        read(written(tmp_path / "z.json", json.dumps({"good": ROWS, "bad": ROWS})))


def source_index(source, name) -> int:
    return list(source.columns).index(name)


def test_types_of_json_are_those_of_its_values(tmp_path) -> None:
    rows = [
        {"whole": 1, "half": 1, "mixed": 1, "list": ["a"], "inner": {"a": 1, "b": "x"}},
        {"whole": None, "half": 1.5, "mixed": "one", "list": [], "bool": True},
        {"whole": 3, "half": float("nan"), "mixed": 1.50, "list": None, "late": "x"},
        {"mixed": [1, {"a": 2}], "inner": {"a": None, "c": [1]}, "big": 10**30},
    ]
    source = read(written(tmp_path / "x.jsonl", lines(rows).replace("1.5}", "1.50}")))
    assert dict(source.columns) == {
        "whole": "BIGINT",
        "half": "DOUBLE",
        "mixed": "VARCHAR",
        "list": "VARCHAR[]",
        "inner.a": "BIGINT",
        "inner.b": "VARCHAR",
        "inner.c": "BIGINT[]",
        "bool": "BOOLEAN",
        "late": "VARCHAR",
        "big": "VARCHAR",
    }
    whole, half, mixed, list_, a, b, c, bool_, late, big = zip(*rows_of(source), strict=True)
    assert whole == (1, None, 3, None) and half == (1.0, 1.5, None, None)
    assert mixed == ("1", "one", "1.5", '[1, {"a": 2}]')
    assert list_ == (["a"], [], None, None)
    assert (a, b, c) == ((1, *[None] * 3), ("x", *[None] * 3), (None, None, None, [1]))
    assert bool_ == (None, True, None, None) and late[2] == "x" and big[3] == str(10**30)


def test_numbers_among_texts_stay_as_they_are_written(tmp_path) -> None:
    values = ["1.50", '"x"', "1e5", "-0.0", str(10**25), "1e999", "7" * 5000, "true"]
    rows = [f'{{"label": {value}, "n": {i}, "half": 0.50}}' for i, value in enumerate(values)]
    for content in ("\n".join(rows), f"[{','.join(rows)}]"):
        source = read(written(tmp_path / "x.json", content))
        assert dict(source.columns) == {"label": "VARCHAR", "n": "BIGINT", "half": "DOUBLE"}
        expected = [(value.strip('"'), i, 0.5) for i, value in enumerate(values)]
        assert rows_of(source) == expected


def test_a_type_that_changes_behind_many_rows(tmp_path) -> None:
    rows = [{"text": "x", "label": i} for i in range(50_000)]
    rows += [{"text": "y", "label": "none", "new": 1}]
    found = rows_of(read(written(tmp_path / "x.jsonl", lines(rows))))
    assert found == [("x", str(i), None) for i in range(50_000)] + [("y", "none", 1)]


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=4)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner),
    max_leaves=5,
)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.dictionaries(st.sampled_from("abcAB"), JSON_VALUES), min_size=2, max_size=6))
def test_each_line_of_json_is_a_row(tmp_path, rows) -> None:
    path = written(tmp_path / "x.jsonl", lines([{"text": "x", **row} for row in rows]))
    assert len(rows_of(read(path))) == len(rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ('{"a": 1}\n[1]\n', "line 2: expected one JSON object a line, found list"),
        ('{"a": "\\ud800"}\n{"a": 1}', "half of a character"),
        ('[{"a": 1}, {"a": ]', "line 1 is not JSON"),
        ("[1, 2, 3]", "is JSON, but no table: it holds a list"),
        ('{"a": {"b": 1}, "c": 2', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is JSON, but no table"),
        ("{}\n{}\n", "no row has a value"),
    ],
)
def test_json_that_is_no_table_is_refused(tmp_path, content, message) -> None:
    with pytest.raises(InputError, match=message):
        read(written(tmp_path / "x.json", content))


def test_parquet_of_arrows_many_types(tmp_path) -> None:
    table = pa.table(
        {
            "text": pa.array(["a", "b", None], pa.large_string()),
            "category": pa.array(["x", "y", "x"]).dictionary_encode(),
            "bytes": pa.array([b"a", "é".encode(), None]),
            "broken": pa.array([b"\xff", b"a", None]),
            "half": [1.0, float("nan"), None],
            "decimal": pa.array([decimal.Decimal("1.50")] * 3, pa.decimal128(5, 2)),
            "when": pa.array([datetime.datetime(2020, 1, 2)] * 3, pa.timestamp("us")),
            "list": [["a"], [], None],
            "inner": [{"a": 1}, {"a": 2}, None],
            "small": pa.array([1, 2, None], pa.int8()),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    source = read(tmp_path / "x.parquet")
    assert source.columns["bytes"] == source.columns["category"] == "VARCHAR"
    assert source.columns["broken"] == "BLOB" and source.columns["small"] == "TINYINT"
    expected = [tuple(row.values()) for row in table.to_pylist()]
    expected[1] = (*expected[1][:4], None, *expected[1][5:])  # NaN is missing
    expected = [(r[0], r[1], r[2] and r[2].decode(), *r[3:]) for r in expected]
    assert rows_of(source) == expected


@pytest.mark.parametrize("write", ["to_parquet", "to_feather"])
def test_what_pandas_writes(tmp_path, write) -> None:
    frame = pd.DataFrame(
        {
            "text": ["a", "b", None],
            "label": pd.Categorical(["x", "y", "x"]),
            "number": np.array([1.0, np.nan, 2.0]),
            "whole": [1, 2, 3],
        }
    )
    if write == "to_parquet":
        frame.index = [5, 6, 9]
    path = tmp_path / f"x.{write[3:]}"
    getattr(frame, write)(path)
    source = read(path)
    assert rows_of(source) == [("a", "x", 1.0, 1), ("b", "y", None, 2), (None, "x", 2.0, 3)]
    assert any("__index_level_0__" in n for n in source.notes) == (write == "to_parquet")


def test_arrow_with_and_without_an_index_of_its_parts(tmp_path) -> None:
    table = pa.table({"text": ["a", "b"], "label": [1, None]})
    with pa.ipc.new_file(tmp_path / "x.arrow", table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_stream(tmp_path / "y.arrow", table.schema) as writer:
        writer.write_table(table)
    assert rows_of(read(tmp_path / "x.arrow")) == rows_of(read(tmp_path / "y.arrow"))
    assert rows_of(read(tmp_path / "x.arrow")) == [("a", 1), ("b", None)]


def test_names_of_classes_stand_beside_their_numbers(tmp_path) -> None:
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
    }
    table = pa.table({"text": ["a", "b"], "label": [1, -1]})
    card = json.dumps({"info": {"features": features}})
    pq.write_table(table.replace_schema_metadata({"huggingface": card}), tmp_path / "x.parquet")
    source = read(tmp_path / "x.parquet")
    assert source.classes == {"label": ("neg", "pos")}
    assert rows_of(source) == [("a", 1), ("b", -1)]


def test_parquet_without_rows_or_with_damage_is_refused(tmp_path) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="columns and no rows"):
        read(tmp_path / "x.parquet")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "y.parquet")
    written(tmp_path / "y.parquet", (tmp_path / "y.parquet").read_bytes()[:-9])
    with pytest.raises(InputError, match="does not read .* write it anew"):
        read(tmp_path / "y.parquet")


def test_a_workbook(tmp_path) -> None:
    day = datetime.date(2020, 1, 2)
    rows = [
        ["text", "stars", "half", "mixed", "day", "ok", None],
        ["a <b>", 3.0, 1.5, 3.0, day, True, None],
        ["é, 好", 4, None, "x", day, False, None],
        [None, 5, 2, 1.5, None, None, "note"],
    ]
    source = read(workbooks.write(tmp_path / "x.xlsx", {"empty": [], "data": rows}))
    assert dict(source.columns) == {
        "text": "VARCHAR",
        "stars": "BIGINT",
        "half": "DOUBLE",
        "mixed": "VARCHAR",
        "day": "VARCHAR",
        "ok": "BOOLEAN",
        "column 7": "VARCHAR",
    }
    assert rows_of(source) == [
        ("a <b>", 3, 1.5, "3", "2020-01-02", True, None),
        ("é, 好", 4, None, "x", "2020-01-02", False, None),
        (None, 5, 2.0, "1.5", None, None, "note"),
    ]


def test_sheets_are_chosen_and_others_said(tmp_path) -> None:
    sheets = {"one": [["text"], ["a"]], "two": [["text"], ["b"]], "notes": [["only a header"]]}
    path = workbooks.write(tmp_path / "x.xlsx", sheets)
    source = read(path)
    assert rows_of(source) == [("a",)]
    assert "sheet 'one' was read; others with rows: two" in source.notes
    assert rows_of(read(path, Options(sheet="two"))) == [("b",)]
    with pytest.raises(InputError, match="no sheet 'three'; it has: one, two, notes"):
        read(path, Options(sheet="three"))
    with pytest.raises(InputError, match="no sheet with a header and rows"):
        read(workbooks.write(tmp_path / "y.xlsx", {"notes": [["only a header"]]}))


def test_a_damaged_workbook_is_refused(tmp_path) -> None:
    path = workbooks.write(tmp_path / "x.xlsx", {"one": [["text"], ["a"]]})
    written(tmp_path / "y.xlsx", path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"y\.xlsx"):
        read(tmp_path / "y.xlsx")
    written(tmp_path / "z.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(InputError, match=r"z\.xls does not read as a workbook"):
        read(tmp_path / "z.xls")
