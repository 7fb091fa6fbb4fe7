from __future__ import annotations

import shutil

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.checkpoints import slices as files
from core.checkpoints import studies
from core.checkpoints.slices import Slice
from core.errors import InputError
from core.results import slices, study_results
from tests.helpers.started import small_study


@pytest.fixture
def copied(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def predictions(folder, run: str) -> pd.DataFrame:
    frame = pq.read_table(folder / run / "predictions.parquet").to_pandas()
    names = [n for n in frame if n.startswith("p_")]
    frame["predicted"] = [names[i][2:] for i in frame[names].to_numpy().argmax(axis=1)]
    return frame


def rewrite(folder, run: str, probabilities: np.ndarray) -> None:
    path = folder / run / "predictions.parquet"
    table = pq.read_table(path)
    names = [n for n in table.column_names if n.startswith("p_")]
    for i, name in enumerate(names):
        at = table.column_names.index(name)
        values = pa.array(probabilities[:, i].astype(np.float32))
        table = table.set_column(at, name, values)
    pq.write_table(table, path)


def measured(study, chosen: Slice):
    return slices.measured(study, study_results.summary(study), chosen)


def by(rows, setup: str, measure: str):
    return next(r for r in rows if (r["setup"], r["measure"]) == (setup, measure))


@pytest.fixture
def varied(copied):
    """Balanced runs are right in two of three; the imbalanced one says its first class in `de`."""
    rng = np.random.default_rng(0)
    for run in studies.run_ids("small"):
        frame = predictions(copied, run)
        labels = [n[2:] for n in frame if n.startswith("p_")]
        truth = frame["label"].map(labels.index).to_numpy()
        said = np.where(rng.random(len(frame)) < 0.67, truth, rng.integers(0, 3, len(frame)))
        if "imbalanced" in small_study().config_of(run).setup:
            said = np.where(frame["language"] == "de", 0, said)
        rewrite(copied, run, np.eye(3)[said] * 0.7 + 0.1)
    return copied


def test_accuracy_on_a_slice_is_sqls(varied) -> None:
    study = small_study()
    frame = predictions(varied, study.members[0].run)
    rows = tuple(frame["row"][frame["language"].isin(["de", "fr"])][::2])
    found = measured(study, Slice("s", "by hand", rows, False))
    share = {}
    for member in study.members:
        own = predictions(varied, member.run)
        chosen = pd.DataFrame({"row": rows})
        query = "select avg((predicted = label)::int) from own join chosen using (row)"
        share.setdefault(member.setup, {})[member.seed] = duckdb.sql(query).fetchall()[0][0]
        assert len(chosen) and len(own)
    for setup, of in share.items():
        row = by(found, setup, "accuracy")
        assert row["value"] == pytest.approx(np.mean(list(of.values())))
        assert row["n"] == len(rows)
        if setup != "balanced":
            apart = of[0] - share["balanced"][0]
            assert row["difference"] == pytest.approx(apart)
            assert row["ci"][0] <= row["difference"] <= row["ci"][1]
            everywhere = [predictions(varied, m.run) for m in study.members if m.seed == 0]
            right = {
                m.setup: (f["predicted"] == f["label"]).mean()
                for m, f in zip((m for m in study.members if m.seed == 0), everywhere, strict=True)
            }
            assert row["whole"] == pytest.approx(right[setup] - right["balanced"])


def test_uptake_on_a_slice_is_the_slope_by_hand(varied) -> None:
    study = small_study()
    ids = {m.setup: m.run for m in study.members if m.seed == 0}
    frame = predictions(varied, ids["balanced"])
    rows = tuple(frame["row"][frame["language"].isin(["de", "fr", "ja"])][::2])
    found = measured(study, Slice("s", "by hand", rows, False))
    shares = study.config_of(ids["imbalanced"]).shares_table()
    p_language = shares.sum(axis=1)
    x = shares.div(p_language, axis=0) - shares.sum(axis=0)
    slope = {}
    for setup, run in ids.items():
        own = predictions(varied, run)
        own = own[own["row"].isin(rows)]
        top = bottom = 0.0
        for language, of in own.groupby("language"):
            for label in shares.columns:
                y = (of["predicted"] == label).mean() - (of["label"] == label).mean()
                top += p_language[language] * x.loc[language, label] * y
                bottom += p_language[language] * x.loc[language, label] ** 2
        slope[setup] = top / bottom
    for setup in ("imbalanced", "imbalanced+cw"):
        row = by(found, setup, "skew_uptake")
        assert row["difference"] == pytest.approx(slope[setup] - slope["balanced"])


def test_a_slice_that_differs_is_told_from_slices_by_chance(varied) -> None:
    """In texts that no language or label marks, the model is wrong on purpose."""
    study = small_study()
    run = next(m.run for m in study.members if m.setup == "imbalanced")
    balanced = next(m.run for m in study.members if m.setup == "balanced" and m.seed == 0)
    frame = predictions(varied, run)
    labels = [n[2:] for n in frame if n.startswith("p_")]
    truth = frame["label"].map(labels.index).to_numpy()
    chosen = np.random.default_rng(1).random(len(frame)) < 0.15
    rewrite(varied, balanced, np.eye(3)[truth] * 0.7 + 0.1)
    said = np.where(chosen, (truth + 1) % 3, truth)
    rewrite(varied, run, np.eye(3)[said] * 0.7 + 0.1)
    rows = tuple(frame["row"][chosen])
    row = by(measured(study, Slice("bad", "x", rows, False)), "imbalanced", "accuracy")
    assert row["difference"] == pytest.approx(-1.0)
    assert row["difference"] < row["chance"][0]
    assert row["share_beyond"] == pytest.approx(1 / (1 + slices.CHANCE_DRAWS))


@pytest.mark.parametrize("measure", ["accuracy", "soft_uptake"])
def test_a_slice_by_chance_is_as_far_off_as_others(measure, varied) -> None:
    """No effect: of many random slices about as many as should are beyond 95 % of the band."""
    study = small_study()
    frame = predictions(varied, study.members[0].run)
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(40):
        rows = tuple(frame["row"][rng.random(len(frame)) < 0.3])
        found = measured(study, Slice("s", "x", rows, False))
        shares.append(by(found, "imbalanced", measure)["share_beyond"])
    assert np.mean(np.array(shares) <= 0.05) <= 0.2  # 2 of 40 expected; 9 have p < .0001
    assert 0.3 < np.mean(shares) < 0.7


def test_a_slice_of_whole_cells_has_none_by_chance_beside_it(varied) -> None:
    frame = predictions(varied, studies.run_ids("small")[0])
    rows = tuple(frame["row"][frame["language"] == "fr"])
    row = by(measured(small_study(), Slice("fr", "x", rows, False)), "imbalanced", "accuracy")
    assert row["chance"] is None and row["share_beyond"] is None


def test_slices_by_chance_have_the_same_cells(varied) -> None:
    frame = predictions(varied, studies.run_ids("small")[0])
    inside = np.random.default_rng(3).random(len(frame)) < 0.2
    drawn = slices.by_chance(frame[["row", "language", "label"]], inside)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    cells = frame.groupby(["language", "label"]).ngroup().to_numpy()
    wanted = np.bincount(cells[inside], minlength=cells.max() + 1)
    for one in drawn[::50]:
        assert np.bincount(cells[one == 1], minlength=cells.max() + 1).tolist() == wanted.tolist()
    assert len(np.unique(drawn, axis=0)) > 100


def test_a_slice_without_test_rows_is_refused(done) -> None:
    with pytest.raises(InputError, match="none is in the test set"):
        measured(small_study(), Slice("s", "x", ("nothing",), False))


@pytest.mark.parametrize("name", ["a", "fr / de", "..", "ünï 漢字", "a%2Fb", "CON", " x "])
def test_a_slice_is_read_as_it_was_written(copied, name) -> None:
    study = small_study()
    made = Slice(name, "language fr", ("r1", "r2"), True)
    files.write(study, made)
    assert files.read(study, name) == made and files.names(study) == [name]
    assert [p.parent for p in study.folder.rglob("*.json") if "slices" in p.parts] == [
        study.folder / "slices"
    ]
    files.remove(study, name)
    assert files.names(study) == []


@pytest.mark.parametrize("made", [Slice("", "", ("r",), False), Slice("x" * 61, "", ("r",), False),
                                  Slice("x", "", (), False)])  # fmt: skip
def test_what_is_no_slice_is_refused(copied, made) -> None:
    with pytest.raises(InputError, match="needs"):
        files.write(small_study(), made)


@pytest.mark.parametrize("content", ["{", "[]", '{"rows": [1]}', '{"rows": ["a"]}', '{"rows": []}'])
def test_a_damaged_slice_is_named(copied, content) -> None:
    study = small_study()
    files.write(study, Slice("a", "b", ("r",), False))
    (study.folder / "slices" / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json"):
        files.read(study, "a")
    with pytest.raises(InputError, match="has no slice 'b'"):
        files.read(study, "b")
