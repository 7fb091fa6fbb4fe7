from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import study

APP = str(Path(__file__).parents[2] / "app.py")


def page() -> AppTest:
    return AppTest.from_file(APP, default_timeout=60).run()


def texts(app: AppTest, kind: str) -> str:
    return "\n".join(str(element.value) for element in app.get(kind))


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def test_without_a_study_the_page_says_what_to_do() -> None:
    app = page()
    assert not app.exception
    assert "make demo" in texts(app, "info")
    assert not app.get("arrow_vega_lite_chart")


def test_with_a_study_the_page_shows_charts_tables_and_a_reading(done) -> None:
    app = page()
    assert not app.exception
    assert not app.error
    assert "skew uptake is" in texts(app, "markdown")
    assert "n = 144 test rows, 24 a language" in texts(app, "caption")
    assert len(app.dataframe) == 3
    headline = app.dataframe[1].value
    assert headline["setup"].tolist() == [
        "balanced", "imbalanced", "imbalanced+cw", "balanced (null)"
    ]  # fmt: skip
    assert len(app.dataframe[0].value) == 4 * 6 * 3
    assert app.dataframe[0].value["predicted"].between(0, 1).all()


def test_the_address_bar_chooses_the_study(done) -> None:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["study"] = "gone"
    app.run()
    assert not app.exception
    assert "'gone' of this link is not here" in texts(app, "warning")
    assert app.selectbox[0].value == "small"
    assert app.query_params["study"] == "small"


def test_a_half_done_study_shows_what_is_there(copied) -> None:
    ids = study.run_ids("small")
    (copied / ids[1] / "COMPLETE").unlink()
    (copied / ids[1] / "status.json").write_text(json.dumps({"state": "queued", "message": ""}))
    app = page()
    assert not app.exception
    assert "imbalanced, seed 0" in texts(app, "info")
    assert "trains what is missing" in texts(app, "caption")
    assert app.dataframe[1].value["setup"].tolist() == [
        "balanced", "imbalanced+cw", "balanced (null)"
    ]  # fmt: skip


def test_a_study_with_nothing_done_shows_the_state_alone(copied) -> None:
    for run_id in study.run_ids("small"):
        (copied / run_id / "COMPLETE").unlink()
        (copied / run_id / "status.json").write_text(
            json.dumps({"state": "cancelled", "message": "stopped by hand"})
        )
    app = page()
    assert not app.exception
    assert texts(app, "warning").count("is cancelled: stopped by hand") == 4
    assert not app.dataframe


def test_broken_files_are_named_on_the_page(copied) -> None:
    ids = study.run_ids("small")
    (copied / ids[0] / "predictions.parquet").write_bytes(b"PAR1")
    (copied / ids[2] / "config.json").write_text("{")
    app = page()
    assert not app.exception
    assert "predictions.parquet does not read" in texts(app, "warning")
    assert "not a run configuration" in texts(app, "warning")
    assert len(app.dataframe[1].value) == 2


def test_a_broken_study_file_is_an_error_on_the_page(copied) -> None:
    (copied / "studies" / "small" / "study.toml").write_text("name = ")
    app = page()
    assert not app.exception
    assert "study.toml does not read" in texts(app, "error")


def test_opening_a_page_imports_nothing_heavy(done) -> None:
    code = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=60).run()
assert not app.exception and app.dataframe
heavy = {"torch", "transformers", "datasets", "shap", "umap", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code, APP], check=True)
