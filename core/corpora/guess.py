"""Which column of a source is which of ours, by the columns' names and by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from core.corpora import languages, splits
from core.sources import rows
from core.sources.source import NAME_LANGUAGE, NAME_SPLIT, OF_NAMES, Source

OURS = ("text", "text_b", "label", "language", "split", "sentence")
NEEDED = ("text", "label", "language")
OWN = ("premise", "hypothesis", "pair_id")  # names of pairs (XNLI's), which leave no doubt
LOOKED_AT = 1000  # rows, from the first on
# Names as files have them, the likeliest first, in lower case and without blanks, '_' and '-'.
_NAMES = {
    "text": (
        *(
            "text",
            "premise",
            "sentence1",
            "texta",
            "text1",
            "question1",
            "reviewbody",
            "reviewtext",
        ),
        *("review", "tweet", "tweettext", "comment", "commenttext", "content", "body", "message"),
        *("utterance", "utt", "document", "article", "headline", "post", "sentence", "input"),
    ),
    "text_b": ("textb", "hypothesis", "sentence2", "text2", "question2"),
    "label": (
        *("label", "goldlabel", "labelgold", "labels", "stars", "sentiment", "class", "category"),
        *("target", "polarity", "intent", "emotion", "emotions", "topic", "annotation", "gold"),
        *("reviewrating", "rating", "score", "y", "output"),
    ),
    "language": (
        "language",
        "lang",
        "langcode",
        "languagecode",
        "langid",
        "locale",
        "iso",
        "langabv",
    ),
    "split": ("split", "set", "subset", "partition", "fold", "datasplit"),
    "sentence": ("sentence", "sentenceid", "pairid", "sid", "translationid", "parallelid"),
}
_LABELS = 50  # distinct values that a column of labels has at most


class Guess(NamedTuple):
    """A column, and why it is taken for one of ours."""

    column: str
    why: str


def columns(source: Source, given: Mapping[str, str]) -> dict[str, Guess]:
    """Our column name -> the source's, as far as that can be told.

    Columns that are named or called as ours come first, then those with a usual name, then those
    whose content leaves no doubt. No column is taken twice.

    Args:
        given: what the user has named; stays.
    """
    found = {ours: Guess(theirs, "as named") for ours, theirs in given.items()}
    free = [c for c in source.columns if c not in given.values()]
    looks: dict[str, pd.Series] | None = None

    def take(ours: str, column: str, why: str) -> None:
        found[ours] = Guess(column, why)
        free.remove(column)

    for ours in OURS:  # in full first, so that none of ours goes to another by a likeness
        if ours not in found and ours in free and ours != "sentence":
            take(ours, ours, "by its name")
    if "language" not in found and NAME_LANGUAGE in free:
        take("language", NAME_LANGUAGE, "by the names of the files")
    if "split" not in found and NAME_SPLIT in free:
        take("split", NAME_SPLIT, "by the names of the files")
    for ours in ("text", "text_b", "label", "language", "split", "sentence"):
        if ours in found:
            continue
        for name in _NAMES[ours]:
            named = [c for c in free if _plain(c) == name]
            if len(named) != 1:
                continue
            looks = looks if looks is not None else _first_rows(source)
            if _fits(ours, looks[named[0]]):
                take(ours, named[0], "by its name")
                break
    if all(ours in found for ours in (*NEEDED, "split")):
        return found
    looks = looks if looks is not None else _first_rows(source)
    for ours in ("language", "split", "text", "label"):
        if ours in found:
            continue
        fitting = [c for c in free if c not in OF_NAMES and _is_surely(ours, looks[c])]
        if ours == "text" and len(fitting) > 1:  # the longest, if by far
            by_length = sorted(fitting, key=lambda c: -looks[c].str.len().mean())
            one, other = (looks[c].str.len().mean() for c in by_length[:2])
            fitting = by_length[:1] if one > 2 * other else fitting
        if len(fitting) == 1:
            take(ours, fitting[0], "by its content")
    return found


def candidates(source: Source, ours: str, taken: Sequence[str]) -> list[str]:
    """Columns that could be one of ours, for an error that asks for it."""
    looks = _first_rows(source)
    left = [c for c in source.columns if c not in (*taken, *OF_NAMES)]
    fitting = [c for c in left if len(set(looks[c])) > 1 and _fits(ours, looks[c])]
    return sorted(fitting, key=lambda c: not _is_surely(ours, looks[c]))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _first_rows(source: Source) -> dict[str, pd.Series]:
    """The first rows of each column as texts, missing and empty ones left out."""
    frame = rows.first(source, LOOKED_AT)
    found = {}
    for column in source.columns:
        values = frame[column].dropna().astype("str").str.strip()
        found[column] = values[values != ""]
    return found


def _fits(ours: str, values: pd.Series) -> bool:
    """Whether a column of that name can be meant: a `set` of numbers is no split."""
    distinct = set(values)
    if ours == "split":
        return bool(distinct) and any(splits.canonical(value) for value in distinct)
    if ours == "language":
        return len(distinct) <= 500 and any(languages.canonical(value) for value in distinct)
    if ours in ("text", "text_b"):
        return not _are_numbers(values)
    if ours == "label":
        return len(distinct) <= max(_LABELS, len(values) // 2)
    return True


def _is_surely(ours: str, values: pd.Series) -> bool:
    """Whether content alone tells."""
    distinct = set(values)
    if not distinct:
        return False
    if ours == "split":
        return all(splits.canonical(value) for value in distinct)
    if ours == "language":
        return len(distinct) <= 200 and all(languages.canonical(value) for value in distinct)
    if ours == "text":
        return bool(values.str.len().mean() >= 12) and len(distinct) > len(values) / 2
    repeated = len(values) >= 4 * len(distinct)
    return 2 <= len(distinct) <= _LABELS and repeated


def _are_numbers(values: pd.Series) -> bool:
    return bool(len(values)) and bool(pd.to_numeric(values, errors="coerce").notna().all())
