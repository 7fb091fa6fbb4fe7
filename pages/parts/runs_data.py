"""What the page Runs is about: the table of all runs, kept until something changes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.checkpoints import prune
from core.results import index, run_table


def read() -> pd.DataFrame:
    """`run_table.of_all`, with the column `size` (bytes); what the index lacks is measured once."""
    runs = run_table.of_all(_index(_stamp()))
    if missing := run_table.unmeasured(runs):
        _measure(_stamp(), tuple(missing))
        runs = run_table.of_all(_index(_stamp()))
    sizes = _sizes(tuple(sorted(set(runs["run"]))))
    return runs.assign(size=runs["run"].map(sizes).astype(float))


def _stamp() -> tuple[str, int]:
    path = index.path()
    return str(path), path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(show_spinner=False, max_entries=4)
def _index(stamp: tuple[str, int]) -> index.Snapshot:
    return index.read()


# What cannot be measured is tried once, not at each look.
@st.cache_resource(show_spinner="Measuring what is not in the index yet …", max_entries=32)
def _measure(stamp: tuple[str, int], missing: tuple[str, ...]) -> None:
    index.refresh()


@st.cache_data(show_spinner=False, max_entries=4, ttl=60)
def _sizes(runs: tuple[str, ...]) -> dict[str, int]:
    """Thousands of files are looked at: it may be a minute old."""
    return {run: prune.size(run) for run in runs}
