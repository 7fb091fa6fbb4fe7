"""Train the runs of a study, here or while the browser is closed, and see how they get on."""

from typing import Any

import pandas as pd
import streamlit as st

from core import form, jobs, licence, monitoring, power, study, worker
from core.errors import InputError
from core.study import Study
from core.words import escaped
from pages import access, background, queue_view, study_form, view

access.gate()


def show_plan(plan: dict[str, Any]) -> None:
    """What a plan's document says, and the button that starts it."""
    for problem in plan["problems"]:
        st.error(escaped(problem))
    facts = monitoring.plan_facts(plan)
    for place, (label, value, more) in zip(st.columns(len(facts)), facts, strict=True):
        place.metric(label, value, help=more)
    left, right = st.columns(2)
    left.dataframe(pd.DataFrame(plan["runs"]), hide_index=True, width="stretch")
    with right:
        options = [f"{design}, {split}" for design, of in plan["cells"].items() for split in of]
        chosen = view.choose("Rows of each cell", "cell", options)
        design, _, split = chosen.partition(", ")
        st.dataframe(pd.DataFrame(plan["cells"][design][split]).T, width="stretch")
    if plan.get("power"):  # a plan that was made by an older version has none
        st.markdown("#### What these seeds can see")
        st.markdown(power.reading(plan["power"]))
        st.dataframe(power.table(plan["power"]), hide_index=True, width="stretch")
        st.caption(power.source(plan["power"]))


def check_and_start(asked: Study) -> None:
    """First what would run, then the button that starts it."""
    job_id = f"plan-{worker.plan_name(asked)}"
    more: dict[str, Any] = {"help": "Says what will run, how long and how large; starts nothing."}
    if st.button("Check", **more | access.limits()):
        worker.ask_plan(asked, access.acting())
        st.session_state["checked"] = job_id
    if st.session_state.get("checked") != job_id:
        st.caption("Check says what will run before it is started.")
        return
    job = jobs.find(job_id)
    if job is None or job.state in monitoring.ACTIVE:
        background.wait_for(job_id, "Planning")
    elif job.state != "done":
        st.error(f"This cannot work: {escaped(job.message)}")
    else:
        show_plan(job.result)
        more = {"disabled": bool(job.result["problems"])} | access.limits()
        if st.button("Start", type="primary", **more):
            worker.ask_study(asked, by=access.acting())
            del st.session_state["checked"]
            st.rerun()


def accepted(corpus: str) -> bool:
    """Whether nothing stands in the way; else the corpus's licence, to be accepted once."""
    name = corpus.partition("@")[0]
    question = licence.open_question(name)
    if question:
        st.warning(escaped(question))
        if st.button(f"Accept the licence of {name}", **access.limits()):
            access.acting()
            licence.accept(name)
            st.rerun()
    return question is None


st.title("Train")
access.explain()
names = list(dict.fromkeys(["demo", *study.shipped(), *study.started()]))
begin = view.choose("Begin with the study", "begin", names)
try:
    given = study.read(begin)
    asked = form.to_study(study_form.fill(given), given)
except InputError as error:
    st.error(escaped(str(error)))
else:
    if accepted(asked.corpus):
        check_and_start(asked)
st.subheader("Queue")
queue_view.show()
