"""Two cells of the table side by side: what the tokens of a text do to a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from core.charts import sentences as charts
from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import sentences as figures
from core.jobs import sentences as jobs
from core.jobs.sentences import Answers
from core.results import sentences, tokens
from core.results.names import short_names
from core.results.schema import RunResults, Sentence, StudyResults, TypedTokens
from core.results.sentences import Cell, Row, TestRow
from core.text import escaped
from pages.parts import sentence_table
from pages.shared import access, address, drawing


class Explained(NamedTuple):
    """A cell of the table with its tokens; None where nobody asked for them."""

    row: Row
    run: str
    name: str
    found: tuple[Cell, TypedTokens] | None


def draw(
    study: Started,
    document: StudyResults,
    rows: Sequence[Row],
    runs: Sequence[RunResults],
    tested: dict[Sentence, TestRow],
    answers: Answers,
) -> None:
    """Choosers of two cells, a class and words or subwords; then the tokens of both."""
    names = short_names(runs)
    by_name = {row.name: row for row in rows}
    titles = dict(zip(by_name, figures.headings(rows), strict=True))
    cells = {f"{row.name}.{run}": (row.name, run) for row in rows for run in names
             if run in row.cells}  # fmt: skip
    if not cells:
        return
    called = {k: figures.cell_name(titles[row], names[run]) for k, (row, run) in cells.items()}
    skewed = [run["run"] for run in runs if run["setup"] == "imbalanced"] if len(rows) > 1 else []
    first = skewed if any(run in row.cells for row in rows for run in skewed) else list(names)
    start = [f"{row}.{run}" for row, run in sentences.farthest(rows, first)]
    st.markdown("#### Side by side: what the tokens do")
    places = st.columns([3, 3, 2, 2])
    chosen = []
    for place, side, cell in zip(places, ("Left", "Right"), start, strict=False):
        with place:
            chosen.append(
                address.choose(side, side.lower(), list(cells), cell, show=called.__getitem__)
            )
    both = [(by_name[row], run) for row, run in (cells[x] for x in dict.fromkeys(chosen))]
    with places[2]:
        label = address.choose("Class", "class", document["labels"], _moved(both, document))
    with places[3]:
        by = address.choose("Tokens as", "by", tokens.BY)
    found = []
    for row, run in both:
        own = _tokens(study, document, row, run, tested, answers)
        found.append(Explained(row, run, called[f"{row.name}.{run}"], own))
    if missing := [one for one in found if one.found is None]:
        _offer(missing)
        return
    _show(document, found, label, by)


def _moved(both: Sequence[tuple[Row, str]], document: StudyResults) -> str:
    """The class whose probability differs most between the cells; of one, the one predicted."""
    outputs = [row.cells[run].output for row, run in both]
    if len(outputs) == 1:
        return document["labels"][both[0][0].cells[both[0][1]].predicted]
    gaps = [abs(a - b) for a, b in zip(*outputs, strict=True)]
    return document["labels"][gaps.index(max(gaps))]


def _tokens(
    study: Started,
    document: StudyResults,
    row: Row,
    run: str,
    tested: dict[Sentence, TestRow],
    answers: Answers,
) -> tuple[Cell, TypedTokens] | None:
    """What is known of a cell's tokens: stored, else asked for."""
    test, answer = tested.get(row.sentence), answers.get((row.sentence, run))
    try:
        if test and (kept := sentences.stored_tokens(study, run, test.row, document["labels"])):
            return kept
    except InputError as error:
        st.warning(escaped(str(error)))
    if answer is not None and (own := answer.get("tokens")):
        return sentences.asked(answer), own
    return None


def _offer(missing: Sequence[Explained]) -> None:
    """A button that asks for tokens; it takes seconds."""
    asked = st.button("Explain these", key="explain", **access.limits())
    st.caption(
        "How much each token pushes towards the class (SHAP values) is computed when you ask for "
        "it, in seconds or a minute: " + escaped(" and ".join(one.name for one in missing)) + "."
    )
    if asked:
        texts = list(dict.fromkeys(one.row.sentence for one in missing))
        runs = sorted({one.run for one in missing})
        job = jobs.ask(texts, runs, attributed=True, by=access.acting())
        sentence_table.known_jobs(job.name)
        st.rerun()


def _show(document: StudyResults, found: Sequence[Explained], label: str, by: str) -> None:
    c = document["labels"].index(label)
    known = [(one, *one.found) for one in found if one.found is not None]
    frames = [sentences.frame(own, c, by) for _, _, own in known]
    if not all(len(frame) for frame in frames):
        st.info("A text without tokens of its own, besides special ones, has nothing to show.")
        return
    largest = figures.strongest(frames)
    for place, (one, cell, own), frame in zip(st.columns(len(known)), known, frames, strict=True):
        with place:
            st.markdown(
                f"**{escaped(one.name)}** says **{escaped(document['labels'][cell.predicted])}** "
                f"({cell.output[cell.predicted]:.2f})"
            )
            st.html(charts.marked(frame, one.row.sentence.language, largest))
            st.caption(figures.adds_up(own, cell, c, label))
            kept = "stored with the study" if cell.stored else "asked of the saved model here"
            st.caption(escaped(f"Values {kept}: {own['method']}."))
    if len(frames) == 2 and list(frames[0]["token"]) == list(frames[1]["token"]):
        moved = (frames[1]["value"] - frames[0]["value"]).tolist()
        st.markdown("**Right minus left**, token by token")
        st.html(charts.marked(frames[0], found[0].row.sentence.language, largest, moved))
    title = f"{document['study']}-sentence-tokens-{label}"
    drawing.show(figures.tokens(frames, [one.name for one in found], label, by, title))
    with st.expander("Tokens as a table"):
        for i, (one, frame) in enumerate(zip(found, frames, strict=True), 1):
            st.markdown(f"**{escaped(one.name)}**")
            drawing.table(frame, f"{title}-{i}", isolate=["token"])
