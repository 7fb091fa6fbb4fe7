"""Designs: the joint distributions that a training set can be given.

Tables here are pandas DataFrames, languages down, labels across, in the corpus's orders.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.errors import InputError
from core.sampling import joint

_ROUNDING = 1e-9
DESIGNS = ("uniform", "linear", "natural", "independent")
# Paper, Table 1a: shares rise over the labels for the first group and fall for the second.
PAPER_GROUPS: joint.Groups = (("fr", "es", "ja"), ("de", "en", "zh"))


def default_groups(languages: Sequence[str]) -> joint.Groups:
    """The paper's groups, for as many of their languages as there are."""
    rising, falling = (tuple(x for x in group if x in languages) for group in PAPER_GROUPS)
    return rising, falling


def design_shares(
    design: str | Mapping[str, Mapping[str, float]],
    languages: Sequence[str],
    labels: Sequence[str],
    groups: joint.Groups | None = None,
    natural: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The target joint distribution of a design; sums to 1.

    Args:
        design: `uniform`, `linear` (paper, Tables 1a and 1b: shares 1..C over the labels in their
            order for the first group of languages, C..1 for the second; the larger group's shares
            are drawn towards even ones, so that the labels stay even over all), `natural` (the
            corpus's own counts), `independent` (the product of their marginals: natural without the
            skew), or a table language -> label -> share (any scale: it is normalised as a whole).
        groups: for `linear`; the paper's by default. Each language stands in exactly one.
        natural: counts of the training split, for `natural` and `independent`.

    Raises:
        InputError: an unknown design, or a language or label that is missing or too much.
    """
    shares = pd.DataFrame(1.0, index=list(languages), columns=list(labels))
    if isinstance(design, Mapping):
        shares = _own_table(design, languages, labels)
    elif design == "linear":
        groups = groups or default_groups(languages)
        named = [*groups[0], *groups[1]]
        if sorted(named) != sorted(languages) or not groups[0] or not groups[1]:
            raise InputError(
                f"design 'linear' needs every language in exactly one of two groups; groups are "
                f"{list(groups[0])} and {list(groups[1])}, languages are {list(languages)}. "
                "Set groups = [[...], [...]] in the study: shares rise over the labels in the "
                "first and fall in the second."
            )
        for language in languages:
            shares.loc[language] = _linear(language, len(labels), groups)
    elif design in ("natural", "independent"):
        if natural is None:
            raise InputError(f"design '{design}' needs the corpus's own counts.")
        shares = natural.astype(float)
        shares = independent(shares) if design == "independent" else shares
    elif design != "uniform":
        raise InputError(
            f"unknown design {design!r}; known are {', '.join(DESIGNS)}, or a table "
            "language -> label -> share."
        )
    return shares / shares.to_numpy().sum()


def independent(shares: pd.DataFrame) -> pd.DataFrame:
    """The product of a joint distribution's marginals: its balanced counterpart.

    Of all distributions without skew it shares the most rows with natural marginals; where these
    are even it is the uniform one. Same scale for any scale of the shares: it sums to 1.
    """
    whole = shares / shares.to_numpy().sum()
    product = np.outer(whole.sum(axis=1), whole.sum(axis=0))
    return pd.DataFrame(product, index=shares.index, columns=shares.columns)


def strengthened(balanced: pd.DataFrame, skewed: pd.DataFrame, strength: float) -> pd.DataFrame:
    """Between two designs, or beyond: (1 - strength) x balanced + strength x skewed; sums to 1.

    With the same marginals in both they stay as they are, and the deviation from independence is
    `strength` times that of `skewed`.

    Args:
        balanced, skewed: joint distributions of the same languages and labels.
        strength: 0 or more; 0 is `balanced`, 1 is `skewed` to the last bit.

    Raises:
        InputError: a cell would be negative; names it, and the largest strength that works. Of
            `linear` with C labels and groups of one size this is (C + 1) / (C - 1).
    """
    if strength == 1:
        return skewed
    shares = (1 - strength) * balanced + strength * skewed
    if shares.to_numpy().min() < -_ROUNDING:
        language, label = shares.stack().idxmin()
        fall = balanced - skewed
        most = float((balanced / fall.where(fall > 0)).min().min())
        raise InputError(
            f"strength is {strength:g}, which gives ({language}, {label}) a share of "
            f"{shares.loc[language, label]:.3g} of all rows; a share is 0 or more. With this "
            f"design the largest strength is {math.floor(most * 1000 + _ROUNDING) / 1000:g}."
        )
    return shares.clip(lower=0.0)


def _linear(language: str, n_labels: int, groups: joint.Groups) -> np.ndarray:
    """Shares of a language in `linear`: 1..C or C..1; nearer to even in the larger group.

    By as much as makes both marginals even, as the paper's are (section 2.1).
    """
    rising = np.arange(1.0, n_labels + 1)
    own, other = groups if language in groups[0] else groups[::-1]
    shares = rising if language in groups[0] else rising[::-1]
    even = rising.mean()
    return shares if len(own) <= len(other) else even + len(other) / len(own) * (shares - even)


def _own_table(
    design: Mapping[str, Mapping[str, float]], languages: Sequence[str], labels: Sequence[str]
) -> pd.DataFrame:
    if set(design) != set(languages):
        raise InputError(
            f"the design's table names the languages {', '.join(design)}; the corpus has "
            f"{', '.join(languages)}. Give each of them once."
        )
    for language, row in design.items():
        if not isinstance(row, Mapping) or set(row) != set(labels):
            found = ", ".join(row) if isinstance(row, Mapping) else repr(row)
            raise InputError(
                f"the design's row {language} names the labels {found}; the corpus has "
                f"{', '.join(labels)}. Give each of them a share."
            )
    for language in languages:
        for label in labels:
            share: object = design[language][label]
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not share >= 0:
                raise InputError(
                    f"the design's share of ({language}, {label}) is {share!r}; expected a number "
                    "of 0 or more."
                )
    table = pd.DataFrame(design).T.loc[list(languages), list(labels)]
    if (table.sum(axis=1) == 0).any():
        raise InputError("the design's table has a language without any share above 0.")
    return table.astype(float)
