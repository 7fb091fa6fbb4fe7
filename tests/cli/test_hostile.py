"""Hostile texts and names on the command line, in job files, in run folders and in SQL."""

from __future__ import annotations

import json
import re
import tomllib

import duckdb
import pytest

from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.corpora import texts
from core.errors import InputError
from core.jobs import ask, kinds, queue, slots
from core.progress import Stop
from core.results import disagreements
from core.results.index import publish
from core.storage import places
from core.studies import study
from tests.helpers import hostile

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def done(hostile_done, monkeypatch):
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(hostile_done))
    return hostile_done


@pytest.mark.parametrize(
    "command", [["show", "hostile"], ["runs"], ["queue"], ["prune"], ["show", hostile.ESCAPES]]
)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_the_terminal_obeys_no_text(done, capsys, command, more) -> None:
    if command == ["prune"] and more:
        return
    main([*command, *more])
    said, complained = capsys.readouterr()
    assert said or complained
    assert not OBEYED.search(said + complained)
    if more and said:
        json.loads(said)


def test_the_labels_of_a_shown_study_can_be_read_back(done, capsys) -> None:
    assert main(["show", "hostile", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["labels"]) == set(hostile.LABELS)


def test_an_audit_prints_no_control_character(tmp_path, capsys) -> None:
    assert main(["audit", str(hostile.write(tmp_path).with_suffix(".jsonl"))]) == 0
    assert not OBEYED.search(capsys.readouterr().out)


def test_names_are_values_in_sql(done) -> None:
    first, second = studies.run_ids("hostile")[:2]
    file = texts.texts_file(run_folders.read_config(first))
    for language in hostile.LANGUAGES:
        for label in hostile.LABELS:
            found, n = texts.browse(file, language=language, label=label)
            assert n == 22 and set(found["label"]) == {label}
            disagreements.disagreements(first, second, file, language=language, label=label)
    assert texts.browse(file, containing="' OR 1=1 --")[1] == 0
    assert texts.browse(file, containing=hostile.SQL)[1] > 0
    assert texts.browse(file, split="x' OR '1'='1")[1] == 0
    with duckdb.connect(str(publish()), read_only=True) as index:
        assert index.sql("SELECT count(*) FROM runs").fetchall() == [(3,)]
        columns = {c[0] for c in index.sql("DESCRIBE predictions").fetchall()}
    assert {f"p_{label}" for label in hostile.LABELS} <= columns


def test_run_folders_bear_no_name_of_a_corpus(done) -> None:
    for path in done.rglob("*"):
        assert re.fullmatch(r"[\w.+@-]+", path.name), path
    document = tomllib.loads((done / "studies/hostile/study.toml").read_text(encoding="utf-8"))
    assert [set(side) for side in document["groups"]] == [
        set(hostile.LANGUAGES[:2]),
        set(hostile.LANGUAGES[2:]),
    ]
    config = json.loads((done / studies.run_ids("hostile")[0] / "config.json").read_text())
    assert set(config["labels"]) == set(hostile.LABELS)
    assert "by" not in config


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_a_typed_text_and_who_asks_stand_in_the_job_as_they_are(monkeypatch, text) -> None:
    monkeypatch.setattr(slots, "start", lambda slot="0": None)
    ask.ask("sentence", "0123456789abcdef", {"text": text, "runs": []}, by=text)
    job = queue.find("sentence-0123456789abcdef")
    assert job is not None
    assert (job.arguments["text"], job.by) == (text, text)
    [file] = (queue.folder() / "waiting").iterdir()
    assert file.name == "sentence-0123456789abcdef.json"


@pytest.mark.parametrize("name", ["../x", "/x", "..", "a/../../b", "x\0"])
def test_a_job_or_run_that_is_a_path_is_none(name) -> None:
    with pytest.raises(InputError):
        ask.again(f"train-{name}")
    with pytest.raises(InputError):
        ask.ask("train", name)
    with pytest.raises(InputError):
        queue.remove(f"train-{name}")
    assert not list(places.checkpoints_dir().rglob("*status.json"))


def test_the_runs_of_a_study_bear_the_name_of_who_asked_for_it(study_file) -> None:
    document = study.to_document(study.read(str(study_file)))
    from core.models.session import Session

    session = Session()
    work = kinds.Work(
        "small",
        {"document": document, "then": ["project"]},
        lambda: session,
        lambda what, share: None,
        Stop(lambda: False),
        lambda kind, name, arguments: queue.enqueue(kind, name, arguments, "a@b.org"),
    )
    kinds.KINDS["study"].do(work)
    assert {job.by for job in queue.listing()} == {"a@b.org"}
    assert set(run_folders.list_runs()["by"]) == {"a@b.org"}
    run = studies.run_ids("small")[0]
    run_folders.write_status(run, "failed", "x")
    assert run_folders.read_status(run)["by"] == "a@b.org"
    queue.cancel(f"train-{run}")
    assert queue.enqueue("train", run, by="c@b.org").by == "c@b.org"
    assert run_folders.read_status(run)["by"] == "c@b.org"
