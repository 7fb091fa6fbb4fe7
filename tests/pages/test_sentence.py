"""The page Try a sentence, against the files and against plain transformers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import AutoModelForTokenClassification, AutoTokenizer

from core.checkpoints import run_folders, studies
from core.corpora import texts as corpus_texts
from core.jobs import queue, slots, worker
from core.results import sentences
from tests.helpers.started import small_study

from .conftest import texts

HOSTILE = "The <b>room</b> was excellent."


@pytest.fixture(autouse=True)
def _no_other_process(monkeypatch) -> None:
    monkeypatch.setattr(slots, "start", lambda slot="0": None)


def answered(app: AppTest) -> AppTest:
    """The page once a worker did what it asked for, here and now."""
    worker.serve(slots.QUICK, idle=0)
    return app.run()


def asked() -> list[queue.Job]:
    return [job for job in queue.listing() if job.kind == "sentence"]


def press(app: AppTest, label: str) -> AppTest:
    return next(b for b in app.button if b.label == label).click().run()


def write(app: AppTest, box: int, text: str) -> None:
    app.text_area(key=f"view-text{box}").input(text)


def rows(app: AppTest) -> pd.DataFrame:
    """All probabilities as the page has them, a row a text, model and class."""
    return next(d.value for d in app.dataframe if "probability" in d.value)


def table(app: AppTest) -> str:
    return next(str(e.proto.body) for e in app.get("html") if "<table" in str(e.proto.body))


def marked(app: AppTest) -> list[str]:
    return [str(e.proto.body) for e in app.get("html") if "background:rgba" in str(e.proto.body)]


def plain(run: str, text: str) -> dict[str, float]:
    """Of the saved model in plain transformers."""
    folder = run_folders.folder(run) / "model"
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    assert model.config.hidden_dropout_prob > 0  # it would be felt in training mode
    tokenizer = AutoTokenizer.from_pretrained(folder)
    given = tokenizer(text, truncation=True, max_length=32, return_tensors="pt")
    with torch.no_grad():
        p = model(**given).logits[0, 0].softmax(-1).tolist()
    return dict(zip(run_folders.read_config(run).labels, p, strict=True))


def test_who_comes_for_the_first_time_sees_stored_predictions_of_an_example(
    varied, open_page
) -> None:
    app = open_page("sentence")
    assert not app.exception and not app.error and not app.warning
    [first, *_] = sentences.examples(*_of_study()).found
    assert [app.text_area(key=f"view-text{i}").value for i in range(1, 7)] == [
        s.text for s in first.sentences
    ]
    shown = rows(app)
    runs = studies.run_ids("small")
    assert len(shown) == 6 * len(runs) * 3 and shown["stored"].all()
    frames = [pd.read_parquet(varied / run / "predictions.parquet") for run in runs]
    corpus = pd.read_parquet(corpus_texts.texts_file(small_study().config)).set_index("text")
    for name, frame in zip(shown["model"].unique(), frames, strict=True):
        for sentence in first.sentences:
            found = frame[frame["row"] == corpus.loc[sentence.text, "row"]].filter(like="p_")
            mine = shown[(shown["model"] == name) & (shown["language"] == sentence.language)]
            assert mine["probability"].tolist() == pytest.approx(found.iloc[0].tolist())
    assert "all stored: these are texts of the test set" in texts(app, "caption")
    assert asked() == []
    # The models that tell languages apart are named at the top, in the head and in the list.
    assert "imbalanced says" in texts(app, "markdown").replace("*", "")
    assert table(app).count("languages differ") == sum(
        len(set(own.groupby("language")["class"].first())) > 1
        for _, own in shown[shown["predicted"]].groupby("model")
    )


def _of_study() -> tuple[Any, Any, Path]:
    from core.results import study_results

    document = study_results.summary(small_study())
    file = corpus_texts.texts_file(small_study().config)
    return document, study_results.done_runs(document), file


def test_the_table_is_what_plain_transformers_says_a_text_at_a_time(copied, open_page) -> None:
    app = open_page("sentence", text1=HOSTILE, in1="en", text2="Das Zimmer war gut", in2="de",
                    boxes="2")  # fmt: skip
    assert "not asked yet" in table(app) and not asked()
    app = answered(press(app, "Predict"))
    assert not app.exception and not app.error
    shown = rows(app)
    assert not shown["stored"].any()
    runs = studies.run_ids("small")
    for run, name in zip(runs, shown["model"].unique(), strict=True):
        for text, language in ((HOSTILE, "en"), ("Das Zimmer war gut", "de")):
            own = shown[(shown["model"] == name) & (shown["language"] == language)]
            found = dict(zip(own["class"], own["probability"], strict=True))
            assert found == pytest.approx(plain(run, text), abs=1e-5)
            [said] = own[own["predicted"]]["class"]
            assert said == max(found, key=found.__getitem__)
            assert f"<b>{said}</b> {found[said]:.2f}" in table(app)
    assert "&lt;b&gt;" in table(app) and "<b>room" not in table(app)
    assert 'lang="en"' in table(app) and 'lang="de"' in table(app)
    assert "asked of the saved models here" in texts(app, "caption")
    # The same texts are not asked for again.
    press(app, "Predict")
    assert [job.state for job in asked()] == ["done"]


def test_two_cells_are_explained_side_by_side_and_add_up(copied, open_page) -> None:
    runs = studies.run_ids("small")
    view = {"text1": "The room was good", "in1": "en", "boxes": "1", "models": runs[:2]}
    app = answered(press(open_page("sentence", **view), "Predict"))
    assert app.selectbox(key="view-left").value == f"1.{runs[0]}"
    assert app.selectbox(key="view-right").value == f"1.{runs[1]}"
    app.selectbox(key="view-class").set_value("neutral").run()
    app = answered(press(app, "Explain these"))
    assert not app.exception and not app.error
    assert len(marked(app)) == 3  # both, and what they differ by
    assert all('lang="en"' in text for text in marked(app))
    tokens = [d.value for d in app.dataframe if "standard error" in d.value]
    assert len(tokens) == 2
    sums = re.findall(
        r"base value ([\d.]+) ([+−]) tokens ([\d.]+) = \*\*([\d.]+)", texts(app, "caption")
    )
    assert len(sums) == 2
    for run, frame, (base, sign, moved, total) in zip(runs[:2], tokens, sums, strict=True):
        by_hand = plain(run, "The room was good")["neutral"]
        assert float(total) == pytest.approx(by_hand, abs=6e-4)
        signed = float(moved) * (-1 if sign == "−" else 1)
        assert signed == pytest.approx(frame["value"].sum(), abs=6e-4)
        assert float(base) + signed == pytest.approx(by_hand, abs=2e-3)
    # One model on one text is shown alone.
    app.selectbox(key="view-right").set_value(f"1.{runs[0]}").run()
    assert len(marked(app)) == 1


def test_stored_tokens_are_shown_at_once(attributed, open_page) -> None:
    path = next((attributed / studies.run_ids("small")[0]).glob("attributions/*/*.parquet"))
    row = pd.read_parquet(path)["row"].iloc[0]
    corpus = pd.read_parquet(corpus_texts.texts_file(small_study().config)).set_index("row")
    own = corpus.loc[row]
    app = open_page("sentence", text1=own["text"], in1=own["language"], boxes="1")
    assert len(marked(app)) == 3
    assert "Values stored with the study: gaussian_process-16@0.01" in texts(app, "caption")
    assert not [b for b in app.button if b.label == "Explain these"]


def test_an_edit_stands_beside_what_was_there_before(copied, open_page) -> None:
    view = {"text1": "The room was good", "in1": "en", "boxes": "1"}
    app = answered(press(open_page("sentence", **view), "Predict"))
    write(app, 1, "The room was awful")
    app = answered(press(app, "Predict"))
    assert not app.exception
    assert set(rows(app)["text"]) == {"en", "en, before"}
    assert "The edit of en, before" in texts(app, "markdown")
    assert json.loads(app.query_params["before"])[1]["text"] == "The room was good"
    run = studies.run_ids("small")[0]
    both = rows(app)
    for heading, text in (("en", "The room was awful"), ("en, before", "The room was good")):
        own = both[(both["text"] == heading) & (both["model"] == both["model"].iloc[0])]
        assert own["probability"].tolist() == pytest.approx(
            list(plain(run, text).values()), abs=1e-5
        )
    assert app.selectbox(key="view-left").value.startswith("b1.")
    assert app.selectbox(key="view-right").value.startswith("1.")
    # A link to it shows the same, to whom did nothing.
    link = {name: app.query_params[name] for name in app.query_params}
    again = open_page("sentence", **link)
    assert not again.warning and table(again) == table(app)
    # What is not wanted beside it any more leaves the link.
    app.multiselect(key="view-before").set_value([]).run()
    assert set(rows(app)["text"]) == {"en"} and "before" not in app.query_params


def test_a_translation_is_added_and_taken_away(copied, open_page) -> None:
    app = open_page("sentence", text1="good", boxes="1")
    write(app, 1, "very good")
    press(app, "Add a translation")
    assert [t.value for t in app.text_area] == ["very good", ""]
    assert "Text 2 is empty: type a translation there" in texts(app, "info")
    assert app.query_params["boxes"] == "2"
    write(app, 2, "sehr gut")
    press(app, "Remove the last")
    assert [t.value for t in app.text_area] == ["very good"]
    assert "text2" not in app.query_params
    for _ in range(5):
        press(app, "Add a translation")
    assert len(app.text_area) == 6
    assert next(b for b in app.button if b.label == "Add a translation").disabled


def test_an_empty_text_says_what_to_do(copied, open_page) -> None:
    app = open_page("sentence", text1=" ", boxes="1")
    assert "take one of the examples, then press Predict" in texts(app, "info").replace("*", "")
    write(app, 1, "")
    press(app, "Predict")
    assert not app.exception and "There is no text yet" in texts(app, "warning")
    assert not asked()
    assert app.text_area(key="view-text1").value == ""  # it stays as the reader left it


def test_a_click_on_an_example_fills_the_boxes(varied, open_page) -> None:
    app = open_page("sentence", text1="mine", boxes="1", left="1.x")
    second = sentences.examples(*_of_study()).found[1]
    app.button(key="example-1").click().run()
    assert not app.exception
    assert [t.value for t in app.text_area] == [s.text for s in second.sentences]
    assert [app.selectbox(key=f"view-in{i}").value for i in range(1, 7)] == [
        s.language for s in second.sentences
    ]
    assert rows(app)["stored"].all()


def test_words_that_are_not_known_and_a_text_that_is_cut_are_said(copied, open_page) -> None:
    app = open_page("sentence", text1="Ω " + "good " * 50, in1="other", boxes="1")
    app = answered(press(app, "Predict"))
    said = texts(app, "caption")
    assert "text 1, other: 1 of its tokens are not in the vocabulary" in said
    assert "its end is cut off" in said


def test_a_job_that_failed_is_said_and_may_be_asked_again(copied, open_page, monkeypatch) -> None:
    app = press(open_page("sentence", text1="a good one", boxes="1"), "Predict")
    [job] = asked()
    queue.cancel(job.id)
    app.run()
    assert "This was cancelled" in texts(app, "warning") and not app.exception
    app = answered(press(app, "Predict"))
    assert rows(app)["probability"].sum() == pytest.approx(len(studies.run_ids("small")))


def test_a_job_of_an_older_version_and_a_broken_one_leave_the_page_whole(copied, open_page) -> None:
    for name, result in (("0" * 16, {"runs": {}}), ("1" * 16, {"labels": 3})):
        queue.enqueue("sentence", name, {"runs": [], "text": "a"} if name[0] == "0" else
                      {"runs": [], "sentences": [{"text": "a"}]})  # fmt: skip
        claimed = queue.claim(["sentence"])
        assert claimed is not None
        queue.finish(claimed, "done", result=result)
    app = open_page("sentence", text1="good", boxes="1", answers=["0" * 16, "1" * 16, "../x"])
    assert not app.exception and "not asked yet" in table(app)
    assert f"job sentence-{'1' * 16} does not read" in texts(app, "warning")


@pytest.mark.parametrize("value", ["[", "[7, {}]", '[1, {"text": " "}]', '{"text": "a"}', "null"])
def test_what_a_link_says_of_earlier_texts_is_one_or_nothing(value, copied, open_page) -> None:
    app = open_page("sentence", text1="good", boxes="99", before=value)
    assert not app.exception and len(app.text_area) == 1
    assert "before" not in table(app)


def test_models_can_be_chosen(copied, open_page) -> None:
    runs = studies.run_ids("small")
    app = open_page("sentence", models=runs[1])
    assert set(rows(app)["model"]) == {"imbalanced"}
    app.multiselect(key="view-models").set_value([]).run()
    assert not app.exception and "No model is chosen" in texts(app, "info")
