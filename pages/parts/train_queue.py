"""The queue on the Train page: states, curves, log; cancel, resume, retry, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import InputError
from core.figures import queue as figures
from core.jobs import ask, monitoring, queue, slots
from core.storage import disk
from core.text import escaped
from pages.shared import access, address, drawing

_COLOURS = {
    "running": "blue",
    "queued": "gray",
    "done": "green",
    "failed": "red",
    "interrupted": "orange",
    "cancelled": "orange",
}
_SHOWN = 30  # the newest of those that ended
_NOW = "now"  # the first of the list


@st.fragment(run_every=2.0)
def show() -> None:
    """Every job, with what can be done about it; then one of them closely."""
    if refused := st.session_state.pop("refused", ""):
        st.error(escaped(refused))
    table = monitoring.overview()
    if table.empty:
        st.info("Nothing was asked for yet. Check a study above, then start it.")
        return
    if (idle := monitoring.idle_jobs()) > 0:
        st.warning(f"{idle} jobs wait and no worker runs, as after a restart of the machine.")
        st.button("Start a worker", on_click=_act, args=(slots.start,), **access.limits())
        if said := monitoring.worker_log():
            with st.expander("What the last worker said"):
                st.code(said, language=None)
    rows = table.to_dict("records")
    for row in rows[:_SHOWN]:
        _row(row)
    if len(rows) > _SHOWN:
        with st.expander(f"{len(rows) - _SHOWN} older ones"):
            drawing.table(table[_SHOWN:], "queue")
    names = {_NOW: "what runs, else what runs next, else what ended last"} | {
        row["job"]: row["what"] for row in rows
    }
    watched = address.choose("Look closely at", "job", list(names), show=names.__getitem__)
    _closely(next(row for row in rows if watched in (_NOW, row["job"])))


def _row(row: dict[str, Any]) -> None:
    job, state = row["job"], row["state"]
    # Names of runs are long, and a narrow window has little beside the sidebar: two columns.
    what, actions = st.columns([7, 4], vertical_alignment="center")
    what.markdown(f":{_COLOURS[state]}-badge[{state}] {escaped(row['what'])}")
    if access.is_on():
        what.caption(f"asked for by {escaped(row['by'])}")
    if state == "running":
        what.progress(row["done"], figures.doing(row))
    elif state != "done" or row["message"]:
        what.caption(escaped(row["message"]) or "waits for its turn")
    with actions.container(horizontal=True, vertical_alignment="center"):
        if state in monitoring.ACTIVE:
            _button("Cancel", job, queue.cancel)
        else:
            if state != "done" or row["message"]:
                words = {"failed": "Retry", "done": "Train anew"}
                _button(words.get(state, "Resume"), job, ask.again, by=True)
            elif row["run"] and row["study"]:
                link = {"study": row["study"]}
                st.page_link("pages/predictions.py", label="Predictions", query_params=link)
            with st.popover("Delete", type="tertiary"):
                st.markdown(figures.deletes(row))
                _button("Delete for good", job, queue.remove)


def _button(label: str, job: str, act: Callable[..., Any], by: bool = False) -> None:
    clicked: dict[str, Any] = {"on_click": _act, "args": (act, job), "kwargs": {"by": by}}
    st.button(label, key=f"{label}-{job}", **clicked, **access.limits())


def _act(act: Callable[..., Any], *arguments: str, by: bool = False) -> None:
    """Do what a button says, before the list is drawn anew; `by`: say who does it."""
    name = access.acting()
    try:
        act(*arguments, *([name] if by else []))
    except InputError as error:
        st.session_state["refused"] = str(error)
    except OSError as error:
        if (what := disk.trouble(error)) is None:  # a defect of ours
            raise
        st.session_state["refused"] = f"{what}."


def _closely(row: dict[str, Any]) -> None:
    lines = monitoring.curves(row["run"]) if row["run"] else None
    if lines is not None and len(lines):
        left, right = st.columns(2)
        with left:
            drawing.show(figures.losses(row, lines))
        with right:
            drawing.show(figures.speed(row, lines))
    log = monitoring.log_tail(row["job"])
    with st.expander("Log"):
        st.code(log or "nothing printed", language=None)
