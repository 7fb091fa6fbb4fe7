"""A run or study with damaged numbers is named with what is wrong, and touches no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.results import index
from tests.helpers import fuzz
from tests.helpers.commands import show


@pytest.fixture
def neighbours(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small study, and copies of its runs as the study `damaged`."""
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return fuzz.beside(tmp_path / "checkpoints")


def column(name: str, change: Callable[[pd.Series], object]) -> Callable[[Path], None]:
    def changed(path: Path) -> None:
        frame = pd.read_parquet(path)
        frame[name] = change(frame[name])
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)

    return changed


def rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    def changed(path: Path) -> None:
        change(pd.read_parquet(path)).to_parquet(path, index=False)

    return changed


def leaf(*keys: str, value: object = ...) -> Callable[[Path], None]:
    def changed(path: Path) -> None:
        document = json.loads(path.read_text())
        inner = document
        for key in keys[:-1]:
            inner = inner[key]
        if value is ...:
            del inner[keys[-1]]
        else:
            inner[keys[-1]] = value
        path.write_text(json.dumps(document))

    return changed


def content(written: bytes) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(written), None)[1]


P = "p_positive"
DAMAGES = [
    ("predictions.parquet", lambda path: path.unlink(), "it is missing"),
    ("predictions.parquet", content(b""), "does not read"),
    ("predictions.parquet", column(P, lambda c: c + 1), "hold no probabilities"),
    ("predictions.parquet", column(P, lambda c: np.nan), "hold no probabilities"),
    ("predictions.parquet", column(P, lambda c: "x"), "does not read"),
    ("predictions.parquet", rows(lambda f: f.drop(columns=P)), "column p_positive is missing"),
    ("predictions.parquet", rows(lambda f: f.iloc[:-1]), "expected 144"),
    ("predictions.parquet", rows(lambda f: f.iloc[[0] * len(f)]), "1 of them different"),
    ("predictions.parquet", column("label", lambda c: "other"), "label has other; expected"),
    ("predictions.parquet", column("language", lambda c: "xx"), "language has xx; expected"),
    ("predictions.parquet", column("sentence", lambda c: None), "something else than text"),
    ("predictions.parquet", column("sentence", lambda c: c[::-1].to_numpy()), "of other sentences"),
    ("predictions.parquet", column("row", lambda c: c[::-1].to_numpy()), "are others than"),
    ("metrics.json", lambda path: path.unlink(), "it is missing"),
    ("metrics.json", content(b"\xff{}"), "does not read"),
    ("metrics.json", content(b"[" * 100_000), "does not read"),
    ("metrics.json", content(b'{"accuracy": ' + b"9" * 5000 + b"}"), "does not read"),
    ("metrics.json", content(b"[]"), "expected a JSON object, found list"),
    ("metrics.json", leaf("accuracy"), "accuracy: expected a number from 0 to 1, found nothing"),
    ("metrics.json", leaf("accuracy", value="1"), "found '1'"),
    ("metrics.json", leaf("accuracy_ci", value=[0.1]), "expected two numbers from 0 to 1"),
    ("metrics.json", leaf("accuracy_by_language", "de"), "expected a JSON object"),
    ("metrics.json", leaf("training"), "expected a JSON object"),
    ("probes.json", leaf("original", "accuracy_released"), "original: accuracy_released: expected"),
    ("probes.json", leaf("original", "knn", value=float("nan")), "found nan"),
    ("probes.json", leaf("original", value=None), "expected a JSON object"),
    ("base_values.parquet", column(P, lambda c: 3.0), "hold no probabilities"),
    ("base_values.parquet", column("texts", lambda c: 0), "column texts"),
]


@pytest.mark.parametrize(("name", "damage", "message"), DAMAGES)
def test_damaged_numbers_are_named_and_touch_no_other_study(
    neighbours, capsys, name, damage, message
) -> None:
    before = show(capsys, "show", "small")
    run = studies.run_ids("damaged")[0]
    damage(neighbours / run / name)
    first, *others = show(capsys, "show", "damaged")["runs"]
    assert first["state"] == "failed"
    assert message in first["message"] and name in first["message"]
    assert {other["state"] for other in others} == {"done"}
    if message != "of other sentences":  # which nobody knows of a run by itself
        assert main(["show", run]) == 2
        error = capsys.readouterr().err
        assert message in error and name in error and "Traceback" not in error
    assert show(capsys, "show", "small") == before
    for command in ("runs", "queue", "prune", "index"):
        assert main([command]) == 0, command
    assert "Traceback" not in capsys.readouterr().err
    assert set(pd.DataFrame(show(capsys, "runs")["runs"])["run"]) >= set(studies.run_ids("small"))


@pytest.mark.parametrize(
    "written",
    [b"", b"\xff", b"{", b"[]", b"null", b"[" * 100_000, b'{"seed": ' + b"9" * 5000 + b"}"],
)
@pytest.mark.parametrize("name", ["config.json", "study.toml"])
def test_what_decides_a_run_or_study_may_be_damaged(neighbours, capsys, name, written) -> None:
    before = show(capsys, "show", "small")
    run = studies.run_ids("damaged")[0]
    folder = neighbours / run if name == "config.json" else studies.started_folder("damaged")
    (folder / name).write_bytes(written)
    for command in (["runs"], ["queue"], ["prune"], ["index"], ["show", "small"]):
        assert main(command) == 0, command
    code = main(["show", "damaged"])
    out, err = capsys.readouterr()
    assert name in out + err and "Traceback" not in err
    assert code == (0 if name == "config.json" else 2)
    assert show(capsys, "show", "small") == before
    listed = {r["run"]: r for r in show(capsys, "runs")["runs"]}
    if name == "config.json":
        assert listed[run]["state"] == "failed" and "config.json" in listed[run]["message"]


def test_runs_of_a_study_that_does_not_read_are_not_taken_for_unused(neighbours, capsys) -> None:
    (studies.started_folder("damaged") / "study.toml").write_text("[")
    assert main(["prune", "--unused", "--yes"]) == 2
    assert "study.toml does not read" in capsys.readouterr().err
    assert len(run_folders.list_runs()) == 8


def test_an_index_leaves_out_what_does_not_read(neighbours) -> None:
    import duckdb

    run = studies.run_ids("damaged")[0]
    (neighbours / run / "predictions.parquet").write_bytes(b"PAR1 half")
    column(P, lambda c: "x")(neighbours / studies.run_ids("damaged")[1] / "predictions.parquet")
    with duckdb.connect(str(index.publish()), read_only=True) as published:
        states = dict(published.execute("SELECT run, state FROM runs").fetchall())
        there = {r for (r,) in published.execute("SELECT DISTINCT run FROM predictions").fetchall()}
        measured = {s for (s,) in published.execute("SELECT study FROM measures").fetchall()}
    assert states[run] == "failed" and set(states.values()) == {"failed", "done"}
    assert there == set(states) - set(studies.run_ids("damaged")[:2])
    assert measured == {"small", "damaged"}


def test_nobody_to_answer_is_no_traceback(neighbours, capsys, monkeypatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO())
    run = studies.run_ids("damaged")[0]
    assert main(["prune", run]) == 2
    assert "nothing was deleted; --yes deletes without asking" in capsys.readouterr().err
    assert (neighbours / run).is_dir()
