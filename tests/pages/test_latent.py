from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.checkpoints import studies
from core.results import latent, projection
from core.text import percent
from tests.helpers.started import small_study

from .conftest import charts, texts


@pytest.fixture
def mapped(projected, tmp_path, monkeypatch) -> Path:
    """The study with its map, to be changed."""
    shutil.copytree(projected, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def large(app) -> dict:
    """The large panel."""
    (chart,) = [c for c in charts(app) if "layer" in c and any("out" in r for r in c["rows"])]
    return chart


def small(app) -> list[dict]:
    """All panels, small: a row a panel."""
    return [row for chart in charts(app) for row in chart["rows"] if "current" in row]


def points(app) -> pd.DataFrame:
    return pd.DataFrame([row for row in large(app)["rows"] if "out" in row])


def test_with_a_map_the_page_shows_panels_probes_and_a_reading(mapped, open_page) -> None:
    app = open_page("latent")
    assert not app.exception and not app.error and not app.warning
    titles = [panel["name"] for panel in small(app)]
    assert titles == [
        "before fine-tuning", "balanced, seed 0", "imbalanced, seed 0", "imbalanced+cw, seed 0",
        "balanced (null), seed 1",
    ]  # fmt: skip
    assert len(points(app)) == 144 and points(app)["out"].all()
    captions = texts(app, "caption")
    assert "n = 144 texts in each of 5 panels" in captions
    assert "n = 144 texts, all laid out by UMAP" in captions
    assert "n_neighbors 15, min_dist 0.1, metric euclidean" in captions
    assert "from its place in balanced, seed 0" in captions
    assert "Drag a rectangle" in texts(app, "markdown")
    assert "after balanced training" in texts(app, "markdown")
    assert app.dataframe[0].value["probe"].nunique() == 3


def test_the_numbers_of_the_large_panel_stand_beside_it(mapped, open_page) -> None:
    ids = studies.run_ids("small")
    stored = json.loads((mapped / ids[1] / "probes.json").read_text())["original"]
    found = projection.read(small_study())
    for panel, knn in ((ids[1], "knn"), ("before", "before_fine_tuning_knn")):
        said = texts(open_page("latent", panel=panel), "markdown")
        assert f"tells the language of **{percent(stored[knn])}** of the texts" in said
        assert "n = 144 texts" in said
        share = found.texts[f"same_{panel}"].mean()
        assert f"**{percent(share)}** [" in said
    assert "the 2 balanced runs" in texts(open_page("latent", panel=ids[0]), "markdown")


def test_colour_panel_and_runs_stand_in_the_address_bar(mapped, open_page) -> None:
    ids = studies.run_ids("small")
    app = open_page("latent", study="small", colour="correctness", runs=ids[1], panel=ids[1])
    assert not app.exception
    assert len(small(app)) == 2  # with the encoder before fine-tuning
    stored = pd.read_parquet(mapped / ids[1] / "predictions.parquet").set_index("row")
    shown = points(app).set_index("row")
    stored = stored.loc[shown.index]
    labels = [c.removeprefix("p_") for c in stored if c.startswith("p_")]
    predicted = np.array(labels)[stored[[f"p_{x}" for x in labels]].to_numpy().argmax(axis=1)]
    assert (shown["value"] == np.where(predicted == stored["label"], "right", "wrong")).all()
    assert app.query_params["colour"] == "correctness"


def test_a_selection_narrows_by_all_that_is_asked_and_outlives_the_colour(
    mapped, open_page
) -> None:
    found = projection.read(small_study())
    run_id, other = found.runs[:2]
    (x0, y0), (x1, y1) = np.quantile(found.places(run_id), [0.2, 0.8], axis=0)
    area = f"{run_id}:{x0},{x1},{y0},{y1}"
    places = found.places(run_id)
    inside = ((places >= (x0, y0)) & (places <= (x1, y1))).all(axis=1)
    expected = found.texts[inside & found.texts["language"].isin(["de", "fr"]).to_numpy()]
    assert 0 < len(expected) < inside.sum()
    for colour in ("language", "neighbours", "prediction"):
        app = open_page("latent", area=area, isolate=["de", "fr"], panel=other, colour=colour)
        assert not app.exception and not app.warning
        shown = points(app)
        assert set(shown["row"][shown["out"]]) == set(expected["row"])
        assert shown["out"].is_monotonic_increasing  # on top of the others
        said = texts(app, "markdown")
        assert f"**{len(expected)} of 144 texts** stand out: in de, fr, in the rectangle" in said
        assert set(app.dataframe[0].value["row"]) == set(expected["row"])
        assert app.query_params["area"] == [area] or app.query_params["area"] == area
    app.button_group(key="view-colour").set_value(["label"]).run()
    shown = points(app)
    assert set(shown["row"][shown["out"]]) == set(expected["row"])
    (button,) = [b for b in app.button if b.label == "Let go of the rectangle"]
    button.click().run()
    assert points(app)["out"].sum() == 48 and "area" not in app.query_params


def test_letters_find_texts_and_none_is_said(mapped, open_page) -> None:
    app = open_page("latent", containing="zzz nobody writes this")
    assert not app.exception
    assert "**0 of 144 texts** stand out" in texts(app, "markdown")
    assert "No text is all that is asked" in texts(app, "info")
    word = points(app)["shown"].iloc[0].strip("\u2068\u2069").split()[0]
    app = open_page("latent", containing=word.upper())
    shown = points(app)
    assert set(shown["row"][shown["out"]]) >= {shown["row"].iloc[-1]}
    listed = app.dataframe[0].value["text"].str.lower()
    assert listed.str.contains(word.lower(), regex=False).all() and len(listed) > 0


def test_a_rectangle_that_is_none_is_said(mapped, open_page) -> None:
    app = open_page("latent", area="nonsense")
    assert not app.exception
    assert "is no rectangle" in texts(app, "warning")
    app = open_page("latent", area="0123456789abcdef:0,1,0,1")
    assert "which this map has not" in texts(app, "warning")
    assert points(app)["out"].all()


def test_a_text_shows_its_neighbours_with_distances(mapped, open_page) -> None:
    found = projection.read(small_study())
    row, run_id = found.texts["row"][5], found.runs[1]
    app = open_page("latent", row=row, panel=run_id)
    assert not app.exception
    stored = pd.read_parquet(mapped / run_id / "embeddings.parquet").set_index("row")
    vectors = np.stack(stored.loc[found.texts["row"], "cls"])
    far = np.linalg.norm(vectors - vectors[5], axis=1)
    far[(found.texts["sentence"] == found.texts["sentence"][5]).to_numpy()] = np.inf
    (near,) = [d.value for d in app.dataframe if "distance" in d.value]
    np.testing.assert_allclose(near["distance"], np.sort(far)[:15], rtol=1e-3, atol=1e-4)
    own = (near["language"] == found.texts["language"][5]).sum()
    assert f"**{own} of 15** nearest neighbours are in its own language" in texts(app, "markdown")
    rings = [r for r in large(app)["rows"] if "what" in r]
    assert [r["what"] for r in rings] == ["text"] + ["neighbour"] * 15
    assert (rings[0]["x"], rings[0]["y"]) == pytest.approx(found.places(run_id)[5])
    app.selectbox(key="latent-text").set_value(None).run()
    assert "row" not in app.query_params
    assert not [d for d in app.dataframe if "distance" in d.value]
    assert not open_page("latent", row="gone").exception


def test_a_map_of_an_older_version_is_shown_and_made_anew(mapped, open_page) -> None:
    path = projection.path_of(small_study())
    table = pq.read_table(path)
    document = json.loads(table.schema.metadata[b"langskew"])
    for key in ("same", "no_before"):
        del document[key]
    old = [
        c for c in table.column_names if not c.startswith(("same_", "fitted")) and "before" not in c
    ]
    table = table.select(old).replace_schema_metadata({b"langskew": json.dumps(document).encode()})
    pq.write_table(table, path)
    app = open_page("latent", row=table["row"][0].as_py())
    assert not app.exception and not app.error
    assert "made by an older version" in texts(app, "info")
    assert len(points(app)) == 144
    assert [b for b in app.button if b.label == "Map the finished runs"]
    assert "neighbours" not in app.button_group(key="view-colour").options


def test_marks_keep_a_contrast_of_three_in_both_themes(mapped, open_page) -> None:
    def luminance(colour: str) -> float:
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    for colour in latent.COLOURS:
        layer = large(open_page("latent", colour=colour))["layer"][0]["encoding"]
        assert layer["opacity"]["value"] == 1  # of what stands out
        for mark in layer["color"]["scale"]["range"]:
            for ground in ("#FFFFFF", "#0E1117"):
                light = sorted([luminance(mark), luminance(ground)])
                assert (light[1] + 0.05) / (light[0] + 0.05) >= 3, (colour, mark, ground)


def test_without_a_map_the_page_says_what_to_type_and_shows_the_probes(done, open_page) -> None:
    app = open_page("latent")
    assert not app.exception and not app.error
    assert "python -m core project small" in texts(app, "info")
    assert not small(app)
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
    assert len(small(app)) == 3  # made without the encoder before fine-tuning
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
    assert len(small(app)) == 1 + 3
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
    assert len(points(app)) == 144


def test_nothing_probed_is_said(mapped, open_page) -> None:
    for run_id in studies.run_ids("small"):
        (mapped / run_id / "probes.json").unlink()
    app = open_page("latent")
    assert not app.exception
    assert "have not been probed" in texts(app, "info")
    assert len(points(app)) == 144


def test_a_text_leads_to_the_page_tokens_where_it_has_attributions(
    mapped, explained, open_page
) -> None:
    ids = studies.run_ids("small")
    for run_id in ids:
        shutil.copytree(explained / run_id / "attributions", mapped / run_id / "attributions")
    file = next((mapped / ids[0] / "attributions").glob("*/*.parquet"))
    attributed = set(pq.read_table(file)["row"].to_pylist())
    rows = projection.read(small_study()).texts["row"]
    for row in (rows[rows.isin(attributed)].iloc[0], rows[~rows.isin(attributed)].iloc[0]):
        app = open_page("latent", row=row)
        assert not app.exception
        links = [e.proto.label for e in app.get("page_link")]
        assert ("Its tokens →" in links) == (row in attributed)
