"""Train the runs of a study, here or while the browser is closed, and see how they get on."""

from typing import Any

import pandas as pd
import streamlit as st

from core.checkpoints import studies
from core.corpora import find, licences
from core.errors import InputError
from core.figures import queue as figures
from core.jobs import ask, monitoring, queue
from core.results import power
from core.results.schema import PowerGuide
from core.studies import form, study, suggested
from core.studies.forecast import Forecast
from core.studies.study import Study
from core.text import escaped
from pages.parts import train_form, train_queue
from pages.shared import access, address, job_button

access.gate()


def show_plan(plan: Forecast, guide: PowerGuide | None) -> None:
    """What a plan's document says, and the button that starts it."""
    for problem in plan["problems"]:
        st.error(escaped(form.in_words(problem)))
    for note in plan.get("notes", ()):  # a plan that was made by an older version has none
        st.info(escaped(form.in_words(note)))
    facts = figures.plan_facts(plan)
    for place, (label, value, more) in zip(st.columns(len(facts)), facts, strict=True):
        place.metric(label, value, help=more)
    left, right = st.columns(2)
    left.dataframe(pd.DataFrame(plan["runs"]), hide_index=True, width="stretch")
    with right:
        options = [f"{design}, {split}" for design, of in plan["cells"].items() for split in of]
        chosen = address.choose("Rows of each cell", "cell", options)
        design, _, split = chosen.partition(", ")
        st.dataframe(pd.DataFrame(plan["cells"][design][split]).T, width="stretch")
    if guide is not None:  # a plan that was made by an older version has none
        st.markdown("#### What these seeds can see")
        st.markdown(power.reading(guide))
        st.dataframe(power.table(guide), hide_index=True, width="stretch")
        st.caption(power.source(guide))


def check_and_start(asked: Study) -> None:
    """First what would run, then the button that starts it."""
    job_id = f"plan-{ask.plan_name(asked)}"
    more: dict[str, Any] = {"help": "Says what will run, how long and how large; starts nothing."}
    if st.button("Check", **more | access.limits()):
        ask.ask_plan(asked, access.acting())
        st.session_state["checked"] = job_id
    if st.session_state.get("checked") != job_id:
        st.caption("Check says what will run before it is started.")
        return
    job = queue.find(job_id)
    if job is None or job.state in monitoring.ACTIVE:
        job_button.wait_for(job_id, "Planning")
    elif job.state != "done":
        first, *others = form.in_words(job.message).splitlines() or [""]
        st.error(f"This cannot work: {escaped(first)}")
        for line in others:
            st.error(escaped(line))
    else:
        show_plan(job.result, job.result.get("power"))
        more = {"disabled": bool(job.result["problems"])} | access.limits()
        follows = st.checkbox(
            "Explain and map when trained",
            value=True,
            help=f"Attributions of {ask.THEN_TEXTS} texts a language, and the map of the page "
            "Latent space, are made once all runs are trained.",
        )
        if st.button("Start", type="primary", **more):
            then = ask.THEN if follows else ()
            ask.ask_study(asked, then, access.acting(), texts=ask.THEN_TEXTS)
            del st.session_state["checked"]
            st.rerun()


def accepted(corpus: str) -> bool:
    """Whether nothing stands in the way; else the corpus's licence, to be accepted once."""
    name = corpus.partition("@")[0]
    question = licences.open_question(name)
    if question:
        st.warning(escaped(question))
        if st.button(f"Accept the licence of {name}", **access.limits()):
            access.acting()
            licences.accept(name)
            st.rerun()
    return question is None


@st.cache_data(show_spinner="Looking at the corpus …", max_entries=8)
def suggestion(begin: str, stamp: list[Any]) -> Study:
    """What is suggested for a saved corpus, until its file changes."""
    return suggested.read(begin)


st.title("Train")
access.explain()
corpora = suggested.names()
names = [*dict.fromkeys(["demo", *study.shipped(), *studies.started()]), *corpora]
begin = address.choose("Begin with the study", "begin", names)
try:
    if begin in corpora:
        given = suggestion(begin, find.stamp(begin.removeprefix(suggested.BEGINS)))
    else:
        given = study.read(begin)
    asked = form.to_study(train_form.fill(given), given)
    access.check_reading(asked)
except InputError as error:
    st.error(escaped(str(error)))
else:
    if accepted(asked.corpus):
        check_and_start(asked)
st.subheader("Queue")
train_queue.show()
