"""A published number beside ours: intervals, and whether direction and size agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.cards import over_seeds
from core.measures.accuracy import wilson
from core.measures.compare import Comparison
from core.words import signed

Document = dict[str, Any]
Differences = Mapping[tuple[str, str], Mapping[str, Comparison]]
CHANGES = (
    ("imbalanced", "balanced"),
    ("imbalanced+cw", "imbalanced"),
    ("imbalanced+cw", "balanced"),
)
SHOWN = ["published", "published from", "published to", "ours", "from", "to", "n", "seeds"]
VERDICTS = ["direction", "size", "note"]


def shares_over_seeds(runs: Sequence[Document], values: Sequence[float], n: int) -> Document:
    """Mean of shares of n rows: a t-interval from three seeds on, else Wilson's."""
    made = [
        {"setup": "x", "null": False, "x": v, "x_ci": wilson(v, n), "seed": r["seed"]}
        for r, v in zip(runs, values, strict=True)
    ]
    one = over_seeds(made, "x").iloc[0]
    return {"ours": one["value"], "from": one["low"], "to": one["high"], "n": n, "seeds": len(runs)}


def levels(
    published: Mapping[str, float], n: int, ours: Mapping[str, Document], *, like: bool
) -> list[Document]:
    """A setup a row."""
    rows = []
    for setup, value in published.items():
        low, high = wilson(value, n)
        row = {"setup": setup, "published": value, "published from": low, "published to": high}
        row |= ours.get(setup, {})
        row["size"] = size(row, like=like)
        rows.append(row)
    return rows


def changes(
    published: Mapping[str, float],
    n: int,
    ours: Mapping[str, Document],
    found: Differences,
    measure: str,
    *,
    like: bool,
) -> list[Document]:
    """A difference of setups a row; the published interval is Newcombe's (1998, method 10)."""
    rows = []
    for a, b in CHANGES:
        low, high = _newcombe(published[a], published[b], n)
        row: Document = {"setup": f"{a} − {b}", "published": published[a] - published[b]}
        row |= {"published from": low, "published to": high}
        if (c := found.get((a, b), {}).get(measure)) and a in ours:
            row |= {"ours": c.difference, "from": c.low, "to": c.high}
            row |= {"n": ours[a]["n"], "seeds": c.n_seeds}
            row["direction"] = direction(row["published"], c.difference, c.low, c.high)
            if low <= 0 <= high:
                row["note"] = "published difference not apart from 0"
        row["size"] = size(row, like=like)
        rows.append(row)
    return rows


def _newcombe(one: float, two: float, n: int) -> tuple[float, float]:
    """95 % interval of the difference of two shares of n rows each, as if of different rows."""
    (l1, u1), (l2, u2) = wilson(one, n), wilson(two, n)
    down, up = ((one - l1) ** 2 + (u2 - two) ** 2), ((u1 - one) ** 2 + (two - l2) ** 2)
    return one - two - down**0.5, one - two + up**0.5


def direction(published: float, ours: float, low: float | None, high: float | None) -> str:
    """Whether a difference has the published one's sign, and whether it is apart from 0."""
    word = plain_direction(published, ours)
    if low is None or high is None:
        return f"{word}, no interval"
    return word if low > 0 or high < 0 else f"{word}, not apart from 0"


def plain_direction(published: float, ours: float) -> str:
    """Whether two differences have one sign; empty where nothing is published to differ."""
    if abs(published) < 1e-9:
        return ""
    return "agrees" if published * ours > 0 else "opposite" if ours else "no difference"


def size(row: Document, *, like: bool, digits: int = 3) -> str:
    """Whether the published interval and ours overlap, in words; empty for another task."""
    if row.get("ours") is None or not like:
        return ""
    if row.get("from") is None or row["from"] != row["from"]:
        return "no interval"
    if row["from"] <= row["published to"] and row["published from"] <= row["to"]:
        return "agrees, intervals overlap"
    apart = row["ours"] - row["published"]
    way = "higher" if apart > 0 else "lower"
    return f"ours is {way} by {signed(abs(apart), digits)}"


def frame_of(rows: Sequence[Document], columns: list[str]) -> pd.DataFrame:
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


def written(frame: pd.DataFrame, digits: int = 3) -> tuple[pd.DataFrame, list[str]]:
    """A comparison with numbers and intervals written out, and the columns for a reader.

    The further columns are called such as `ours [95 %]` and hold such as `0.580 [0.574, 0.586]`;
    `n (seeds)` comes last.
    """
    numbers = {
        "published": ("published", "published from", "published to"),
        "ours": ("ours", "from", "to"),
        "cross-fitted": ("cross-fitted", "crossed from", "crossed to"),
    }
    hidden = {c for of in numbers.values() for c in of[1:]} | {"n", "seeds"}
    made, shown = frame.copy(), []
    for column in (str(c) for c in frame.columns if c not in hidden):
        ends = [c for c in numbers.get(column, ()) if c in frame]
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
