"""Text of users and corpora on its way into sentences of ours."""

from __future__ import annotations

import re
from pathlib import PurePath

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~^=@&])")
_MARKS = re.compile(r"\\(.)|\*+")
_BLANKS = re.compile(r"[^\S\u00a0\u202f]+")  # but those that no line break parts
_ADDRESS = re.compile(r"(?i)(https?:(?=//)|www(?=\.))")  # which GitHub's Markdown makes a link
# Control characters, which a terminal obeys, and those that turn the direction of what follows
# (embeddings, overrides, isolates; Unicode Technical Report 36), and halves of a character.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    """A text as Markdown that shows it as it is: no emphasis, link, picture, formula or colour.

    An address of a web page has a word joiner in it, which nobody sees and which keeps it text.
    """
    apart = _ADDRESS.sub("\\1\u2060", printable(_BLANKS.sub(" ", text).strip()))
    return _PUNCTUATION.sub(r"\\\1", apart)


def plain(markdown: str) -> str:
    """Markdown of ours, with emphasis and escaped texts, as bare text; `escaped` turned back."""
    return _MARKS.sub(lambda found: found[1] or "", markdown).replace("\u2060", "")


def printable(text: str, keep: str = "") -> str:
    r"""A text whose control characters are shown as `\u001b` and do nothing.

    A JSON document stays the same document, since it has none but within strings.

    Args:
        keep: those that stay.
    """

    def shown(found: re.Match[str]) -> str:
        return found[0] if found[0] in keep else f"\\u{ord(found[0]):04x}"

    return _CONTROLS.sub(shown, text)


def file_name(text: str) -> str:
    """A text as the name of a file to be downloaded: what no system takes amiss is left of it."""
    name = re.sub(r"[^\w.+=-]+", "-", text).lstrip("-.") or "file"
    return name if len(name) <= 100 else name[:90] + name[-10:]


def short(source: str) -> str:
    """A corpus or encoder as others may read of it: of a path on this machine only the name."""
    return PurePath(source).name if PurePath(source).is_absolute() else source


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
