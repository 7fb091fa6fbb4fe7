"""A few damaged files of every format; `python -m benchmarks.fuzz` has as many as there is time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import fuzz

CASES = {
    "corpus files by bytes": 40,
    "Parquet column types": 40,
    "study TOML": 300,
    "queue files": 12,
    "checkpoint files": 5,
    "attribution files": 40,
}


@pytest.fixture(scope="module")
def neighbours(explained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The explained study, and copies of its runs as a study to be damaged."""
    folder = tmp_path_factory.mktemp("fuzz") / "checkpoints"
    shutil.copytree(explained, folder)
    return fuzz.beside(folder)


def test_every_target_is_tried() -> None:
    assert set(CASES) == set(fuzz.TARGETS)


@pytest.mark.parametrize("target", CASES)
def test_damaged_files_are_read_or_refused(target, tmp_path, request) -> None:
    folder = tmp_path
    if target in fuzz.IN_CHECKPOINTS:
        folder = request.getfixturevalue("neighbours")
    found = fuzz.run(target, folder, cases=CASES[target])
    assert found.cases == CASES[target]
    assert not found.findings, "\n".join(found.findings)


def test_what_is_neither_an_answer_nor_a_refusal_is_found(tmp_path, monkeypatch) -> None:
    def crash(seed: int, folder: Path) -> None:
        fuzz.read(lambda: [][seed])

    def hang(seed: int, folder: Path) -> None:
        while True:
            pass

    def answers(seed: int, folder: Path) -> None:
        fuzz.read(lambda: seed)

    monkeypatch.setattr(fuzz, "SECONDS", 1)
    monkeypatch.setitem(fuzz.TARGETS, "crash", crash)
    monkeypatch.setitem(fuzz.TARGETS, "hang", lambda *_: fuzz.read(lambda: hang(*_)))
    monkeypatch.setitem(fuzz.TARGETS, "answers", answers)
    assert fuzz.run("crash", tmp_path, cases=2).findings[1].startswith("1: IndexError")
    assert "HangError longer than 1 s" in fuzz.run("hang", tmp_path, cases=1).findings[0]
    assert not fuzz.run("answers", tmp_path, cases=3).findings


def test_a_healthy_study_that_changes_is_found(neighbours, monkeypatch) -> None:
    def worse(seed: int, folder: Path) -> None:
        with fuzz.checkpoints(folder):
            fuzz._as_before()
            run = fuzz.studies.run_ids(fuzz.HEALTHY)[0]
            with fuzz.mended(folder / run / "metrics.json"):
                (folder / run / "metrics.json").write_text("{}")
                fuzz._as_before()

    monkeypatch.setitem(fuzz.TARGETS, "worse", worse)
    monkeypatch.setattr(fuzz, "IN_CHECKPOINTS", ("worse",))
    assert "the other study changed" in fuzz.run("worse", neighbours, cases=1).findings[0]
