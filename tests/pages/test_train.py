from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.checkpoints import run_folders, studies
from core.jobs import queue, slots, worker
from core.studies import study

APP = str(Path(__file__).parents[2] / "app.py")


@pytest.fixture(autouse=True)
def started(monkeypatch) -> list[str]:
    """Slots whose worker was asked for; none is started."""
    asked: list[str] = []
    monkeypatch.setattr(slots, "start", lambda slot="0": asked.append(slot))
    return asked


def train_page(**view: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in view.items():
        app.query_params[name] = value
    return app.switch_page("pages/train.py").run()


def texts(app: AppTest, kind: str) -> str:
    return "\n".join(str(element.value) for element in app.get(kind)).replace("\\", "")


def press(app: AppTest, label: str, at: int = 0) -> AppTest:
    return [button for button in app.button if button.label == label][at].click().run()


def badges(app: AppTest) -> list[str]:
    found = (str(m.value) for m in app.markdown)
    return [text.split("[")[1].split("]")[0] for text in found if "-badge[" in text]


def test_without_anything_the_page_says_what_to_do() -> None:
    app = train_page()
    assert not app.exception
    assert "Check a study above, then start it" in texts(app, "info")


def test_without_a_study_every_page_offers_the_demo(started) -> None:
    app = press(AppTest.from_file(APP, default_timeout=60).run(), "Make the demo study")
    assert not app.exception
    assert app.title[0].value == "Train" and started == ["0"]
    job = queue.find("study-demo")
    assert job is not None and job.arguments["document"]["corpus"] == "multiemo"
    assert badges(app) == ["queued"]


def test_a_shipped_study_fills_the_form() -> None:
    app = train_page(begin="demo")
    assert app.text_input[0].value == "demo"
    assert app.multiselect[0].value == ["balanced", "imbalanced", "imbalanced+cw"]
    values = {number.label: number.value for number in app.number_input}
    assert values["Epochs"] == 3 and values["Frozen layers"] == 8
    assert values["Strength of the skew"] == 1
    assert values["Learning rate"] == 3e-4 and values["Rows a language, train"] == 198


def form_of(app: AppTest) -> dict[str, object]:
    kinds = (app.text_input, app.number_input, app.selectbox, app.multiselect)
    return {widget.label: widget.value for kind in kinds for widget in kind}


def test_what_is_changed_in_the_form_is_in_the_link(study_file) -> None:
    app = train_page(begin="demo")
    assert not [name for name in app.query_params if name.startswith("form-")]
    before = form_of(app)
    app.text_input[0].set_value("mine").run()
    next(t for t in app.text_input if t.label == "Groups").set_value("fr, es | de, en").run()
    app.multiselect[0].set_value(["balanced", "imbalanced+cw+entropy"]).run()
    rows = next(n for n in app.number_input if n.label == "Rows a language, train")
    rows.set_value(None).run()
    next(n for n in app.number_input if n.label == "Learning rate").set_value(0.00015).run()
    next(c for c in app.checkbox if c.label == "Trim").uncheck().run()
    assert not app.exception
    link = {name: app.query_params[name] for name in app.query_params}
    again = AppTest.from_file(APP, default_timeout=60)
    for name, value in link.items():
        again.query_params[name] = value
    again = again.switch_page("pages/train.py").run()
    assert not again.exception and not again.warning
    changed = {k: v for k, v in form_of(again).items() if k in before and v != before[k]}
    assert changed == {
        "Name": "mine",
        "Groups": "fr, es | de, en",
        "Setups": ["balanced", "imbalanced+cw+entropy"],
        "Rows a language, train": None,
        "Learning rate": 0.00015,
    }
    assert next(c for c in again.checkbox if c.label == "Trim").value is False
    again.text_input[0].set_value("demo").run()  # as it began
    assert "form-name" not in again.query_params and "form-groups" in again.query_params
    next(s for s in again.selectbox if s.label == "Begin with the study").set_value(
        "synthetic"
    ).run()
    assert not [name for name in again.query_params if name.startswith("form-")]
    assert again.text_input[0].value == "synthetic"


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", "-1"), ("learning_rate", "much"), ("design", "<b>x</b>"), ("trim", "maybe")],
)
def test_a_link_that_does_not_fit_is_said_and_left_out(name, value) -> None:
    app = train_page(begin="demo", **{f"form-{name}": value})
    assert not app.exception
    assert "of this link does not fit" in texts(app, "warning")
    assert form_of(app) == form_of(train_page(begin="demo"))


def test_the_form_is_in_the_order_of_its_groups() -> None:
    app = train_page(begin="demo")
    headings = [m.value for m in app.markdown if str(m.value).startswith("#####")]
    assert headings == ["##### Data", "##### Training"]
    order = [t.label for t in app.text_input]
    assert order[:5] == ["Name", "Columns", "Languages", "Labels", "Groups"]
    assert "Columns" not in [t.label for t in app.expander[0].text_input]


def test_a_grid_is_started_from_the_command_line() -> None:
    app = train_page(begin="dose")
    assert not app.exception
    assert "Start it from the command line" in texts(app, "error")


def test_a_licence_stands_before_the_check_until_it_is_accepted(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path))
    app = train_page(begin="amazon-mbert-released")
    assert not app.exception
    assert "academic research only" in texts(app, "warning")
    assert "Check" not in [button.label for button in app.button]
    app = press(app, "Accept the licence of amazon")
    assert not texts(app, "warning")
    assert "Check" in [button.label for button in app.button]
    chosen = {box.label: box.value for box in app.selectbox}
    assert chosen["Pooling"] == "released" and chosen["Optimiser"] == "radam"
    assert not texts(train_page(begin="xnli-mbert"), "warning")


def test_a_study_is_checked_then_started(study_file, copied, started) -> None:
    app = press(train_page(begin="small"), "Check")
    assert started == ["quick"] and app.get("progress")
    assert not [button for button in app.button if button.label == "Start"]
    worker.serve(slots.QUICK, idle=0)
    app = app.run()
    assert not app.exception and not app.error
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Runs to train"] == "0" and metrics["Rows a language"] == "30"
    assert metrics["Time"] == "0 s"
    assert app.dataframe[0].value["state"].tolist() == ["done"] * 4
    assert app.dataframe[1].value.loc["de"].tolist() == [10, 10, 10]
    assert "With 1 seed there is no verdict on any difference" in texts(app, "markdown")
    seen = app.dataframe[2].value
    assert set(seen["seen with 1 seed"]) == {"no verdict"}
    assert (seen["seeds needed"] != "").all() and "the demo" in texts(app, "caption")
    app = press(app, "Start")
    assert started[-1] == "0"
    job = queue.find("study-small")
    assert job is not None and job.state == "queued"
    assert job.arguments["document"] == study.to_document(study.read("small"))
    assert (job.arguments["then"], job.arguments["texts"]) == (["attribute", "project"], 6)
    assert badges(app)[0] == "queued"


def test_what_the_form_says_is_what_is_asked_for(study_file, monkeypatch) -> None:
    app = train_page(begin="synthetic")
    app.text_input[0].set_value("mine").run()
    next(t for t in app.text_input if t.label == "Seeds").set_value("3, 4").run()
    next(t for t in app.text_input if t.label == "Groups").set_value("fr, es | de, en").run()
    next(t for t in app.text_input if t.label == "Languages").set_value("de,en,es,fr").run()
    next(n for n in app.number_input if n.label == "Epochs").set_value(1).run()
    next(t for t in app.text_input if t.label == "Prefix").set_value("query: ").run()
    next(t for t in app.text_input if t.label == "External columns").set_value("text=body").run()
    app = press(app, "Check")
    assert not app.exception and not app.error
    asked = next(job for job in queue.listing() if job.kind == "plan").arguments["document"]
    assert (asked["name"], asked["seeds"], asked["training"]["epochs"]) == ("mine", [3, 4], 1)
    assert asked["groups"] == [["fr", "es"], ["de", "en"]]
    assert asked["training"]["prefix"] == "query: "
    assert asked["external_columns"] == {"text": "body"}
    assert asked["languages"] == ["de", "en", "es", "fr"]


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [
        ("Seeds", "0, x", "seeds has 'x'; expected whole numbers"),
        ("Seeds", "", "seeds is []; expected one or more"),
        ("Name", "../x", "study name is '../x'"),
        ("Columns", "language", "columns has 'language'; expected ours=theirs"),
        ("External columns", "text", "external_columns has 'text'; expected ours=theirs"),
        ("Groups", "fr", "groups is [['fr']]; expected two lists"),
    ],
)
def test_a_wrong_value_is_refused_at_once(label, value, message) -> None:
    app = train_page(begin="synthetic")
    next(t for t in app.text_input if t.label == label).set_value(value).run()
    assert not app.exception
    assert message in texts(app, "error")
    assert not [button for button in app.button if button.label == "Check"]


def test_what_cannot_work_is_refused_before_the_start(study_file) -> None:
    app = train_page(begin="synthetic")
    next(n for n in app.number_input if "train" in n.label).set_value(100_000).run()
    app = press(app, "Check")
    worker.serve(slots.QUICK, idle=0)
    app = app.run()
    assert not app.exception
    assert "This cannot work: study synthetic, train" in texts(app, "error")
    assert not [button for button in app.button if button.label == "Start"]


def test_more_frozen_layers_than_there_are_cannot_be_started(study_file) -> None:
    app = train_page(begin="synthetic")
    next(n for n in app.number_input if n.label == "Frozen layers").set_value(3).run()
    app = press(app, "Check")
    worker.serve(slots.QUICK, idle=0)
    app = app.run()
    assert "Frozen layers is 3; tiny has 3 layers" in texts(app, "error")
    assert next(button for button in app.button if button.label == "Start").disabled
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Runs to train"] == "4" and metrics["Time"] == "unknown"


def test_all_that_is_wrong_is_listed_in_the_words_of_the_form(study_file) -> None:
    app = train_page(begin="synthetic")
    next(n for n in app.number_input if n.label == "Frozen layers").set_value(3).run()
    next(n for n in app.number_input if n.label == "Max length").set_value(600).run()
    next(n for n in app.number_input if "train" in n.label).set_value(100_000).run()
    app = press(app, "Check")
    worker.serve(slots.QUICK, idle=0)
    app = app.run()
    said = texts(app, "error")
    assert "This cannot work: 3 things stand in the way" in said and len(app.error) == 4
    assert "Max length is 600; encoder 'tiny' has 512 positions" in said
    assert "The largest Frozen layers that works is 2" in said
    assert "Rows a language, train = 100000 asks for more rows than there are" in said
    assert not [button for button in app.button if button.label == "Start"]


def test_the_queue_shows_states_and_acts_on_them(copied, started) -> None:
    ids = studies.run_ids("small")
    shutil.rmtree(copied / "queue")
    for run_id in ids[:3]:
        (copied / run_id / "COMPLETE").unlink()
        queue.enqueue("train", run_id, {"study": "small"})
    claimed = queue.claim({"train"})
    assert claimed is not None
    with run_folders.claim(ids[0]):
        run_folders.write_status(ids[0], "running")
        queue.write_progress(claimed.job, "training", 0.5)
        app = train_page()
        assert not app.exception
        assert badges(app) == ["running", "queued", "queued"]
        assert "small: balanced, seed 0" in texts(app, "markdown")
        assert "2 jobs wait and no worker runs" in texts(app, "warning")
        assert len(app.get("vega_lite_chart")) == 2
        app = press(app, "Cancel", 1)
        assert badges(app) == ["running", "queued", "cancelled"]
        press(app, "Cancel")
        assert queue.is_cancelled(claimed.job)
    claimed.file.close()
    app = app.run()
    assert badges(app) == ["interrupted", "queued", "cancelled"]
    assert "killed, or the machine restarted" in texts(app, "caption")
    app = press(app, "Resume")
    assert badges(app) == ["queued", "queued", "cancelled"] and started == ["0"]
    assert run_folders.read_status(ids[0])["state"] == "queued"
    app = press(app, "Delete for good")
    assert badges(app) == ["queued", "queued"]
    assert not (copied / ids[1]).exists()


def test_a_failed_job_is_named_and_may_be_tried_again(started) -> None:
    queue.enqueue("study", "x", {"document": {}})
    claimed = queue.claim({"study"})
    assert claimed is not None
    queue.finish(claimed, "failed", "no *such* corpus")
    (queue.folder() / "logs" / "study-x.txt").write_text("what it printed\n")
    app = train_page()
    assert "no *such* corpus" in texts(app, "caption")
    assert app.code[0].value == "what it printed"
    app = press(app, "Retry")
    assert badges(app) == ["queued"]


def test_jobs_stand_by_their_study_with_what_is_left(copied, started) -> None:
    ids = studies.run_ids("small")
    shutil.rmtree(copied / "queue")
    for run_id in ids:
        queue.enqueue("train", run_id, {"study": "small"})
    for run_id, seconds in zip(ids[:2], (100, 300), strict=True):
        claimed = queue.claim({"train"})
        assert claimed is not None and claimed.job.name == run_id
        claimed.since -= seconds
        queue.finish(claimed, "done")
    for run_id in ids[2:]:
        (copied / run_id / "COMPLETE").unlink()
    queue.enqueue("corpus", "quick", {})  # is in no list
    app = train_page()
    assert not app.exception
    assert badges(app) == ["queued", "queued", "done", "done"]
    (whole,) = [p for p in app.get("progress") if "runs done" in p.proto.text]
    assert "2 of 4 runs done, about 7 min of training left" in whole.proto.text  # 2 x 200 s
    assert whole.proto.value == 50
    shown = texts(app, "caption")
    assert "took 100 s" not in shown and "took 2 min, accuracy" in shown and "took 5 min" in shown
    links = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert set(links) >= {"Overview", "Predictions", "Tokens", "Latent space"}
    assert all("study=small" in links[name] for name in ("Overview", "Tokens"))


def test_what_stopped_is_resumed_together_and_what_ended_cleared(copied, started) -> None:
    ids = studies.run_ids("small")
    shutil.rmtree(copied / "queue")
    for run_id in ids[:2]:
        (copied / run_id / "COMPLETE").unlink()
        queue.enqueue("train", run_id, {"study": "small"})
    for kind in ("attribute", "project"):
        queue.enqueue(kind, "small", {"study": "small", "when_trained": True})
    for job in queue.listing():
        queue.cancel(job.id)
    for run_id in ids[2:]:
        queue.enqueue("train", run_id, {"study": "small"})
        claimed = queue.claim({"train"})
        assert claimed is not None
        queue.finish(claimed, "done")
    app = press(train_page(), "Resume all (4)")
    assert not app.exception and not app.error
    waiting = [job.id for job in queue.waiting({"train", "attribute", "project"})]
    assert waiting == [*(f"train-{run}" for run in ids[:2]), "attribute-small", "project-small"]
    for job_id in waiting:
        queue.cancel(job_id)
    app = press(app.run(), "Clear them")
    assert not app.exception and not app.error
    assert {job.id for job in queue.listing()} == {f"train-{run}" for run in ids[:2]}
    assert all((copied / run / "predictions.parquet").exists() for run in ids)
    assert badges(app) == ["cancelled", "cancelled"]


def test_what_follows_is_named_by_what_it_watches(copied) -> None:
    watched = next(s for s in train_page().selectbox if s.label == "Look closely at")
    assert watched.options[0] == "the current job"


def test_opening_the_page_imports_nothing_heavy() -> None:
    code = """
import sys
from streamlit.testing.v1 import AppTest
from core.jobs import queue
queue.enqueue("study", "x", {})
app = AppTest.from_file(sys.argv[1], default_timeout=60).switch_page("pages/train.py").run()
assert not app.exception and app.button
heavy = {"torch", "transformers", "datasets", "shap", "umap", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code, APP], check=True)
