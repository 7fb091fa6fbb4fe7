"""Group DRO: the groups of language and label with the largest loss count more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from core.mitigation.scheme import Scheme

if TYPE_CHECKING:
    from torch import Tensor

STEP = 0.01

SCHEME = Scheme(
    title="group DRO over language x label",
    source="Sagawa et al. 2020, algorithm 1",
    about="each cell of language and label counts by a weight that grows with its loss, step by "
    "step (0.01)",
    stage="loss",
    rank=4,
    evens=True,
    settings={"step": STEP},
)


def weights(counts: pd.DataFrame) -> pd.DataFrame:
    """1 / (G p(c, l)) over the G cells that have rows: where the groups' weights start, even.

    The algorithm takes the mean loss of a group in the batch. Here it is the sum over the rows that
    a batch is expected to have of it, which needs no batch with all of them and has the same mean.
    """
    joint = counts / counts.to_numpy().sum()
    filled = int((counts.to_numpy() > 0).sum())
    return (1 / (filled * joint.where(joint > 0))).fillna(0.0)


def reweighed(shares: Tensor, losses: Tensor) -> Tensor:
    """shares times exp(step times loss), normalised; a group that had no row keeps its own."""
    grown = shares * (STEP * losses.nan_to_num(0.0)).exp()
    return grown / grown.sum()
