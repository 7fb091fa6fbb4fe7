"""Made-up predictions on three languages, for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.predictions import Predictions

LANGUAGES, LABELS = ("de", "en", "fr"), ("bad", "fair", "good")
GROUPS = (("fr",), ("de", "en"))


def predictions(n: int, seed: int, translated: bool = True) -> Predictions:
    """n sentences in each language, with random labels and probabilities."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(LABELS, size=n)
    rows = pd.DataFrame(
        [
            {
                "row": f"{lang}{i}",
                "sentence": str(i) if translated else f"{lang}{i}",
                "language": lang,
                "label": labels[i],
            }
            for lang in LANGUAGES
            for i in range(n)
        ]
    )
    return Predictions(rows, rng.dirichlet([1, 1, 1], len(rows)), LABELS, LANGUAGES)
