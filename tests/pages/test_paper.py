from __future__ import annotations

import json

from core.checkpoints import run_folders, studies
from core.jobs import ask
from core.paper import published as paper
from core.report import contents as report_contents
from core.report import files as report_files
from core.report.contents import Section
from core.results.attributions import attributions
from tests.helpers.started import small_study

from .conftest import charts, texts


def tables(app, *columns: str) -> list:
    return [d.value for d in app.dataframe if set(columns) <= set(d.value)]


def test_every_table_of_the_paper_stands_beside_ours(done, open_page) -> None:
    app = open_page("paper")
    assert not app.exception and not app.error
    said = texts(app, "markdown")
    for number in (1, 2, 3, 4, 5):
        assert f"#### Table {number}" in said
    accuracy = next(t for t in tables(app, "setup", "published") if "balanced" in set(t["setup"]))
    published = accuracy.set_index("setup")["published"]
    assert [published[s] for s in paper.SETUPS] == [0.58, 0.556, 0.569]
    assert "compare in direction only" in said and "0.36" in said
    assert "external" in texts(app, "info")
    assert "imbalanced − balanced" in {r.get("setup") for c in charts(app) for r in c["rows"]}


def test_another_published_system_is_in_the_address_bar(done, open_page) -> None:
    app = open_page("paper", corpus="xnli", encoder="XLM-R")
    assert not app.exception and not app.error
    said = texts(app, "markdown")
    assert "#### Table 6" in said and "#### Table 7" in said and "#### Table 2" not in said
    assert "balanced+entropy" in texts(app, "info")
    assert "Table 2 is of mBERT alone" in texts(app, "caption")
    app.selectbox(key="view-encoder").set_value("mBERT").run()
    assert app.query_params["corpus"] == "xnli" and "encoder" not in app.query_params
    assert "exception: class weights end below balanced" in " ".join(
        note for t in tables(app, "note") for note in t["note"]
    )


def test_figures_need_attributions(done, open_page) -> None:
    for part in ("figures", "thresholds"):
        app = open_page("paper", show=part)
        assert not app.exception and not app.error
        assert "python -m core attribute small" in texts(app, "info")


def test_figures_have_statements_and_panels(attributed, open_page) -> None:
    app = open_page("paper", show="figures")
    assert not app.exception and not app.error
    first = tables(app, "published", "verdict")[0]
    assert "up: the main effect" in set(first["published"])
    assert set(first["verdict"]) == {"no verdict (fewer than three seeds)"}
    assert {"cross-fitted [95 %]", "as in the paper [95 %]"} <= set(first)
    assert not first["published"].str.contains(r"\d").any()
    titles = texts(app, "markdown")
    setups = ("imbalanced", "imbalanced+cw")
    for title in (f"{x}: {s} − balanced" for s in setups for x in ("negative", "positive")):
        assert f"Cumulative difference of attributions to {title}" in titles
    assert "regression to the mean by selection" in texts(app, "caption")
    app = open_page("paper", show="figures", bars="crossed")
    assert not app.exception and "bars" in app.query_params
    assert "cross-fitted" in texts(app, "caption").lower()
    assert "second balanced model" not in texts(app, "info")
    app = open_page("paper", show="figures", figure="3")
    assert not app.exception
    assert "balanced+entropy, which this study does not have" in texts(app, "info")


def test_another_threshold_is_another_figure(attributed, open_page) -> None:
    app = open_page("paper", show="figures", threshold="0.05")
    document = attributions(small_study(), threshold=0.05)
    found = next(
        r for r in document["sides"]
        if (r["setup"], r["label"], r["group"], r["side"])
        == ("imbalanced", "negative", "neutral", "over")
    )  # fmt: skip
    row = tables(app, "published", "verdict")[0].query("published == 'up: the main effect'")
    assert row["as in the paper"].iloc[0] == found["mean"]
    app = open_page("paper", show="thresholds")
    shown = tables(app, "threshold")[0]
    assert shown["threshold"].tolist() == [0.001, 0.01, 0.05]


def test_the_report_is_made_by_another_process_and_downloaded(
    copied, open_page, monkeypatch
) -> None:
    asked = []
    monkeypatch.setattr(ask, "ask", lambda *given: asked.append(given))
    app = open_page("paper")
    assert not [d for d in app.get("download_button") if "report" in d.proto.label.lower()]
    next(b for b in app.button if b.label == "Make the report").click().run()
    assert asked == [("report", "small", {"study": "small"}, "")]
    monkeypatch.setattr(report_contents, "sections", lambda *_: [Section("One", ["x"])])
    report_files.write(small_study())
    app = open_page("paper")
    labels = [d.proto.label for d in app.get("download_button")]
    assert "↓ HTML" in labels and "↓ Figures and tables (ZIP)" in labels
    run = run_folders.folder(studies.run_ids("small")[0])
    (run / "metrics.json").write_text(json.dumps(json.loads((run / "metrics.json").read_text())))
    assert "has changed since this report" in texts(open_page("paper"), "caption")
