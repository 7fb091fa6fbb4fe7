from __future__ import annotations

import pytest

from core.checkpoints import run_folders, studies
from core.sampling import joint
from core.sampling.subsets import training_counts

from .conftest import charts, texts


def cells(chart: dict) -> dict[tuple[str, str], float]:
    return {(r["language"], r["label"]): r["value"] for r in chart["rows"]}


def test_the_heatmaps_show_the_designs_with_their_marginals(done, open_page) -> None:
    app = open_page("data")
    shown = cells(charts(app)[3])  # corpus, balanced train and validation, imbalanced train
    config = run_folders.read_config(studies.run_ids("small")[1])
    counts = training_counts(config, "train")
    for language in counts.index:
        for label in counts.columns:
            assert shown[language, label] == counts.loc[language, label]
        assert shown[language, "all"] == 30
    assert shown["all", "all"] == 180


def test_differences_from_uniform_are_shares_less_an_even_share(done, open_page) -> None:
    app = open_page("data", cells="difference from uniform")
    shown = cells(charts(app)[3])
    shares = run_folders.read_config(studies.run_ids("small")[1]).shares_table()
    for language in shares.index:
        for label in shares.columns:
            assert shown[language, label] == pytest.approx(
                shares.loc[language, label] - 1 / 18, abs=0.005
            )
        assert shown[language, "all"] == pytest.approx(0, abs=1e-9)


def test_each_measure_of_skew_is_explained(done, open_page) -> None:
    app = open_page("data")
    table = app.dataframe[0].value.set_index("rows of")
    config = run_folders.read_config(studies.run_ids("small")[1])
    counts = training_counts(config, "train")
    assert table.loc["imbalanced, train", "Cramér's V"] == pytest.approx(joint.cramers_v(counts))
    assert table.loc["balanced, train", "Cramér's V"] == pytest.approx(0)
    for measure in table.columns.drop("n"):
        assert f"**{measure}**:" in texts(app, "markdown")


def test_runs_of_one_seed_share_the_most_rows_that_they_can(done, open_page) -> None:
    app = open_page("data")
    table = app.dataframe[1].value.set_index(["run", "other"])
    both = table.loc[("imbalanced", "balanced")]
    assert both["rows in both"] == both["most possible"] > 0
    assert table.loc[("balanced", "balanced"), "rows in both"] == 180
    assert table.loc[("balanced (null)", "balanced"), "rows in both"] < both["rows in both"]


def test_texts_are_found_by_cell_and_letters(done, open_page) -> None:
    app = open_page("data", language="ja", label="positive", of="test")
    table = app.dataframe[2].value
    assert len(table) and set(table["language"]) == {"ja"} and set(table["label"]) == {"positive"}
    assert set(table["split"]) == {"test"}
    word = table["text"].iloc[0].strip("\u2068\u2069")
    app.text_input[0].set_value(word).run()
    assert app.dataframe[2].value["text"].tolist() == [f"\u2068{word}\u2069"]
    assert app.query_params["containing"] == word


def test_a_corpus_that_is_gone_is_said_and_the_rest_works(
    copied, open_page, study_file, monkeypatch, tmp_path
) -> None:
    file = study_file.parent / "reviews.parquet"
    file.rename(file.with_suffix(".away"))
    try:
        app = open_page("data")
    finally:
        file.with_suffix(".away").rename(file)
    assert not app.exception
    assert "the corpus is gone" in texts(app, "warning")
    assert len(charts(app)) == 5  # four designs, shared rows
    assert len(app.dataframe) == 2


def test_label_errors_are_looked_for_when_asked(done, open_page) -> None:
    app = open_page("data")
    before = len(app.dataframe)
    toggle = next(t for t in app.toggle if t.label.startswith("Look for them"))
    toggle.set_value(True).run()
    assert not app.exception
    shares = app.dataframe[before - 1].value  # above the texts
    assert list(shares.columns[:4]) == ["language", "label", "n", "flagged"]
    assert "confident learning" in texts(app, "caption")
