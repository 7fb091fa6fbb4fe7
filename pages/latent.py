"""Does the latent space hold the language, and which texts lie where?"""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from core.charts import latent as charts
from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import latent as figures
from core.figures import latent_sentences as reading
from core.results import latent, projection
from core.results.schema import RunResults, StudyResults
from core.text import escaped
from pages.shared import access, address, drawing, job_button, study_data

access.gate()

ASK = "Map the finished runs"


def show_map(study: Started, document: StudyResults, runs: list[RunResults]) -> pd.DataFrame | None:
    """The panels; returns the texts in the rectangle that the reader drew, None without a map."""
    name = study.name
    try:
        found = projection.read(study)
    except InputError as error:
        st.error(escaped(str(error)))
        return None
    shown = latent.on_map(runs, found)
    if found is None or not shown:
        st.info(reading.no_map(name))
        job_button.ask("project", name, {"study": name}, ASK)
        return None
    if missing := projection.outdated(found, study):
        st.info(reading.outdated_note(name, len(missing)))
        job_button.ask("project", name, {"study": name}, ASK)
    colour = address.choose("Colour", "colour", charts.COLOURS, widget=st.segmented_control)
    ids, file = [run["run"] for run in shown], study_data.texts_file(study)
    # Points show what the runs predict: a run trained anew changes them, the map's file stays.
    frame = read_points(f"{projection.stamp(study)} {study.stamp}", found, ids, file)
    figure = figures.mapped(document, runs, found, frame, colour)
    figure = replace(figure, how=figure.how + reading.MAP_DRAG)
    events = drawing.show(figure, on_select="rerun")
    return latent.inside(frame, events[0].selection.get(charts.RECTANGLE, {}))


@st.cache_data(show_spinner="Reading the map …", max_entries=8)
def read_points(
    stamp: str, _found: projection.Projection, run_ids: list[str], file: Path | None
) -> pd.DataFrame:
    return latent.points(_found, run_ids, file)


def show_probes(name: str, table: pd.DataFrame) -> None:
    if table.empty:
        st.info(reading.no_probes(name))
        return
    for _, part in table.groupby("texts", sort=False):
        drawing.show(figures.probes(name, part))
    with st.expander("As a table"):
        drawing.show_table(figures.probes_table(name, table))


st.title("Latent space")
study, document = study_data.choose_study()
runs = study_data.choose_runs(study_data.done_runs(document))
st.caption(reading.SUBJECT)
with st.container(horizontal=True, gap="small"):
    with st.container(width=charts.WIDTH):
        chosen = show_map(study, document, runs)
    with st.container(width=380):
        show_probes(document["study"], latent.probe_table(runs))
if chosen is not None:
    st.subheader("Selected texts")
    if chosen.empty:
        st.info("Drag a rectangle over points of a panel to list their texts here.")
    else:
        shown = latent.shown_in(runs, chosen)
        st.markdown(reading.selection_reading(document, shown, chosen))
        table, columns = latent.selection_table(chosen, shown, document["labels"])
        isolate = [column for column in latent.TEXTS if column in table]
        name = f"{document['study']}-selected-texts"
        drawing.table(table, name, latent.FORMATS, columns, isolate=isolate)
