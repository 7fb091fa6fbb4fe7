"""The audit's expected cost of a skew beside what trained models had.

The powers by which predictions are tilted (core/audit/expected.py) are measured on studies, and
tell others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np
import pandas as pd

from core.audit.expected import MEASURED, Expected, Measured, curve, expected, from_accuracy
from core.checkpoints import outputs
from core.checkpoints.studies import Started, read_started
from core.errors import InputError
from core.measures.accuracy import accuracy_totals
from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences
from core.measures.predictions import Predictions
from core.measures.skew_uptake import uptake_totals
from core.results.run_measures import skewed_design
from core.sampling.designs import design_shares
from core.studies.grid import Grid

# Powers that are tried; between them it is linear.
OVER = np.round(np.arange(0, 4.001, 0.05), 2).tolist()
Part = Literal["accuracy_change", "skew_uptake", "soft_uptake"]
PARTS: tuple[Part, ...] = ("accuracy_change", "skew_uptake", "soft_uptake")


@dataclass(frozen=True, eq=False)
class Trained:
    """What models of a study predict, by seed.

    Attributes:
        balanced, imbalanced: predictions of the runs of one seed each, in the same order; one or
            more.
        skewed: joint distribution that the imbalanced ones are trained on, languages x labels.
        target: joint distribution of the test set, as weighted.
        rows: of the training set.
    """

    balanced: Sequence[Predictions]
    imbalanced: Sequence[Predictions]
    skewed: pd.DataFrame
    target: pd.DataFrame
    rows: int

    @property
    def changes(self) -> np.ndarray:
        """Imbalanced minus balanced, seeds x PARTS."""
        pairs = zip(self.imbalanced, self.balanced, strict=True)
        return np.array([self._values(a) - self._values(b) for a, b in pairs])

    def _values(self, of: Predictions) -> np.ndarray:
        uptakes = [uptake_totals(of, self.skewed, soft=soft).values[0] for soft in (False, True)]
        return np.array([accuracy_totals(of).values[0], *uptakes])


def trained(study: Started) -> Trained | None:
    """The predictions of a study; None without a skew, or a seed that both setups have.

    Raises:
        InputError: a file of a run does not read.
    """
    skewed = skewed_design(study.configs)
    runs = {(m.setup, m.seed): m.run for m in study.finished}
    seeds = [s for setup, s in sorted(runs) if setup == "imbalanced" and ("balanced", s) in runs]
    if skewed is None or not seeds:
        return None
    balanced, imbalanced = (
        [outputs.read_predictions(runs[setup, seed]) for seed in seeds]
        for setup in ("balanced", "imbalanced")
    )
    config = study.config_of(runs["imbalanced", seeds[0]])
    target = config.target_table()
    if target is None:
        target = design_shares("uniform", list(skewed.index), list(skewed.columns))
    return Trained(balanced, imbalanced, skewed, target, config.rows("train"))


def powers(found: Trained, source: str) -> Measured:
    """The powers that give the uptakes that a study's models have, one a seed."""
    hard, soft = [], []
    for one, change in zip(found.balanced, found.changes, strict=True):
        told = curve(one, found.skewed, OVER, found.rows)
        hard.append(power(told, "skew_uptake", change[1]))
        soft.append(power(told, "soft_uptake", change[2]))
    return Measured(source, tuple(hard), tuple(soft))


def power(told: pd.DataFrame, column: str, change: float) -> float:
    """At which a curve of core/audit/expected.py has this change of an uptake; two digits."""
    return round(float(np.interp(change, told[column], told.index)), 2)


class CheckRow(TypedDict):
    """What a point of a grid had, beside what the audit tells of it."""

    study: str
    strength: float
    size: int  # rows of the training set, all languages together
    encoder: str
    measure: str  # of PARTS; imbalanced minus balanced, mean over seeds
    told_from: str  # `balanced models`, or their `accuracy` alone
    observed: float
    observed_ci: list[float] | None  # 95 %, over seeds; None below three
    value: float  # as told
    low: float
    high: float
    inside: bool  # whether what was observed lies in the range that is told
    contradicted: bool | None  # whether its interval has nothing of that range; None without one


def check(grid: Grid, fit: Collection[float] = ()) -> list[CheckRow]:
    """Each point of a grid beside what the audit tells of it.

    Args:
        fit: strengths at which the powers are measured; the points at the others are told by them,
            and they alone. Without: all points, by the audit's own powers.

    Raises:
        InputError: nothing is trained at `fit`, or a file of a run does not read.
    """
    found: list[tuple[str, float, str, Trained]] = []
    for point in grid.points():
        try:
            of = trained(read_started(point.name))
        except InputError:  # `dose` says what is missing
            continue
        if of is not None:
            found.append((point.name, point.strength, point.encoder, of))
    known: Sequence[Measured] = MEASURED
    if fit:
        known = [powers(of, name) for name, strength, _, of in found if strength in fit]
        if not known:
            have = ", ".join(f"{s:g}" for s in dict.fromkeys(s for _, s, _, _ in found)) or "none"
            raise InputError(
                f"grid {grid.name} has nothing trained at strength "
                f"{', '.join(f'{s:g}' for s in fit)}; it has {have}. Name some of these."
            )
    rows: list[CheckRow] = []
    for name, strength, encoder, of in found:
        if strength in fit:
            continue
        told = expected(of.balanced, of.skewed, of.rows, known)
        blind = from_accuracy(told["accuracy"], of.skewed, of.target, of.rows, known)
        for source, document in (("balanced models", told), ("accuracy", blind)):
            rows += _rows(name, strength, encoder, of, source, document)
    return rows


def _rows(
    name: str, strength: float, encoder: str, of: Trained, source: str, told: Expected
) -> list[CheckRow]:
    rows: list[CheckRow] = []
    enough = len(of.changes) >= FEWEST_SEEDS
    over = seeds_and_sentences(of.changes, None) if enough else None
    for i, measure in enumerate(PARTS):
        part, observed = told[measure], of.changes[:, i].mean()
        ci = [float(over.low[i]), float(over.high[i])] if over else None
        rows.append(
            {
                "study": name,
                "strength": strength,
                "size": of.rows,
                "encoder": encoder,
                "measure": measure,
                "told_from": source,
                "observed": float(observed),
                "observed_ci": ci,
                **part,
                "inside": bool(part["low"] <= observed <= part["high"]),
                "contradicted": None if ci is None else part["high"] < ci[0] or ci[1] < part["low"],
            }
        )
    return rows
