"""Class weights per language that tiny cells cannot blow up."""

from __future__ import annotations

import pandas as pd

from core.mitigation.cells import label_shares
from core.mitigation.scheme import Scheme

PRIOR = 0.1  # rows as the label has them over all, as a share of the language's rows
MOST = 5.0  # of a weight, and 1 / MOST the least, before the mean is made 1

SCHEME = Scheme(
    title="class weights per language, smoothed and clipped",
    source="equation 2 with additive smoothing (Lidstone 1920) and clipped weights (Ionides 2008)",
    about="as cw, with p(c | l) drawn towards p(c) by a tenth of the language's rows, and weights "
    "from 1/5 to 5",
    stage="loss",
    rank=2,
    evens=True,
    settings={"prior": PRIOR, "most": MOST},
)


def weights(counts: pd.DataFrame, prior: float = PRIOR, most: float = MOST) -> pd.DataFrame:
    """1 / (C p~(c | l)), clipped; the mean over the rows of a language is 1.

    With `prior` 0 and no bound it is equation 2. An empty cell gets a weight that no row has.
    """
    of_language = counts.sum(axis=1)
    share = (counts.add(prior * _outer(of_language, label_shares(counts)))).div(
        (1 + prior) * of_language, axis=0
    )
    found = (1 / (len(counts.columns) * share)).clip(1 / most, most)
    mean = (found * counts).sum(axis=1) / of_language
    return found.div(mean, axis=0)


def _outer(of_language: pd.Series, of_label: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({c: of_language * share for c, share in of_label.items()})
