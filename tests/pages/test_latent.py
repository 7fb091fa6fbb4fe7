from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.checkpoints import studies
from core.results import projection
from tests.helpers.started import small_study

from .conftest import charts, texts


@pytest.fixture
def mapped(projected, tmp_path, monkeypatch) -> Path:
    """The study with its map, to be changed."""
    shutil.copytree(projected, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def test_with_a_map_the_page_shows_panels_probes_and_a_reading(mapped, open_page) -> None:
    app = open_page("latent")
    assert not app.exception and not app.error and not app.warning
    (panels,) = [c for c in charts(app) if "concat" in c]
    titles = [panel["title"]["text"] for panel in panels["concat"]]
    assert titles == [
        "balanced, seed 0", "imbalanced, seed 0", "imbalanced+cw, seed 0",
        "balanced (null), seed 1",
    ]  # fmt: skip
    captions = texts(app, "caption")
    assert "n = 144 texts, 8 of each language and class, in each of 4 panels (576" in captions
    assert "n_neighbors 15, min_dist 0.1, metric euclidean" in captions
    assert "from its place in balanced, seed 0" in captions
    assert "Drag a rectangle" in texts(app, "info")
    assert "after balanced training" in texts(app, "markdown")
    assert app.dataframe[0].value["probe"].nunique() == 3


def test_colour_and_runs_stand_in_the_address_bar(mapped, open_page) -> None:
    ids = studies.run_ids("small")
    app = open_page("latent", study="small", colour="correctness", runs=ids[1])
    assert not app.exception
    (panels,) = [c for c in charts(app) if "concat" in c]
    (panel,) = panels["concat"]
    assert panel["encoding"]["color"]["field"] == f"correct_{ids[1]}"
    assert app.query_params["colour"] == "correctness"


def test_without_a_map_the_page_says_what_to_type_and_shows_the_probes(done, open_page) -> None:
    app = open_page("latent")
    assert not app.exception and not app.error
    assert "python -m core project small" in texts(app, "info")
    assert not [c for c in charts(app) if "concat" in c]
    assert len(charts(app)) == 3  # the probes
    assert app.dataframe[0].value["setup"].nunique() == 5


def test_a_run_that_came_after_the_map_is_said(mapped, monkeypatch, open_page) -> None:
    monkeypatch.setattr(projection, "layout", lambda vectors: [v[:, :2] for v in vectors])
    ids = studies.run_ids("small")
    (mapped / ids[3] / "COMPLETE").unlink()
    projection.project(small_study())
    (mapped / ids[3] / "COMPLETE").touch()
    app = open_page("latent")
    assert not app.exception
    assert "1 finished run is not on the map" in texts(app, "info")
    (panels,) = [c for c in charts(app) if "concat" in c]
    assert len(panels["concat"]) == 3
    assert "1 of the chosen runs is not shown" in texts(app, "caption")
    app = open_page("latent", runs=ids[3])
    assert not app.exception
    assert "no map of these runs" in texts(app, "info")


def test_a_half_done_study_shows_what_is_there(mapped, open_page) -> None:
    ids = studies.run_ids("small")
    (mapped / ids[1] / "COMPLETE").unlink()
    (mapped / ids[1] / "status.json").write_text(json.dumps({"state": "queued", "message": ""}))
    (mapped / ids[2] / "probes.json").unlink()
    app = open_page("latent")
    assert not app.exception
    assert "imbalanced, seed 0" in texts(app, "info")
    (panels,) = [c for c in charts(app) if "concat" in c]
    assert len(panels["concat"]) == 3
    assert set(app.dataframe[0].value["setup"]) == {
        "before fine-tuning", "balanced", "balanced (null)"
    }  # fmt: skip


def test_a_broken_map_is_named_and_the_rest_is_shown(mapped, open_page) -> None:
    ids = studies.run_ids("small")
    projection.path_of(small_study()).write_bytes(b"PAR1")
    (mapped / ids[0] / "predictions.parquet").write_bytes(b"PAR1")
    (mapped / ids[2] / "config.json").write_text("{")
    app = open_page("latent")
    assert not app.exception
    assert "projection.parquet does not read" in texts(app, "error")
    assert "predictions.parquet does not read" in texts(app, "warning")
    assert len(charts(app)) == 3


def test_without_its_corpus_it_is_still_a_map(mapped, monkeypatch, tmp_path, open_page) -> None:
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))
    for run_id in studies.run_ids("small"):
        path = mapped / run_id / "config.json"
        document = json.loads(path.read_text())
        path.write_text(json.dumps({**document, "corpus": str(tmp_path / "gone.parquet")}))
    app = open_page("latent")
    assert not app.exception and not app.error
    assert "gone.parquet" in texts(app, "warning")
    assert [c for c in charts(app) if "concat" in c]


def test_nothing_probed_is_said(mapped, open_page) -> None:
    for run_id in studies.run_ids("small"):
        (mapped / run_id / "probes.json").unlink()
    app = open_page("latent")
    assert not app.exception
    assert "have not been probed" in texts(app, "info")
    assert [c for c in charts(app) if "concat" in c]
