"""Weights that make language and label independent and leave both marginals as they are."""

from __future__ import annotations

import pandas as pd

from core.mitigation.cells import to_independence
from core.mitigation.scheme import Scheme

SCHEME = Scheme(
    title="weights to independence",
    source="Kamiran and Calders 2012, reweighing",
    about="each row counts p(c) / p(c | l): the weighted set has the marginals of the set and no "
    "skew; where labels are even over all it is cw",
    stage="loss",
    rank=1,
    evens=True,
)


def weights(counts: pd.DataFrame) -> pd.DataFrame:
    """p(c) / p(c | l); the mean over the rows of a language is 1.

    Raises:
        InputError: an empty cell.
    """
    return to_independence(counts, "independent-cw")
