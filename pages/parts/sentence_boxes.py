"""The boxes of the page Try a sentence: examples that fill them, the form, earlier texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import sentences as figures
from core.results import sentences
from core.results.names import language_order
from core.results.schema import RunResults, Sentence, StudyResults
from core.results.sentences import BOXES, Examples
from core.text import escaped
from pages.shared import access, address, study_data

COLUMNS = 3
KEPT = 8  # earlier texts of a visit
HOW = "Type or paste a text, or take one of the examples, then press *Predict*."
_EXAMPLE, _LAST, _HISTORY = "sentence-example", "sentence-last", "sentence-history"
_NUMBER, _MORE = "sentence-number", "sentence-more"


@dataclass(frozen=True)
class Before:
    """What stood in a box before an edit."""

    box: int
    sentence: Sentence

    def __str__(self) -> str:
        return json.dumps([self.box, asdict(self.sentence)], ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Before | None:
        """One out of a link; None where it is something else."""
        try:
            box, sentence = json.loads(text)
            own = Sentence.read(sentence)
        except (ValueError, TypeError, RecursionError):
            return None
        fits = type(box) is int and 1 <= box <= BOXES and bool(own.text.strip())
        return cls(box, own) if fits else None


@st.cache_data(show_spinner="Looking for examples …", max_entries=8, hash_funcs=study_data.RESULTS)
def _examples(
    study: Started, document: StudyResults, _runs: Sequence[RunResults], _file: Path
) -> Examples:
    return sentences.examples(document, _runs, _file)


def examples(study: Started, document: StudyResults, runs: list[RunResults], file: Path) -> None:
    """Sentences of the test set to click; the first fills the boxes of who comes without a text."""
    try:
        found = _examples(study, document, runs, file)
    except InputError as error:
        st.warning(escaped(str(error)))
        return
    if not found.found:
        return
    if address.is_new("text1") or _is_of_another(study.name):
        _fill(study.name, found.found[0].sentences)
    st.caption(escaped(figures.chosen_by(found, runs)))
    with st.container(horizontal=True):
        for i, example in enumerate(found.found):
            shown = _short(_readable(example.sentences), 24)
            between = " ↔ ".join(example.between) if found.by == "language" else ""
            st.button(
                f"{escaped(shown)} {escaped(between)}",
                key=f"example-{i}",
                on_click=_fill,
                args=(study.name, example.sentences),
                help=f"Total variation {example.difference:.2f}" if example.difference else None,
            )


def _readable(found: Sequence[Sentence]) -> str:
    """The text by which an example is called: in English, where there is one."""
    return next((s for s in found if s.language == "en"), found[0]).text


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length].rstrip()}…"


def _is_of_another(study: str) -> bool:
    """Whether the boxes hold what an example of another study put there, and nothing else."""
    filled = st.session_state.get(_EXAMPLE)
    return bool(filled and filled[0] != study and filled[1] == st.session_state.get(_LAST))


def _fill(study: str, found: Sequence[Sentence]) -> None:
    for i in range(1, BOXES + 1):
        if i > len(found):
            address.forget(*_names(i))
            continue
        own = found[i - 1]
        values = (own.text, own.text_b or "", own.language or figures.OTHER)
        for name, value in zip(_names(i), values, strict=True):
            address.set_to(name, value)
    _begin_anew()
    address.set_to("before", [])
    st.session_state[_NUMBER] = len(found)
    st.session_state[_LAST] = list(found)
    st.session_state[_EXAMPLE] = (study, list(found))


def _begin_anew() -> None:
    """Let the page choose again which cells are compared, and for which class."""
    for name in ("left", "right", "class"):
        address.set_to(name, None)


def _names(i: int) -> tuple[str, str, str]:
    """Names of a box in the address bar: its text, the second of a pair, its language."""
    return f"text{i}", f"pair{i}", f"in{i}"


def _number() -> int:
    """How many boxes there are."""
    linked = address.remember("boxes", None) or "1"
    now = int(linked) if linked in map(str, range(1, BOXES + 1)) else 1
    now = st.session_state.pop(_NUMBER, now) + st.session_state.pop(_MORE, 0)
    now = min(max(now, 1), BOXES)
    address.remember("boxes", str(now))
    return now


def _change(by: int) -> None:
    st.session_state[_MORE] = by


def draw(document: StudyResults, *, pair: bool) -> tuple[list[Sentence | None], bool]:
    """The form: what is in each box, None where nothing is, and whether *Predict* was pressed."""
    number = _number()
    for i in range(number + 1, BOXES + 1):
        address.forget(*_names(i))
    options = [*language_order(document), figures.OTHER]
    found: list[Sentence | None] = []
    with st.form("sentences", border=False):
        for start in range(1, number + 1, COLUMNS):
            places = st.columns(min(COLUMNS, number))
            for place, i in zip(
                places, range(start, min(start + COLUMNS, number + 1)), strict=False
            ):
                with place:
                    found.append(_box(i, options, pair=pair))
        with st.container(horizontal=True):
            asked = st.form_submit_button("Predict", type="primary", **access.limits())
            st.form_submit_button(
                "Add a translation", on_click=_change, args=(1,), disabled=number == BOXES
            )
            if number > 1:
                st.form_submit_button("Remove the last", on_click=_change, args=(-1,))
    if asked:
        _keep_edits(found)
    elif _LAST not in st.session_state:
        st.session_state[_LAST] = found
    return found, asked


def _box(i: int, options: list[str], *, pair: bool) -> Sentence | None:
    text, second, spoken = _names(i)
    language = address.choose(
        f"Text {i}, in",
        spoken,
        options,
        options[min(i, len(options)) - 1],
        show=lambda name: figures.language(None if name == figures.OTHER else name),
    )
    box = partial(address.write, widget=st.text_area, height=72, max_chars=4000)
    hidden = "visible" if pair else "collapsed"  # the language above says which text it is
    first = box("First of the pair" if pair else f"Text {i}", text, label_visibility=hidden)
    other = box("Second of the pair", second) if pair else None
    if not first.strip() or (other is not None and not other.strip()):
        return None
    return Sentence(first, other, None if language == figures.OTHER else language)


def _keep_edits(now: list[Sentence | None]) -> None:
    """Keep what stood in the boxes at the last prediction, where it is another text now."""
    last: list[Sentence | None] = st.session_state.get(_LAST, [])
    edited = [
        Before(i, old)
        for i, (old, new) in enumerate(zip(last, now, strict=False), 1)
        if old is not None and new is not None and old != new
    ]
    history: list[Before] = st.session_state.get(_HISTORY, [])
    st.session_state[_HISTORY] = list(dict.fromkeys([*edited, *history]))[:KEPT]
    st.session_state[_LAST] = now
    if edited:
        address.set_to("before", edited)
        _begin_anew()


def earlier() -> list[Before]:
    """Texts of this visit that are shown again beside those in the boxes; those of the link too."""
    linked = (Before.read(text) for text in address.remember_all("before"))
    of_visit = st.session_state.get(_HISTORY, [])
    options = list(dict.fromkeys([*(x for x in linked if x is not None), *of_visit]))
    if not options:
        address.forget("before")
        return []
    return address.choose_some(
        "Earlier texts shown beside these",
        "before",
        options,
        [],
        show=lambda x: (
            f"text {x.box} ({x.sentence.language or figures.OTHER}): " + _short(x.sentence.text, 60)
        ),
        help="What stood in a box before you edited it. The last edit is shown by itself; these "
        "texts are in the link.",
    )
