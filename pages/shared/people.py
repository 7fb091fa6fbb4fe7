"""Whom the lists in Streamlit's secrets mean, and whether what signs people in can be relied on.

Everything here decides from what it is given, and asks nobody.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

EVERYBODY = "*"
SHORTEST = 32  # characters of a cookie secret
_STEPS = 8  # from one character to the next, at least so many different ones: it does not count up
_THREES = 20  # of three characters in a row, at least so many different ones: it does not repeat
# Only the letters of ASCII: Unicode's rules take two mailboxes for one (ß and ss, or the long s and
# s), and two domains, which may be two owners'.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# Where anybody can have an account. At Microsoft's it depends on the tenant, the first of the path.
_PUBLIC = (
    *("accounts.google.com", "appleid.apple.com", "github.com", "gitlab.com", "www.facebook.com"),
    *(
        "www.linkedin.com",
        "login.live.com",
        "login.yahoo.com",
        "api.login.yahoo.com",
        "discord.com",
    ),
    *("id.twitch.tv", "slack.com", "www.paypal.com", "login.salesforce.com", "orcid.org"),
)
_MICROSOFT = (
    *("login.microsoftonline.com", "login.microsoftonline.us"),
    *("login.windows.net", "sts.windows.net"),
)
_TENANTS_OF_ALL = ("common", "organizations", "consumers", "9188040d-6c67-4ad5-b112-36a304b66dad")


def entries(access: Any, key: str) -> list[str]:
    """One list of `[access]`; empty where it is no list of texts."""
    found = access.get(key) if isinstance(access, Mapping) else None
    return [entry for entry in found if isinstance(entry, str)] if isinstance(found, list) else []


def listed(access: Any, key: str) -> list[str]:
    """The people on one list of `[access]`, as `is_listed` compares them."""
    return [plain for entry in entries(access, key) if (plain := _plain(entry)) not in ("", "@")]


def is_listed(email: str, people: list[str], domains: bool = False) -> bool:
    """Whether an address is one of the listed or, with `domains`, of a domain among them.

    A domain is written `example.org` or `@example.org` and is that alone, none below it.
    """
    email = _plain(email)
    name, at, domain = email.partition("@")
    if not (name and at and domain):
        return False
    whole = {domain, f"@{domain}"} if domains and "@" not in domain else set()
    return any(entry == email or entry in whole for entry in people)


def is_verified(claims: Mapping[str, Any], trusted: list[str]) -> bool:
    """Whether the provider says that an address is the visitor's.

    Args:
        trusted: providers (`iss`) whose addresses are taken for verified though they do not say.
    """
    if "email_verified" not in claims:
        return _plain(str(claims.get("iss", ""))) in trusted
    said = claims["email_verified"]
    return said is True or said == "true"  # some providers send the claim as text


def is_weak(secret: Any) -> bool:
    """Whether a cookie secret is short, or repeats or counts, so that it can be guessed."""
    if not isinstance(secret, str) or len(secret) < SHORTEST:
        return True
    steps = {ord(b) - ord(a) for a, b in pairwise(secret)}
    threes = {secret[i : i + 3] for i in range(len(secret) - 2)}
    return len(steps) < _STEPS or len(threes) < _THREES


def public_providers(auth: Mapping[str, Any]) -> list[str]:
    """Hosts of those providers of `[auth]` at which anybody can have an account."""
    return sorted({urlsplit(url).hostname or "" for url in _providers(auth) if _is_public(url)})


def _providers(auth: Mapping[str, Any]) -> Iterator[str]:
    for section in (auth, *auth.values()):
        if isinstance(section, Mapping) and "server_metadata_url" in section:
            yield str(section["server_metadata_url"])


def _is_public(url: str) -> bool:
    host, path = (urlsplit(url).hostname or "").rstrip("."), urlsplit(url).path
    if host in _MICROSOFT:
        return path.strip("/").partition("/")[0].lower() in _TENANTS_OF_ALL
    return host in _PUBLIC


def _plain(text: str) -> str:
    return text.strip(" ").translate(_LOWER)
