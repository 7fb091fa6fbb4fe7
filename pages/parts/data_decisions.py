"""What is decided of a corpus on the page Data: how its files are read, which column is what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.corpora import asked, find, guess, labels
from core.corpora.choices import Choices
from core.errors import InputError
from core.sources.source import Options
from core.text import escaped
from pages.shared import corpus_data

_NONE = "(none)"
_WHAT = {
    "text": "Text",
    "text_b": "Second text",
    "label": "Label",
    "language": "Language",
    "split": "Split",
    "sentence": "Sentence id",
}
_HELP = {
    "text_b": "Of a pair, such as the hypothesis.",
    "split": "Without one, a split is made: stratified by language and label, copies on one side.",
    "sentence": "What translations of one sentence share; they stay on one side of a split.",
}
_DELIMITERS = {"found out": None, ",": ",", ";": ";", "tabulator": "\t", "|": "|"}
_YES = {"found out": None, "yes": True, "no": False}
_FOUND_OUT = "by its text (identified)"


def ask(name: str, stamp: list[Any]) -> dict[str, Any]:
    """The widgets; what is decided, as core.corpora.asked has it.

    Raises:
        InputError: the source does not read.
    """
    own = name if len(name) < 80 else name[-80:]  # other sources have widgets of their own
    if find.is_named(name):
        return asked.document(name, Options(), Choices())
    options = _reading(own)
    source = corpus_data.source(name, options, stamp)
    preview = corpus_data.preview(name, options, stamp)
    st.dataframe(preview, hide_index=True, width="stretch")
    guesses = corpus_data.guesses(name, options, stamp)
    columns: dict[str, str] = {}
    identify = False
    places = st.columns(len(_WHAT))
    for place, (ours, label) in zip(places, _WHAT.items(), strict=True):
        more = [_FOUND_OUT] if ours == "language" else []
        known = [_NONE, *more, *source.columns]
        chosen = place.selectbox(
            label,
            known,
            known.index(guesses[ours]) if ours in guesses else 0,
            key=f"column-{own}-{ours}",
            help=_HELP.get(ours),
        )
        if chosen == _FOUND_OUT:
            identify = True
        elif chosen != _NONE:
            columns[ours] = chosen
        elif ours in guesses:
            columns[ours] = ""
    with st.expander("Labels, languages and splits"):
        more_choices = _choices(own)
    needed = [ours for ours in guess.NEEDED if not columns.get(ours)]
    if identify or more_choices["language"]:
        needed = [ours for ours in needed if ours != "language"]
    if needed:
        raise InputError(
            f"the column of the {' and of the '.join(needed)} is not known; the file has "
            f"{', '.join(source.columns)}. Choose it above."
        )
    return asked.document(
        name, options, Choices(columns=columns, identify=identify, **more_choices)
    )


def _reading(own: str) -> Options:
    with st.expander("How the file is read"):
        places = st.columns(5)
        delimiter = places[0].selectbox("Delimiter", list(_DELIMITERS), key=f"delimiter-{own}")
        encoding = places[1].text_input("Encoding", key=f"encoding-{own}", placeholder="found out")
        quoting = places[2].selectbox("Quotes enclose fields", list(_YES), key=f"quoting-{own}")
        header = places[3].selectbox("First row has names", list(_YES), key=f"header-{own}")
        sheet = places[4].text_input("Sheet", key=f"sheet-{own}", placeholder="the first with rows")
    return Options(
        _DELIMITERS[delimiter], encoding.strip() or None, _YES[quoting], _YES[header],
        sheet.strip() or None,
    )  # fmt: skip


def _choices(own: str) -> dict[str, Any]:
    left, middle, right = st.columns(3)
    order = left.text_input(
        "Only these labels, in their order",
        key=f"labels-{own}",
        help="Such as negative, neutral, positive. Empty: all of them; numbers ascend, all else is "
        "alphabetical.",
    )
    out = left.text_input("Labels left out", key=f"left-out-{own}")
    joined = left.text_input("Labels joined", key=f"joined-{own}", help="such as 1+2=low; 4+5=high")
    languages = middle.text_input("Only these languages", key=f"languages-{own}")
    language = middle.text_input(
        "One language for all rows", key=f"language-{own}", help="Where no column says it."
    )
    splits = right.text_input(
        "Names of splits", key=f"splits-{own}", help="such as main=train; held=test"
    )
    several = right.selectbox(
        "Rows with several labels",
        ["", *labels.RULES],
        format_func=lambda x: x or "as they are",
        accept_new_options=True,
        key=f"several-{own}",
        help="only: rows with one label alone; first; combination; has:LABEL, whether it is one.",
    )
    return {
        "labels": tuple(_words(order)) or None,
        "left_out": tuple(_words(out)),
        "joined": {x.strip(): y for xs, y in _pairs(joined) for x in xs.split("+")},
        "languages": tuple(_words(languages)) or None,
        "language": language.strip(),
        "splits": dict(_pairs(splits)),
        "several": (several or "").strip(),
    }


def _words(text: str) -> Sequence[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    for pair in text.split(";"):
        one, equals, other = pair.rpartition("=")
        if equals:
            found.append((one.strip(), other.strip()))
        elif pair.strip():
            st.warning(f"{escaped(pair)} is no pair; expected one=other, with ; between pairs.")
    return found
