from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from core.checkpoints import outputs, studies

from .conftest import charts, texts


def test_the_page_shows_charts_tables_and_a_reading(done, open_page) -> None:
    app = open_page("predictions")
    assert "skew uptake is" in texts(app, "markdown")
    assert "n = 144 test rows, 24 a language" in texts(app, "caption")
    assert len(app.dataframe[0].value) == 4 * 6 * 3
    assert app.dataframe[0].value["predicted"].between(0, 1).all()
    assert app.dataframe[1].value["setup"].tolist() == [
        "balanced", "imbalanced", "imbalanced+cw", "balanced (null)"
    ]  # fmt: skip


def test_only_the_chosen_runs_are_shown(done, open_page) -> None:
    ids = studies.run_ids("small")
    app = open_page("predictions", runs=[ids[0], ids[1]])
    assert app.dataframe[1].value["setup"].tolist() == ["balanced", "imbalanced"]
    app.multiselect[0].set_value([]).run()
    assert "No run is chosen" in texts(app, "info")
    assert not charts(app)


@pytest.mark.parametrize(
    "part",
    [
        "accuracy by language",
        "uptake by class and language",
        "confusion",
        "calibration",
        "disagreements",
        "translations",
    ],
)
def test_each_closer_look_opens_from_a_link(part, varied, open_page) -> None:
    app = open_page("predictions", part=part)
    assert not app.exception and not app.warning and not app.error
    assert len(app.dataframe) > 2


def test_uptake_is_shown_by_class_and_by_language_with_n(done, open_page) -> None:
    app = open_page("predictions", part="uptake by class and language")
    by_class, by_language = charts(app)[-2:]
    runs = len(studies.run_ids("small"))
    # The middle class of three is not skewed.
    assert {r["name"] for r in by_class["rows"] if "name" in r} == {"negative", "positive"}
    assert len([r for r in by_language["rows"] if "name" in r]) == 6 * runs
    table = app.dataframe[2].value
    assert len(table) == (3 + 6) * runs
    assert table.loc[table["name"] == "neutral", "skew uptake"].isna().all()
    assert set(table["n"]) == {144, 24}


def test_the_confusion_is_one_run_and_its_rows_sum_to_one(done, open_page) -> None:
    run = studies.run_ids("small")[2]
    app = open_page("predictions", part="confusion", run=run)
    panels = charts(app)[-6:]
    for panel in panels:
        for label in ("negative", "neutral", "positive"):
            assert sum(r["value"] for r in panel["rows"] if r["label"] == label) == pytest.approx(1)
    assert "imbalanced+cw, seed 0" in texts(app, "markdown")


def test_disagreements_are_filtered(varied, open_page) -> None:
    first, second = studies.run_ids("small")[:2]
    view = {"part": "disagreements", "first": first, "second": second, "language": "zh"}
    app = open_page("predictions", **view, direction="only the second is right")
    table = app.dataframe[2].value
    a, b = (outputs.read_predictions(run) for run in (first, second))
    rows = a.rows["language"].eq("zh").to_numpy()
    wanted = rows & (a.predicted != b.predicted) & (b.predicted == b.truth)
    assert sorted(table["row"]) == sorted(a.rows["row"][wanted])
    assert f"n = {wanted.sum()} of 144" in texts(app, "caption")


def test_a_sentence_is_shown_in_all_languages(varied, open_page) -> None:
    app = open_page("predictions", part="translations")
    changing, together, predicted = (app.dataframe[i].value for i in (2, 3, 4))
    assert together["language"].tolist() == ["de", "en", "es", "fr", "ja", "zh"]
    first, said = changing.iloc[0], predicted.set_index("run").loc["imbalanced"]
    for language in together["language"]:
        assert said[language].rpartition(" ")[0] == first[language]
    assert together["text"].str.startswith("\u2068").all()


def test_a_corpus_without_translations_says_what_would_make_them(copied, open_page) -> None:
    for run_id in studies.run_ids("small"):
        path = copied / run_id / "predictions.parquet"
        table = pq.read_table(path)
        at = table.column_names.index("sentence")
        pq.write_table(table.set_column(at, "sentence", table["row"]), path)
    app = open_page("predictions", part="translations")
    assert not app.exception
    assert "A corpus with a column `sentence`" in texts(app, "info")
