"""A damaged run or study beside a healthy one: every page shows the healthy one as before."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import streamlit as st

from core.checkpoints import studies
from core.jobs import queue
from tests.helpers import fuzz

from .conftest import charts, run_page, texts

PAGES = ["overview", "data", "predictions", "latent", "paper", "compare", "mitigation", "tokens"]
PAGES += ["sentence"]
# Of a study each: what of it, a file, and what that holds then; None: nothing.
DAMAGES = {
    "no-predictions": ("run", "predictions.parquet", None),
    "no-metrics": ("run", "metrics.json", None),
    "config-not-utf-8": ("run", "config.json", b"\xff"),
    "status-a-list": ("run", "status.json", b"[]"),
    "probes-without-leaf": ("run", "probes.json", b'{"original": {"accuracy": 0.5}}'),
    "study-of-no-runs": ("study", "study.toml", b"runs = []"),
    "study-not-toml": ("study", "study.toml", b"["),
}
ASIDE = "Does not read: study-not-toml, study-of-no-runs. Choose it to see why."


@dataclass
class Neighbours:
    """Checkpoints with the small study and those of DAMAGES, and a job that does not read.

    Attributes:
        before: what each page showed of the small study before they were damaged.
    """

    folder: Path
    before: dict[str, dict]


@pytest.fixture(scope="module")
def damaged(projected: Path, tmp_path_factory: pytest.TempPathFactory) -> Neighbours:
    folder = tmp_path_factory.mktemp("damaged") / "checkpoints"
    shutil.copytree(projected, folder)
    for i, name in enumerate(DAMAGES):
        fuzz.beside(folder, name, 10 * (i + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANGSKEW_CHECKPOINTS", str(folder))
        before = {page: shown(page, "small") for page in PAGES}
        for study, (of, name, content) in DAMAGES.items():
            run = folder / studies.run_ids(study)[0]
            path = (run if of == "run" else studies.started_folder(study)) / name
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
    (folder / "queue" / "waiting" / "train-x.json").write_text('{"arguments": null}')
    return Neighbours(folder, before)


@pytest.fixture
def there(damaged: Neighbours, monkeypatch: pytest.MonkeyPatch) -> Neighbours:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(damaged.folder))
    return damaged


@pytest.fixture
def neighbours(projected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(projected, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return fuzz.beside(tmp_path / "checkpoints")


def shown(page: str, study: str) -> dict:
    """What a page shows of a study."""
    st.cache_resource.clear()
    st.cache_data.clear()
    app = run_page(page, study=study)
    assert not app.exception, page
    kinds = ("error", "warning", "info", "caption", "subheader")
    said = {
        kind: texts(app, kind).replace(f"{ASIDE}\n", "").replace(ASIDE, "").strip()
        for kind in kinds
    }
    return said | {"charts": [json.dumps(chart, default=str) for chart in charts(app)]}


@pytest.mark.parametrize("page", PAGES)
def test_the_healthy_study_is_shown_as_before(page, there) -> None:
    assert shown(page, "small") == there.before[page]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_study_is_named_with_its_file(damage, there) -> None:
    of, name, _ = DAMAGES[damage]
    for page in PAGES:
        said = shown(page, damage)
        if (of, page) != ("run", "data") and name != "status.json":  # which has no results of runs
            assert name in said["error"] + said["warning"], page


def test_the_overview_lists_what_is_damaged(there) -> None:
    app = run_page("overview", study="small")
    listed = "\n".join(str(table.value.to_dict()) for table in app.dataframe)
    for study, (of, name, _) in DAMAGES.items():
        if of == "study":
            assert study in listed and "study.toml does not read" in listed
        elif name not in ("status.json", "probes.json"):  # those are read where they are needed
            assert name in listed and studies.run_ids(study)[0] in listed


def test_train_names_a_job_that_does_not_read(there) -> None:
    assert "train-x.json does not read" in shown("train", "small")["caption"]


def test_a_page_begins_with_a_study_that_reads_and_says_which_do_not(there) -> None:
    app = run_page("data")
    assert app.query_params["study"] == "config-not-utf-8"
    assert ASIDE in texts(app, "caption")


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
