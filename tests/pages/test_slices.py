from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.checkpoints import slices as files
from core.checkpoints import studies
from core.checkpoints.slices import Slice
from tests.helpers.started import small_study

from .conftest import charts, texts


def rows_of(folder, language: str) -> tuple[str, ...]:
    frame = pq.read_table(folder / studies.run_ids("small")[0] / "predictions.parquet").to_pandas()
    return tuple(frame["row"][frame["language"] == language])


@pytest.fixture
def sliced(varied):
    """Two slices: of a language, and of what models predict."""
    study = small_study()
    files.write(study, Slice("only fr", "language fr", rows_of(varied, "fr"), False))
    files.write(study, Slice("*odd*", "imbalanced predicts x", rows_of(varied, "ja")[:9], True))
    return varied


def frames(app) -> list[pd.DataFrame]:
    return [table.value for table in app.dataframe]


@pytest.mark.parametrize("page", ["overview", "predictions", "compare", "mitigation"])
def test_a_page_shows_the_slice_beside_the_whole(page, sliced, open_page) -> None:
    plain = len(charts(open_page(page)))
    app = open_page(page, slice="only fr")
    assert not app.exception and not app.error
    assert "Slice only fr" in texts(app, "subheader")
    assert len(charts(app)) == plain + 3  # accuracy and both uptakes
    table = next(f for f in frames(app) if "slices by chance as far off" in f)
    assert set(table["n"]) == {len(rows_of(sliced, "fr"))}
    assert app.query_params["slice"] == "only fr"


def test_a_slice_by_predictions_has_no_verdict(sliced, open_page) -> None:
    app = open_page("predictions", slice="*odd*")
    assert any("chosen by what models" in warning.value for warning in app.warning)
    table = next(f for f in frames(app) if "slices by chance as far off" in f)
    assert set(table["verdict"]) == {"–"}


def test_lists_are_narrowed_to_the_slice(sliced, open_page) -> None:
    app = open_page("predictions", part="texts", slice="only fr")
    table = frames(app)[-1]
    assert set(table["language"]) == {"fr"}
    assert sorted(table["row"]) == sorted(rows_of(sliced, "fr"))
    app = open_page("predictions", part="disagreements", slice="only fr")
    assert set(frames(app)[-1]["language"]) == {"fr"}


def test_a_link_to_a_slice_that_is_gone_is_said(sliced, open_page) -> None:
    app = open_page("predictions", slice="nowhere")
    assert not app.exception
    assert any("nowhere" in warning.value for warning in app.warning)
    assert "Slice" not in texts(app, "subheader")


def test_a_damaged_slice_is_named_and_the_page_stays(sliced, open_page) -> None:
    (small_study().folder / "slices" / "only fr.json").write_text("{")
    app = open_page("predictions", slice="only fr")
    assert not app.exception and charts(app)
    assert any("only fr.json" in error.value.replace("\\", "") for error in app.error)


def test_texts_of_a_cell_are_kept_as_a_slice_and_forgotten(varied, open_page) -> None:
    view = {"part": "texts", "language": "de", "label": "neutral", "predicted": "positive"}
    run = studies.run_ids("small")[1]
    app = open_page("predictions", run=run, **view)
    wanted = set(frames(app)[-1]["row"])
    app.text_input[-1].set_value("german")
    next(b for b in app.button if b.label == "Keep").click().run()
    assert not app.exception
    kept = files.read(small_study(), "german")
    assert set(kept.rows) == wanted and kept.by_predictions
    assert kept.how == "language de, labelled neutral, imbalanced predicts positive"
    assert app.query_params["slice"] == "german"
    next(b for b in app.button if b.label == "Forget this slice").click().run()
    assert not app.exception and files.names(small_study()) == []


def test_letters_find_texts(varied, open_page) -> None:
    app = open_page("predictions", part="texts")
    everything = frames(app)[-1]
    letters = everything["text"].iloc[0].strip("\u2068\u2069")[:5]
    found = frames(open_page("predictions", part="texts", search=letters.upper()))[-1]
    assert len(found) > 0 and found["text"].str.lower().str.contains(letters.lower()).all()
    assert "fewer conditions" in texts(
        open_page("predictions", part="texts", search="nobody wrote this"), "info"
    )


def test_a_text_opens_in_the_reader_with_what_all_runs_say(varied, open_page) -> None:
    row = rows_of(varied, "zh")[0]
    app = open_page("predictions", part="texts", row=row)
    assert "The text: zh" in texts(app, "markdown")
    predicted = frames(app)[-1].set_index("run")
    for run_id, name in zip(studies.run_ids("small"), predicted.index, strict=True):
        frame = pq.read_table(varied / run_id / "predictions.parquet").to_pandas()
        names = [n for n in frame if n.startswith("p_")]
        own = frame.set_index("row").loc[row, names].astype(float)
        assert predicted.loc[name, "zh"] == f"{own.idxmax()[2:]} {own.max():.2f}"
    links = [link.proto.label for link in app.get("page_link")]
    assert "Its place in the latent space →" in links


def test_a_text_that_is_not_in_the_test_set_is_said(varied, open_page) -> None:
    app = open_page("predictions", part="texts", row="nothing")
    assert not app.exception
    assert any("not in the test set" in warning.value for warning in app.warning)


def test_tokens_are_narrowed_and_their_text_is_read(attributed, open_page) -> None:
    study = small_study()
    files.write(study, Slice("fr", "language fr", rows_of(attributed, "fr"), False))
    app = open_page("tokens", slice="fr")
    assert not app.exception and not app.error
    listed = next(f for f in frames(app) if "shift" in f)
    assert set(listed["language"]) == {"fr"}
    assert "The text: fr" in texts(app, "markdown")
    files.write(study, Slice("none", "x", ("nothing",), False))
    assert "No text of the slice none" in texts(open_page("tokens", slice="none"), "info")
