"""Widgets whose values stand in the address bar, so that a link opens the same view.

A value comes from the link, else from the widget, else from where the reader was before (also on
another page), else it is the default, which leaves the address bar free. A link's value that does
not fit is said and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from core.text import escaped

T = TypeVar("T")
_NEXT = "view-next"  # by name: what a widget holds when it is drawn next
_KEPT = "view"  # by name: what the address bar said when a page was last left


def choose(
    label: str,
    name: str,
    options: Sequence[T],
    default: T | None = None,
    *,
    widget: Callable[..., Any] = st.selectbox,
    show: Callable[[T], str] = str,
    always: bool = False,
    **more: Any,
) -> T:
    """One of some options, under `name` in the address bar.

    Args:
        options: one or more; what stands in the address bar is `str` of the one chosen.
        default: by default the first.
        widget: or st.sidebar.selectbox, st.radio, st.segmented_control, st.select_slider.
        show: how an option is shown.
        always: say the default in the address bar too, where it may change with time.
    """
    default = options[0] if default is None else default
    by_text = {str(option): option for option in options}

    def read(texts: list[str]) -> T:
        return by_text[texts[-1]]

    key = _restore(label, name, read, default, lambda value: value in options, by_text)
    value: T = widget(label, options, key=key, format_func=show, **more)
    if value is None:  # a segmented control lets go of its option when it is clicked again
        value = default
    _keep(name, [str(value)] if always or value != default else [])
    return value


def choose_some(
    label: str,
    name: str,
    options: Sequence[T],
    default: Sequence[T] | None = None,
    *,
    widget: Callable[..., Any] = st.multiselect,
    show: Callable[[T], str] = str,
    always: bool = False,
    **more: Any,
) -> list[T]:
    """Some of the options; by default all. All of the default ones leave the address bar free,
    unless `always`."""
    start = list(options if default is None else default)
    by_text = {str(option): option for option in options}

    def read(texts: list[str]) -> list[T]:
        return [by_text[text] for text in texts]

    def fits(values: list[T]) -> bool:
        return all(value in options for value in values)

    key = _restore(label, name, read, start, fits, by_text)
    values: list[T] = widget(label, options, key=key, format_func=show, **more)
    _keep(name, [str(v) for v in values] if always or list(values) != start else [])
    return list(values)


def write(label: str, name: str, *, widget: Callable[..., Any] = st.text_input, **more: Any) -> str:
    """A text that the reader types.

    Args:
        widget: or st.text_area.
    """
    key = _restore(label, name, lambda texts: texts[-1], "", lambda value: True, ())
    value: str = widget(label, key=key, **more)
    _keep(name, [value] if value else [])
    return value


def set_to(name: str, value: Any) -> None:
    """Choose a value of a widget, from the next time on that it is drawn; None: its default."""
    st.session_state.setdefault(_NEXT, {})[name] = value


def remember(name: str, now: str | None) -> str | None:
    """What was chosen last in a widget that forgets it when its contents change, such as a table.

    Args:
        now: what is chosen now; None where nothing is.
    """
    texts = remember_all(name, None if now is None else [now])
    return texts[-1] if texts else None


def remember_all(name: str, now: list[str] | None = None) -> list[str]:
    """As `remember`, of several."""
    kept = st.session_state.setdefault(_KEPT, {}).get(name)
    texts = now if now is not None else st.query_params.get_all(name) or kept or []
    _keep(name, texts)
    return list(texts)


def is_new(name: str) -> bool:
    """Whether a widget was never drawn in this visit, and the link says nothing of it."""
    return name not in st.session_state.get(_KEPT, {}) and name not in st.query_params


def forget(*names: str) -> None:
    """Take widgets that are not drawn any more out of the address bar."""
    for name in names:
        st.session_state.get(_KEPT, {}).pop(name, None)
        st.session_state.get(_NEXT, {}).pop(name, None)
        if name in st.query_params:
            del st.query_params[name]


def _restore(
    label: str,
    name: str,
    read: Callable[[list[str]], T],
    default: T,
    fits: Callable[[T], bool],
    expected: Any,
) -> str:
    """Set a widget's value before it is drawn, and return its key."""
    key = f"{_KEPT}-{name}"
    kept = st.session_state.setdefault(_KEPT, {}).get(name)
    asked = st.query_params.get_all(name)
    linked = bool(asked) and asked != kept
    value = default
    if name in st.session_state.get(_NEXT, {}):
        linked, value = False, st.session_state[_NEXT].pop(name)
    elif not linked and key in st.session_state:
        value = st.session_state[key]
    elif texts := (asked if linked else kept):
        try:
            value = read(texts)
        except (KeyError, ValueError):
            fits = _nothing
    if value is None or not fits(value):
        if linked:
            said = (
                f"{label} {', '.join(map(repr, asked))} of this link is not here; there is "
                f"{', '.join(map(str, expected))}. Showing {_plain(default)}."
            )
            st.warning(escaped(said))  # a link is anybody's text
        value = default
    st.session_state[key] = value
    return key


def _nothing(_: Any) -> bool:
    return False


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else repr(value)


def _keep(name: str, texts: list[str]) -> None:
    st.session_state[_KEPT][name] = texts
    if texts:
        st.query_params[name] = texts
    elif name in st.query_params:
        del st.query_params[name]
