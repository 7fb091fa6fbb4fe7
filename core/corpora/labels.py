"""Labels: one out of several, what is a missing one, their order."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable

from core.errors import InputError
from core.storage import sql

# What writers put for a missing value, in lower case. Among numbers such a label is missing;
# among words it may be one (`none` as a stance).
MISSING = ("nan", "na", "n/a", "<na>", "null", "none", "nat", "-")
# Label sets whose order has a meaning that the alphabet does not give.
_ORDERS = (
    ("entailment", "neutral", "contradiction"),
    ("negative", "neutral", "positive"),
    ("very negative", "negative", "neutral", "positive", "very positive"),
)
RULES = ("only", "first", "combination")  # for several labels a row; or `has:LABEL`
SEVERAL = "\x00several"  # stands for the label of a row that has several, where one is wanted
YES = ("1", "true", "yes", "y", "x")  # of a column a label


def default_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Numbers ascend, known scales have their order, all else is alphabetical: a total order."""
    labels = set(labels)
    folded = {label.casefold(): label for label in labels}
    for order in _ORDERS:
        if set(folded) == set(order) and len(folded) == len(labels):
            return tuple(folded[label] for label in order)
    numbers = {label: number(label) for label in labels}
    if all(number is not None for number in numbers.values()):
        return tuple(sorted(labels, key=lambda label: (numbers[label], label)))
    return tuple(sorted(labels))


def number(label: str) -> float | None:
    """The finite number that a label is; None of another."""
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def is_missing(value: str) -> bool:
    """Whether a value is what writers put for a missing one."""
    return value.casefold() in MISSING


def folded(value: str) -> str:
    """A value without case, Unicode form and number of blanks: spellings of one have the same."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def one_of(labels: str, rule: str) -> str:
    """One label out of a list of them."""
    if rule == "first":
        return f"list_extract({labels}, 1)"
    if rule == "combination":
        return f"array_to_string(list_sort(list_distinct({labels})), '+')"
    if rule.startswith("has:"):
        one = sql.literal(rule.removeprefix("has:"))
        no = sql.literal(f"not {rule.removeprefix('has:')}")
        return f"CASE WHEN list_contains({labels}, {one}) THEN {one} ELSE {no} END"
    if rule not in ("", "only"):
        raise InputError(
            f"several is {rule!r}; expected {', '.join(RULES)}, or has:LABEL, such as has:joy."
        )
    return (
        f"CASE WHEN len({labels}) > 1 THEN {sql.literal(SEVERAL)} "
        f"ELSE list_extract({labels}, 1) END"
    )


def looks_like_several(labels: set[str]) -> str:
    """Why labels look like several a row: parts between commas that also stand alone."""
    for mark in (",", ";", "|", "+", "_", " "):
        parted = {label: [p.strip() for p in label.split(mark)] for label in labels}
        several = [label for label, parts in parted.items() if len(parts) > 1]
        alone = {parts[0] for parts in parted.values() if len(parts) == 1}
        made = [x for x in several if all(p in alone for p in parted[x])]
        if len(made) >= 2 and len(made) > len(several) / 2:
            return (
                f"{len(made)} of {len(labels)} labels are made of others ({made[0]!r}): it looks "
                f"like several labels a row"
            )
    return ""
