"""What the page Runs does with chosen runs: their training curves, deleting them, the deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from core.checkpoints import prune, studies
from core.errors import InputError
from core.figures import runs as figures
from core.jobs import ask, monitoring, queue
from core.storage import disk
from core.studies import study
from core.text import escaped
from pages.parts import runs_table
from pages.shared import access, address, drawing

_DONE, _REFUSED = "runs-done", "runs-refused"  # what the last click did, said once
_DRAWN = 24  # curves; more cannot be told apart


def say_what_was_done() -> None:
    """What came of the last click."""
    if said := st.session_state.pop(_DONE, ""):
        st.success(escaped(said))
    for why in st.session_state.pop(_REFUSED, []):
        st.error(escaped(why))


def in_short(chosen: pd.DataFrame) -> str:
    """The chosen runs by their names, as many as fit a line."""
    names = [runs_table.name(row) for row in chosen.to_dict("records")]
    return "; ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def curves(chosen: pd.DataFrame) -> None:
    """The losses of the chosen runs over their steps."""
    loss = address.choose(
        "Curve",
        "curve",
        list(figures.LOSSES),
        widget=st.segmented_control,
        show=figures.LOSSES.__getitem__,
    )
    found, setups = {}, {}
    here = chosen[chosen["state"] != "deleted"].drop_duplicates("run")
    for row in here.head(_DRAWN).to_dict("records"):
        lines = monitoring.curves(row["run"])
        if lines[loss].notna().any():
            found[runs_table.name(row)], setups[runs_table.name(row)] = lines, row["setup"]
    if not found:
        st.info("None of them has a curve: imported and corrected models were not trained here.")
        return
    drawing.show(figures.curves(found, setups, loss))
    if len(here) > _DRAWN:
        st.caption(f"The first {_DRAWN} of {len(here)} are drawn.")


def delete(chosen: pd.DataFrame) -> None:
    """A button that names the chosen runs and what they weigh, and deletes them when confirmed."""
    there = chosen[chosen["state"] != "deleted"].drop_duplicates("run")
    if there.empty:
        return
    rows = there.to_dict("records")
    label = f"Delete {len(rows)} {'run' if len(rows) == 1 else 'runs'} …"
    with st.popover(label):
        st.markdown("**Delete these runs?**")
        names = [f"{runs_table.name(row)} ({figures.size(row['size'])})" for row in rows]
        weight = sum(prune.size(row["run"]) for row in rows)
        st.markdown(figures.deletes(names, weight, _studies_of(there["run"].tolist())))
        ids = {row["run"]: runs_table.name(row) for row in rows}
        st.button(
            "Delete for good", type="primary", on_click=_delete, args=(ids,), **access.limits()
        )


def deleted(found: pd.DataFrame) -> None:
    """Runs that were deleted: train them again, or have the study no longer stand for them."""
    for name, gone in found[found["state"] == "deleted"].groupby("study"):
        with st.container(border=True):
            listed = "; ".join(f"{row.setup}, seed {row.seed}" for row in gone.itertuples())
            st.markdown(f"**{escaped(str(name))}**: {len(gone)} deleted: {escaped(listed)}")
            with st.container(horizontal=True):
                for label, act, given in (
                    ("Train again", _train, ()),
                    ("Remove from the study", _remove, (gone["run"].tolist(),)),
                ):
                    st.button(
                        label, key=f"{label}-{name}", on_click=act, args=(name, *given),
                        **access.limits(),
                    )  # fmt: skip


def _studies_of(runs: list[str]) -> list[str]:
    found = []
    for name in studies.started():
        try:
            ids = studies.run_ids(name)
        except InputError:  # said where the study is shown
            continue
        if set(ids) & set(runs):
            found.append(name)
    return found


def _delete(runs: dict[str, str]) -> None:
    access.acting()
    freed, gone = 0, []
    for run, name in runs.items():
        weight = prune.size(run)
        if _tried(partial(queue.remove, f"train-{run}"), name):
            freed += weight
            gone.append(name)
    if gone:
        said = f"Deleted: {'; '.join(gone)}. {figures.size(freed)} are free again."
        st.session_state[_DONE] = said


def _train(name: str) -> None:
    by = access.acting()
    if _tried(lambda: ask.ask_study(study.read(name), by=by), name):
        st.session_state[_DONE] = f"{name} is in the queue of the page Train."


def _remove(name: str, runs: list[str]) -> None:
    access.acting()
    if _tried(lambda: studies.remove(name, runs), name):
        st.session_state[_DONE] = (
            f"{name} no longer stands for {len(runs)} of its runs; when it is started again with "
            "their setups and seeds, it does."
        )


def _tried(act: Callable[[], object], name: str) -> bool:
    """Whether it was done; else the page says why not."""
    try:
        act()
    except InputError as error:
        why = str(error)
    except OSError as error:
        if (what := disk.trouble(error)) is None:  # a defect of ours
            raise
        why = f"{what}."
    else:
        return True
    st.session_state.setdefault(_REFUSED, []).append(f"{name}: {why}")
    return False
