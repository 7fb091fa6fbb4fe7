"""Rows of the documents of core.results.attributions, out of what pairs of runs differ by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.measures.cumulative import (
    Differences,
    Measured,
    Value,
    cumulative,
    mean_of,
    means_of,
    sides,
    text_counts,
    token_counts,
)
from core.measures.decomposition import decomposition
from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences
from core.results.cross_fitted import Pair
from core.results.schema import OfSeeds, OverSeeds

SENTENCES, SEEDS = "other test sentences", "other seeds and other test sentences"
PLACES = {
    "rows": ("language", "label", "group"),
    "sides": ("label", "group", "side"),
    "decomposition": ("part",),
}
Found = dict[str, Measured[Any]]  # by kind, as in PLACES


@dataclass(frozen=True, eq=False)
class Design:
    """The study's skewed design: its deviation, and what its languages weigh."""

    deviation: pd.DataFrame
    weights: pd.Series


@dataclass(frozen=True, eq=False)
class Compared:
    """A pair of runs with its differences and measures, as in the paper and cross-fitted."""

    pair: Pair
    own: Differences
    crossed: Differences | None
    own_measures: Found
    crossed_measures: Found

    @property
    def names(self) -> dict[str, Any]:
        """What says which pair a row is of."""
        pair = self.pair
        return {"setup": pair.setup, "seed": pair.seed, "run": pair.run,
                "reference": pair.reference}  # fmt: skip


def compare(pair: Pair, threshold: float, design: Design | None, *, own_label: bool) -> Compared:
    """Differences and measures of a pair.

    Args:
        own_label: whether for a class only the texts count whose true label it is.
    """
    own, crossed = pair.as_in_the_paper(threshold), pair.crossed(threshold)
    if own_label:
        own, crossed = own.of_own_label(), crossed and crossed.of_own_label()
    measured = measures(own, design)
    return Compared(pair, own, crossed, measured, measures(crossed, design) if crossed else {})


def measures(differences: Differences, design: Design | None, *, draw: bool = True) -> Found:
    """Cumulative differences, their sides and the decomposition, as far as they are defined."""
    means = means_of(differences, draw=draw)
    found: Found = {"rows": cumulative(means)}
    if design is not None:
        found["sides"] = sides(means, design.deviation)
        if not differences.own_label:  # the soft uptake is of all texts
            found["decomposition"] = decomposition(means, design.deviation, design.weights)
    return found


def spread(between: Sequence[Differences], design: Design | None) -> dict[str, dict[Any, float]]:
    """By kind and name, the root mean square over pairs of reference runs; maybe nothing."""
    if not between:
        return {}
    each = [measures(differences, design, draw=False) for differences in between]
    found = {}
    for kind, first in each[0].items():
        sizes = np.sqrt(np.mean([one[kind].drawn[0] ** 2 for one in each], axis=0))
        found[kind] = dict(zip(first.names, sizes.tolist(), strict=True))
    return found


def of_seeds(
    compared: Sequence[Compared],
    noise: Mapping[str, Mapping[Any, float]],
    represented: Mapping[tuple[str, str], float],
) -> OfSeeds:
    """Rows by kind: one a pair of runs and place, with intervals over test sentences."""
    kinds: dict[str, list[Any]] = {kind: [] for kind in PLACES}
    for one in compared:
        counts = _Counts(one, represented)
        for kind, measured in one.own_measures.items():
            crossed = one.crossed_measures.get(kind)
            of_crossed = crossed.values() if crossed is not None else {}
            for name, value in measured.values().items():
                row = {
                    **one.names,
                    **_place(kind, name),
                    **_named("mean", "ci", value),
                    **_named("crossed", "crossed_ci", of_crossed.get(name)),
                    "between_balanced": noise.get(kind, {}).get(name),
                }
                kinds[kind].append({**row, **counts.of(kind, row)})
    rows, sides, decomposition = kinds.values()
    return {"rows": rows, "sides": sides, "decomposition": decomposition}


def over_seeds(
    compared: Sequence[Compared],
    noise: Mapping[str, Mapping[Any, float]],
    represented: Mapping[tuple[str, str], float],
) -> OverSeeds:
    """Rows by kind: one a setup and place, the mean over seeds where there are three or more."""
    kinds: dict[str, list[Any]] = {kind: [] for kind in PLACES}
    for setup in dict.fromkeys(one.pair.setup for one in compared):
        members = [one for one in compared if one.pair.setup == setup]
        if len(members) < FEWEST_SEEDS:
            continue
        counts = [_Counts(one, represented) for one in members]
        for kind in members[0].own_measures:
            own = estimates([one.own_measures[kind] for one in members], same_texts(members))
            crossed = {}
            if all(one.crossed is not None for one in members):
                crossed = estimates([one.crossed_measures[kind] for one in members], same=True)
            for name in members[0].own_measures[kind].names:
                row = {
                    "setup": setup,
                    **_place(kind, name),
                    "n_seeds": len(members),
                    "covers": SEEDS,
                    **_estimated("mean", "ci", "p", own.get(name)),
                    **_estimated("crossed", "crossed_ci", "crossed_p", crossed.get(name)),
                    "between_balanced": noise.get(kind, {}).get(name),
                }
                kinds[kind].append({**row, **_mean([each.of(kind, row) for each in counts])})
    rows, sides, decomposition = kinds.values()
    return {"rows": rows, "sides": sides, "decomposition": decomposition}


def same_texts(members: Sequence[Compared]) -> bool:
    """Whether seeds are compared on the same texts in the groups of the paper."""
    first = members[0].own.rows["row"]
    return all(one.own.rows["row"].equals(first) for one in members[1:])


def estimates(measured: Sequence[Measured[Any]], same: bool) -> dict[Any, dict[str, float]]:
    """Means over three or more seeds: `value`, `low`, `high` and `p` by name.

    Args:
        same: whether all are of the same texts; if not, the interval is over seeds alone.
    """
    names = measured[0].names
    # A language that one seed lacks has no mean over seeds.
    kept = [i for i, name in enumerate(names) if all(name in each.names for each in measured)]
    columns = [[each.names.index(names[i]) for i in kept] for each in measured]
    values = np.stack([m.drawn[0, at] for m, at in zip(measured, columns, strict=True)])
    found = seeds_and_sentences(values, mean_of(measured).drawn[1:] if same else None)
    return {
        names[i]: {"value": found.value[k], "low": found.low[k], "high": found.high[k],
                   "p": found.p[k]}
        for k, i in enumerate(kept)
    }  # fmt: skip


class _Counts:
    """Numbers of texts and tokens behind the rows of a pair."""

    def __init__(self, one: Compared, represented: Mapping[tuple[str, str], float]) -> None:
        self.represented = represented
        self.texts = text_counts(one.own)
        self.all_texts = len(one.own.rows)
        self.tokens = token_counts(one.own)
        self.crossed = token_counts(one.crossed) if one.crossed is not None else {}

    def of(self, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """`n_texts`; of a language `side`, and tokens in the group and the mean a token too."""
        if kind == "decomposition":
            return {"n_texts": self.all_texts}
        if kind == "sides":
            return {
                "n_texts": sum(n for (_, label), n in self.texts.items() if label == row["label"])
            }
        cell = (row["language"], row["label"])
        n_texts, place = self.texts.get(cell, 0), (*cell, row["group"])
        own, crossed = self.tokens.get(place), self.crossed.get(place)
        return {
            "side": side(self.represented.get(cell, 0.0)),
            "n_texts": n_texts,
            "n_tokens": None if own is None else round(own),
            "crossed_tokens": crossed,
            "per_token": _per_token(row["mean"], n_texts, own),
            "crossed_per_token": _per_token(row["crossed"], n_texts, crossed),
        }


def _per_token(value: float | None, texts: int, tokens: float | None) -> float | None:
    return value * texts / tokens if tokens and value is not None else None


def _mean(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of several seeds as their mean; what is no number is the first's."""
    found = {}
    for name, first in counts[0].items():
        values = [each[name] for each in counts]
        plain = isinstance(first, str) or None in values
        found[name] = first if plain or len(set(values)) == 1 else float(np.mean(values))
    return found


def _place(kind: str, name: Any) -> dict[str, Any]:
    return dict(zip(PLACES[kind], name if isinstance(name, tuple) else (name,), strict=True))


def _named(name: str, ends: str, value: Value | None) -> dict[str, Any]:
    if value is None or np.isnan(value.value):
        return {name: None, ends: None}
    return {name: value.value, ends: None if np.isnan(value.low) else [value.low, value.high]}


def _estimated(name: str, ends: str, p: str, found: Mapping[str, float] | None) -> dict[str, Any]:
    if found is None or np.isnan(found["value"]):
        return {name: None, ends: None, p: None}
    return {
        name: float(found["value"]),
        ends: [float(found["low"]), float(found["high"])],
        p: float(found["p"]),
    }


def side(deviation: float) -> str | None:
    """Whether a class is over- or under-represented in a language; None where it is neither."""
    return "over" if deviation > 1e-9 else "under" if deviation < -1e-9 else None
