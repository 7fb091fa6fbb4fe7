"""How a method and the pool talk.

A method is a generator: it yields the coalitions that it wants answered (m x players, True for the
members) and is sent their values (m x outputs: the classes of one model). What it returns is an
Estimate. So one method serves one text or thousands, and knows nothing of models, batches or
devices; several models have a generator each, and what one of them is told the others never see.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

Asking = Generator[np.ndarray, np.ndarray, "Estimate"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """Shapley values of the players.

    Attributes:
        values: players x outputs.
        errors: standard error of each, where the method has one.
    """

    values: np.ndarray
    errors: np.ndarray | None = None


def ends(players: int) -> np.ndarray:
    """The two coalitions that every method needs: nobody (the base value) and all."""
    return np.repeat([[False], [True]], players, axis=1)
