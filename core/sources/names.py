"""What the names of files and folders say: a language, a split.

Many short words are codes of languages as well (`it`, `no`, `my`, `data`). So a token is taken
for a language where names of files differ in that token alone, or where it can be nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

SPLITS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(
        ("dev", "valid", "validation", "val", "eval", "devel", "development", "devtest"),
        "validation",
    ),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
# Codes of two letters that are words or abbreviations too.
_WORDS = """
    ab ad ai am an as at av be bi bo br by ce co cr cv do dv ee el ex fo go gv ha ho ia id ie if
    ii in io is it iu kg la li lo ma me mi ml mr ms mt my na nd ng nn no nr nv ny of oh oj om on
    or os pa pi ps re rm rn rw sa sc sd se sg si sm sn so ss st tc te ti tn to ts tt tv ty up us
    ve vo wa we wo za
"""
# Codes of countries that are written for their language and are no code of any other.
_COUNTRIES = {"jp": "ja", "cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "sp": "es", "ua": "uk",
              "vn": "vi"}  # fmt: skip
_NO_LANGUAGE = {"mul", "und", "zxx", "mis", "all", "new", "own", "raw", "set", "sub", "bad", "csv",
                "pos", "neg", "one", "two", "the", "for", "and", "not", "any", "tsv", "txt", "lab",
                "tag", "out", "bin", "hot", "top", "big", "run", "max", "min", "day", "non", "old",
                "bar", "car", "cat", "dog", "map", "mix", "mid", "end", "fit", "fin", "low", "aug",
                "her", "his", "era", "got", "men", "yes", "ner", "was", "key"}  # fmt: skip
_SPEAKERS = 100_000  # that a language has at least whose code of three letters is taken for one
# A code with a region or a script: one token.
_TAG = re.compile(
    r"(?<![^\W\d_])([A-Za-z]{2,3})[-_](?:[A-Z]{2}|[A-Z][a-z]{3}|hans|hant)(?![^\W\d_])"
)
_TOKEN = re.compile(r"[^\W\d_]+(?:=[A-Z]+)?|\d+")


def of_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """Language and split of each of some files, by their names beneath one folder.

    Args:
        names: with `/`, and with the endings of the formats.

    Returns:
        Code of the language (ISO 639, the primary subtag) and `train`, `validation` or `test`;
        empty where the names do not say.
    """
    tokens = [_tokens(name) for name in names]
    languages = _languages(tokens)
    return [(languages[i], _split(name)) for i, name in enumerate(names)]


def split_of(name: str) -> str:
    """The split that a word names; empty if none."""
    return SPLITS.get(name.strip().casefold(), "")


def language_of(token: str) -> str:
    """The language that a code or a name can stand for, as its primary subtag; empty if none."""
    return _language(token)[0]


@lru_cache(maxsize=4096)
def _language(token: str) -> tuple[str, bool]:
    """The language that a token can stand for, and whether it can be nothing else."""
    import langcodes

    word = token.casefold()
    if word in _NO_LANGUAGE or word in SPLITS:
        return "", False
    if word in _COUNTRIES:
        return _COUNTRIES[word], False
    if re.fullmatch(r"[a-z]{2,3}", word):
        code = langcodes.standardize_tag(word).partition("-")[0]
        language = langcodes.Language.get(code)
        if not language.is_valid():
            return "", False
        if len(word) == 2:
            return code, word not in _WORDS.split()
        known = len(code) == 2 or language.speaking_population() >= _SPEAKERS
        return (code, False) if known else ("", False)
    if len(word) < 3 and word.isascii():
        return "", False
    try:
        language = langcodes.find(word)
    except LookupError:
        return "", False
    code = language.language or ""
    own = {language.display_name("en").casefold(), language.autonym().casefold()}
    own |= {language.display_name(other).casefold() for other in ("de", "fr", "es")}
    if word not in own or code in _NO_LANGUAGE or language.speaking_population() < _SPEAKERS:
        return "", False
    return code, True


def _tokens(name: str) -> tuple[str, ...]:
    """Words of a name, split at everything that is no letter; a region goes with its code."""
    path = PurePosixPath(name)
    stem = path.name.partition(".")[0] if path.name.count(".") == 1 else path.name
    whole = str(path.with_name(stem)) if stem else name
    whole = re.sub(r"(?i)\.(csv|tsv|txt|tab|psv|json|jsonl|ndjson|parquet|pq|arrow|feather|xlsx|xls"
                   r"|xlsb|ods|gz|bz2|xz|zst|zip|tar|tgz)(?=\.|$)", "", whole)  # fmt: skip
    whole = _TAG.sub(lambda match: match[1] + "=R", whole)
    return tuple(_TOKEN.findall(whole))


def _split(name: str) -> str:
    """Of the file's name, else of its nearest folder that has one."""
    for part in reversed(PurePosixPath(name).parts):
        found = {split for token in _tokens(part) if (split := split_of(token))}
        if len(found) == 1:
            return found.pop()
        if found:
            return ""
    return ""


def _languages(names: Sequence[tuple[str, ...]]) -> list[str]:
    slots: dict[tuple[str, ...], set[str]] = defaultdict(set)
    longer: dict[tuple[str, ...], set[str]] = defaultdict(set)
    likely: set[tuple[str, ...]] = set()  # two words may be codes by chance, three are not
    candidates: list[list[tuple[tuple[str, ...], str, bool]]] = []
    for tokens in names:
        own = []
        for place, token in enumerate(tokens):
            code, sure = _language(token.removesuffix("=R"))
            sure = sure or (bool(code) and token.endswith("=R"))
            if code:
                slot = _slot(tokens, place)
                own.append((slot, code, sure))
                slots[slot].add(code)
                longer[slot].add(code if len(token) > 2 else "")
                if sure or len(slots[slot]) > 2 or len(longer[slot] - {""}) > 1:
                    likely.add(slot)
        candidates.append(own)
    found = []
    for own in candidates:
        differing = [c for c in own if len(slots[c[0]]) > 1 and c[0] in likely]
        if differing:
            most = max(len(slots[slot]) for slot, _, _ in differing)
            found.append(next(code for slot, code, _ in differing if len(slots[slot]) == most))
            continue
        certain = {code for _, code, sure in own if sure}
        found.append(certain.pop() if len(certain) == 1 else "")
    return found


def _slot(tokens: tuple[str, ...], place: int) -> tuple[str, ...]:
    """A name but for one token, its split and its numbers: what names of one kind share."""
    return tuple(
        "*" if i == place else "<split>" if split_of(t) else "#" if t.isdigit() else t.casefold()
        for i, t in enumerate(tokens)
    )
