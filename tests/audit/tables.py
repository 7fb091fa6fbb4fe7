"""Tables of languages and labels, drawn from joint distributions that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

LANGUAGES = ["de", "en", "es", "fr", "ja", "zh"]
LABELS = ["bad", "poor", "fair", "good", "best"]


def frame(values: object) -> pd.DataFrame:
    table = np.asarray(values)
    rows, columns = table.shape
    return pd.DataFrame(table, index=LANGUAGES[:rows], columns=LABELS[:columns])


def linear(languages: int, labels: int, dose: float = 1.0) -> np.ndarray:
    """Shares that rise over the labels in one language and fall in the next; dose 0 is uniform."""
    rising = np.arange(1.0, labels + 1) / (labels * (labels + 1) / 2)
    even = np.full(labels, 1 / labels)
    rows = [even + dose * ((rising[::-1] if i % 2 else rising) - even) for i in range(languages)]
    return np.array(rows) / languages


# 50:1 over languages, 17:1 over labels, independent.
MARGINALS = np.outer([0.5, 0.2, 0.15, 0.1, 0.04, 0.01], [0.5, 0.25, 0.15, 0.07, 0.03])
# Strong and uneven, as a label that one language nearly tells.
STRONG = np.array([[0.3, 0.02, 0.02], [0.01, 0.3, 0.02], [0.02, 0.01, 0.3]])


def drawn(rng: np.random.Generator, p: np.ndarray, n: int) -> pd.DataFrame:
    """n rows of a joint distribution."""
    return frame(rng.multinomial(n, p.ravel() / p.sum()).reshape(p.shape))


def true_v(p: np.ndarray) -> float:
    """Cramér's V of a joint distribution."""
    p = p / p.sum()
    independent = np.outer(p.sum(axis=1), p.sum(axis=0))
    return float((((p - independent) ** 2 / independent).sum() / (min(p.shape) - 1)) ** 0.5)
