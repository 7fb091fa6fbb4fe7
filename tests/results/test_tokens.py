from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.attribution import store
from core.charts import palette, tokens
from core.checkpoints import studies
from core.figures import tokens_sentences
from core.results import tokens as result_tokens
from core.results.attributions import attributions
from tests.helpers.started import small_study

KEY = "gaussian_process-16@0.01"


class Text(HTMLParser):
    """What a browser would show, and the tags that it would see."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append(tag)


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5))
def test_tokens_reach_html_as_text(pieces) -> None:
    parser = Text()
    parser.feed(tokens.marked(pieces, [0.1] * len(pieces), 0.2, ""))
    parser.close()
    assert parser.text == "".join(pieces)
    assert parser.tags == ["div", *["span"] * len(pieces)]


def test_colour_follows_sign_and_size() -> None:
    html = tokens.marked(["a", "b", "c"], [0.2, -0.1, 0.0], 0.2, "de")
    assert ' lang="de"' in html
    found = re.findall(r"background:rgba\(([\d,]+),([\d.]+)\)", html)
    assert [alpha for _, alpha in found] == ["0.62", "0.31", "0.00"]
    towards, away = (
        ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
        for colour in (palette.TOWARDS, palette.AWAY)
    )
    assert found[0][0] == towards and found[1][0] == away


@pytest.mark.parametrize(
    ("value", "group"),
    [(0.01, "neutral"), (-0.01, "neutral"), (0.0101, "positive"), (-0.0101, "negative")],
)
def test_the_neutral_interval_is_closed(value, group) -> None:
    assert result_tokens.group_of(value, 0.01) == group


def test_gains_are_means_over_the_occurrences(explained: Path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    reference, other = studies.run_ids("small")[:2]
    tables = [
        store.read("SELECT * FROM attributions WHERE class = 'negative' ORDER BY row", files)
        for files in (store.files([reference], KEY), store.files([other], KEY))
    ]
    rows = [
        (a["language"], token.strip(), s, o - s)
        for a, b in zip(*(t.to_dict("records") for t in tables), strict=True)
        for token, s, o in zip(a["tokens"], a["values"], b["values"], strict=True)
        if token.strip()
    ]
    frame = pd.DataFrame(rows, columns=["language", "token", "s", "gain"])
    grouped = frame.groupby(["language", "token"])["gain"].agg(["size", "mean", "sem", "sum"])
    found = result_tokens.gained(reference, other, KEY, "negative").set_index(["language", "token"])
    assert set(found.index) == set(grouped[grouped["size"] >= 2].index)
    for cell, row in found.iterrows():
        assert row["n"] == grouped.loc[cell, "size"]
        assert row["gain"] == pytest.approx(grouped.loc[cell, "mean"])
        assert row["standard error"] == pytest.approx(grouped.loc[cell, "sem"])
    sums = (found["n"] * found["gain"]).abs().round(12)
    assert sums.is_monotonic_decreasing


def test_the_reading_shows_a_label_as_it_is_and_warns_of_few_texts(explained, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    document = attributions(small_study())
    shown = ("negative", "imbalanced", 0)
    few = tokens_sentences.amount(document, *shown)
    assert few.startswith("n = 18 texts, 3 a language, ") and "too narrow" in few
    for row in document["rows"]:
        row["n_texts"] = 100 + (row["language"] == "fr")
    many = tokens_sentences.amount(document, *shown)
    assert many.startswith("n = 601 texts, 100–101 a language") and "too narrow" not in many
    for row in document["sides"]:
        row["label"] = {"negative": "<b>*x*"}.get(row["label"], row["label"])
    text = tokens_sentences.reading(document, "<b>*x*", "imbalanced", 0, crossed=True)
    assert r"move **\<b\>\*x\*** by " in text and "there is no verdict" in text


def test_standard_errors_are_said_where_there_are_any() -> None:
    frame = pd.DataFrame({"reference error": [0.01, 0.02], "other error": [0.03, None]})
    assert tokens_sentences.spread(frame) == " Standard error of a value: 0.02."
    assert tokens_sentences.spread(frame.assign(**dict.fromkeys(frame, None))) == ""


@pytest.mark.parametrize("n", [1, 5, 40])
def test_bars_of_short_texts_have_room_beside_legend_and_axis(n) -> None:
    columns = ["position", "token", "reference", "other", "difference", "group"]
    frame = pd.DataFrame([[i, "x", 0.1, 0.2, 0.1, "positive"] for i in range(n)], columns=columns)
    chart = tokens.one_text(frame, "difference").to_dict()
    assert chart["height"] - 80 >= 14 * n  # of the axis
    assert chart["layer"][0]["encoding"]["x"]["title"] == "difference of SHAP values (probability)"


def test_the_reading_of_the_curve_says_no_share_of_a_change_that_may_be_none() -> None:
    row = {
        "setup": "x*", "threshold": 0.01, "value": 0.1, "ci": [0.05, 0.15], "share": 0.5,
        "share_ci": [0.4, 0.6], "neutral_share_of_tokens": 0.34, "tokens": 0.19,
        "tokens_ci": [0.1, 0.3], "base": 0.01, "base_ci": [-0.01, 0.03], "total": 0.2,
        "total_ci": [0.1, 0.3], "standard_error": 0.016, "n_texts": 120, "n_seeds": 3,
        "covers": "x", "cross_fitted": True,
    }  # fmt: skip
    rows = [row, row | {"threshold": 0.1, "share": 1.07, "neutral_share_of_tokens": 0.93}]
    text = tokens_sentences.reliance(rows, "x*", 0.012)
    assert "neutral tokens carry 50\u00a0% [40, 60] at 0.01 (34\u00a0% of the tokens)" in text
    assert "107\u00a0% [40, 60] at 0.1 (93\u00a0% of the tokens)" in text
    assert "standard error, 0.016" in text
    assert r"x\*" in text and "no verdict" not in text
    rows = [row | {"share": None, "share_ci": None, "n_seeds": 1}]
    text = tokens_sentences.reliance(rows, "x*", 0.01)
    assert "%" not in text and "not apart from 0" in text and "no verdict" in text
    assert tokens_sentences.reliance(rows, "y", 0.01) == ""


@pytest.mark.parametrize("error", [None, 0.016, 0.5])
def test_the_curve_marks_the_standard_error_on_its_axis(error) -> None:
    row = {"setup": "imbalanced", "value": 0.1, "ci": [0.0, 0.2], "share": None,
           "neutral_share_of_tokens": 0.3, "standard_error": error}  # fmt: skip
    both = tokens.reliance([row | {"threshold": 0.001}, row | {"threshold": 0.1}])
    for chart in both:
        marked = str(chart.to_dict())
        assert ("standard error 0.016" in marked) == (error == 0.016)
