"""Who may come in, and who may act: nothing is asked for without `[auth]` in Streamlit's secrets.

With it, whoever has not signed in sees the sign-in page alone. Whoever has may read; starting,
cancelling and deleting is for those whom `[access] may_run` names, and what they start bears their
name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from core.text import escaped

_BROKEN = "The file with Streamlit's secrets does not read, so nobody may come in; mend it."
_NO_AUTH = (
    "Streamlit's secrets have [access] but no [auth], so nobody can sign in; add [auth], or take "
    "[access] out."
)


def gate() -> None:
    """Stop here with the sign-in page unless the visitor may read; first line of every page.

    app.py asks before any page runs. A page asks again since on a first visit by a link Streamlit
    may run it without app.py (see pages.py).
    """
    if not may_read():
        sign_in()
        st.stop()


def may_read() -> bool:
    """Whether the visitor has signed in, or need not."""
    if _wrong():
        return False
    return not is_on() or bool(st.user.get("is_logged_in", False))


def sign_in() -> None:
    """The sign-in page: a button for each provider."""
    st.title("LangSkew")
    if wrong := _wrong():
        st.error(escaped(wrong))
        return
    st.markdown("Sign in to see the studies of this server.")
    for provider in _providers():
        name = f" with {escaped(provider)}" if provider else ""
        st.button(f"Sign in{name}", type="primary", on_click=st.login, args=(provider,))


def show_visitor() -> None:
    """The visitor's name and a button to sign out, in the sidebar; nothing without sign-in."""
    if not is_on():
        return
    with st.sidebar:
        st.caption(f"Signed in as {escaped(_name())}" + ("" if may_act() else ", to read"))
        st.button("Sign out", type="tertiary", on_click=st.logout)


def may_act() -> bool:
    """Whether the visitor may start, cancel and delete."""
    return not _why_not()


def acting() -> str:
    """Called by whatever starts, cancels or deletes, before it does so.

    Returns:
        Who acts, to be recorded; empty where nobody signs in.

    Stops the page with the reason where the visitor may not act.
    """
    if why := _why_not():
        st.error(escaped(why))
        st.stop()
    return _name() if is_on() else ""


def limits() -> dict[str, Any]:
    """For a button that acts: nothing, or that it is disabled and why."""
    why = _why_not()
    return {"disabled": True, "help": escaped(why)} if why else {}


def explain() -> None:
    """Say why the visitor may not act, where that is so."""
    if why := _why_not():
        st.info(escaped(why))


def _why_not() -> str:
    if wrong := _wrong():
        return wrong
    if not is_on():
        return ""
    if not st.user.get("is_logged_in", False):
        return "You are not signed in."
    listed = _listed()
    if not listed:
        return (
            "Nobody may start, cancel or delete anything here: may_run under [access] in "
            "Streamlit's secrets names nobody."
        )
    email = st.user.get("email")
    if not email:
        return "Your account has no e-mail address, by which those who may act are known."
    # Some providers send the claim as text.
    if str(st.user.get("email_verified", True)).casefold() == "false":
        return f"Your provider has not verified that {email} is yours; you may read only."
    if str(email).strip().casefold() not in listed:
        return f"{email} may read, but not start, cancel or delete; ask whoever runs this server."
    return ""


def _name() -> str:
    return str(st.user.get("email") or st.user.get("name") or st.user.get("sub") or "somebody")


def _listed() -> set[str]:
    access = _secrets().get("access", {})
    listed = access.get("may_run", []) if isinstance(access, Mapping) else []
    emails = listed if isinstance(listed, list) else []
    return {str(email).strip().casefold() for email in emails} - {""}


def _providers() -> list[str | None]:
    """Names of [auth.NAME], and None for a provider in [auth] itself."""
    auth = _secrets()["auth"]
    own = [None] if "client_id" in auth else []
    return [*own, *(k for k, v in auth.items() if isinstance(v, Mapping) and "client_id" in v)]


def is_on() -> bool:
    """Whether visitors sign in."""
    return "auth" in _secrets()


def _wrong() -> str:
    try:
        secrets = _secrets()
    except StreamlitSecretNotFoundError:
        return _BROKEN
    return _NO_AUTH if "access" in secrets and "auth" not in secrets else ""


def _secrets() -> dict[str, Any]:
    """Streamlit's secrets; none where there is no file.

    Raises:
        StreamlitSecretNotFoundError: there is one that does not read. Nobody then knows who may
            come in.
    """
    try:
        return st.secrets.to_dict()
    except StreamlitSecretNotFoundError:
        if any(Path(path).exists() for path in st.get_option("secrets.files")):
            raise
        return {}
