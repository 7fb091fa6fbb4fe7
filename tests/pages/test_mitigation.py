from __future__ import annotations

import pytest

from core.mitigation.setups import schemes
from core.results import mitigations
from tests.helpers.started import small_study

from .conftest import charts, texts


@pytest.fixture
def page(mitigated, monkeypatch, open_page):
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(mitigated))
    return lambda **view: open_page("mitigation", **view)


def test_every_setup_stands_beside_balanced(page) -> None:
    app = page()
    assert not app.exception and not app.error and not app.warning and not app.info
    assert len(charts(app)) == 7
    reached, cost = (app.dataframe[i].value for i in range(2))
    assert reached["setup"].iloc[0] == "balanced" and len(reached) == len(cost) == 4
    assert cost.set_index("setup").loc["imbalanced+prior", "language at serving"] == "given"
    said = texts(app, "markdown")
    assert "is shown equivalent" in said or "Recommended" in said
    assert "balanced runs, which differ by their seed alone" in said
    assert "python -m core attribute mitigated" in texts(app, "caption")


def test_the_charts_show_the_setups_that_are_chosen(page) -> None:
    app = page(setups=["imbalanced", "imbalanced+prior"])
    assert not app.exception and not app.warning
    names = {row["name"] for chart in charts(app) for row in chart["rows"] if row.get("name")}
    assert names == {"imbalanced", "+prior", "between balanced"}
    assert len(app.dataframe[0].value) == 4
    app.multiselect[0].set_value([]).run()
    assert not app.exception and not charts(app)


def test_weights_and_source_of_a_chosen_setup(page) -> None:
    app = page(scheme="imbalanced+cw")
    assert not app.exception
    cells = app.dataframe[2].value
    assert (cells["rows"] * cells["weight"]).sum() == pytest.approx(cells["rows"].sum())
    assert "class SkewTrainer(Trainer)" in app.code[0].value
    compile(app.code[0].value, "source", "exec")
    names = {element.proto.label for element in app.get("download_button")}
    assert {"↓ CSV", "↓ JSON", "↓ Python"} <= names


def test_what_has_no_source_says_why(page) -> None:
    app = page(scheme="imbalanced+undersample")
    assert not app.code
    assert "no Trainer is written for imbalanced+undersample" in texts(app, "info")
    assert (app.dataframe[2].value["rows drawn"] <= app.dataframe[2].value["rows"]).all()
    assert "corrects a trained model" in texts(page(scheme="imbalanced+leace"), "info")


def test_every_setup_can_be_chosen(page) -> None:
    app = page()
    box = next(box for box in app.selectbox if box.label == "Setup")
    assert len(box.options) == len(schemes())
    for option in box.options:
        box.select(option).run()
        assert not app.exception and not app.error and not app.warning


def test_without_mitigations_the_page_says_which_to_add(done, open_page, monkeypatch) -> None:
    monkeypatch.setattr(mitigations, "has_mitigations", lambda _: False)
    app = open_page("mitigation")
    assert not app.exception
    assert "imbalanced+cw, " in texts(app, "info") and "page Train" in texts(app, "info")
    assert app.get("page_link")


def test_with_one_seed_there_is_no_verdict(done, open_page) -> None:
    app = open_page("mitigation")
    assert "No verdict: one seed." in texts(app, "markdown")
    assert set(app.dataframe[0].value["equivalent"]) == {"–", "no verdict"}


def test_a_study_of_models_from_elsewhere_has_nothing_to_show(done, open_page, monkeypatch) -> None:
    empty = {**mitigations.of_study(small_study()), "rows": []}
    monkeypatch.setattr(mitigations, "mitigations", lambda *_: empty)
    app = open_page("mitigation")
    assert not app.exception and not charts(app)
    assert "models from elsewhere" in texts(app, "info")
