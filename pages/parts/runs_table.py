"""The table of the page Runs: columns, baseline, and the rows that are chosen in it."""

from __future__ import annotations

import hashlib

import pandas as pd
import streamlit as st

from core.results import run_table
from core.text import escaped
from pages.shared import address, drawing

_USUAL = ["accuracy", "skew uptake", "language effect", "calibration error", "probe, 15 neighbours"]
_OTHERS = ["state", "corpus", "encoder", "training rows", "test rows", "minutes", "MB", "asked by"]
_FORMATS = {"minutes": "%.1f", "MB": "%.0f", "training rows": "%.0f", "test rows": "%.0f"}
_NONE = ""


def choose_columns(rows: str, measured: list[str]) -> list[str]:
    """Columns beside those that say which row it is: measures and facts."""
    if rows == "setups":
        options = [*measured, "corpus", "encoder"]
        usual = [m for m in _USUAL[:3] if m in measured]
        return address.choose_some("Columns", "setup-columns", options, usual)
    options = [*measured, "intervals", *_OTHERS]
    usual = [*(m for m in _USUAL if m in measured), "state", "minutes", "MB"]
    return address.choose_some(
        "Columns",
        "columns",
        options,
        usual,
        help="intervals: 95 % of each measure over other test sentences, for this one training.",
    )


def choose_baseline(rows: str, runs: pd.DataFrame) -> str:
    """The key of the row that others are read against; empty where there is none."""
    done = runs[runs["state"] == "done"]
    if rows == "setups":
        of_setup = (done["study"] + "/" + done["setup"]).drop_duplicates()
        names = {key: key.replace("/", ": ", 1) for key in of_setup}
    else:
        names = {row["key"]: name(row) for row in done.to_dict("records")}
    return address.choose(
        "Baseline",
        "setup-baseline" if rows == "setups" else "baseline",
        [_NONE, *names],
        show=lambda key: names.get(key, "none"),
        help="Differences to it stand in columns Δ.",
    )


def name(row: dict) -> str:
    """A row as people call it: study, setup and seed."""
    study = f"{row['study']}: " if row["study"] else ""
    return f"{study}{row['setup'] or row['run']}, seed {row['seed']}"


def each(
    found: pd.DataFrame, columns: list[str], baseline: str, runs: pd.DataFrame
) -> pd.DataFrame:
    """A row a run; gives those that are chosen, here or in the link."""
    measures = [c for c in columns if c in run_table.MEASURES.values()]
    frame = found.assign(minutes=found["seconds"] / 60, MB=found["size"] / 1e6)
    shown = ["study", "setup", "seed"]
    if baseline:
        row = runs[runs["key"] == baseline].iloc[0]  # shown or not
        frame = run_table.against(frame, row.to_dict(), measures)
    for column in columns:
        if column == "intervals":
            continue
        shown.append(column)
        if column in measures and "intervals" in columns:
            shown += [f"{column} from", f"{column} to"]
        if column in measures and baseline:
            shown.append(f"Δ {column}")
    keys = frame["key"].tolist()
    chosen = [key for key in address.remember_all("run", None) if key in keys]
    # Places of rows mean other runs once the rows are others: then the widget is another one too.
    digest = hashlib.sha256(" ".join([*keys, *columns, baseline]).encode()).hexdigest()[:8]
    event = drawing.table(
        frame,
        f"runs-{digest}",
        _FORMATS,
        shown,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [keys.index(key) for key in chosen]}},
    )
    said = (
        f"n = {len(found)} of {len(runs)} rows, one a study and run. Measures are of the test set, "
        "uptake and language effect against the study's own skewed design."
    )
    st.caption(said + (_against(found, baseline) if baseline else ""))
    now = [keys[i] for i in event.selection.rows]
    address.remember_all("run", now)
    return frame.set_index("key", drop=False).loc[now]


def _against(found: pd.DataFrame, baseline: str) -> str:
    """What differences to the baseline are worth."""
    study = baseline.rpartition("/")[0]
    others = found.loc[found["study"] != study, "study"].nunique()
    apart = f" {others} other studies have other test sets or designs." if others else ""
    return (
        " Δ: minus the baseline. Single runs differ by their seed alone as well: the page Compare "
        f"has intervals and verdicts.{escaped(apart)}"
    )


def setups(found: pd.DataFrame, columns: list[str], baseline: str, runs: pd.DataFrame) -> None:
    """A row a setup of a study: means over its seeds."""
    measures = [c for c in columns if c in run_table.MEASURES.values()]
    done = runs[runs["state"] == "done"]
    pinned = done[done["study"] + "/" + done["setup"] == baseline] if baseline else None
    frame = run_table.by_setup(found, measures, pinned)
    if frame.empty:
        st.info("None of these runs is done yet, so there is nothing to take a mean of.")
        return
    shown = ["study", "setup", "seeds"]
    for column in columns:
        shown.append(column)
        if column in measures:
            shown += [f"{column} from", f"{column} to"]
            if f"Δ {column}" in frame:
                shown += [f"Δ {column}", f"Δ {column} from", f"Δ {column} to"]
    shown = [c for c in shown if frame[c].notna().any()]  # no interval: no columns of it
    drawing.table(frame, "runs-by-setup", shown=shown)
    st.caption(
        f"n = {len(frame)} setups of {int(frame['seeds'].sum())} finished runs. From three seeds "
        "on *from* and *to* are the 95 % t-interval over the seeds, on these test sentences; with "
        "fewer there is none. Δ: minus the baseline, paired by seed; of another study the "
        "difference of the means, without an interval."
    )
