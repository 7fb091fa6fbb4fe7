"""What all pages share: choosing a study and its runs, empty states, figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core import attributed, checkpoints, export, results, study, texts, worker
from core.attribution import compared
from core.charts import AnyChart, unchecked
from core.charts.palette import short_names
from core.errors import InputError
from core.figures import Figure, Table
from core.words import escaped, file_name, isolated
from pages import access, view

NO_STUDY = """No study has been trained yet. The demo study fetches a small real corpus and encoder
(once, 450 MB) and trains four models in some minutes on a laptop; then this page shows what the
skew of a training set does to them. The page Train does the same for your own corpus; in a
terminal, in the folder of LangSkew, so do `make demo` and `python -m core study FILE.toml`.
"""


def choose_study(no_study: str = NO_STUDY) -> dict[str, Any]:
    """The results of the study chosen in the sidebar; stops the page where there is none."""
    names = study.started()
    if not names:
        st.info(no_study)
        access.explain()
        if st.button("Make the demo study", type="primary", **access.limits()):
            by = access.acting()
            worker.ask_study(study.read("demo"), ("attribute", "project"), by)
            st.switch_page("pages/train.py")
        st.stop()
    name = view.choose(
        "Study",
        "study",
        names,
        widget=st.sidebar.selectbox,
        always=True,
        help="Runs that belong together: one corpus and encoder, trained with and without skew.",
    )
    try:
        return _summary(name, results.fingerprint(name))
    except InputError as error:
        st.error(escaped(str(error)))
        st.stop()


# A resource is not copied for each script run, which took a tenth of a second: pages only read it.
@st.cache_resource(show_spinner="Measuring the study's predictions …", max_entries=8)
def _summary(name: str, fingerprint: str) -> dict[str, Any]:
    return results.summary(name)


@st.cache_resource(show_spinner="Adding up attributions …", max_entries=64)  # pages only read it
def _attributions(
    name: str,
    reference: str,
    threshold: float,
    key: str,
    shown: tuple[str, int] | None,
    fingerprint: str,
) -> dict[str, Any]:
    return attributed.attributions(name, reference, threshold, key, shown)


def attributions(
    name: str,
    reference: str,
    threshold: float,
    key: str,
    shown: tuple[str, int] | None = None,
) -> dict[str, Any] | None:
    """What a study's attributions say (`core.attributed`); says so where they do not read."""
    try:
        return _attributions(name, reference, threshold, key, shown, compared.fingerprint(name))
    except InputError as error:
        st.error(escaped(str(error)))
        return None


def texts_file(document: dict[str, Any]) -> Path | None:
    """The texts of a study's corpus, for core.texts; says so where they are not to be had."""
    configs = checkpoints.read_configs(run["run"] for run in document["runs"])
    try:
        with st.spinner("Reading the corpus …"):
            return texts.texts_file(next(iter(configs.values())))
    except InputError as error:
        st.warning(escaped(str(error)))
        return None


def done_runs(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that are done; says what is missing, and stops the page where all are."""
    unfinished = [run for run in document["runs"] if run["state"] != "done"]
    for run in unfinished:
        text = f"**{run['setup']}, seed {run['seed']}** ({run['run']}) is {run['state']}"
        message = f": {escaped(run['message'])}" if run["message"] else "."
        show = st.warning if run["state"] in ("failed", "interrupted", "cancelled") else st.info
        show(f"{text}{message}")
    if unfinished:
        st.caption(f"`python -m core study {document['study']}` trains what is missing.")
    done = [run for run in document["runs"] if run["state"] == "done"]
    if not done:
        st.stop()
    return done


def choose_runs(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the done runs that the reader wants to see, chosen in the sidebar; by default all.

    Stops the page where none is chosen.
    """
    names = short_names(runs)
    chosen = view.choose_some(
        "Runs",
        "runs",
        list(names),
        widget=st.sidebar.multiselect,
        show=lambda run: names[run],
        help="One setup trained with one seed. The null is a second balanced run.",
    )
    if not chosen:
        st.info("No run is chosen; choose one or more in the sidebar.")
        st.stop()
    return [run for run in runs if run["run"] in chosen]


def show(figure: Figure, **more: Any) -> list[Any]:
    """A figure with title, caption, how to read it, and downloads that are made when asked for.

    Args:
        more: for st.vega_lite_chart, such as on_select.

    Returns:
        What st.vega_lite_chart gave for each panel.
    """
    panels, columns = figure.charts, figure.columns
    st.markdown(f"#### {escaped(figure.title)}")
    if figure.legend is not None:
        _draw(figure.legend, f"{figure.name}-legend", "Key to the setups")
    events = []
    for start in range(0, len(panels), columns):
        row = panels[start : start + columns]
        places = st.columns(columns) if len(panels) > 1 else [st.container()]
        for i, chart in enumerate(row):
            with places[i]:
                events.append(_draw(chart, f"{figure.name}-{start + i}", figure.title, **more))
    if figure.reading:
        st.markdown(figure.reading)
    st.caption(escaped(figure.caption))
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("How to read this", type="tertiary"):
            st.markdown(figure.how)
        for kind, mime, make in (
            ("PNG", "image/png", export.png),
            ("SVG", "image/svg+xml", export.svg),
        ):
            _download(kind, f"{figure.name}.{kind.lower()}", mime, partial(_made, make, figure))
    return events


def _made(make: Callable[[dict[str, Any]], Any], figure: Figure) -> Any:
    return make(figure.specification())


def show_table(given: Table, **more: Any) -> Any:
    """A table with its caption and downloads; `more` as for `table`."""
    if given.caption:
        st.caption(escaped(given.caption))
    shown = list(given.shown) if given.shown else None
    return table(given.frame, given.name, dict(given.formats), shown, **more)


def show_block(block: Figure | Table) -> None:
    """A figure, or a table with its title and all of its rows."""
    if isinstance(block, Figure):
        show(block)
    else:
        st.markdown(f"#### {escaped(block.title)}")
        show_table(block, height="content")


def texts_in(frame: pd.DataFrame) -> list[str]:
    """The columns of a table that hold texts of a corpus."""
    return [column for column in ("text", "text_b") if column in frame]


def _draw(chart: AnyChart, key: str, title: str, **more: Any) -> Any:
    return st.vega_lite_chart(unchecked(chart), width="stretch", key=key, alt=title, **more)


def table(
    frame: pd.DataFrame,
    name: str,
    formats: dict[str, str] | None = None,
    shown: list[str] | None = None,
    isolate: Sequence[str] = (),
    **more: Any,
) -> Any:
    """A sortable table with downloads of all its numbers, unrounded as CSV, rounded as LaTeX.

    Args:
        name: of the downloaded file and, within the page, of the table.
        formats: how a column's numbers are shown, `percent` or such as `%.3f`.
        shown: columns on the page; by default all.
        isolate: columns with texts of a corpus, which may be written from right to left.
        more: for st.dataframe.
    """
    floats = frame.select_dtypes("float").columns
    formats = {**dict.fromkeys(floats, "%.3f"), **(formats or {})}
    event = st.dataframe(
        frame.assign(**{column: frame[column].map(isolated) for column in isolate}),
        hide_index=True,
        width="stretch",
        column_order=shown,
        column_config={
            column: st.column_config.NumberColumn(format=formats[column])
            for column in frame
            if column in formats
        },
        key=f"table-{name}",
        **more,
    )
    with st.container(horizontal=True):
        _download("CSV", f"{name}.csv", "text/csv", partial(export.csv, frame))
        printed = frame[shown] if shown else frame
        make = partial(export.latex, printed, formats)
        _download("LaTeX", f"{name}.tex", "application/x-tex", make)
    return event


def _download(kind: str, file: str, mime: str, make: Callable[[], Any]) -> None:
    """A button behind which the file is made, not before."""
    st.download_button(
        f"↓ {kind}",
        make,
        file_name=file_name(file),
        mime=mime,
        key=f"download-{file}",
        help=f"Download as {kind}",
        type="tertiary",
        on_click="ignore",
    )
