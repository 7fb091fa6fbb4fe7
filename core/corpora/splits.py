"""Splits: their names in any spelling, and a split that is made where a source has none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SPLITS = ("train", "validation", "test")
SHARES = (0.6, 0.2, 0.2)
_NAMES = {
    "train": ("train", "training", "trn", "tr"),
    "validation": ("validation", "valid", "val", "dev", "devel", "development", "eval", "devtest"),
    "test": ("test", "testing", "tst", "te", "heldout"),
}
_OURS = {theirs: ours for ours, names in _NAMES.items() for theirs in names}


def canonical(name: str) -> str | None:
    """The split that a name means, in any case and with a number behind it; None of another."""
    folded = name.strip().casefold()
    return _OURS.get(folded) or _OURS.get(folded.rstrip("0123456789").rstrip("-_ "))


def make(rows: pd.DataFrame, shares: Sequence[float] = SHARES) -> np.ndarray:
    """A split for rows that have none: stratified, with what belongs together on one side.

    Rows with the same texts or the same sentence, directly or by way of others, form a unit, which
    stands in one split. Units with the same languages and labels form a stratum. A stratum's units
    are put in an order made of their own content, so that the order of rows does not matter, and
    cut by the shares, from a place that is another in each stratum: else the single unit of a small
    one would always be a training row.

    Args:
        rows: `text`, `text_b` (or missing values), `label`, `language`, and `sentence` (missing
            where a row has none).
        shares: of train, validation and test; they sum to 1.

    Returns:
        A split a row.
    """
    texts = _texts(rows)
    cells = rows["language"].str.cat(rows["label"], sep="\x1f")
    frame = pd.DataFrame({"unit": _units(texts, rows.get("sentence")), "cell": cells.to_numpy()})
    frame["key"] = [_number(f"{cell}\x1e{text}") for cell, text in zip(cells, texts, strict=True)]
    units = frame.groupby("unit").agg(key=("key", "min"), rows=("key", "size"))
    each = frame[["unit", "cell"]].drop_duplicates().sort_values(["unit", "cell"])
    units["stratum"] = each.groupby("unit")["cell"].agg("\x1e".join)
    units = units.sort_values(["stratum", "key"])
    strata = units.groupby("stratum")["rows"]
    middle = (strata.cumsum() - units["rows"] / 2) / strata.transform("sum")
    begins = {stratum: _number(stratum) / 2**64 for stratum in units["stratum"].unique()}
    place = (middle + units["stratum"].map(begins)) % 1
    ends = np.cumsum(shares)[:-1]
    made = pd.Series(np.array(SPLITS)[np.searchsorted(ends, place, side="right")], units.index)
    chosen: np.ndarray = made.loc[frame["unit"]].to_numpy()
    return chosen


def _texts(rows: pd.DataFrame) -> pd.Series:
    """What a row says, without blanks around it: copies have the same."""
    first = rows["text"].str.strip()
    return first.str.cat(rows["text_b"].astype("str").fillna("").str.strip(), sep="\x1f")


def _units(texts: pd.Series, sentences: pd.Series | None) -> np.ndarray:
    """The unit of each row: connected by equal texts and equal sentences."""
    text: np.ndarray = pd.factorize(texts)[0]
    if sentences is None or sentences.isna().all():
        return text
    sentence = pd.factorize(sentences)[0]  # -1 where missing
    known = sentence >= 0
    size = int(text.max()) + 1
    edges = (np.ones(known.sum()), (text[known], size + sentence[known]))
    total = size + int(sentence.max()) + 1
    _, component = connected_components(coo_array(edges, shape=(total, total)), directed=False)
    of_row: np.ndarray = component[text]
    return of_row


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
