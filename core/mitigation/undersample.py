"""Resampling to independence by leaving rows out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.mitigation.cells import need_rows, to_independence
from core.mitigation.scheme import Scheme
from core.sampling.designs import independent
from core.sampling.subsets import allocate

SCHEME = Scheme(
    title="undersampling to independence",
    source="Kamiran and Calders 2012, sampling; He and Garcia 2009",
    about="rows are left out until language and label are independent, the marginals as they were",
    stage="data",
    rank=1,
    evens=True,
)


def draw(cells: np.ndarray, counts: pd.DataFrame, seed: int) -> np.ndarray:
    """Numbers of the rows that stay, ascending: as many as there can be.

    Raises:
        InputError: an empty cell.
    """
    need_rows(counts, "undersample")
    shares = independent(counts)
    total = int((counts / shares).to_numpy().min()) + len(counts)
    while not (allocate(total, shares) <= counts).to_numpy().all():
        total -= 1
    rng = np.random.default_rng(seed)
    kept = [
        rng.permutation(np.flatnonzero(cells == number))[:wanted]
        for number, wanted in enumerate(allocate(total, shares).to_numpy().ravel())
    ]
    return np.sort(np.concatenate(kept))


def validation_weights(counts: pd.DataFrame) -> pd.DataFrame:
    """What the drawn rows' shares are to the set's."""
    return to_independence(counts, "undersample")
