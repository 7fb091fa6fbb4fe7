"""Every page in the states that a study can be in: no traceback, and it says what to do."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest
import streamlit as st

from core.checkpoints import studies
from core.jobs import ask
from core.results import study_results, thresholds

from .conftest import APP, ROOT, charts, texts

PAGES = ["overview", "data", "predictions", "latent", "paper", "compare", "mitigation"]


def test_these_are_all_pages_of_the_study() -> None:
    files = [*(ROOT / "pages").glob("*.py"), ROOT / "pages/parts/data_study.py"]
    found = {p.stem for p in files if "study_data.choose_study(" in p.read_text()}
    assert {"data_study" if page == "data" else page for page in PAGES} <= found


@pytest.mark.parametrize("page", PAGES)
def test_without_a_study_the_page_says_what_to_do(page, open_page) -> None:
    app = open_page(page)
    assert not app.exception
    assert "make demo" in texts(app, "info")
    assert not charts(app) and not app.dataframe


@pytest.mark.parametrize("page", PAGES)
def test_with_a_study_the_page_has_charts_and_no_complaint(page, done, open_page) -> None:
    app = open_page(page)
    assert not app.exception and not app.error
    # Of models this small Overview says that they have not learnt the task.
    assert [page == "overview" for _ in app.warning] == [True] * len(app.warning)
    assert charts(app)
    assert app.query_params["study"] == "small"


def test_pages_only_read_what_they_share(attributed, open_page, monkeypatch) -> None:
    st.cache_resource.clear()  # of tests before, whose copies of the study have the same files
    given: list[dict] = []

    def kept(make):
        def made(*arguments):
            given.append(make(*arguments))
            before.append(copy.deepcopy(given[-1]))
            return given[-1]

        return made

    before: list[dict] = []
    monkeypatch.setattr(study_results, "summary", kept(study_results.summary))
    monkeypatch.setattr(thresholds, "attributions", kept(thresholds.attributions))
    for page in [*PAGES, "tokens", "sentence"]:
        assert not open_page(page).exception
    assert len(given) >= 2
    assert given == before


@pytest.mark.parametrize("page", PAGES)
def test_a_half_done_study_shows_what_is_there(page, half_done, open_page) -> None:
    app = open_page(page)
    assert not app.exception and not app.error
    assert charts(app)
    if page != "data":  # which shows what is trained on, done or not
        assert "imbalanced, seed 0" in texts(app, "info")
        assert "python -m core study small" in texts(app, "caption")


@pytest.mark.parametrize("page", PAGES)
def test_a_study_with_nothing_done_shows_the_state_alone(page, copied, open_page) -> None:
    for run_id in studies.run_ids("small"):
        (copied / run_id / "COMPLETE").unlink()
        status = {"state": "cancelled", "message": "stopped by hand"}
        (copied / run_id / "status.json").write_text(json.dumps(status))
    app = open_page(page)
    assert not app.exception
    if page != "data":
        assert texts(app, "warning").count("is cancelled: stopped by hand") == 4
        assert not charts(app)


@pytest.mark.parametrize("page", PAGES)
def test_broken_files_are_named_and_the_rest_is_shown(page, broken, open_page) -> None:
    app = open_page(page)
    assert not app.exception and not app.error
    if page == "mitigation":  # the balanced run that others are read against is broken
        assert "no setup has a balanced run of the same seed" in texts(app, "markdown")
    else:
        assert charts(app)
    if page == "data":
        assert "subset.parquet does not read" in texts(app, "warning")
    else:
        assert "predictions.parquet does not read" in texts(app, "warning")
        assert "not a run configuration" in texts(app, "warning")


@pytest.mark.parametrize("page", [*PAGES, "tokens", "sentence"])
def test_runs_of_the_faulty_version_are_said_to_be_so(page, unsound, open_page) -> None:
    app = open_page(page)
    assert not app.exception
    said = texts(app, "error")
    assert "4 of 4 runs" in said and "frozen layers ran with dropout" in said
    assert "python -m core study small" in said


def test_runs_of_the_faulty_version_are_trained_anew_from_the_page_train(
    unsound, open_page, monkeypatch
) -> None:
    asked = []
    monkeypatch.setattr(ask, "again", lambda job, by="": asked.append(job))
    app = open_page("train")
    assert texts(app, "caption").count("frozen layers ran with dropout") == 4
    next(button for button in app.button if button.label == "Train anew").click().run()
    assert not app.exception and len(asked) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_broken_study_file_is_an_error_on_the_page(page, copied, open_page) -> None:
    (copied / "studies" / "small" / "study.toml").write_text("name = ")
    app = open_page(page)
    assert not app.exception
    assert "study.toml does not read" in texts(app, "error")


def test_opening_pages_imports_nothing_heavy(done) -> None:
    code = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=60)
for page in sys.argv[2:]:
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception and app.get("vega_lite_chart")
    heavy = {"torch", "transformers", "datasets", "shap", "umap", "sklearn", "vl_convert"}
    assert not heavy & set(sys.modules), (page, heavy & set(sys.modules))
"""
    subprocess.run([sys.executable, "-c", code, APP, *PAGES], check=True)
