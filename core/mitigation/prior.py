"""The log prior of the language taken off the logits of a trained model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.mitigation.after import Correction, Trained
from core.mitigation.cells import label_given_language, need_rows
from core.mitigation.scheme import Scheme

SCHEME = Scheme(
    title="logits minus log p(label | language), the language given",
    source="Menon et al. 2021, equation 9; Saerens et al. 2002, equation 2.4",
    about="log p(c | l) of the training set is taken off the logits, by the text's language",
    stage="after",
    rank=2,
    evens=True,
    serving="given",
)


def check(counts: pd.DataFrame, validation: pd.DataFrame) -> None:
    """Every cell needs rows."""
    need_rows(counts, "prior")


def correct(trained: Trained) -> Correction:
    """The logits of a text become those of a set whose labels are even within each language.

    As far as the model has learned p(label | language) itself: then, and only then, it ignores the
    language afterwards.

    Raises:
        InputError: an empty cell.
    """
    need_rows(trained.counts, "prior")
    return Correction(offsets=-np.log(label_given_language(trained.counts).to_numpy()))
