"""A published number or statement beside ours: what may be said of whether they agree.

A verdict needs three seeds or more: the seed is part of what another training would have given.
From then on an interval that is too wide for one is "cannot tell".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from core.measures.accuracy import newcombe, wilson
from core.measures.intervals import FEWEST_SEEDS
from core.text import signed

Row = dict[str, Any]  # of a table that is being made
CHANGES = (
    ("imbalanced", "balanced"),
    ("imbalanced+cw", "imbalanced"),
    ("imbalanced+cw", "balanced"),
)
SHOWN = ["published", "published from", "published to", "ours", "from", "to", "n", "seeds"]
VERDICTS = ["direction", "size", "note"]

AGREES, DISAGREES, CANNOT = "agrees", "disagrees", "cannot tell"
NO_VERDICT = "no verdict (fewer than three seeds)"
# Sizes agree where they are shown to be no further apart than this: our choice, the paper has one
# training each. A tenth to a half of what the paper's setups differ by.
MARGINS = {
    "accuracy": 0.01,  # Tables 3 and 6: imbalanced loses .010 to .027
    "probe": 0.05,  # Tables 4 and 7: imbalanced gains .07 to .36
    "share": 2.0,  # Table 2, per cent: groups are apart by 3 to 14
}


class Ours(NamedTuple):
    """A value of a study's runs with its 95 % interval.

    Attributes:
        value: mean over seeds.
        low, high: from three seeds on for other seeds and, where known, other test sentences;
            below, for other test sentences alone; None where there is neither.
        n: rows.
        seeds: how many.
        single: half width of a 95 % interval for one more training, from how far seeds differ
            (t-distribution); None below three seeds.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    seeds: int
    single: float | None

    def row(self) -> Row:
        """As columns of a comparison."""
        names = ("ours", "from", "to", "n", "seeds")
        return dict(zip(names, self[: len(names)], strict=True))

    def times(self, factor: float) -> Ours:
        """In another unit, such as per cent."""
        numbers = (self.value, self.low, self.high, self.single)
        value, *ends, single = (None if x is None else factor * x for x in numbers)
        assert value is not None
        return Ours(value, ends[0], ends[1], self.n, self.seeds, single)


def levels(
    published: Mapping[str, float],
    n: int,
    ours: Mapping[str, Ours],
    margin: float,
    *,
    like: bool,
) -> list[Row]:
    """A setup a row."""
    rows = []
    for setup, value in published.items():
        ends = wilson(value, n)
        row = {"setup": setup, "published": value, "published from": ends[0]}
        row |= {"published to": ends[1]}
        if found := ours.get(setup):
            row |= found.row()
            row["size"] = size(value, ends, found, margin) if like else ""
        rows.append(row)
    return rows


def changes(
    published: Mapping[str, float],
    n: int,
    ours: Mapping[tuple[str, str], Ours],
    margin: float,
    *,
    like: bool,
) -> list[Row]:
    """A difference of setups a row; the published interval is Newcombe's (1998, method 10)."""
    rows = []
    for a, b in CHANGES:
        difference, ends = published[a] - published[b], newcombe(published[a], published[b], n)
        row: Row = {"setup": f"{a} − {b}", "published": difference}
        row |= {"published from": ends[0], "published to": ends[1]}
        if found := ours.get((a, b)):
            row |= found.row()
            row["direction"] = direction(difference, found.low, found.high, found.seeds)
            row["size"] = size(difference, ends, found, margin) if like else ""
            if ends[0] <= 0 <= ends[1]:
                row["note"] = "published difference not apart from 0"
        rows.append(row)
    return rows


def direction(published: float, low: float | None, high: float | None, seeds: int) -> str:
    """Whether our interval lies on the published side of 0; empty where nothing is published."""
    if abs(published) < 1e-9:
        return ""
    if seeds < FEWEST_SEEDS:
        return NO_VERDICT
    if low is None or high is None or low <= 0 <= high:
        return CANNOT
    return AGREES if (low > 0) == (published > 0) else DISAGREES


def close(low: float | None, high: float | None, margin: float, seeds: int) -> str:
    """Whether our interval lies within a margin around 0, or outside of it."""
    if seeds < FEWEST_SEEDS:
        return NO_VERDICT
    if low is None or high is None:
        return CANNOT
    if -margin < low and high < margin:
        return AGREES
    return DISAGREES if low > margin or high < -margin else CANNOT


def size(published: float, ends: Sequence[float], ours: Ours, margin: float) -> str:
    """Whether ours is the published number, to a margin.

    What they differ by has an interval out of three parts: the published number's sampling, its
    seed, which is taken to do as much as ours do, and our interval (squares of half widths add up:
    Zou and Donner, Construction of confidence limits about effect measures, 2008). Within the
    margin the sizes agree, apart from 0 they disagree.

    Args:
        ends: of the published number's sampling interval.
    """
    if ours.seeds < FEWEST_SEEDS:
        return NO_VERDICT
    if ours.low is None or ours.high is None or ours.single is None:
        return CANNOT
    apart = ours.value - published
    down = (ours.value - ours.low, ends[1] - published, ours.single)
    up = (ours.high - ours.value, published - ends[0], ours.single)
    low, high = (apart - _length(down), apart + _length(up))
    if -margin < low and high < margin:
        return AGREES
    if low <= 0 <= high:
        return CANNOT
    return f"{DISAGREES}, ours is {'higher' if apart > 0 else 'lower'}"


def _length(parts: Sequence[float]) -> float:
    return float(sum(x * x for x in parts)) ** 0.5


def plain_direction(published: float, ours: float) -> str:
    """Whether two differences without an interval, of designs, have one sign."""
    if abs(published) < 1e-9:
        return ""
    return AGREES if published * ours > 0 else DISAGREES if ours else "no difference"


def frame_of(rows: Sequence[Row], columns: list[str]) -> pd.DataFrame:
    """Rows as a table; what a row lacks is missing, a verdict that all
    lack is left out."""
    frame = pd.DataFrame(rows, columns=columns)
    for column in set(VERDICTS) & set(columns):
        frame[column] = [x if isinstance(x, str) else "" for x in frame[column]]
        if not any(frame[column]):
            frame = frame.drop(columns=column)
    for column in set(SHOWN) & set(columns):
        frame[column] = frame[column].astype("Int64" if column in ("n", "seeds") else float)
    return frame


# Columns of a number, and of the ends of its interval.
_NUMBERS = {
    "published": ("published", "published from", "published to"),
    "ours": ("ours", "from", "to"),
    "cross-fitted": ("cross-fitted", "from", "to"),
    "as in the paper": ("as in the paper", "paper's from", "paper's to"),
}


def written(frame: pd.DataFrame, digits: int = 3) -> tuple[pd.DataFrame, list[str]]:
    """A comparison with numbers and intervals written out, and the columns for a reader.

    The further columns are called such as `ours [95 %]` and hold such as `0.580 [0.574, 0.586]`;
    `n (seeds)` comes last.
    """
    hidden = {c for of in _NUMBERS.values() for c in of[1:]} | {"n", "seeds"}
    made, shown = frame.copy(), []
    for column in (str(c) for c in frame.columns if c not in hidden):
        ends = [c for c in _NUMBERS.get(column, ()) if c in frame]
        if pd.api.types.is_numeric_dtype(frame[column]) and len(ends) == 3:
            name = f"{column} [95 %]"
            made[name] = [_written(row, digits) for row in frame[ends].to_numpy(float)]
        else:
            name = column
        shown.append(name)
    if "n" in frame:
        pairs = zip(frame["n"], frame["seeds"], strict=True)
        made["n (seeds)"] = [f"{n:,} ({s})" if n is not pd.NA else "–" for n, s in pairs]
        shown.append("n (seeds)")
    return made, shown


def _written(numbers: Sequence[float], digits: int) -> str:
    value, low, high = numbers
    if value != value:
        return "–"
    ends = "" if low != low else f" [{signed(low, digits)}, {signed(high, digits)}]"
    return f"{signed(value, digits)}{ends}"
