"""Work that a page asks for and that another process does: a button, its progress, its end."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.jobs import ask as job_ask
from core.jobs import monitoring, queue
from core.jobs.queue import Job
from core.text import escaped
from pages.shared import access


def ask(kind: str, name: str, arguments: dict[str, Any], label: str, **more: Any) -> None:
    """A button that puts a job into the queue; its progress while it runs, in place of the button.

    The page is drawn anew when the job ends.

    Args:
        kind: of core.jobs.kinds.KINDS.
        name: what the job is done to.
        label: of the button.
        more: for st.button, such as help.
    """
    job = queue.find(f"{kind}-{name}")
    if job is not None and job.state in monitoring.ACTIVE:
        wait_for(job.id, label)
        return
    if job is not None and job.state != "done":
        complain(job)
    if st.button(label, key=f"ask-{kind}-{name}", **more | access.limits()):
        job_ask.ask(kind, name, arguments, access.acting())
        st.rerun()


def complain(job: Job) -> None:
    """Say how a job ended that did not end well."""
    st.warning(f"This was {job.state}: {escaped(job.message)}")


@st.fragment(run_every=0.5)
def wait_for(job_id: str, doing: str) -> None:
    """A job's progress until it ends, with a button that cancels it."""
    job = queue.find(job_id)
    if job is None or job.state not in monitoring.ACTIVE:
        st.rerun()
    what, share = queue.progress(job_id)
    waits = job is not None and job.state == "queued"
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(share, f"{doing}: {'waits for its turn' if waits else what} …")
    cancel: dict[str, Any] = {"key": f"cancel-{job_id}", "on_click": _cancel, "args": (job_id,)}
    button.button("Cancel", **cancel, **access.limits())


def _cancel(job_id: str) -> None:
    access.acting()
    queue.cancel(job_id)
