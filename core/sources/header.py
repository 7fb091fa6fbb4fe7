"""Whether the first row of a table holds names of columns: so unless it surely does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_NUMBER = re.compile(r"\s*[-+]?\d+([.,]\d+)?\s*")
# What no row of data would hold, and headers do.
NAMES = {
    "text", "label", "labels", "language", "lang", "sentence", "id", "review", "tweet", "premise",
    "hypothesis", "split", "class", "category", "content", "title", "stars", "rating", "sentiment",
    "target", "body", "emotion", "locale", "text_a", "text_b", "sentence1", "sentence2",
}  # fmt: skip


def is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a first row holds names, by the rows behind it.

    It surely does not where it has a number in a column of numbers, or a value that its column has
    again and again, such as a label.

    Args:
        rest: some of the next rows, with as many fields.
    """
    if any(value.strip().casefold() in NAMES for value in first) or not rest:
        return True
    if [v.strip() for v in first] == [str(i) for i in range(len(first))]:
        return True  # pandas numbers columns without names
    for place, value in enumerate(first):
        column = [row[place] for row in rest if list(row) != list(first)]
        if not column or not value.strip():
            continue
        if _NUMBER.fullmatch(value) and sum(bool(_NUMBER.fullmatch(v)) for v in column) > 0.9 * len(
            column
        ):
            return False
        if Counter(column)[value] >= max(2, 0.02 * len(column)):
            return False
    return True
