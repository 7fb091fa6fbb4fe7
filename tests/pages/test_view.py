"""Widgets and the address bar."""

from __future__ import annotations

import pytest

from .conftest import texts


def test_a_study_of_a_link_that_is_not_here_is_said(done, open_page) -> None:
    app = open_page("overview", study="gone")
    assert not app.exception
    assert "Study 'gone' of this link is not here" in texts(app, "warning")
    assert app.selectbox[0].value == "small"
    assert app.query_params["study"] == "small"


@pytest.mark.parametrize(
    ("page", "view"),
    [
        ("data", {"cells": "hearts"}),
        ("data", {"language": "xx"}),
        ("data", {"split": ["train", "nothing"]}),
        ("predictions", {"part": "<script>"}),
        ("predictions", {"runs": ["0000", "1111"]}),
        ("predictions", {"part": "confusion", "run": "x"}),
        ("compare", {"a": "*"}),
        ("mitigation", {"scheme": "imbalanced+hearts"}),
    ],
)
def test_a_value_that_does_not_fit_is_a_warning(page, view, done, open_page) -> None:
    app = open_page(page, **view)
    assert not app.exception
    assert "of this link is not here" in texts(app, "warning")
    name = next(reversed(view))
    app.run()
    assert not app.warning
    assert app.query_params.get(name, ["-"]) != view[name]


def test_the_address_bar_follows_a_widget_and_is_free_of_defaults(done, open_page) -> None:
    app = open_page("data")
    assert set(app.query_params) == {"study", "look"}
    ways = app.get("button_group")[1]
    ways.set_value("shares").run()
    assert app.query_params["cells"] == "shares"
    app.get("button_group")[1].set_value("counts").run()
    assert "cells" not in app.query_params


def test_a_view_is_kept_when_the_reader_moves_between_pages(done, open_page) -> None:
    app = open_page("data", cells="shares", language="ja")
    app.query_params.clear()  # as the navigation does
    app.switch_page("pages/compare.py").run()
    assert "cells" not in app.query_params
    app.query_params.clear()
    app.switch_page("pages/data.py").run()
    assert app.query_params["cells"] == "shares"
    assert app.query_params["language"] == "ja"
    assert "Language and label in the corpus, all splits: shares" in texts(app, "markdown")


def test_a_link_cannot_make_the_page_fetch_a_picture(done, open_page) -> None:
    app = open_page("data", cells="![x](http://elsewhere/x.png)")
    shown = app.warning[0].value
    assert r"\!\[x\]\(http" in shown
