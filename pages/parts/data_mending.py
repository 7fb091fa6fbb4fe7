"""The part of the page Data that mends a corpus, saves it by name and goes on to train on it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.audit.audit import Audit
from core.corpora import find, saved
from core.errors import InputError
from core.jobs import ask as job_ask
from core.jobs import monitoring, queue
from core.mending import steps
from core.studies import suggested
from core.text import escaped, file_name, short
from pages.shared import access, address, corpus_data, job_button


def train_on(name: str) -> None:
    """A link to the page Train, filled for a saved corpus."""
    st.page_link(
        "pages/train.py",
        label="Train on this",
        query_params={"begin": suggested.BEGINS + name},
    )


def show(name: str, decided: dict[str, Any], stamp: list[Any], document: Audit) -> None:
    """What is wrong with each finding's step to be chosen; saving; training."""
    chosen = _steps(name, decided, stamp, document)
    if saved.is_saved(name) and not chosen:
        _saved(name)
        return
    st.markdown("#### Save it, to train on it")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    own = f"name-{decided['source'][-80:]}"
    wanted = left.text_input("Name", _free(name), key=own).strip()
    job = queue.find(f"corpus-{wanted}")
    if job is not None and job.state in monitoring.ACTIVE:
        st.session_state["saving"] = wanted
        job_button.wait_for(job.id, "Saving")
        return
    if st.session_state.get("saving") == wanted and job is not None:
        del st.session_state["saving"]
        if job.state == "done":
            address.set_to("corpus", wanted)
            st.rerun()
        job_button.complain(job)
    if right.button("Save", type="primary", **access.limits()):
        try:
            saved.check_name(wanted, find.PRESETS)
        except InputError as error:
            st.error(escaped(str(error)))
            return
        job_ask.ask("corpus", wanted, {"corpus": decided, "steps": chosen}, access.acting())
        st.session_state["saving"] = wanted
        st.rerun()


def _steps(name: str, decided: dict[str, Any], stamp: list[Any], document: Audit) -> list[str]:
    st.markdown("#### What could be mended")
    chosen = []
    for finding in document["findings"]:
        left, right = st.columns([3, 1], vertical_alignment="center")
        step = finding["step"]
        label = f"Leave out {finding['rows']:,} {finding['says']}"
        if step == "spellings":
            label = f"Change {finding['rows']:,} {finding['says']}"
        if left.checkbox(label, key=f"mend-{name[-80:]}-{step}"):
            chosen.append(step)
        with right.popover("Examples", type="tertiary"):
            for line in corpus_data.examples(decided, stamp, step):
                st.markdown(escaped(line))
    if not document["findings"]:
        st.caption("Nothing was found: no copies, no texts with two labels, no odd spellings.")
    left, right = st.columns([3, 1], vertical_alignment="center")
    if left.checkbox(
        "Leave out all but one of texts that are nearly the same (looked for as it is saved)",
        key=f"mend-{name[-80:]}-near",
        help="Character 5-grams of two texts of one language are alike by so much or more "
        "(Jaccard index, MinHash).",
    ):
        likeness = right.number_input("Likeness", 0.3, 1.0, steps.DEFAULTS["near"], 0.05)
        chosen.append(f"near:{likeness:.2f}")
    return chosen


def _saved(name: str) -> None:
    known = saved.read(name)
    with st.expander(f"What was done to {name}"):
        st.markdown("\n".join(f"- {escaped(line)}" for line in known.done) or "Nothing.")


def _free(name: str) -> str:
    """A name that is not taken, after the source's own."""
    stem = short(name).partition(".")[0] or "corpus"
    own = file_name(stem).strip("-._")[: saved.LONGEST_NAME - 4] or "corpus"
    taken = {*saved.names(), *find.PRESETS}
    more = (f"{own}-{i}" for i in range(2, 10_000))
    return own if own not in taken else next(n for n in more if n not in taken)
