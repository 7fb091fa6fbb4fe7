"""What is computed once and kept in the cache may be computed by two processes at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.corpora import multiemo, paper_corpora
from core.models.vocabulary import used_ids
from core.sources import hub
from core.storage import atomic
from core.storage.places import cache_dir
from tests.helpers import encoders, faults, layouts


def waiting(write: Callable[..., Any], barrier: Barrier) -> Callable[..., Any]:
    """Writes a file, then waits until the other process has written its own."""

    def written(*given: Any, **more: Any) -> None:
        write(*given, **more)
        barrier.wait(60)

    return written


def vocabulary(folder: str, barrier: Barrier) -> None:
    from transformers import AutoTokenizer

    encoders.wordpiece(Path(folder) / "encoder")
    tokenizer = AutoTokenizer.from_pretrained(Path(folder) / "encoder")
    np.save = waiting(np.save, barrier)
    assert len(used_ids(tokenizer, ["the cat sat"], "key"))


def articles(folder: str, barrier: Barrier) -> None:
    hub.sample = lambda *_: pa.table({"title": ["a"], "text": ["b"]})
    pq.write_table = waiting(pq.write_table, barrier)
    assert paper_corpora._articles(folder, "de").num_rows == 1


def downloaded(folder: str, barrier: Barrier) -> None:
    from contextlib import nullcontext

    multiemo.package_archive = lambda *_: nullcontext(Path(folder))
    tasks = {(multiemo.DOMAINS[0], multiemo.LANGUAGES[0]): {"canary": "c"}}
    multiemo._read_tasks = lambda _: tasks
    multiemo.tabulate = lambda _: (pa.table({"text": ["a"]}), {})
    pq.write_table = waiting(pq.write_table, barrier)
    multiemo.fetch()


@pytest.mark.parametrize("work", [vocabulary, articles, downloaded])
def test_two_processes_that_compute_the_same_both_end_well(work, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path))
    folders = [tmp_path / "0", tmp_path / "1"] if work is vocabulary else [tmp_path / "0"] * 2
    layouts.wikipedia(tmp_path / "0")
    barrier = faults.CONTEXT.Barrier(2)
    processes = [faults.start(work, str(folder), barrier) for folder in folders]
    for process in processes:
        process.join(120)
    assert [p.exitcode for p in processes] == [0, 0], (tmp_path / "output.txt").read_text()
    files = [path.name for path in cache_dir().rglob("*") if path.is_file()]
    assert files
    assert not [name for name in files if "partial" in name]


def test_replacing_leaves_the_old_file_when_writing_fails(tmp_path) -> None:
    path = tmp_path / "a.json"
    atomic.write_text(path, "old")

    def fail() -> None:
        with atomic.replacing(path) as partial:
            partial.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
