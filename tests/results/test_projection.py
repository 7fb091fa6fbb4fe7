from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from core.checkpoints import studies
from core.checkpoints.outputs import list_column, write_rows
from core.cli.main import main
from core.errors import InputError
from core.results import projection
from core.results.projection import Projection
from tests.helpers.started import small_study


@pytest.fixture
def made(projected, monkeypatch) -> Projection:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(projected))
    found = projection.read(small_study())
    assert found is not None
    return found


@pytest.fixture
def copied(projected, tmp_path, monkeypatch) -> Path:
    shutil.copytree(projected, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


@pytest.fixture
def unfitted(monkeypatch) -> None:
    """The first two units in place of UMAP's layout, for all that is not about the layout."""
    monkeypatch.setattr(projection, "layout", lambda vectors: [v[:, :2] for v in vectors])


def vectors_of(folder: Path, run_id: str) -> pd.Series:
    return pd.read_parquet(folder / run_id / "embeddings.parquet").set_index("row")["cls"]


def rewrite(folder: Path, run_id: str, change) -> None:
    path = folder / run_id / "embeddings.parquet"
    frame = change(pd.read_parquet(path))
    rows = pa.Table.from_pandas(frame.drop(columns="cls"), preserve_index=False)
    write_rows(path, rows, {"cls": list_column(np.stack(frame["cls"]))})


def test_all_runs_show_the_same_texts_equally_many_of_each_cell(made, projected) -> None:
    assert list(made.runs) == studies.run_ids("small")
    assert len(made.texts) == 144 and made.texts["fitted"].all()  # fewer than POINTS allow
    assert made.texts.groupby(["language", "label"]).size().eq(8).all()
    assert made.texts.groupby("sentence")["language"].nunique().eq(6).all()
    assert made.panels == (projection.UNTUNED, *made.runs) and not made.no_before
    for panel in made.panels:
        assert made.places(panel).shape == (144, 2)
        assert np.isfinite(made.places(panel)).all()
    for run_id in made.runs:
        assert set(made.texts["row"]) == set(vectors_of(projected, run_id).index)
    assert made.settings["points"] == projection.POINTS
    assert made.settings["n_neighbors"] == 15 and made.settings["metric"] == "euclidean"


def test_neighbours_on_the_map_are_neighbours_among_the_vectors(made, projected) -> None:
    rng = np.random.default_rng(0)
    for run_id in made.runs:
        vectors = np.stack(vectors_of(projected, run_id).loc[made.texts["row"]])
        places = made.places(run_id)
        expected = trustworthiness(vectors, places, n_neighbors=15)
        assert made.trustworthiness[run_id] == pytest.approx(expected, abs=1e-4)
        assert expected > 0.85
        shuffled = trustworthiness(vectors, rng.permutation(places), n_neighbors=15)
        assert shuffled < 0.6
        # An oracle that knows nothing of ranks: shares of neighbours kept, against chance 15 / 143.
        near, there = (
            NearestNeighbors(n_neighbors=15).fit(x).kneighbors(return_distance=False)
            for x in (vectors, places)
        )
        kept = np.mean([len(set(a) & set(b)) / 15 for a, b in zip(near, there, strict=True)])
        assert kept > 0.3


def test_the_layouts_are_aligned(made) -> None:
    for one in made.runs:
        assert made.apart(one, one) == 0
        for other in made.runs:
            assert made.apart(one, other) == pytest.approx(made.apart(other, one))
            assert made.apart(one, other) < 1.0


def test_the_map_is_deterministic(made) -> None:
    """The same vectors laid out once more, as few as there may be, to save time."""
    rng = np.random.default_rng(0)
    vectors = [rng.normal(size=(40, 5)).astype(np.float32) for _ in range(2)]
    first, second = projection.layout(vectors), projection.layout(vectors)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    alone = projection.layout(vectors[:1])
    assert len(alone) == 1 and alone[0].shape == (40, 2)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 100), st.floats(-50, 50))
def test_apart_is_free_of_units_and_knows_turned_layouts(seed, scale, shift) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 400, 2))

    def apart(one, other) -> float:
        columns = {"x_a": one[:, 0], "y_a": one[:, 1], "x_b": other[:, 0], "y_b": other[:, 1]}
        return Projection(pd.DataFrame(columns), ("a", "b"), {}, {}).apart("a", "b")

    assert apart(a, b) == pytest.approx(np.sqrt(2), abs=0.2)
    assert apart(scale * a + shift, scale * b + shift) == pytest.approx(apart(a, b), rel=1e-6)
    assert apart(a, a) == 0
    turned = a @ ortho_group.rvs(2, random_state=seed)
    assert 0 <= apart(a, turned) <= 2.1
    assert apart(a, -a) == pytest.approx(2, abs=0.1)


def test_fewer_points_lay_fewer_of_each_cell_out_and_place_the_others(copied, unfitted) -> None:
    fewer = projection.project(small_study(), points=4 * 18 * 3 + 5)
    assert len(fewer.texts) == 144
    fitted = fewer.texts[fewer.texts["fitted"]]
    assert fitted.groupby(["language", "label"]).size().eq(3).all()
    assert fitted["sentence"].nunique() == 9  # translations stay together
    for run_id in fewer.runs:  # those laid out are where the layout has them
        units = np.stack(vectors_of(copied, run_id).loc[fitted["row"]])[:, :2]
        columns = [f"x_{run_id}", f"y_{run_id}"]
        np.testing.assert_allclose(fitted[columns], units, atol=1e-6)


def test_what_is_placed_lies_where_its_neighbours_are() -> None:
    """Against UMAP's own places of all texts, and against places at random."""
    rng = np.random.default_rng(0)
    heaps = rng.normal(size=(6, 20)) * 4
    vectors = (heaps[np.arange(600) % 6] + rng.normal(size=(600, 20))).astype(np.float32)
    fitted = np.arange(600) % 4 == 0
    (layout,) = projection.layout([vectors[fitted]])
    places = projection.placed(vectors, fitted, layout)
    np.testing.assert_array_equal(places[fitted], layout.astype(float))
    middles = np.stack([places[fitted & (np.arange(600) % 6 == i)].mean(axis=0) for i in (0, 2, 4)])
    for i in range(600):  # every text of a heap that was laid out lies by its heap
        if i % 6 in (0, 2, 4):
            nearest = ((middles - places[i]) ** 2).sum(axis=1).argmin()
            assert nearest == (0, 2, 4).index(i % 6)
    near = NearestNeighbors(n_neighbors=5).fit(vectors[fitted])
    at = near.kneighbors(vectors[~fitted], return_distance=False)
    far = np.linalg.norm(layout[at] - places[~fitted][:, None], axis=2).mean()
    drawn = rng.permutation(places[~fitted])
    assert far < 0.3 * np.linalg.norm(layout[at] - drawn[:, None], axis=2).mean()
    # One that has the very vector of one laid out lies upon it.
    twin = projection.placed(np.vstack([vectors, vectors[:1]]), np.append(fitted, False), layout)
    np.testing.assert_allclose(twin[-1], places[0], atol=0.05)


def test_a_map_that_is_there_is_not_made_again(copied, monkeypatch, capsys) -> None:
    monkeypatch.setattr(projection, "layout", None)  # calling it would fail
    before = projection.path_of(small_study()).read_bytes()
    assert main(["project", "small"]) == 0
    assert "144 texts in 4 runs" in capsys.readouterr().out
    assert projection.path_of(small_study()).read_bytes() == before


def test_a_map_without_a_run_is_outdated_and_made_anew(copied, unfitted) -> None:
    ids = studies.run_ids("small")
    (copied / ids[3] / "COMPLETE").rename(copied / "kept")
    partial = projection.project(small_study())
    assert list(partial.runs) == ids[:3]
    assert projection.outdated(partial, small_study()) == []
    (copied / "kept").rename(copied / ids[3] / "COMPLETE")
    assert projection.outdated(partial, small_study()) == ids[3:]
    whole = projection.project(small_study())
    assert list(whole.runs) == ids
    assert projection.outdated(whole, small_study()) == []


def test_the_stamp_changes_with_the_map(copied, unfitted) -> None:
    before = projection.stamp(small_study())
    assert projection.stamp(small_study()) == before
    time.sleep(0.01)
    projection.project(small_study(), points=2000)
    assert projection.stamp(small_study()) != before
    projection.path_of(small_study()).unlink()
    assert projection.read(small_study()) is None
    assert projection.stamp(small_study()) != before


def test_runs_with_vectors_of_different_dimensions_share_a_map(copied, unfitted) -> None:
    """As with a model that was trained elsewhere."""
    rewrite(copied, studies.run_ids("small")[1], lambda f: f.assign(cls=[c[:7] for c in f["cls"]]))
    found = projection.project(small_study(), points=3000)
    assert len(found.texts) == 144


def test_only_texts_that_every_run_has_are_shown(copied, unfitted) -> None:
    ids = studies.run_ids("small")
    rewrite(copied, ids[2], lambda f: f.drop(index=f.index[f["language"] == "de"][:1]))
    found = projection.project(small_study(), points=4000)
    assert set(found.texts["row"]) == set(vectors_of(copied, ids[2]).index)
    assert len(found.texts) == 143


def test_the_encoder_before_fine_tuning_is_a_panel_where_it_can_be(copied, unfitted) -> None:
    asked = []

    def untouched(config, rows) -> np.ndarray:
        asked.append((config.encoder, rows))
        return np.arange(len(rows))[:, None] * np.ones(4)

    found = projection.project(small_study(), points=3000, untouched=untouched)
    assert asked == [("tiny", found.texts["row"].tolist())]
    assert found.panels == ("before", *found.runs)
    assert found.places("before")[:, 0].tolist() == list(range(144))

    def gone(config, rows) -> np.ndarray:
        raise InputError("the encoder is gone")

    found = projection.project(small_study(), points=3001, untouched=gone)
    assert found.panels == found.runs and found.no_before == "the encoder is gone"


def test_vectors_before_fine_tuning_are_the_pretrained_encoders(projected, monkeypatch) -> None:
    """Plain transformers, a text at a time."""
    import torch

    from core.models.session import Session
    from core.training import untouched

    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(projected))
    study = small_study()
    config, session = study.config, Session()
    rows = projection.read(study).texts["row"].tolist()[::-1][:6]
    found = untouched.vectors(config, rows, session)
    encoder = session.encoder(config)
    corpus = session.corpus(config).table.select(["row", "text"]).to_pandas().set_index("row")
    for row, vector in zip(rows, found, strict=True):
        ids = encoder.tokenizer(
            corpus.loc[row, "text"], truncation=True, max_length=32, return_tensors="pt"
        )
        with torch.no_grad():
            plain = encoder.model.eval()(**ids).last_hidden_state[0, 0].numpy()
        np.testing.assert_allclose(vector, plain, atol=1e-4)
    with pytest.raises(InputError, match="1 of 1 test rows are not in corpus"):
        untouched.vectors(config, ["gone"], session)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("stage", ["reading CLS vectors", "laying out", "measuring trustworth"])
def test_a_cancel_leaves_the_old_map(copied, unfitted, stage) -> None:
    before = projection.path_of(small_study()).read_bytes()
    stages = []

    def report(what: str, share: float) -> None:
        stages.append((what, share))
        if what.startswith(stage):
            raise Stopped

    with pytest.raises(Stopped):
        projection.project(small_study(), report, points=2000)
    assert projection.path_of(small_study()).read_bytes() == before
    assert not list(projection.path_of(small_study()).parent.glob("*.partial"))
    stages.clear()
    projection.project(small_study(), lambda what, share: stages.append((what, share)), points=2000)
    shares = [share for _, share in stages]
    assert shares == sorted(shares) and stages[-1] == ("done", 1.0)


def test_what_cannot_be_projected_is_said(copied, unfitted, capsys) -> None:
    ids = studies.run_ids("small")
    for points in (-1, 0, 100):
        with pytest.raises(InputError, match=rf"of {points} points, (0|18) are left for each"):
            projection.project(small_study(), points=points)
    rewrite(copied, ids[2], lambda f: f.assign(cls=[c * np.nan for c in f["cls"]]))
    assert main(["project", "small", "--points", "3000"]) == 2
    message = capsys.readouterr().err
    assert f"run {ids[2]}: 144 of 144 vectors hold NaN" in message
    assert f"python -m core prune {ids[2]}" in message
    (copied / ids[1] / "embeddings.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="embeddings.parquet does not read"):
        projection.project(small_study(), points=3000)
    for run_id in ids:
        (copied / run_id / "COMPLETE").unlink()
    with pytest.raises(InputError, match="no finished run to project"):
        projection.project(small_study())


@pytest.mark.parametrize("damage", ["bytes", "metadata", "column"])
def test_a_broken_map_is_said_and_made_anew(copied, unfitted, damage) -> None:
    path = projection.path_of(small_study())
    table = pq.read_table(path)
    if damage == "bytes":
        path.write_bytes(b"PAR1")
    elif damage == "metadata":
        pq.write_table(table.replace_schema_metadata({b"langskew": json.dumps([1]).encode()}), path)
    else:
        pq.write_table(table.drop_columns([f"x_{studies.run_ids('small')[0]}"]), path)
    with pytest.raises(InputError, match=r"does not read .*python -m core project small"):
        projection.read(small_study())
    assert len(projection.project(small_study()).texts) == 144
