"""Text of users and corpora on its way into sentences of ours."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~^=@&])")
_BLANKS = re.compile(r"[^\S\u00a0\u202f]+")  # but those that no line break parts


def escaped(text: str) -> str:
    """A text as Markdown that shows it as it is: no emphasis, link, picture, formula or colour."""
    return _PUNCTUATION.sub(r"\\\1", _BLANKS.sub(" ", text).strip())


def isolated(text: str) -> str:
    """A text whose direction, right to left or left to right, does not turn what is around it.

    Unicode Standard Annex 9: first strong isolate, pop directional isolate.
    """
    return f"\u2068{text}\u2069"


def percent(share: float, digits: int = 0) -> str:
    """A share as `33 %`, which no line break parts."""
    return f"{signed(100 * share, digits)}\u00a0%"


def signed(number: float, digits: int = 2) -> str:
    """A number with a minus sign in place of the hyphen, and none at zero."""
    return f"{round(number, digits) + 0.0:.{digits}f}".replace("-", "\u2212")


def points(difference: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, without its sign."""
    return f"{abs(100 * difference):.{digits}f} points"
