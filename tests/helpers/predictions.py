"""Made-up predictions, for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.predictions import Predictions

LABELS = ("bad", "fair", "good")
SIX = ("de", "en", "es", "fr", "ja", "zh")
GROUPS = (("es", "fr", "ja"), ("de", "en", "zh"))


def rows(n: int, languages: tuple[str, ...], rng: np.random.Generator) -> pd.DataFrame:
    """n sentences with random labels, each in every language."""
    labels = rng.choice(LABELS, size=n)
    return pd.DataFrame(
        {
            "row": [f"{lang}{i}" for lang in languages for i in range(n)],
            "sentence": [str(i) for _ in languages for i in range(n)],
            "language": np.repeat(languages, n),
            "label": np.tile(labels, len(languages)),
        }
    )


def predictions(n: int, seed: int, languages: tuple[str, ...] = SIX) -> Predictions:
    rng = np.random.default_rng(seed)
    table = rows(n, languages, rng)
    return Predictions(table, rng.dirichlet([1, 1, 1], len(table)), LABELS, languages)
