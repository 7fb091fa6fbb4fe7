"""Text of users and corpora on its way into sentences of ours."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~^=@&])")


def escaped(text: str) -> str:
    """A text as Markdown that shows it as it is: no emphasis, link, picture, formula or colour."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def isolated(text: str) -> str:
    """A text whose direction, right to left or left to right, does not turn what is around it.

    Unicode Standard Annex 9: first strong isolate, pop directional isolate.
    """
    return f"\u2068{text}\u2069"


def percent(share: float, digits: int = 0) -> str:
    """A share as `33 %`, which no line break parts."""
    number = f"{round(100 * share, digits) + 0.0:.{digits}f}"  # -0.0 becomes 0.0
    return f"{number}\u00a0%".replace("-", "\u2212")


def points(difference: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, without its sign."""
    return f"{abs(100 * difference):.{digits}f} points"


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
