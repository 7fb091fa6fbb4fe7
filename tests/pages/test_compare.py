from __future__ import annotations

import pytest

from core.checkpoints import run_folders, studies
from core.results.study_results import summary
from tests.helpers.started import small_study

from .conftest import charts, texts


def test_two_setups_are_compared_by_every_measure(done, open_page) -> None:
    app = open_page("compare")
    table = app.dataframe[0].value.set_index("measure")
    runs = {run["setup"]: run for run in summary(small_study())["runs"] if not run["null"]}
    for name, key in (("accuracy", "accuracy"), ("skew uptake", "skew_uptake")):
        assert table.loc[name, "first"] == pytest.approx(runs["imbalanced"][key])
        assert table.loc[name, "second"] == pytest.approx(runs["balanced"][key])
    assert (table["difference"] - table["first"] + table["second"]).abs().max() < 1e-9
    assert set(table["verdict"]) == {"no verdict"}  # one seed
    assert table.loc["accuracy", "interval covers"] == "other test sentences, these trained models"
    assert table.loc["accuracy", "from"] <= table.loc["accuracy", "difference"]
    assert "Other seeds were not tried" in texts(app, "markdown")
    assert "nothing is corrected across the measures" in texts(app, "caption")
    assert table.loc["accuracy", "margin"] == 0.01
    wider = open_page("compare", margins="2.0").dataframe[0].value.set_index("measure")
    assert wider.loc["accuracy", "margin"] == 0.02


def test_only_the_settings_that_differ_are_listed(done, open_page) -> None:
    app = open_page("compare", a="balanced (null)", b="balanced")
    assert app.dataframe[1].value["setting"].tolist() == ["seed"]
    one, other = (run_folders.read_config(studies.run_ids("small")[i]) for i in (3, 0))
    assert app.dataframe[1].value.iloc[0].tolist() == ["seed", str(one.seed), str(other.seed)]


def test_a_run_is_not_compared_with_itself(done, open_page) -> None:
    app = open_page("compare", a="balanced", b="balanced")
    assert not app.exception
    assert "does not differ from itself" in texts(app, "info")
    assert not charts(app)


def test_several_sides_stand_beside_each_other(done, open_page) -> None:
    sides = ["imbalanced", "imbalanced+cw", "balanced (null)"]
    app = open_page("compare", a=sides, b="balanced")
    assert not app.exception and not app.error and not app.warning
    together = app.dataframe[0].value.set_index("measure")
    for side in sides:
        one = open_page("compare", a=side, b="balanced").dataframe[0].value.set_index("measure")
        for column in ("difference", "from", "to"):
            assert together[f"{side}: {column}"].equals(one[column])
        assert together["baseline"].equals(one["second"])
        said = together.loc["accuracy", side]
        assert (
            said.endswith("no verdict") and f"{abs(one.loc['accuracy', 'difference']):.3f}" in said
        )
    assert app.query_params["a"] == sides
    closer = open_page("compare", a=sides, b="balanced", closer="imbalanced+cw").dataframe
    assert (
        closer[1].value.set_index("measure")["difference"].equals(one_of(open_page)["difference"])
    )


def one_of(open_page):
    app = open_page("compare", a="imbalanced+cw", b="balanced")
    return app.dataframe[0].value.set_index("measure")


def test_a_baseline_among_the_sides_is_left_out(done, open_page) -> None:
    app = open_page("compare", a=["balanced", "imbalanced"], b="balanced")
    assert not app.exception
    assert "Side by side" not in texts(app, "markdown")
    assert len(charts(app)) == 2  # slopes and shares of one pair
