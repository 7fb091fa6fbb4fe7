"""The part of the page Data that reads texts, cell by cell."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.corpora import texts
from core.results.schema import StudyResults
from pages.shared import address, drawing


def browse(document: StudyResults, file: Path, splits: list[str]) -> None:
    """Texts of one language, label and split that hold some letters."""
    st.markdown("#### Texts of a cell")
    places = st.columns(4)
    with places[0]:
        language = address.choose("Language", "language", [texts.ANY, *document["languages"]])
    with places[1]:
        label = address.choose("Label", "label", [texts.ANY, *document["labels"]])
    with places[2]:
        names = {texts.ANY if x == texts.ALL_SPLITS else x: x for x in splits}
        of = address.choose("Texts of", "of", list(names), show=lambda x: names[x])
    with places[3]:
        containing = address.write("Containing", "containing")
    found, n = texts.browse(file, split=of, language=language, label=label, containing=containing)
    st.caption(f"{n:,} texts; the table has the first {len(found):,}.")
    drawing.table(found, f"{document['study']}-texts", isolate=drawing.texts_in(found))
