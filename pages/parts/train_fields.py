"""Fields of the Train page's form: what differs from the study it began with is in the link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.text import escaped

_KEPT = "form"  # what the link said when the page was last left, and of which study
_OF = "of"
_PREFIX = "form-"  # of the fields' names in the link


class Fields:
    """Widgets of one study's form, each under its field's name in the link."""

    def __init__(self, of: str, helps: dict[str, str]) -> None:
        self._of, self._helps = of, helps
        kept = st.session_state.setdefault(_KEPT, {_OF: of})
        if kept[_OF] != of:  # what was changed was changed in another study
            st.session_state[_KEPT] = {_OF: of}
            for name in [name for name in st.query_params if name.startswith(_PREFIX)]:
                del st.query_params[name]

    def text(self, place: Any, label: str, name: str, value: str) -> str:
        """A text."""
        more = self._more(name, label, value, lambda texts: texts[-1])
        return str(self._keep(name, value, place.text_input(label, **more)))

    def number(
        self,
        place: Any,
        label: str,
        name: str,
        value: float | None,
        least: float,
        most: float | None = None,
        **more: Any,
    ) -> Any:
        """A number of the type of `least`; where its value can be None it can be emptied."""

        def read(texts: list[str]) -> float | None:
            if not texts[-1] and empty:
                return None
            number = type(least)(texts[-1])
            if not least <= number <= (2**31 if most is None else most):
                raise ValueError(texts[-1])
            return number

        empty = more.pop("empty", False)
        more = self._more(name, label, value, read) | more
        found = place.number_input(
            label, min_value=least, max_value=most, value=None if empty else "min", **more
        )
        return self._keep(name, value, found)

    def check(self, place: Any, label: str, name: str, value: bool) -> bool:
        """Yes or no."""
        more = self._more(
            name, label, value, lambda texts: {"True": True, "False": False}[texts[-1]]
        )
        return bool(self._keep(name, value, place.checkbox(label, **more)))

    def one(
        self,
        place: Any,
        label: str,
        name: str,
        known: Sequence[str],
        value: str,
        *,
        new: bool = False,
    ) -> str:
        """One of some options; `new`: or another one, typed."""

        def read(texts: list[str]) -> str:
            if not new and texts[-1] not in (*known, value):
                raise ValueError(texts[-1])
            return texts[-1]

        more = self._more(name, label, value, read)
        options = list(dict.fromkeys([*known, value, st.session_state[more["key"]]]))
        found = place.selectbox(label, options, accept_new_options=new, **more)
        return str(self._keep(name, value, found or value))

    def some(
        self, place: Any, label: str, name: str, known: Sequence[str], value: Sequence[str]
    ) -> list[str]:
        """Some of the options, or others, typed."""
        more = self._more(name, label, [*value], lambda texts: [text for text in texts if text])
        options = list(dict.fromkeys([*known, *value, *st.session_state[more["key"]]]))
        found = place.multiselect(label, options, accept_new_options=True, **more)
        return list(self._keep(name, [*value], found))

    def _more(
        self, name: str, label: str, value: Any, read: Callable[[list[str]], Any]
    ) -> dict[str, Any]:
        """Key and help of a widget, whose value is set from the link where it is new."""
        key = f"study-{self._of}-{name}"
        if key not in st.session_state:
            texts = st.query_params.get_all(_PREFIX + name) or st.session_state[_KEPT].get(name)
            try:
                st.session_state[key] = read(texts) if texts else value
            except (KeyError, ValueError):  # a link is anybody's text
                said = f"{label} {texts[-1]!r:.80} of this link does not fit; showing {value!r}."
                st.warning(escaped(said))
                st.session_state[key] = value
        return {"key": key, "help": self._helps.get(name)}

    def _keep(self, name: str, value: Any, now: Any) -> Any:
        texts = (
            [] if now == value else [_text(x) for x in now] if type(now) is list else [_text(now)]
        )
        if now != value:
            st.query_params[_PREFIX + name] = texts or [""]
            st.session_state[_KEPT][name] = texts or [""]
        else:
            st.session_state[_KEPT].pop(name, None)
            if _PREFIX + name in st.query_params:
                del st.query_params[_PREFIX + name]
        return now


def _text(value: Any) -> str:
    return "" if value is None else str(value)
