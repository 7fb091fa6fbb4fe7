"""What the parts of the page Data share about a corpus: read once, and kept until a file changes.

`asked` is a corpus as `core.corpora.asked` has it; `stamp`, of `core.corpora.find`, tells one state
of its files from another.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.audit.audit import Audit, audit, cost
from core.audit.expected import Expected
from core.corpora import asked as corpora_asked
from core.corpora import find, guess
from core.corpora.choices import Mapped
from core.mending import findings
from core.sources import rows
from core.sources.source import Options, Source
from core.storage import reading
from core.text import isolated

PREVIEW = 5  # rows
_MEND = "say how it is read, or mend the file"


@st.cache_resource(show_spinner="Reading the file …", max_entries=8)
def source(name: str, options: Options, stamp: list[Any]) -> Source:
    """A source by name or path, not yet mapped."""
    with reading.reading(find.said(name), _MEND):
        return find.source(name, options)


@st.cache_data(max_entries=8)
def preview(name: str, options: Options, stamp: list[Any]) -> pd.DataFrame:
    """Its first rows, long texts cut."""
    with reading.reading(find.said(name), _MEND):
        frame = rows.first(source(name, options, stamp), PREVIEW)
    return frame.fillna("").map(lambda text: isolated(text[:200]))


@st.cache_data(max_entries=8)
def guesses(name: str, options: Options, stamp: list[Any]) -> dict[str, str]:
    """Our column name -> the source's, as far as that can be told."""
    with reading.reading(find.said(name), _MEND):
        found = guess.columns(source(name, options, stamp), {})
    return {ours: of.column for ours, of in found.items()}


@st.cache_resource(show_spinner="Reading the corpus …", max_entries=4)
def mapped(asked: dict[str, Any], stamp: list[Any]) -> Mapped:
    """The corpus with its columns mapped and its rows counted."""
    name, options = asked["source"], corpora_asked.options(asked)
    with reading.reading(find.said(name), _MEND):
        return find.mapped(source(name, options, stamp), corpora_asked.choices(asked))


@st.cache_data(show_spinner="Counting …", max_entries=8)
def audited(asked: dict[str, Any], stamp: list[Any]) -> Audit:
    """Its audit."""
    with reading.reading(find.said(asked["source"]), _MEND):
        return audit(mapped(asked, stamp))


@st.cache_data(max_entries=32)
def examples(asked: dict[str, Any], stamp: list[Any], step: str) -> list[str]:
    """Some of the rows that a step of mending touches."""
    with reading.reading(find.said(asked["source"]), _MEND):
        return findings.examples(mapped(asked, stamp), step)


@st.cache_data(show_spinner="Estimating …", max_entries=32)
def expected(asked: dict[str, Any], stamp: list[Any], accuracy: float) -> Expected | None:
    """What its skew may cost a model of this accuracy."""
    return cost(audited(asked, stamp), accuracy)
