"""A damaged run or study beside a healthy one: every page shows the healthy one as before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import streamlit as st

from core.checkpoints import studies
from core.jobs import queue
from tests.helpers import fuzz

from .conftest import charts, texts

PAGES = ["overview", "data", "predictions", "latent", "paper", "compare", "tokens", "train"]
DAMAGES = {
    "no predictions": ("run", "predictions.parquet", None),
    "no metrics": ("run", "metrics.json", None),
    "a config that is not UTF-8": ("run", "config.json", b"\xff"),
    "a status that is a list": ("run", "status.json", b"[]"),
    "probes without a leaf": ("run", "probes.json", b'{"original": {"accuracy": 0.5}}'),
    "a study of no runs": ("study", "study.toml", b"runs = []"),
    "a study that is not TOML": ("study", "study.toml", b"["),
    "a job of no arguments": ("queue", "train-x.json", b'{"arguments": null}'),
}


ASIDE = "Does not read: damaged. Choose it to see why."

_before: dict[str, dict] = {}


@pytest.fixture
def neighbours(projected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(projected, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return fuzz.beside(tmp_path / "checkpoints")


def shown(open_page, page: str, study: str) -> dict:
    """What a page shows of a study."""
    st.cache_resource.clear()
    st.cache_data.clear()
    app = open_page(page, study=study)
    assert not app.exception, page
    kinds = ("error", "warning", "info", "caption", "subheader")
    said = {kind: texts(app, kind).replace(ASIDE, "") for kind in kinds}
    return said | {"charts": [json.dumps(chart, default=str) for chart in charts(app)]}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_healthy_study_is_shown_as_before_and_the_damaged_one_named(
    damage, neighbours, open_page
) -> None:
    of_study = [page for page in PAGES if page != "train"]
    for page in of_study:  # the same for every copy: once
        if page not in _before:
            _before[page] = shown(open_page, page, "small")
    of, name, content = DAMAGES[damage]
    run = studies.run_ids("damaged")[0]
    if of == "queue":
        folder = neighbours / "queue" / "waiting"
    else:
        folder = neighbours / run if of == "run" else studies.started_folder("damaged")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    for page in of_study:
        assert shown(open_page, page, "small") == _before[page], page
    train = shown(open_page, "train", "small")
    if of == "queue":
        assert "train-x.json does not read" in train["caption"]
        return
    for page in of_study:
        said = shown(open_page, page, "damaged")
        if (of, page) != ("run", "data") and name != "status.json":  # which has no results of runs
            assert name in said["error"] + said["warning"], page
    if of == "study" and name == "study.toml":
        app = open_page("data")  # a page begins with a study that reads, and says which do not
        assert app.query_params["study"] == ["small"] and ASIDE in texts(app, "caption")
    app = open_page("overview", study="small")
    listed = "\n".join(str(table.value.to_dict()) for table in app.dataframe)
    if name == "study.toml":
        assert "damaged" in listed and "study.toml does not read" in listed
    elif name not in ("status.json", "probes.json"):  # those are read where they are needed
        assert name in listed and run in listed


def refuse(*_: object, **__: object) -> None:
    raise OSError(30, "Read-only file system", "/checkpoints/queue/lock")


def test_a_page_says_that_the_disk_takes_nothing(neighbours, open_page, monkeypatch) -> None:
    monkeypatch.setattr("core.studies.overview.studies", refuse)
    app = open_page("overview")
    assert not app.exception
    assert "cannot be written: Read-only file system" in texts(app, "error")


def test_the_queue_of_a_folder_that_only_reads_is_shown(neighbours, open_page, monkeypatch) -> None:
    queue.enqueue("project", "small", {"study": "small"})
    monkeypatch.setattr("core.jobs.queue.locks.holding", refuse)
    app = open_page("train")
    assert not app.exception
    assert "1 jobs wait and no worker runs" in texts(app, "warning")
    next(button for button in app.button if button.label == "Start a worker").click().run()
    assert not app.exception
    assert "cannot be written: Read-only file system" in texts(app, "error")
