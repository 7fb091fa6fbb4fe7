"""The curve of language reliance of a study's setups, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.measures.cumulative import Measured, mean_of
from core.measures.intervals import FEWEST_SEEDS
from core.measures.language_reliance import BASE, TOKENS, TOTAL, carried, neutral_shares, shares
from core.results.attribution_rows import SEEDS, SENTENCES, Design, estimates
from core.results.cross_fitted import Pair
from core.results.schema import RelianceRow

# Those that the pages offer for the token groups, and between them.
THRESHOLDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1)


def curve(pairs: Sequence[Pair], design: Design, standard_error: float | None) -> list[RelianceRow]:
    """Rows of `attributions.reliance_curve`; the standard error is of a value."""
    rows = []
    for setup in dict.fromkeys(pair.setup for pair in pairs):
        members = [pair for pair in pairs if pair.setup == setup]
        rows += _of_setup(setup, members, design, standard_error)
    return rows


def _of_setup(
    setup: str, members: Sequence[Pair], design: Design, standard_error: float | None
) -> list[RelianceRow]:
    given = [pair.neutral((*THRESHOLDS, np.inf)) for pair in members]
    crossed = all(pair.common is not None for pair in members)
    first = given[0].rows["row"]
    same = all(each.rows["row"].equals(first) for each in given)
    each = [carried(one, THRESHOLDS, design.deviation, design.weights) for one in given]
    enough = len(members) >= FEWEST_SEEDS
    if not enough and not same:  # no mean, draw by draw
        each = each[:1]
    found = _found(each, same)
    total = found[TOTAL]
    of_total: dict[Any, dict[str, float]] = {}
    if total["low"] > 0 or total["high"] < 0:
        value = np.array([found[name]["value"] for name in each[0].names])
        of_total = _found([shares(one, total["value"], value) for one in each], same)
    neutral = neutral_shares(given[: len(each)])
    return [
        {
            "threshold": threshold,
            "value": found[threshold]["value"],
            "ci": _ends(found[threshold]),
            "share": of_total[threshold]["value"] if of_total else None,
            "share_ci": _ends(of_total[threshold]) if of_total else None,
            "neutral_share_of_tokens": share,
            "setup": setup,
            "tokens": found[TOKENS]["value"],
            "tokens_ci": _ends(found[TOKENS]),
            "base": found[BASE]["value"],
            "base_ci": _ends(found[BASE]),
            "total": total["value"],
            "total_ci": _ends(total),
            "n_texts": len(given[0].rows),
            "n_seeds": len(each),
            "covers": SEEDS if enough else SENTENCES,
            "cross_fitted": crossed,
            "standard_error": standard_error,
        }
        for threshold, share in zip(THRESHOLDS, neutral, strict=True)
    ]


def _found(each: Sequence[Measured[Any]], same: bool) -> dict[Any, dict[str, float]]:
    """`value`, `low` and `high` by name of the mean over seeds."""
    if len(each) >= FEWEST_SEEDS:
        return estimates(each, same)
    return {name: value._asdict() for name, value in mean_of(each).values().items()}


def _ends(found: dict[str, float]) -> list[float]:
    return [float(found["low"]), float(found["high"])]
