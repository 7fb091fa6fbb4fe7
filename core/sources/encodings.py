"""Which encoding bytes are in that are not UTF-8: the one in which they look most like writing.

Candidates are those that people have and those of charset-normalizer, which alone errs on short
texts. What looks wrong in each is counted: a capital within a word, letters of two alphabets side
by side, a symbol or a final form amid letters, characters that hardly anybody writes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# Of two that look equally well the earlier is taken. Hebrew and Greek come before Cyrillic, which
# has letters in place of all of theirs, while their final forms stand out in it.
_CANDIDATES = (
    *("cp1252", "cp1255", "cp1253", "cp1251", "koi8_r", "cp932", "euc_jp", "euc_kr", "gb18030"),
    *("big5", "cp1250", "cp1256", "cp1254", "cp1257", "cp866", "mac_roman", "latin_1"),
)
_FINAL = set("ךםןףץς")
_EAST = ("han", "kana", "hangul")
_LOOKED_AT = 20_000  # bytes
# The first level of the standards of East Asia: leading bytes of the characters in daily use.
_DAILY = {
    "gb18030": ("gb2312", 0xB0, 0xD7),
    "big5": ("big5", 0xA4, 0xC6),
    "cp932": ("cp932", 0x88, 0x97),
    "euc_jp": ("cp932", 0x88, 0x97),
}


def likeliest(sample: bytes) -> list[str]:
    """Names of encodings that Python knows, the likeliest first, for lines that are not UTF-8."""
    import charset_normalizer

    found = charset_normalizer.from_bytes(sample[: 4 * _LOOKED_AT])
    names = dict.fromkeys((*_CANDIDATES, *(match.encoding for match in found)))
    scored = []
    for place, name in enumerate(names):
        if name.startswith(("utf_", "ascii")):
            continue
        text = sample[:_LOOKED_AT].decode(name, "ignore")
        scored.append((round(_wrong(text, name), 2), place, name))
    return [name for _, _, name in sorted(scored)]


def _wrong(text: str, encoding: str) -> float:
    """How much looks wrong, per character beyond ASCII."""
    beyond = sum(c > "\x7f" for c in text)
    return sum(_faults(text, encoding)) / max(beyond, 1)


def _faults(text: str, encoding: str) -> Iterator[float]:
    kana = han = 0
    for before, c, behind in zip(" " + text, text, text[1:] + " ", strict=False):
        if c <= "\x7f":
            continue
        script = _script(c)
        if script == "kana":
            kana += 1
        if script == "han":
            han += 1
            yield 0.0 if _is_daily(c, encoding) else 0.7
        elif script == "hangul":
            yield 0.0 if _is_daily_hangul(c) else 1.0
        elif script == "rare":
            yield 1.0
        elif script == "mark":  # a point on a letter, which few write
            yield 0.5
        elif script == "symbol":
            near = before.isalpha() + behind.isalpha()
            sign = unicodedata.category(c)[0] != "P"  # punctuation has letters at one side
            if c != "\u2019" and _script(before) not in _EAST and (near == 2 or (sign and near)):
                yield 0.7 * near
        elif script != "kana":
            if before.islower() and c.isupper():
                yield 1.0
            if before.isalpha() and _script(before) != script:
                yield 1.0
            if script == "latin" and before > "\x7f" and before.isalpha():
                yield 0.5
            if c in _FINAL and behind.isalpha():
                yield 1.0
    if encoding in ("cp932", "euc_jp") and han and kana < 0.1 * (kana + han):
        yield 0.5 * han


@lru_cache(maxsize=20_000)
def _script(c: str) -> str:
    """The script of a letter; `symbol`, `mark` or `rare` of what is none."""
    kind = unicodedata.category(c)
    if kind[0] == "C" or "\uff61" <= c <= "\uff9f":  # controls, unassigned; narrow katakana
        return "rare"
    if kind[0] == "M":
        return "mark"
    if kind[0] != "L":
        return "symbol"
    word = unicodedata.name(c, "rare").partition(" ")[0].casefold()
    known = {"cjk": "han", "hiragana": "kana", "katakana": "kana", "feminine": "symbol",
             "masculine": "symbol", "micro": "symbol"}  # fmt: skip
    return known.get(word, word)


@lru_cache(maxsize=20_000)
def _is_daily(c: str, encoding: str) -> bool:
    if encoding not in _DAILY:
        return False
    standard, first, last = _DAILY[encoding]
    try:
        return first <= c.encode(standard)[0] <= last
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=20_000)
def _is_daily_hangul(c: str) -> bool:
    try:
        return len(c.encode("euc_kr")) == 2  # others are put together of their parts
    except UnicodeEncodeError:
        return False
