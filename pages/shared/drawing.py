"""How pages draw: figures and tables with their words, and downloads made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.charts.chart import AnyChart, unchecked
from core.figures import export
from core.figures.figure import Figure, Table
from core.text import escaped, file_name, isolated

# Cells of a table that are written one by one, 0.05 ms each; the browser writes those of a larger
# one, with a hyphen for minus.
STYLED = 4000


def show(figure: Figure, key: str | None = None, *, legend: bool = True, **more: Any) -> list[Any]:
    """A figure with title, caption, how to read it, and downloads that are made when asked for.

    Args:
        key: of the chart within the page; by default the figure's name.
        legend: draw the figure's; its files have it in any case.
        more: for st.vega_lite_chart, such as on_select.

    Returns:
        What st.vega_lite_chart gave for each panel.
    """
    panels, columns = figure.charts, figure.columns
    st.markdown(f"#### {escaped(figure.title)}")
    if legend and figure.legend is not None:
        _draw(figure.legend, f"{figure.name}-legend", "Key to the setups")
    events = []
    for start in range(0, len(panels), columns):
        row = panels[start : start + columns]
        places = st.columns(columns) if len(panels) > 1 else [st.container()]
        for i, chart in enumerate(row):
            with places[i]:
                name = f"{key or figure.name}-{start + i}"
                events.append(_draw(chart, name, figure.title, figure.frames, **more))
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
    return make(figure.specification)


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


def _draw(
    chart: AnyChart,
    key: str,
    title: str,
    frames: Mapping[str, pd.DataFrame] | None = None,
    **more: Any,
) -> Any:
    specification = unchecked(chart)
    if frames:  # they go to the browser as they are, not as text within the specification
        specification["datasets"] = dict(frames)
    return st.vega_lite_chart(specification, key=key, alt=title, **{"width": "stretch", **more})


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
        _written(frame, formats, isolate),
        hide_index=True,
        width="stretch",
        column_order=shown,
        column_config=None
        if frame.size <= STYLED
        else {
            column: st.column_config.NumberColumn(format=formats[column])
            for column in frame
            if column in formats
        },
        placeholder="–",
        key=f"table-{name}",
        **more,
    )
    with st.container(horizontal=True):
        _download("CSV", f"{name}.csv", "text/csv", partial(export.csv, frame))
        printed = frame[shown] if shown else frame
        make = partial(export.latex, printed, formats)
        _download("LaTeX", f"{name}.tex", "application/x-tex", make)
    return event


def open_row(frame: pd.DataFrame, name: str, *args: Any, **more: Any) -> int | None:
    """A `table` whose rows are opened by a click anywhere in them, or with the arrow keys.

    Returns:
        Place in the frame of the row that is open, however the table is sorted.
    """
    event = table(frame, name, *args, on_select="rerun", selection_mode="single-cell", **more)
    cells = event.selection.cells
    return int(cells[0][0]) if cells else None


def _written(frame: pd.DataFrame, formats: dict[str, str], isolate: Sequence[str]) -> Any:
    """Numbers written as in the files and in sentences; sorted, they stay numbers."""
    given = frame.assign(**{column: frame[column].map(isolated) for column in isolate})
    given = given.reset_index(drop=True)
    if given.size > STYLED:
        return given
    numbers = given.select_dtypes("number").columns
    forms = {column: partial(export.as_text, form=formats.get(column)) for column in numbers}
    return given.style.format(forms)


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
