"""The map of the page Latent space: a large panel, all panels small, and what stands out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.charts import latent as charts
from core.checkpoints.studies import Started
from core.corpora.languages import display
from core.errors import InputError
from core.figures import latent as figures
from core.figures import latent_sentences as reading
from core.figures.figure import Figure
from core.results import latent, selection
from core.results.projection import Projection
from core.results.schema import RunResults, StudyResults
from core.results.selection import Area, Selection
from core.text import escaped
from pages.parts import latent_texts
from pages.parts.latent_texts import Shown
from pages.shared import address, drawing, slices, study_data

SMALL_WIDTH = 320  # pixels of the place of the small panels
CHOICE = 230  # and of a select box


@st.cache_resource(show_spinner="Reading the map …", max_entries=8)
def _texts(stamp: str, _found: Projection, file: Path | None) -> pd.DataFrame:
    return latent.texts(_found, file)


# Kept by what changes when a run is trained anew: points show what the runs predict.
@st.cache_resource(show_spinner="Reading predictions …", max_entries=64)
def _predictions(stamp: str, run_id: str, _rows: pd.Series) -> pd.DataFrame:
    return latent.predictions(run_id, _rows)


@st.cache_resource(show_spinner="Drawing outlines …", max_entries=64)
def _kinds(
    stamp: str,
    _document: StudyResults,
    _found: Projection,
    _predicted: dict[str, pd.DataFrame],
    panels: tuple[str, ...],
    colour: str,
    label: str,
) -> tuple[dict[str, np.ndarray], pd.DataFrame, np.ndarray]:
    """The kind of each text in each panel, the outlines, and the map's ends."""
    ends = latent.extent(_found, panels)
    kinds = {
        panel: latent.kind_of_texts(_document, _found, panel, _predicted.get(panel), colour, label)
        for panel in panels
    }
    return kinds, latent.outlines(_found, kinds, ends), ends


def draw(
    study: Started, document: StudyResults, runs: list[RunResults], found: Projection, stamp: str
) -> Shown | None:
    """The map with its choices; returns what the lists below it are about."""
    panels = latent.panels(runs, found)
    frame = _texts(stamp, found, study_data.texts_file(study))
    try:
        predicted = {
            key: _predictions(f"{stamp} {study.stamp}", key, frame["row"])
            for key, run in panels.items()
            if run is not None
        }
    except InputError as error:
        st.error(escaped(str(error)))
        return None
    names = {key: latent.panel_name(key, run) for key, run in panels.items()}
    first = next((k for k, run in panels.items() if run and run["setup"] == "imbalanced"), None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show_name = names.__getitem__
        panel = address.choose(
            "Large panel", "panel", list(panels), first, show=show_name, width=CHOICE
        )
        colours = latent.colours(document, found)
        colour = address.choose("Colour", "colour", colours, widget=st.pills)
        label = _label(document) if colour == "group" else document["labels"][-1]
        show = address.choose("Show", "show", charts.SHOW, widget=st.pills)
    asked = _selection(document, frame, colour, label)
    narrowed = slices.choose(study)
    if narrowed is not None:
        asked = replace(asked, within=frozenset(narrowed.rows))
    state = f"{stamp} {study.stamp}"
    kinds, lines, ends = _kinds(state, document, found, predicted, tuple(panels), colour, label)
    out = selection.stands_out(frame, asked)
    text, near = latent_texts.chosen_text(study, found, panel, frame)
    shown = Shown(panel, panels, frame, predicted, asked, out, text, near, narrowed)
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=charts.WIDTH):
            figure = _large(document, found, shown, kinds[panel], lines, ends, colour, show)
            # Another key is another chart, on which no rectangle has been drawn.
            key = f"{document['study']}-large-{panel}-{st.session_state.get('latent-drawn', 0)}"
            drawing.show(figure, key, legend=False, on_select=partial(_take, f"{key}-0", panel))
        with st.container(width=SMALL_WIDTH):
            st.markdown(reading.counted(int(out.sum()), len(frame), asked))
            if asked.area is not None:
                st.button("Let go of the rectangle", on_click=_let_go)
            st.markdown(reading.panel_reading(document, found, panel, panels[panel]))
            _small(document, found, shown, kinds, lines, ends, colour)
    return shown


def _label(document: StudyResults) -> str:
    return address.choose(
        "For the class",
        "label",
        document["labels"],
        document["labels"][-1],
        width=CHOICE,
        help="Languages in whose training texts the class is more frequent than in the mean over "
        "languages are over-represented for it, in the study's skewed design.",
    )


def _selection(document: StudyResults, frame: pd.DataFrame, colour: str, label: str) -> Selection:
    """What is to stand out: the key of the map is where languages are chosen."""
    looks = charts.look(document, colour)
    side = latent.sides(document, label) if colour == "group" else {}
    of = {x: looks.get(side.get(x, x)) for x in document["languages"]}

    def name(language: str) -> str:
        drawn = of[language]
        mark = f"![{drawn[1]}]({charts.icon(*drawn)}) " if drawn else ""
        return mark + escaped(language)

    if colour != "language":
        st.markdown(
            "\u2003".join(
                f"![{mark[1]}]({charts.icon(*mark)}) {escaped(x)}" for x, mark in looks.items()
            )
        )
    listed = latent.kinds(document, "language")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        languages = address.choose_some(
            "Languages to stand out",
            "isolate",
            listed,
            [],
            widget=st.pills,
            show=name,
            selection_mode="multi",
            help="One or more; none for all. "
            + ", ".join(f"{escaped(x)}: {escaped(display(x))}" for x in listed),
        )
        containing = address.write(
            "Texts containing", "containing", placeholder="letters or words", width=CHOICE
        )
    return Selection(tuple(languages), containing.strip(), _area(frame))


def _area(frame: pd.DataFrame) -> Area | None:
    """The rectangle of the link, or of before."""
    if (text := address.remember("area", None)) is None:
        return None
    try:
        area = Area.read(text)
        if f"x_{area.panel}" not in frame:
            raise InputError(
                f"the rectangle of this link is on panel {area.panel}, which this map has not; "
                "drag one on a panel that it has."
            )
    except InputError as error:
        st.warning(escaped(str(error)))
        address.forget("area")
        return None
    return area


def _let_go() -> None:
    address.forget("area")
    st.session_state["latent-drawn"] = st.session_state.get("latent-drawn", 0) + 1


def _large(
    document: StudyResults,
    found: Projection,
    shown: Shown,
    kinds: np.ndarray,
    lines: pd.DataFrame,
    ends: np.ndarray,
    colour: str,
    show: str,
) -> Figure:
    panel, run = shown.panel, shown.panels[shown.panel]
    frames = {
        charts.POINTS: _points(shown, kinds),
        charts.LINES: lines[lines["panel"] == panel],
        charts.AREA: _rectangle(shown),
        charts.NEAR: _rings(shown),
    }
    return figures.large(document, found, panel, run, colour, ends, frames, show)


def _points(shown: Shown, kinds: np.ndarray) -> pd.DataFrame:
    """What stands out last, so that it lies on top."""
    frame, panel = shown.frame, shown.panel
    predicted = shown.predicted.get(panel)
    made = pd.DataFrame(
        {
            **{axis: frame[f"{axis}_{panel}"].astype("float32") for axis in "xy"},
            "value": kinds,
            "out": shown.out,
            "predicted": "" if predicted is None else predicted["predicted"],
            **{column: frame[column] for column in ("row", "shown", "language", "label")},
        }
    )
    return made.iloc[np.argsort(shown.out, kind="stable")]


def _rectangle(shown: Shown) -> pd.DataFrame:
    """The rectangle that is kept, where the large panel is its own."""
    area = shown.selection.area
    if area is None or area.panel != shown.panel:
        return pd.DataFrame(columns=["x", "x2", "y", "y2"], dtype=float)
    return pd.DataFrame({"x": area.x[:1], "x2": area.x[1:], "y": area.y[:1], "y2": area.y[1:]})


def _rings(shown: Shown) -> pd.DataFrame:
    """The chosen text and its neighbours."""
    near = [] if shown.near is None else shown.near["at"].tolist()
    at = [] if shown.text is None else [shown.text, *near]
    columns = {axis: shown.frame[f"{axis}_{shown.panel}"].to_numpy()[at] for axis in "xy"}
    return pd.DataFrame({**columns, "what": ["text"][: len(at)] + ["neighbour"] * (len(at) - 1)})


def _take(key: str, panel: str) -> None:
    """What the reader did on the large panel: clicked a text, drew a rectangle, or let go of it."""
    state: Any = st.session_state[key].selection
    clicked = [str(one["row"]) for one in state.get(charts.TEXT, []) if "row" in one]
    if clicked and clicked[-1] != address.remember("row", None):
        address.remember("row", clicked[-1])
        return
    area = Area.of(panel, dict(state.get(charts.RECTANGLE, {})))
    if area is None:
        address.forget("area")
    else:
        address.remember("area", str(area))


def _small(
    document: StudyResults,
    found: Projection,
    shown: Shown,
    kinds: dict[str, np.ndarray],
    lines: pd.DataFrame,
    ends: np.ndarray,
    colour: str,
) -> None:
    chosen = (
        np.flatnonzero(shown.out)[:0] if shown.selection.is_empty else np.flatnonzero(shown.out)
    )
    if len(chosen) > charts.DRAWN:
        chosen = np.random.default_rng(0).choice(chosen, charts.DRAWN, replace=False)
    marks = [
        pd.DataFrame(
            {
                "panel": panel,
                **{axis: shown.frame[f"{axis}_{panel}"].to_numpy()[chosen] for axis in "xy"},
                "value": kinds[panel][chosen],
            }
        )
        for panel in shown.panels
    ]
    frames = {charts.LINES: lines, charts.CHOSEN: pd.concat(marks)}
    figure = figures.small(document, found, shown.panels, colour, ends, frames, shown.panel)
    key = f"{document['study']}-small"
    drawing.show(figure, key, legend=False, width="content", on_select=partial(_open, f"{key}-0"))
    st.caption("Click a panel, or choose it above, to make it large.")


def _open(key: str) -> None:
    if clicked := st.session_state[key].selection.get(charts.OPEN, []):
        address.set_to("panel", clicked[-1]["panel"])
