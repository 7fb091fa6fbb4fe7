"""The lower half of the page Tokens: the tokens that gained most, and one text down to a token."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.charts import tokens as charts
from core.checkpoints.slices import Slice
from core.checkpoints.studies import Started
from core.corpora.texts import ANY
from core.errors import InputError
from core.figures import tokens as figures
from core.measures.cumulative import PARTS
from core.results import tokens
from core.results.attributions import runs_of
from core.results.names import PART_NAMES
from core.results.schema import Attributions
from core.text import escaped
from pages.shared import address, drawing, study_data

# The text after what the table is sorted by, or a narrow page would not show that.
SHOWN = ["language", "label", "shift", "reference", "other", "text"]
_PARTS = [PART_NAMES[part] for part in PARTS]
SHOWN += [*_PARTS, "tokens"]
FORMATS = {
    **dict.fromkeys(("shift", *_PARTS, "gain", "difference"), "%+.3f"),
    **dict.fromkeys(("reference", "other"), "%.3f"),
}


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=study_data.ATTRIBUTIONS)
def _gained(
    study: Started, reference: str, other: str, key: str, label: str, language: str | None
) -> pd.DataFrame:
    return tokens.gained(reference, other, key, label, language)


def draw(
    study: Started,
    document: Attributions,
    label: str,
    setup: str,
    seed: int,
    within: Slice | None,
) -> str | None:
    """Texts by shift, the chosen one, the tokens that gained most; returns the id of that text."""
    name, threshold, key = study.name, document["threshold"], document["key"]
    reference, other = runs_of(document, setup, seed)
    place = st.columns([2, 3, 2])
    with place[0]:
        language = address.choose("Language", "language", [ANY, *document["languages"]])
    with place[1]:
        by = address.choose("Tokens as", "by", tokens.BY, widget=st.segmented_control)
    chosen = None if language == ANY else language
    try:
        texts = tokens.shifts(reference, other, key, label, threshold, chosen)
        texts = texts.rename(columns=PART_NAMES)
        gains = _gained(study, reference, other, key, label, chosen)
    except InputError as error:
        st.error(escaped(str(error)))
        return None
    st.markdown(f"#### Texts by how far {escaped(label)} moved, {setup} − {document['reference']}")
    if texts.empty:
        st.info("The two runs cut texts into different tokens, so their values cannot be compared.")
        return None
    if within is not None:
        texts = texts[texts["row"].isin(within.rows)].reset_index(drop=True)
        if texts.empty:
            st.info(
                f"No text of the slice {escaped(within.name)} was explained; choose "
                "the whole test set in the sidebar, or explain more texts."
            )
            return None
    opened = drawing.open_row(
        texts,
        f"{name}-texts-{label}-{setup}-{seed}-{language}",
        FORMATS,
        shown=SHOWN,
        isolate=["text"],
    )
    st.caption(
        f"n = {len(texts):,} texts. Probabilities of {escaped(label)} by {document['reference']} "
        f"(reference) and {setup} (other); the shift is the sum of what the token groups and the "
        "base value do. Groups are by the reference's own values, so that noise alone makes the "
        "supporting part fall and the opposing one rise: single texts are examples, the bars "
        "above are the measure. A click on a text shows its tokens; the first is shown until then."
    )
    rows = texts["row"].tolist()
    now = None if opened is None else rows[opened]
    last = address.remember("row", now)  # in another class, setup or seed too
    text = texts.iloc[rows.index(last) if last in rows else 0].to_dict()
    _one(document, text, (reference, other), label, setup, by)
    with st.expander("The tokens that gained and lost most"):
        drawing.table(gains, f"{name}-tokens-{label}-{setup}", FORMATS, isolate=["token"])
        st.caption(
            f"n: times a token occurs, at least {tokens.LEAST_SEEN}; sorted by the sum of its "
            "gains. Means over few occurrences are mostly noise: see the standard error."
        )
    return str(text["row"])


def _one(
    document: Attributions,
    text: dict[str, Any],
    runs: tuple[str, str],
    label: str,
    setup: str,
    by: str,
) -> None:
    frame = tokens.one_text(*runs, document["key"], label, text["row"], document["threshold"], by)
    st.markdown(
        f"#### One text in {escaped(text['language'])}, labelled {escaped(text['label'])}: "
        f"probability of {escaped(label)} {text['reference']:.2f} → {text['other']:.2f}"
    )
    name = f"text-{text['row'][:12]}"
    show(document, frame, name, "bars", label, setup, by, text["language"])


def show(
    document: Attributions,
    frame: pd.DataFrame,
    name: str,
    bars: str,
    label: str,
    setup: str,
    by: str,
    language: str = "",
) -> None:
    """Coloured tokens of the reference, the other run and their difference, and a bar a token.

    Args:
        frame: from `tokens.one_text`.
        name: of the text, for files and widgets.
        bars: name in the address bar of what the bars show.
        language: its code, where it is known.
    """
    if frame.empty:
        st.info("This text has no tokens besides special ones.")
        return
    largest = charts.strongest(frame)
    lines = {
        "reference": document["reference"],
        "other": setup,
        "difference": f"difference {setup} − {document['reference']}",
    }
    for column, title in lines.items():
        st.caption(title)
        st.html(charts.marked(frame["token"], frame[column], largest, language))
    shown = address.choose(
        "Bars show", bars, list(lines), "difference", widget=st.segmented_control,
        show=lambda column: lines[column],
    )  # fmt: skip
    title = f"What each of the text's {by} does to {label}: {lines[shown]}"
    file = f"{document['study']}-{name}-{label}-{shown}"
    drawing.show(figures.one_text(frame, shown, by, title=title, name=file))
    with st.expander("As a table"):
        named = frame.assign(group=frame["group"].map(PART_NAMES))
        drawing.table(named, f"{document['study']}-{name}-{label}", FORMATS, isolate=["token"])
