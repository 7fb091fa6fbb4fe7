"""What each model says of each text: from the disk, or asked of the models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.charts import sentences as charts
from core.errors import InputError
from core.figures import sentences as figures
from core.jobs import monitoring
from core.jobs import sentences as jobs
from core.jobs.sentences import Answers
from core.results import sentences
from core.results.names import short_names
from core.results.schema import RunResults, Sentence, StudyResults
from core.results.sentences import Cell, Row, TestRow
from core.text import escaped
from pages.parts.sentence_boxes import HOW, Before
from pages.shared import access, address, drawing, job_button

KEPT = 8  # jobs in the link


def known_jobs(more: str | None = None) -> list[str]:
    """Names of the jobs that answer for what is shown, in the link too.

    Args:
        more: one that was just asked for.
    """
    names = address.remember_all("answers")
    if more is not None:
        names = address.remember_all("answers", [*(x for x in names if x != more), more][-KEPT:])
    return names


def answered(shown: Sequence[Sentence], runs: Sequence[str]) -> tuple[Answers, bool]:
    """What jobs say of these texts, and whether one still works on it.

    Draws the progress of those that run, and why others failed.
    """
    found: Answers = {}
    busy = False
    wanted = {(sentence, run) for sentence in shown for run in runs}
    for job in jobs.find(known_jobs()):
        if job.state in monitoring.ACTIVE:
            doing = "Explaining" if job.arguments.get("attributed") else "Predicting"
            job_button.wait_for(job.id, doing)
            busy = True
            continue
        try:
            own = jobs.answers(job)
        except InputError as error:
            st.warning(escaped(str(error)))
            continue
        if job.state != "done" and not wanted <= set(found):
            job_button.complain(job)
        for key, answer in own.items():  # what has tokens says more
            if key in wanted and not ("tokens" in found.get(key, {}) and "tokens" not in answer):
                found[key] = answer
    return found, busy


def in_test_set(file: Path | None, shown: Sequence[Sentence]) -> dict[Sentence, TestRow]:
    """Which texts are of the test set, or a message on the page."""
    try:
        return sentences.in_test_set(file, shown) if file else {}
    except InputError as error:
        st.warning(escaped(str(error)))
        return {}


def rows_of(
    boxes: Sequence[Sentence | None],
    before: Sequence[Before],
    runs: Sequence[str],
    tested: dict[Sentence, TestRow],
    answers: Answers,
) -> list[Row]:
    """The table's rows: each box, and below it what stood there before."""
    try:
        kept = sentences.stored(runs, [test.row for test in tested.values()])
    except InputError as error:
        st.warning(escaped(str(error)))
        kept = {}

    def row(name: str, box: int, sentence: Sentence, *, is_before: bool = False) -> Row:
        test = tested.get(sentence)
        cells: dict[str, Cell] = {}
        for run in runs:
            if test is not None and (test.row, run) in kept:
                cells[run] = kept[test.row, run]
            elif (sentence, run) in answers:
                cells[run] = sentences.asked(answers[sentence, run])
        return Row(name, box, sentence, test.label if test else None, cells, is_before)

    rows = []
    for i, sentence in enumerate(boxes, 1):
        if sentence is not None:
            rows.append(row(str(i), i, sentence))
        rows += [
            row(f"b{n}", i, earlier.sentence, is_before=True)
            for n, earlier in enumerate(before, 1)
            if earlier.box == i and earlier.sentence != sentence
        ]
    return rows


def ask(rows: Sequence[Row], runs: Sequence[str]) -> None:
    """Ask for what is missing, in one job."""
    missing = [row.sentence for row in rows if not set(runs) <= set(row.cells)]
    if missing:
        job = jobs.ask(list(dict.fromkeys(missing)), runs, by=access.acting())
        known_jobs(job.name)
        st.rerun()


def say_what_is_empty(boxes: Sequence[Sentence | None], *, asked: bool) -> None:
    """What to do about boxes without a text."""
    empty = [str(i) for i, sentence in enumerate(boxes, 1) if sentence is None]
    if len(empty) == len(boxes):
        (st.warning if asked else st.info)(f"There is no text yet. {HOW}")
    elif empty:
        st.info(
            f"Text {' and '.join(empty)} is empty: type a translation there, or take the box away "
            "with *Remove the last*. The others are read."
        )


def draw(document: StudyResults, rows: Sequence[Row], runs: Sequence[RunResults]) -> None:
    """The table, and what it says in sentences."""
    labels = document["labels"]
    names = short_names(runs)
    titles = figures.headings(rows)
    st.html(charts.table(rows, figures.headings(rows, named=True), names, labels))
    st.caption(escaped(figures.sources(rows)))
    for said in figures.notes(rows, titles):
        st.caption(escaped(said))
    if any(len(row.cells) < len(names) for row in rows):
        st.caption("What is not asked yet is asked by *Predict*.")
    told = [
        *figures.disagreements(rows, titles, names, labels),
        figures.agreement(rows, names),
        *figures.edits(rows, titles, names, labels),
    ]
    st.markdown("\n".join(f"- {said}" for said in told if said))
    frame = sentences.long(rows, names, labels, titles)
    if len(frame):
        with st.expander("All probabilities as a table"):
            drawing.table(frame, f"{document['study']}-sentences", {"probability": "%.4f"})
