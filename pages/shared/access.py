"""Who may come in, and who may act: nothing is asked for without `[auth]` in Streamlit's secrets.

With it, whoever has not signed in sees the sign-in page alone. Reading is for those whom `[access]
may_read` names, and starting, cancelling and deleting for those whom `may_run` names; what they
start bears their name. Where these settings would let in more than their author means, nobody is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from core.corpora import uploads
from core.studies import reading
from core.studies.study import Study
from core.text import escaped
from pages.shared import people

_BROKEN = "The file with Streamlit's secrets does not read, so nobody may come in; mend it."
_NO_AUTH = (
    "Streamlit's secrets have [access] but no [auth], so nobody can sign in; add [auth], or take "
    "[access] out."
)
_WEAK = (
    "cookie_secret under [auth] in Streamlit's secrets is missing, shorter than "
    f"{people.SHORTEST} characters, or repeats itself; whoever guesses it can sign in as anybody, "
    "so nobody may come in. Put in what `openssl rand -hex 32` prints."
)
_NO_READERS = (
    "may_read under [access] in Streamlit's secrets names nobody, so nobody may come in. Name "
    'addresses, or domains ("example.org"), or "*" for everybody whom your provider signs in.'
)
_PUBLIC = (
    'may_read under [access] in Streamlit\'s secrets is "*", and anybody can have an account at '
    '{}, so nobody may come in. Name addresses, or domains ("example.org").'
)


def gate() -> None:
    """Stop here with the sign-in page unless the visitor may read; first line of every page.

    app.py asks before any page runs. A page asks again, for Streamlit can be told to run one alone
    (see pages/__init__.py).
    """
    if not may_read():
        sign_in()
        st.stop()


def may_read() -> bool:
    """Whether the visitor need not sign in, or has and may read."""
    return not _why_not_read()


def sign_in() -> None:
    """The sign-in page: a button for each provider; or why the visitor may not come in."""
    st.title("LangSkew")
    if wrong := _wrong():
        st.error(escaped(wrong))
    elif _is_signed_in():
        st.error(escaped(_why_not_read()))
        st.button("Sign out", on_click=st.logout)
    else:
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


def check_reading(asked: Study) -> None:
    """Refuse a study that reads from the disk by path, but for the folders that are named for it.

    Raises:
        InputError: visitors sign in, and it names a path outside `folders` under [access].
    """
    if is_on():
        folders = people.entries(_secrets().get("access"), "folders")
        reading.check(asked, [*folders, str(uploads.root().resolve())])


def takes_uploads() -> bool:
    """Whether pages take files: with sign-in only if `uploads` under [access] is true."""
    try:
        found = _secrets()
    except StreamlitSecretNotFoundError:
        return False
    listed = found.get("access")
    asked = listed.get("uploads") if isinstance(listed, Mapping) else None
    return "auth" not in found or asked is True


def check_path(source: str) -> None:
    """Refuse a corpus that is read from the disk by path, but for folders named for it and uploads.

    Raises:
        InputError: visitors sign in, and it is outside `folders` under [access].
    """
    if is_on():
        folders = people.entries(_secrets().get("access"), "folders")
        reading.check_corpus(source, [*folders, str(uploads.root().resolve())])


def explain() -> None:
    """Say why the visitor may not act, where that is so."""
    if why := _why_not():
        st.info(escaped(why))


def _why_not_read() -> str:
    if wrong := _wrong():
        return wrong
    if not is_on():
        return ""
    if not _is_signed_in():
        return "You are not signed in."
    readers = _listed("may_read")
    if people.EVERYBODY in readers:
        return ""
    if why := _why_nobody():
        return why
    reads = people.is_listed(_email(), readers, domains=True)
    if not reads and not people.is_listed(_email(), _listed("may_run")):
        return f"{_email()} may not read here; ask whoever runs this server."
    return ""


def _why_not() -> str:
    if (why := _why_not_read()) or not is_on():
        return why
    listed = _listed("may_run")
    if not listed:
        return (
            "Nobody may start, cancel or delete anything here: may_run under [access] in "
            "Streamlit's secrets names nobody."
        )
    if why := _why_nobody():
        return why
    if not people.is_listed(_email(), listed):
        return (
            f"{_email()} may read, but not start, cancel or delete; ask whoever runs this server."
        )
    return ""


def _why_nobody() -> str:
    """Why the visitor's address says nothing of who they are."""
    if not _email():
        return "Your account has no e-mail address, by which people are known here."
    if not people.is_verified(st.user, _listed("verified_by")):
        return f"Your provider has not verified that {_email()} is yours."
    return ""


def _is_signed_in() -> bool:
    return bool(st.user.get("is_logged_in", False))


def _email() -> str:
    return str(st.user.get("email") or "")


def _name() -> str:
    return str(st.user.get("email") or st.user.get("name") or st.user.get("sub") or "somebody")


def _listed(key: str) -> list[str]:
    return people.listed(_secrets().get("access"), key)


def _providers() -> list[str | None]:
    """Names of [auth.NAME], and None for a provider in [auth] itself."""
    auth = _secrets()["auth"]
    own = [None] if "client_id" in auth else []
    return [*own, *(k for k, v in auth.items() if isinstance(v, Mapping) and "client_id" in v)]


def is_on() -> bool:
    """Whether visitors sign in."""
    return "auth" in _secrets()


def _wrong() -> str:
    """Why nobody may come in, whoever they are."""
    try:
        secrets = _secrets()
    except StreamlitSecretNotFoundError:
        return _BROKEN
    if "auth" not in secrets:
        return _NO_AUTH if "access" in secrets else ""
    auth = secrets["auth"] if isinstance(secrets["auth"], Mapping) else {}
    if people.is_weak(auth.get("cookie_secret")):
        return _WEAK
    readers = _listed("may_read")
    if not readers:
        return _NO_READERS
    if people.EVERYBODY in readers and (public := people.public_providers(auth)):
        return _PUBLIC.format(", ".join(public))
    return ""


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
