"""Language reliance: the change of the soft uptake that neutral tokens carry, over thresholds.

Which tokens are neutral is a threshold on their value in a balanced model, and what they carry
depends on it: a few hundredths of the change where hardly a token is neutral, all of it where all
are. So it is a curve, cross-fitted as all token groups. Below the standard error of a value the
threshold cuts noise. If the change is spread over tokens whatever they mean, the neutral ones'
share of it is their share of the tokens; above that, they carry more than their number.

Two definitions without a threshold were considered and are no better. The intercept of a regression
of the change on the balanced model's value, by language and class, gives all of the change to
language whatever happened: values of the balanced model hardly lean on the design, so that no
slope on them can carry a part of the uptake. The attribution on tokens that identify the language
is all attribution where languages have their own words or scripts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.measures.cumulative import Differences, Measured, means_of
from core.measures.decomposition import projection

TOKENS, BASE, TOTAL = "tokens", "base", "total"


def carried(
    differences: Differences,
    thresholds: Sequence[float],
    deviation: pd.DataFrame,
    weights: pd.Series | None = None,
) -> Measured[float | str]:
    """Parts of the change of the soft uptake: by threshold what neutral tokens carry, and `tokens`
    (all of them), `base`, which depends on the number of tokens alone, and `total`.

    Args:
        differences: `parts` are texts x classes x (thresholds, all tokens, base).
        deviation, weights: as in `decomposition`.

    Raises:
        ValueError: the design is not skewed.
    """
    cells = projection(deviation, differences.languages, differences.labels, weights)
    place = pd.Index(differences.languages).get_indexer(pd.Index(differences.rows["language"]))
    given = np.concatenate([differences.parts, differences.outputs[..., None]], axis=-1)
    # Classes are added up text by text: far fewer columns to resample.
    each = np.einsum("nc,ncp->np", cells[place], given)[:, None]
    one_class = Differences(
        differences.rows,
        ("",),
        differences.languages,
        each[..., :-1],
        differences.tokens,
        each[..., -1],
    )
    drawn = means_of(one_class).drawn.sum(axis=1)[:, 0]
    return Measured((*thresholds, TOKENS, BASE, TOTAL), drawn)


def shares(
    carried: Measured[float | str], total: float, value: np.ndarray
) -> Measured[float | str]:
    """Each part over the total; near the given values, where that is linear (delta method).

    Args:
        total: of the mean over seeds; apart from 0.
        value: the parts of the mean over seeds, k.
    """
    ratio = value / total
    of_total = carried.drawn[:, [carried.names.index(TOTAL)]]
    return Measured(carried.names, ratio + (carried.drawn - ratio * of_total) / total)


def neutral_shares(differences: Sequence[Differences]) -> list[float]:
    """Share of the tokens that are neutral at each threshold, over texts, classes and seeds.

    Args:
        differences: as in `carried`.
    """
    counts = np.sum([each.tokens.sum(axis=(0, 1)) for each in differences], axis=0)
    return [float(n) for n in counts[:-1] / max(counts[-1], 1.0)]
