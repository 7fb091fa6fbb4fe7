"""Typed texts as jobs: what is asked, and what of the answers is taken."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from core.checkpoints import run_folders, studies
from core.errors import InputError
from core.jobs import queue, sentences, slots, worker
from core.results.schema import Sentence
from core.storage import places

GOOD, BAD = Sentence("a good one", language="en"), Sentence("eine schlechte", language="de")


@pytest.fixture
def copied(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained checkpoints, to be changed."""
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


@pytest.fixture(autouse=True)
def _alone(monkeypatch) -> None:
    monkeypatch.setattr(slots, "start", lambda slot="0": None)


def done(runs: list[str], *, attributed: bool = False) -> queue.Job:
    job = sentences.ask([GOOD, BAD], runs, attributed=attributed, by="me")
    worker.serve(slots.QUICK, idle=0)
    [found] = sentences.find([job.name])
    assert found.state == "done" and found.by == "me"
    return found


def test_the_answers_are_by_sentence_and_run(copied) -> None:
    runs = studies.run_ids("small")[:2]
    found = sentences.answers(done(runs))
    assert set(found) == {(text, run) for text in (GOOD, BAD) for run in runs}
    assert all(sum(own["output"]) == pytest.approx(1) for own in found.values())
    assert not any("tokens" in own for own in found.values())
    explained = sentences.answers(done(runs, attributed=True))
    for key, own in explained.items():
        tokens = own["tokens"]
        for c, p in enumerate(own["output"]):
            total = tokens["base"][c] + sum(values[c] for values in tokens["values"])
            assert total == pytest.approx(p, abs=1e-6)
        assert own["output"] == pytest.approx(found[key]["output"], abs=1e-6)


def test_the_same_texts_and_runs_are_the_same_job(copied) -> None:
    runs = studies.run_ids("small")[:2]
    first = sentences.ask([GOOD], runs)
    assert sentences.ask([GOOD], runs).id == first.id
    others = [
        sentences.ask([BAD], runs),
        sentences.ask([Sentence(GOOD.text, language="fr")], runs),
        sentences.ask([GOOD], runs[:1]),
        sentences.ask([GOOD], runs, attributed=True),
    ]
    assert len({first.id, *(job.id for job in others)}) == 5


def test_what_a_link_names_is_a_job_or_nothing(copied) -> None:
    job = sentences.ask([GOOD], studies.run_ids("small")[:1])
    named = ["../x", "", "0" * 16, "é", "a/b", job.name, job.name + "\n"]
    assert [found.id for found in sentences.find(named)] == [job.id]


def test_a_run_that_was_trained_anew_has_no_answer(copied) -> None:
    runs = studies.run_ids("small")[:2]
    job = done(runs)
    path = run_folders.folder(runs[0]) / "COMPLETE"
    os.utime(path, (time.time() + 60,) * 2)
    assert {run for _, run in sentences.answers(job)} == {runs[1]}
    path.unlink()
    assert {run for _, run in sentences.answers(job)} == {runs[1]}


def test_a_job_of_an_older_version_has_no_answer(copied) -> None:
    queue.enqueue("sentence", "0" * 16, {"runs": [], "text": "a"})
    claimed = queue.claim(["sentence"])
    assert claimed is not None
    run = {"tokens": [], "words": [], "values": [], "output": [1.0], "base": [1.0]}
    queue.finish(claimed, "done", result={"labels": ["a"], "method": "x", "runs": {"y": run}})
    [job] = sentences.find(["0" * 16])
    assert sentences.answers(job) == {}


DAMAGES = {
    "no-result": lambda result: None,
    "a-list": lambda result: [],
    "fewer-sentences": lambda result: result | {"sentences": result["sentences"][:1]},
    "fewer-classes": lambda result: result | {"labels": result["labels"][:1]},
    "a-word-for-a-number": lambda result: json.loads(
        re.sub(r'("base": \[)[^,]*', r'\1"x"', json.dumps(result))
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_answer_that_does_not_read_is_refused(copied, damage) -> None:
    job = done(studies.run_ids("small")[:1], attributed=True)
    path = places.checkpoints_dir() / "queue" / "ended" / f"{job.id}.json"
    document = json.loads(path.read_text())
    document["result"] = DAMAGES[damage](document["result"])
    path.write_text(json.dumps(document))
    [broken] = sentences.find([job.name])
    with pytest.raises(InputError, match=f"job {job.id} does not read"):
        sentences.answers(broken)
