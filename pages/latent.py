"""Does the latent space hold the language, and which texts lie where?"""

import pandas as pd
import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import latent as figures
from core.figures import latent_sentences as reading
from core.figures import probe_sentences
from core.results import latent, projection
from core.results.projection import Projection
from core.results.schema import RunResults
from core.text import escaped
from pages.parts import latent_map, latent_texts
from pages.shared import access, drawing, job_button, study_data

access.gate()

ASK = "Map the finished runs"


def read_map(study: Started, runs: list[RunResults]) -> Projection | None:
    """The map, where it shows one of these runs; says what is missing, and asks for it."""
    name = study.name
    try:
        found = projection.read(study)
    except InputError as error:
        st.error(escaped(str(error)))
        return None
    if found is None or not latent.panels(runs, found):
        st.info(reading.no_map(name))
        job_button.ask("project", name, {"study": name}, ASK)
        return None
    missing = projection.outdated(found, study)
    if missing or not found.same:
        st.info(
            reading.outdated_note(name, len(missing)) if missing else reading.WITHOUT_NEIGHBOURS
        )
        job_button.ask("project", name, {"study": name}, ASK)
    return found


def show_probes(name: str, table: pd.DataFrame) -> None:
    if table.empty:
        st.info(probe_sentences.no_probes(name))
        return
    for _, part in table.groupby("texts", sort=False):
        drawing.show(figures.probes(name, part))
    with st.expander("As a table"):
        drawing.show_table(figures.probes_table(name, table))


st.title("Latent space")
study, document = study_data.choose_study()
runs = study_data.choose_runs(study_data.done_runs(document))
st.caption(reading.SUBJECT)
found = read_map(study, runs)
if found is not None:
    shown = latent_map.draw(study, document, runs, found, projection.stamp(study))
    if shown is not None:
        latent_texts.draw(study, document, found, shown)
st.subheader("How well the language is read off")
show_probes(document["study"], latent.probe_table(runs))
