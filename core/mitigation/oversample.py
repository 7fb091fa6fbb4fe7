"""Resampling to independence with rows that come again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.mitigation.cells import need_rows, to_independence
from core.mitigation.scheme import Scheme
from core.sampling.designs import independent
from core.sampling.subsets import allocate

SCHEME = Scheme(
    title="oversampling to independence",
    source="Kamiran and Calders 2012, sampling; He and Garcia 2009",
    about="as many rows as before, in which language and label are independent: rows of small "
    "cells come several times, some of large ones not at all",
    stage="data",
    rank=1,
    evens=True,
)


def draw(cells: np.ndarray, counts: pd.DataFrame, seed: int) -> np.ndarray:
    """Numbers of the rows, ascending; those of a cell come equally often, but for one.

    Raises:
        InputError: an empty cell.
    """
    need_rows(counts, "oversample")
    wanted = allocate(int(counts.to_numpy().sum()), independent(counts)).to_numpy().ravel()
    rng = np.random.default_rng(seed)
    drawn = []
    for number, n in enumerate(wanted):
        rows = rng.permutation(np.flatnonzero(cells == number))
        drawn.append(np.resize(rows, n))
    return np.sort(np.concatenate(drawn))


def validation_weights(counts: pd.DataFrame) -> pd.DataFrame:
    """What the drawn rows' shares are to the set's."""
    return to_independence(counts, "oversample")
