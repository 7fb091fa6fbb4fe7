"""Class weights by the effective number of samples, per language."""

from __future__ import annotations

import pandas as pd

from core.mitigation.cells import need_rows
from core.mitigation.scheme import Scheme

BETA = 0.999

SCHEME = Scheme(
    title="effective number of samples, per language",
    source="Cui et al. 2019, equation 2, within each language",
    about="each row counts (1 - b) / (1 - b^n(c, l)), b = 0.999: as cw in small cells, and cells "
    "of far more than 1,000 rows weigh the same",
    stage="loss",
    rank=2,
    evens=True,
    settings={"beta": BETA},
)


def weights(counts: pd.DataFrame, beta: float = BETA) -> pd.DataFrame:
    """(1 - beta) / (1 - beta^n); the mean over the rows of a language is made 1.

    Raises:
        InputError: an empty cell.
    """
    need_rows(counts, "effective-cw")
    found = (1 - beta) / (1 - beta**counts)
    mean = (found * counts).sum(axis=1) / counts.sum(axis=1)
    return found.div(mean, axis=0)
