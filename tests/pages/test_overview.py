from __future__ import annotations

import json

from core import study

from .conftest import charts, texts


def test_the_cards_carry_a_sentence_an_interval_and_n(done, open_page) -> None:
    app = open_page("overview")
    for title in ("Accuracy on", "Skew uptake", "Language identification", "Language effect"):
        assert f"#### {title}" in texts(app, "markdown")
    assert len(charts(app)) == 4
    assert "the truth is 33" in texts(app, "markdown")
    assert texts(app, "caption").count("n = ") == 4
    assert "Language reliance" not in texts(app, "markdown")


def test_language_reliance_has_a_card_where_it_was_measured(copied, open_page) -> None:
    open_page("overview")  # leaves the study's measures beside it
    kept = copied / "studies" / "small" / "summary.json"
    document = json.loads(kept.read_text())
    for run in document["document"]["runs"]:
        run |= {"language_reliance": 0.25, "language_reliance_ci": [0.2, 0.3]}
        run["language_reliance_texts"] = 18
    kept.write_text(json.dumps(document))
    (copied / "moved").mkdir()  # the pages' own cache must not answer: another study
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    app = open_page("overview")
    assert "change the imbalanced model's soft uptake by **0.25**" in texts(app, "markdown")


def test_studies_that_are_not_done_are_listed_with_their_state(half_done, open_page) -> None:
    app = open_page("overview")
    listed = next(d.value for d in app.dataframe if "study" in d.value)
    assert listed[["study", "state", "done", "runs"]].values.tolist() == [["small", "queued", 3, 4]]


def test_broken_folders_are_listed_with_what_is_wrong(broken, open_page) -> None:
    app = open_page("overview")
    listed = next(d.value for d in app.dataframe if "what is wrong" in d.value)
    wrong = dict(zip(listed["run"], listed["what is wrong"], strict=True))
    assert "config.json is missing" in wrong["0123456789abcdef"]
    assert "not a run configuration" in wrong[study.run_ids("small")[2]]
