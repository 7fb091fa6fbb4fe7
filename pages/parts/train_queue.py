"""The queue on the Train page, by study: states, curves, log; cancel, resume, retry, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import InputError
from core.figures import queue as figures
from core.jobs import ask, monitoring, queue, slots
from core.jobs.monitoring import Group
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
_SHOWN = 30  # rows in full: each takes a dozen widgets, every two seconds
_BESIDE = 8  # so many finished jobs of a study stand open
_NOW = "now"  # the first of the list
_MADE = {
    "pages/overview.py": "Overview",
    "pages/predictions.py": "Predictions",
    "pages/tokens.py": "Tokens",
    "pages/latent.py": "Latent space",
}


@st.fragment(run_every=2.0)
def show() -> None:
    """Every job by its study, with what can be done about it; then one of them closely."""
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
    groups = monitoring.by_study(table)
    if len(groups) > 1:
        _together(rows, "all")
    left = _SHOWN
    for i, group in enumerate(groups):
        if left <= 0:
            _older(groups[i:])
            break
        _group(group)
        left -= min(len(group.rows), _BESIDE)
    names = {_NOW: "the current job"} | {row["job"]: row["what"] for row in rows}
    watched = address.choose(
        "Look closely at",
        "job",
        list(names),
        show=names.__getitem__,
        help="The current job is what runs, else what runs next, else what ended last.",
    )
    _closely(next(row for row in rows if watched in (_NOW, row["job"])))


def _group(group: Group) -> None:
    with st.container(border=True):
        st.markdown(f"**{escaped(group.study or 'Of no study')}**")
        if group.runs:
            left = group.left if group.active else 0.0
            said = figures.whole(group.done, group.runs, left, group.seconds)
            if group.active:
                st.progress(group.share, said)
            else:
                st.caption(said)
        if group.study and group.done:
            with st.container(horizontal=True):
                for page, label in _MADE.items():
                    st.page_link(page, label=label, query_params={"study": group.study})
        _together(group.rows, group.study)
        finished = [row for row in group.rows if row["state"] == "done" and not row["message"]]
        hidden = finished if len(finished) > _BESIDE else []
        others = [row for row in group.rows if row not in hidden]
        for row in others[:_SHOWN]:
            _row(row)
        if len(others) > _SHOWN:
            st.caption(f"{len(others) - _SHOWN} more wait behind these.")
        if hidden:
            with st.expander(f"{len(hidden)} finished jobs"):
                _table(hidden, f"queue-{group.study}")


def _together(rows: list[dict[str, Any]], name: str) -> None:
    """What can be done about many jobs at once."""
    again, ended = monitoring.resumable(rows), monitoring.ended(rows)
    if len(again) < 2 and len(ended) < 2:
        return
    of = " of all studies" if name == "all" else ""
    with st.container(horizontal=True):
        if len(again) > 1:
            label = f"Resume all{of} ({len(again)})"
            clicked: dict[str, Any] = {"args": (ask.again, *again), "kwargs": {"by": True}}
            more = clicked | access.limits()
            st.button(label, key=f"resume-all-{name}", on_click=_act, **more)
        if len(ended) > 1:
            with st.popover(f"Clear {len(ended)} ended jobs{of}"):
                st.markdown(figures.clears(len(ended)))
                more = {"args": (queue.forget, *ended)} | access.limits()
                st.button("Clear them", key=f"clear-{name}", on_click=_act, **more)


def _older(groups: list[Group]) -> None:
    with st.expander(f"{len(groups)} older studies"):
        told = [
            {"study": group.study or "–", "runs done": group.done, "runs": group.runs}
            | {"jobs": len(group.rows), "hours": group.seconds / 3600}
            for group in groups
        ]
        drawing.table(pd.DataFrame(told), "queue-studies", {"hours": "%.1f"})
    rows = [row for group in groups for row in group.rows]
    with st.expander(f"{len(rows)} older jobs"):
        _table(rows, "queue")


def _table(rows: list[dict[str, Any]], name: str) -> None:
    columns = ["what", "state", "seconds", "accuracy", "asked", "by", "message"]
    drawing.table(pd.DataFrame(rows), name, {"seconds": "%.0f"}, columns)


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
    elif took := figures.took(row):
        what.caption(took)
    with actions.container(horizontal=True, vertical_alignment="center"):
        if state in monitoring.ACTIVE:
            _button("Cancel", job, queue.cancel)
        else:
            if state != "done" or row["message"]:
                words = {"failed": "Retry", "done": "Train anew"}
                _button(words.get(state, "Resume"), job, ask.again, by=True)
            with st.popover("Delete"):
                st.markdown(figures.deletes(row))
                _button("Delete for good", job, queue.remove)


def _button(label: str, job: str, act: Callable[..., Any], by: bool = False) -> None:
    clicked: dict[str, Any] = {"on_click": _act, "args": (act, job), "kwargs": {"by": by}}
    st.button(label, key=f"{label}-{job}", **clicked, **access.limits())


def _act(act: Callable[..., Any], *jobs: str, by: bool = False) -> None:
    """Do what a button says, before the list is drawn anew; `by`: say who does it.

    What one of several jobs refuses does not keep the others; without a job it is done once.
    """
    name = access.acting()
    refused = []
    for given in [[job] for job in jobs] or [[]]:
        try:
            act(*given, *([name] if by else []))
        except InputError as error:
            refused.append(str(error))
        except OSError as error:
            if (what := disk.trouble(error)) is None:  # a defect of ours
                raise
            refused.append(f"{what}.")
    if refused:
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        st.session_state["refused"] = f"{refused[0]}{more}"


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
