"""The report of a study in the sidebar: made by a button, downloaded by others."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from core.checkpoints.studies import Started
from core.report import files as report_files
from pages.shared import job_button

_SAYS = {
    "none": "One HTML file with what all pages show, to hand on or to print, and a folder of "
    "figures and tables for a paper. Takes about half a minute, in a process of its own.",
    "outdated": "The study has changed since this report was made.",
    "current": "",
}


def draw(study: Started) -> None:
    """The report's downloads, where it was made, and a button that makes it."""
    name = study.name
    state = report_files.state(study)
    with st.sidebar.expander("Report"):
        if _SAYS[state]:
            st.caption(_SAYS[state])
        folder = report_files.folder_of(study)
        if state != "none":
            page = partial(Path.read_bytes, folder / "report.html")
            _download("↓ HTML", f"{name}-report.html", "text/html", page)
            archive = partial(report_files.zipped, folder)
            _download(
                "↓ Figures and tables (ZIP)", f"{name}-report.zip", "application/zip", archive
            )
        label = "Make the report" if state == "none" else "Make the report anew"
        job_button.ask("report", name, {"study": name}, label)


def _download(label: str, file: str, mime: str, make: Any) -> None:
    st.download_button(label, make, file_name=file, mime=mime, on_click="ignore")
