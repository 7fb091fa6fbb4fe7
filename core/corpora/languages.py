"""Names of languages: codes in any standard and spelling become one (BCP 47, by `langcodes`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

# Codes of ISO 639-3 for the standard form of a language whose usual code is that of the whole
# group. Other members of a group stay apart: Moroccan Arabic is not Standard Arabic.
_STANDARD = {
    **{"cmn": "zh", "arb": "ar", "swh": "sw", "pes": "fa", "zsm": "ms", "ekk": "et", "lvs": "lv"},
    **{"khk": "mn", "uzn": "uz", "als": "sq", "npi": "ne", "ory": "or", "plt": "mg", "ydd": "yi"},
    **{"pbt": "ps", "azj": "az", "kmr": "ku", "gaz": "om", "dik": "din", "knc": "kr"},
}
_NO_LANGUAGE = {"und", "mul", "zxx", "mis"}  # ISO 639: undetermined, several, none, no code


@lru_cache(maxsize=10_000)
def canonical(name: str) -> str | None:
    """The language of a code or name, without script and region: `de` of deu, ger, German, de-DE.

    Returns:
        The shortest code of ISO 639; None of what is no language.
    """
    import langcodes

    name = name.strip()
    if not 2 <= len(name) <= 60:
        return None
    tag = name.replace("_", "-")
    if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        try:
            found = langcodes.Language.get(tag, normalize=True)
        except ValueError:
            return None
        code = found.language if found.is_valid() else None
    else:
        try:
            code = langcodes.find(name).language
        except LookupError:
            return None
    return None if code is None or code in _NO_LANGUAGE else _STANDARD.get(code, code)


def are_languages(names: Iterable[str]) -> bool:
    """Whether all names are those of languages."""
    return all(canonical(name) for name in names)


def display(code: str) -> str:
    """The English name of a language; the code itself where it has none."""
    import langcodes

    if canonical(code) is None:
        return code
    name: str = langcodes.Language.get(code).display_name()
    return name
