"""Class weights without regard to language: what is usually done, and no help against the skew."""

from __future__ import annotations

import pandas as pd

from core.errors import InputError
from core.mitigation.scheme import Scheme

SCHEME = Scheme(
    title="class weights, one for all languages",
    source="King and Zeng 2001; as `class_weight` in scikit-learn",
    about="each row counts n / (C n(c)); where labels are even over all it changes nothing",
    stage="loss",
    rank=1,
)


def weights(counts: pd.DataFrame) -> pd.DataFrame:
    """n / (C n(c)), the same in every language; its mean over rows is 1.

    Raises:
        InputError: a label has no row.
    """
    of_label = counts.sum(axis=0)
    if empty := [str(c) for c in counts if not of_label[c]]:
        raise InputError(
            f"global-cw needs rows of every label; none of {', '.join(empty)}. Leave it out "
            "(labels = [...] in the study), or choose a design that has it."
        )
    row = of_label.sum() / (len(of_label) * of_label)
    return pd.DataFrame([row] * len(counts), index=counts.index)
