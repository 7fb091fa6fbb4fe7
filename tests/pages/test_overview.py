from __future__ import annotations

from core.checkpoints import studies
from core.figures import verdict
from core.results import study_results
from pages.shared import contents
from tests.helpers.started import small_study

from .conftest import charts, texts


def test_the_cards_carry_a_sentence_an_interval_and_n(done, open_page) -> None:
    app = open_page("overview")
    for title in ("Accuracy on", "How much of", "Language identification", "Language effect"):
        assert f"#### {title}" in texts(app, "markdown")
    assert len(charts(app)) == 4
    assert "the truth is 33" in texts(app, "markdown")
    assert texts(app, "caption").count("n = ") == 4
    assert "Minus balanced" in texts(app, "markdown")
    assert "No verdict below three seeds" in texts(app, "caption")
    assert "nothing is corrected across the measures" in texts(app, "caption")


def test_the_page_begins_with_a_verdict_and_what_speaks_against_it(done, open_page) -> None:
    app = open_page("overview")
    document = study_results.summary(small_study())
    assert app.subheader[0].value == verdict.of_study(document).sentence
    assert [w.value for w in app.warning] == verdict.of_study(document).doubts != []


def test_each_page_is_named_with_its_question(done, open_page) -> None:
    links = [link.proto.label for link in open_page("overview").get("page_link")]
    others = [entry for entry in contents.PAGES if entry.path != contents.OVERVIEW]
    assert links == [f"**{entry.title}**: {entry.question}" for entry in others]


def test_attributions_add_the_curve_of_language_reliance(attributed, open_page) -> None:
    app = open_page("overview")
    assert not app.exception and not app.error
    assert "#### Language reliance" in texts(app, "markdown")
    assert len(charts(app)) == 6
    assert "thresholds below the standard error" in texts(app, "markdown").lower()


def test_broken_attributions_leave_the_cards(attributed, open_page) -> None:
    def no_footer(content: bytes) -> bytes:
        return b"PAR1"

    def values_lost(content: bytes) -> bytes:  # the footer reads, what it points to does not
        return content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :]

    contents = {p: p.read_bytes() for p in attributed.glob("*/attributions/*/*.parquet")}
    for damaged in (no_footer, values_lost):
        for path, content in contents.items():
            path.write_bytes(damaged(content))
        app = open_page("overview")
        assert not app.exception
        assert len(charts(app)) == 4


def test_studies_that_are_not_done_are_listed_with_their_state(half_done, open_page) -> None:
    app = open_page("overview")
    listed = next(d.value for d in app.dataframe if "study" in d.value)
    assert listed[["study", "state", "done", "runs"]].values.tolist() == [["small", "queued", 3, 4]]


def test_broken_folders_are_listed_with_what_is_wrong(broken, open_page) -> None:
    app = open_page("overview")
    listed = next(d.value for d in app.dataframe if "what is wrong" in d.value)
    wrong = dict(zip(listed["run"], listed["what is wrong"], strict=True))
    assert "config.json is missing" in wrong["0123456789abcdef"]
    assert "not a run configuration" in wrong[studies.run_ids("small")[2]]
