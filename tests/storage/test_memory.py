"""What does not fit into memory is refused before it is unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.corpora import corpus
from core.errors import InputError
from core.sources import hub
from core.storage import memory

ROWS = 200_000


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A small file of many rows that are all alike: its footer speaks of a few kilobytes."""
    path = tmp_path / "bomb.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), ["x" * 10_000])
    table = pa.table({"text": text, "label": ["a"] * ROWS, "language": ["en"] * ROWS})
    pq.write_table(table, path, compression="zstd")
    footer = pq.read_metadata(path)
    sizes = (footer.row_group(g).total_byte_size for g in range(footer.num_row_groups))
    assert path.stat().st_size < 50_000 and sum(sizes) < 1e6
    return path


def test_a_table_of_rows_that_are_all_alike_is_refused_before_it_is_unpacked(bomb) -> None:
    code = f"""
import resource, sys
from pathlib import Path
from core.corpora import corpus
from core.sources import hub
from core.errors import InputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    corpus.load({str(bomb)!r})
except InputError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "LANGSKEW_TABLE_GB": "1"},
    )
    assert "does not fit into memory: reading it takes" in done.stdout
    assert "1.00 GB may be used" in done.stdout and "LANGSKEW_TABLE_GB" in done.stdout
    assert float(done.stderr.split()[-1]) < 300  # megabytes; unpacked it takes 2,000


def test_a_data_set_of_such_files_is_refused_too(bomb, monkeypatch) -> None:
    """A folder in the hub's layout, and one that datasets saved."""
    monkeypatch.setenv("LANGSKEW_TABLE_GB", "1")
    with pytest.raises(InputError, match=r"bomb\.parquet does not fit into memory"):
        hub.read(str(bomb.parent), "en")
    bomb.unlink()
    datasets.Dataset.from_dict({"text": ["x" * 1000] * 100}).save_to_disk(bomb.parent / "saved")
    monkeypatch.setenv("LANGSKEW_TABLE_GB", "0.0001")
    with pytest.raises(InputError, match=r"\.arrow does not fit into memory"):
        hub.read(str(bomb.parent / "saved"), "en")


def test_nested_texts_are_counted_too(tmp_path, monkeypatch) -> None:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), ["x" * 10_000])
    lists = pa.ListArray.from_arrays(pa.array(range(ROWS + 1), pa.int32()), text)
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"text": lists}), path)
    monkeypatch.setenv("LANGSKEW_TABLE_GB", "1")
    with pytest.raises(InputError, match="does not fit into memory"):
        memory.check_parquet(path)


def test_many_rows_are_refused_by_the_footer_alone(tmp_path, monkeypatch) -> None:
    path = tmp_path / "rows.parquet"
    n = 10_000_000
    same = {c: pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), [c[:2]])
            for c in ("text", "label", "language")}  # fmt: skip
    pq.write_table(pa.table(same), path)
    assert path.stat().st_size < 100_000
    monkeypatch.setenv("LANGSKEW_TABLE_GB", "2")
    with pytest.raises(InputError, match=r"10,000,000 rows .*, and 2\.00 GB may be used"):
        corpus.load(str(path))
    monkeypatch.setattr(pq, "ParquetFile", None)
    with pytest.raises(InputError, match=r"10,000,000 rows\), and 2\.00 GB may be used"):
        memory.check_parquet(path)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_a_text_file_that_would_not_fit_is_refused(tmp_path, monkeypatch, name) -> None:
    path = tmp_path / name
    mark = "\t" if name == "a.tsv" else ","
    line = mark.join(("a", "b", "en")) + "\n"
    header = mark.join(("text", "label", "language")) + "\n"
    if name == "a.jsonl":
        header, line = "", '{"text": "a", "label": "b", "language": "en"}\n'
    path.write_text(header + line * 300_000)
    monkeypatch.setenv("LANGSKEW_TABLE_GB", "0.01")
    with pytest.raises(InputError, match=r"does not fit into memory: .* and 0\.01 GB may be used"):
        corpus.load(str(path))


def test_an_ordinary_table_is_read(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"text {i} {'x' * (i % 50)}" for i in range(5000)]
    table = pa.table({"text": texts, "label": ["a", "b"] * 2500, "language": ["en"] * 5000})
    pq.write_table(table, path)
    monkeypatch.setenv("LANGSKEW_TABLE_GB", "0.02")
    assert corpus.load(str(path)).table["text"].to_pylist() == texts


@pytest.mark.parametrize("given", ["many", "0", "-1", "nan", "inf"])
def test_a_wrong_limit_is_named(monkeypatch, given) -> None:
    monkeypatch.setenv("LANGSKEW_TABLE_GB", given)
    with pytest.raises(InputError, match="expected a number of gigabytes, such as 4"):
        memory.limit()


@pytest.mark.parametrize(
    ("line", "files_", "left"),
    [
        ("0::/a/b", {"a/memory.max": "3000", "a/memory.current": "1000"}, 2000),
        ("0::/a", {"memory.max": "max", "a/memory.max": "500", "a/memory.current": "900"}, 0),
        (
            "5:cpu,memory:/x",
            {"memory/memory.limit_in_bytes": "800", "memory/memory.usage_in_bytes": "300"},
            500,
        ),
    ],
)
def test_a_container_has_less_than_the_machine(tmp_path, monkeypatch, line, files_, left) -> None:
    for name, content in files_.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    own = tmp_path / "own-groups"
    own.write_text(line + "\n")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.setattr(memory, "OWN", own)
    assert memory.available() == left
    assert memory.of_machine() == int(next(v for k, v in files_.items() if v.isdigit()))
