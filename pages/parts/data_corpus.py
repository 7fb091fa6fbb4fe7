"""The part of the page Data on a corpus: chosen or brought, mapped, audited, mended, saved."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.audit.audit import Audit, table
from core.charts import data as charts
from core.corpora import find, licences, saved, uploads
from core.errors import InputError
from core.figures import audit as figures
from core.figures import data as data_figures
from core.text import escaped
from pages.parts import data_decisions, data_mending
from pages.shared import access, address, corpus_data, drawing

_HELP = (
    "A corpus by name, one that was saved or uploaded, or the path of a file, folder or archive on "
    "this machine: CSV, TSV, JSON, Parquet, Excel, compressed or not."
)


def show() -> None:
    """All of it, from the choice of a corpus to a button that trains on it."""
    name = _choose()
    if name is None:
        return
    try:
        access.check_path(name)
        stamp = find.stamp(name)
        decided = data_decisions.ask(name, stamp)
        found = corpus_data.mapped(decided, stamp)
        document = corpus_data.audited(decided, stamp)
    except InputError as error:
        st.error(escaped(str(error)))
        return
    _verdict(document)
    if saved.is_saved(name):
        data_mending.train_on(name)
    _cost(decided, stamp, document)
    _account(document)
    splits = ["all splits", *(s for s, of in document["splits"].items() if of["rows"])]
    way = address.choose("Cells show", "cells", charts.SHOWN, widget=st.segmented_control)
    split = splits[0]
    if len(splits) > 1:
        split = address.choose("Split", "split", splits, widget=st.segmented_control)
    counts = table(found, None if split == splits[0] else split)
    drawing.show(data_figures.corpus(figures.name(document), split, counts, way))
    st.markdown("#### Cells that drive it")
    drawing.show_table(figures.cells(document))
    if len(splits) > 1:
        drawing.show_block(figures.splits(document))
    with st.expander("How large balanced training sets can be"):
        for design, size in document["sizes"].items():
            st.markdown(f"**{design}**: {size['rows']:,} rows. {escaped(size['says'])}")
    data_mending.show(name, decided, stamp, document)


def _choose() -> str | None:
    """The corpus to look at: its name or path; None where there is none yet."""
    left, right = st.columns(2, vertical_alignment="bottom")
    shown = {str(path): uploads.shown(path) for path in uploads.kept()}
    presets = [n for n in find.PRESETS if n not in find.EXTERNAL]
    options = [*saved.names(), *shown, *presets]
    chosen = st.session_state.get("view-corpus") or (st.query_params.get("corpus") or "")
    if chosen and chosen not in options:
        options.append(chosen)
    with left:
        name = address.choose(
            "Corpus",
            "corpus",
            options,
            "synthetic" if not saved.names() else None,
            show=lambda x: shown.get(x, x),
            accept_new_options=True,
            help=_HELP,
            always=True,
        )
    with right:
        if access.takes_uploads() and access.may_act():
            st.file_uploader(
                "Or bring your own: one file, or a file a language or split",
                accept_multiple_files=True,
                key="brought",
                on_change=_keep_uploads,
            )
        else:
            st.caption("This server takes no files from you; a corpus is named by path.")
    question = licences.open_question(name.partition("@")[0])
    if question:
        st.warning(escaped(question))
        return None
    return name


def _keep_uploads() -> None:
    files = st.session_state.get("brought") or []
    if not files:
        return
    access.acting()
    try:
        path = uploads.keep({file.name: file.getvalue() for file in files})
    except InputError as error:
        st.error(escaped(str(error)))
        return
    address.set_to("corpus", str(path))


def _verdict(document: Audit) -> None:
    verdict = document["verdict"]
    box = {"skewed": st.warning, "no evidence": st.success}.get(verdict["kind"], st.info)
    box(f"**{escaped(verdict['sentence'])}**")
    with st.expander("Why", expanded=True):
        st.markdown("\n".join(f"- {escaped(reason)}" for reason in verdict["reasons"]))


def _cost(decided: dict[str, Any], stamp: list[Any], document: Audit) -> None:
    """What a model would do with the skew, over the accuracies that it might have."""
    if document["verdict"]["kind"] not in ("skewed", "measurable but small"):
        return
    least = 100 * document["verdict"]["of_nothing_accuracy"]
    steps = [x for x in range(5, 100, 5) if x > least]
    if not steps:
        return
    with st.expander("What it may cost"):
        chosen = address.choose(
            "Accuracy of a model without the skew (%)",
            "accuracy",
            steps,
            min(steps, key=lambda x: abs(x - 70)),
            widget=st.select_slider,
        )
        found = corpus_data.expected(decided, stamp, chosen / 100)
        if found:
            st.markdown(f"**{escaped(found['sentence'])}**")
            st.markdown("\n".join(f"- {escaped(reason)}" for reason in found["reasons"]))


def _account(document: Audit) -> None:
    """Every row of the source: kept, or left out and why."""
    read, rows = document["read"], document["rows"]
    st.markdown(
        f"**{rows:,}** rows of {read:,} that were read; "
        + (f"{read - rows:,} are left out." if read > rows else "none is left out.")
    )
    if document["dropped"]:
        frame = pd.DataFrame(
            [
                {"left out because": why, "language": language or "missing", "rows": n}
                for why, of in document["dropped_by_language"].items()
                for language, n in of.items()
            ]
        )
        st.dataframe(frame, hide_index=True, width="stretch")
    with st.expander("How it was read"):
        lines = [*document["files"], *document["notes"]]
        st.markdown("\n".join(f"- {escaped(line)}" for line in lines) or "As it is.")
    if document["several"]:
        st.warning(
            f"{escaped(document['several'])}. Choose what becomes of such rows under *Labels, "
            "languages and splits*."
        )
