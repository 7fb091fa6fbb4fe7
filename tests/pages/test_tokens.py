from __future__ import annotations

import json
import shutil

import pytest

from core.attribution import store
from core.checkpoints import studies
from core.results.attributions import attributions
from tests.helpers.started import small_study

from .conftest import charts, texts


def heading(chart: dict) -> str:
    title = chart.get("title")
    return str(title.get("text")) if isinstance(title, dict) else str(title)


def bars(app, part: str) -> list[dict]:
    """The rows behind one panel of the cumulative differences."""
    shown = {"positive": "supporting tokens", "neutral": "neutral tokens"}[part]
    panels = [c for c in charts(app) if heading(c) == shown]
    assert len(panels) == 1
    return [row for row in panels[0]["rows"] if row.get("part") in (part, "base")]


def test_without_attributions_the_page_says_how_to_make_them(done, open_page) -> None:
    app = open_page("tokens")
    assert not app.exception and not app.error
    assert "python -m core attribute small" in texts(app, "info")
    assert not charts(app) and not app.dataframe


def test_without_a_study_the_page_says_what_to_do(open_page) -> None:
    app = open_page("tokens")
    assert not app.exception
    assert "make demo" in texts(app, "info")


def test_bars_are_cross_fitted_and_say_what_is_compared(attributed, open_page) -> None:
    app = open_page("tokens", **{"class": "negative"})
    assert not app.exception and not app.error and not app.warning
    document = attributions(small_study())
    expected = {
        r["language"]: (r["crossed"], *r["crossed_ci"])
        for r in document["rows"]
        if (r["setup"], r["label"], r["group"]) == ("imbalanced", "negative", "neutral")
    }
    shown = {r["language"][:2]: (r["value"], r["low"], r["high"]) for r in bars(app, "neutral")}
    assert set(shown) == set(expected) == {"de", "en", "es", "fr", "ja", "zh"}
    for language, values in expected.items():
        assert shown[language] == pytest.approx(values)
    marks = {r["language"]: r["side"] for r in bars(app, "neutral")}
    assert marks["de ▲"] == "over" and marks["fr ▼"] == "under"
    said = texts(app, "caption")
    assert "Groups chosen by the balanced model of another seed; differences between" in said
    assert "one pair of seeds; 95 % intervals over test sentences alone" in said
    assert "n = 18 texts" in said and "null" not in said
    assert "with one seed there is no verdict" in texts(app, "markdown")
    assert "Language reliance: the change of the soft uptake" in texts(app, "markdown")


def test_as_in_the_paper_and_another_threshold_are_shown_at_once(attributed, open_page) -> None:
    app = open_page("tokens", threshold="0.05", setup="imbalanced+cw", **{"class": "positive"})
    app.segmented_control(key="view-groups").set_value("paper").run()
    assert not app.exception
    document = attributions(small_study(), threshold=0.05)
    expected = {
        r["language"]: r["mean"]
        for r in document["rows"]
        if (r["setup"], r["label"], r["group"]) == ("imbalanced+cw", "positive", "positive")
    }
    shown = {r["language"][:2]: r["value"] for r in bars(app, "positive")}
    assert shown == pytest.approx(expected)
    assert "opposing ones rise by selection alone" in texts(app, "caption")
    assert app.query_params["groups"] == "paper"
    assert open_page("tokens", groups="paper").segmented_control(key="view-groups").value == "paper"


def test_texts_of_the_label_alone_can_be_chosen(attributed, open_page) -> None:
    app = open_page("tokens", texts="label", **{"class": "negative"})
    assert not app.exception and not app.error and not app.warning
    document = attributions(small_study(), texts="label")
    expected = {
        r["language"]: r["crossed"]
        for r in document["rows"]
        if (r["setup"], r["label"], r["group"]) == ("imbalanced", "negative", "base")
    }
    panels = [c for c in charts(app) if heading(c) == "base value"]
    shown = {r["language"][:2]: r["value"] for r in panels[0]["rows"] if r.get("part") == "base"}
    assert shown == pytest.approx(expected)
    assert "n = 6 texts labelled negative" in texts(app, "caption")
    # The uptake is of all texts.
    assert "n = 18 texts, 3 a language" in texts(app, "caption")


def test_three_seeds_are_shown_as_their_mean(three_seeds, open_page, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(three_seeds))
    app = open_page("tokens", **{"class": "negative"})
    assert not app.exception and not app.error and not app.warning
    assert app.selectbox(key="view-seed").value == "all"
    document = attributions(small_study())
    expected = {
        r["language"]: (r["crossed"], *r["crossed_ci"], r["between_balanced"])
        for r in document["over_seeds"]["rows"]
        if (r["setup"], r["label"], r["group"]) == ("imbalanced", "negative", "positive")
    }
    names = ("value", "low", "high", "noise")
    shown = {r["language"][:2]: tuple(r[x] for x in names) for r in bars(app, "positive")}
    for language, values in expected.items():
        assert shown[language] == pytest.approx(values)
    said = texts(app, "caption")
    assert "mean over 6 pairs of seeds; 95 % intervals over seeds and test sentences" in said
    assert "what two balanced models of different seeds differ by" in said
    bound = [
        (abs(r["crossed"]), r["between_balanced"], r["language"], r["group"])
        for r in document["over_seeds"]["rows"]
        if (r["setup"], r["label"]) == ("imbalanced", "negative")
    ]
    longer = [(language, group) for size, noise, language, group in bound if size > noise]
    n = f"{len(bound) - len(longer)} of {len(bound)}"
    wanted = f"**{n}** bars are no longer than" if longer else f"None of the {len(bound)} bars"
    assert wanted in texts(app, "markdown")
    assert all(language in texts(app, "markdown") for language, _ in longer)
    app.selectbox(key="view-seed").set_value("1").run()
    assert "mean over 2 pairs of seeds; 95 % intervals over test sentences alone" in texts(
        app, "caption"
    )


def test_one_text_has_its_tokens_in_order(attributed, open_page) -> None:
    app = open_page("tokens", language="fr")
    marked = [str(e.proto.body) for e in app.get("html") if "<span" in str(e.proto.body)]
    assert len(marked) == 3
    listed = next(d.value for d in app.dataframe if "shift" in d.value)
    assert set(listed["language"]) == {"fr"}
    assert listed["shift"].abs().is_monotonic_decreasing
    names = ["supporting (positive)", "opposing (negative)", "neutral", "base value"]
    parts = listed[names].sum(axis=1)
    assert (parts - listed["shift"]).abs().max() < 1e-9
    words = next(d.value for d in app.dataframe if "position" in d.value)
    moved = words["difference"].sum() + listed["base value"].iloc[0]
    assert moved == pytest.approx(listed["shift"].iloc[0])
    app = open_page("tokens", language="fr", by="words")
    summed = next(d.value for d in app.dataframe if "position" in d.value)
    stored = store.read(
        "SELECT words FROM attributions WHERE row = ? LIMIT 1",
        store.files(studies.run_ids("small")[:1], "gaussian_process-16@0.01"),
        [listed["row"].iloc[0]],
    )
    assert len(summed) == len(set(stored["words"].iloc[0])) <= len(words)
    assert summed["difference"].sum() == pytest.approx(words["difference"].sum())


def test_the_text_that_was_opened_stays_open_for_another_class(attributed, open_page) -> None:
    app = open_page("tokens", **{"class": "negative"})
    listed = next(d.value for d in app.dataframe if "shift" in d.value)
    chosen = listed.iloc[5]
    app = open_page("tokens", row=chosen["row"], **{"class": "negative"})
    opened = f"One text in {chosen['language']}, labelled {chosen['label']}: probability of "
    assert f"{opened}negative {chosen['reference']:.2f}" in texts(app, "markdown")
    app.selectbox(key="view-class").set_value("positive").run()
    assert f"{opened}positive" in texts(app, "markdown")
    assert app.query_params["row"] == chosen["row"]
    app = open_page("tokens", row="gone")
    assert not app.exception and "One text in" in texts(app, "markdown")


def test_a_run_without_attributions_is_named(attributed, open_page) -> None:
    ids = studies.run_ids("small")
    shutil.rmtree(attributed / ids[2] / "attributions")
    app = open_page("tokens")
    assert not app.exception and not app.error
    assert f"Without attributions by gaussian_process-16@0.01: {ids[2]}" in texts(app, "caption")
    assert any(button.key == "ask-attribute-small" for button in app.button)
    assert charts(app)


def test_it_leads_to_sentences_with_the_models_that_are_compared(attributed, open_page) -> None:
    app = open_page("tokens", setup="imbalanced+cw")
    [link] = [x for x in app.get("page_link") if "Try a sentence" in x.proto.label]
    first, _, weighted = studies.run_ids("small")[:3]
    assert link.proto.query_string == f"study=small&models={first}&models={weighted}"


def test_a_half_done_study_says_so(attributed, open_page) -> None:
    run = attributed / studies.run_ids("small")[1]
    (run / "COMPLETE").unlink()
    (run / "status.json").write_text(json.dumps({"state": "queued", "message": ""}))
    app = open_page("tokens")
    assert not app.exception and not app.error
    assert "imbalanced, seed 0" in texts(app, "info")


def test_a_broken_file_is_named(attributed, open_page) -> None:
    run = attributed / studies.run_ids("small")[0]
    (run / "attributions" / "gaussian_process-16@0.01" / "00000.parquet").write_bytes(b"PAR1")
    app = open_page("tokens")
    assert not app.exception
    assert "00000.parquet does not read" in texts(app, "error")
    assert "delete it and attribute the study again" in texts(app, "error")
