"""Logit adjustment in training: the model need not learn p(label | language), it is added."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.mitigation.cells import label_given_language, need_rows
from core.mitigation.scheme import Scheme

SCHEME = Scheme(
    title="logit adjustment per language, in training",
    source="Menon et al. 2021, equation 10 with tau 1, the prior of each language",
    about="log p(c | l) is added to the logits in the loss and left out in prediction: what the "
    "language says of the label is given, so that only the text is left to learn",
    stage="loss",
    rank=3,
    evens=True,
)


def added(counts: pd.DataFrame) -> pd.DataFrame:
    """log p(label | language).

    Raises:
        InputError: an empty cell.
    """
    need_rows(counts, "logit-adjust")
    return np.log(label_given_language(counts))
