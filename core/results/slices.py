"""What models do on a slice of the test set, beside the whole and beside slices by chance."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypedDict

import numpy as np
import pandas as pd

from core.checkpoints import outputs
from core.checkpoints.slices import Slice
from core.checkpoints.studies import Started
from core.config import BALANCED
from core.errors import InputError
from core.measures.accuracy import accuracy_totals
from core.measures.bootstrap import Totals
from core.measures.comparison import compare, holm
from core.measures.predictions import Predictions
from core.measures.skew_uptake import uptake_totals
from core.results.run_measures import skewed_design
from core.results.schema import ComparisonResults, Interval, StudyResults
from core.sampling.joint import deviation

MEASURES = ("accuracy", "skew_uptake", "soft_uptake")
CHANCE_DRAWS = 200


class SliceRow(TypedDict):
    """A measure of a setup on a slice."""

    setup: str
    measure: str  # of MEASURES
    n: int  # rows of the slice
    seeds: int
    value: float | None  # mean over seeds; None of uptake, which is read minus balanced
    difference: float | None  # minus balanced of the same seeds; None of balanced itself
    ci: Interval | None
    verdict: str  # differs, equivalent, cannot tell, no verdict
    whole: float | None  # the difference on all test rows
    whole_ci: Interval | None
    chance: Interval | None  # of 95 % of the slices by chance, of the same cells; None of a slice
    # that has all of its cells' rows, so that there is no other
    share_beyond: float | None  # of these slices that are as far from their mean as this one


def measured(study: Started, document: StudyResults, chosen: Slice) -> list[SliceRow]:
    """Accuracy and uptake on a slice, minus balanced, beside the whole and slices by chance.

    The whole's are the study's own comparisons.

    Uptake is over the cells of the languages that the slice has; which of its classes are frequent
    cancels in the difference from balanced. A slice by chance has as many rows of each language and
    label, drawn without replacement: what differs from them is not the slice's languages or labels.
    Verdicts are corrected (Holm) over the setups, by measure.

    Raises:
        InputError: no finished run has rows of the slice.
    """
    wanted = set(chosen.rows)
    skewed = skewed_design(study.configs)
    runs: dict[str, dict[int, Predictions]] = {}
    for member in study.finished:
        with suppress(InputError):  # summary says what is wrong with it
            found = outputs.read_predictions(member.run)
            runs.setdefault(member.setup, {})[member.seed] = found
    first = next((p for of in runs.values() for p in of.values()), None)
    inside = first.rows["row"].isin(wanted).to_numpy() if first is not None else np.zeros(0)
    if first is None or not inside.any():
        raise InputError(
            f"slice {chosen.name!r:.80} has {len(wanted)} rows, of which none is in the test set "
            "of a finished run. Choose its texts again."
        )
    drawn = by_chance(first.rows, inside)
    rows: list[SliceRow] = []
    for measure in MEASURES:
        if measure != "accuracy" and (skewed is None or not _skews(first, inside, skewed)):
            continue
        totals = {
            setup: {seed: _totals(p, first, measure, inside, skewed) for seed, p in of.items()}
            for setup, of in runs.items()
        }
        whole = {(c["a"], c["b"]): c for c in document["comparisons"] if c["measure"] == measure}
        rows += _rows(measure, totals, inside, drawn, whole)
    return rows


def by_chance(rows: pd.DataFrame, inside: np.ndarray, seed: int = 0) -> np.ndarray:
    """Slices with as many rows of each language and label: CHANCE_DRAWS x rows, of 0 and 1."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros((CHANCE_DRAWS, len(rows)), dtype=np.float32)
    for _, positions in rows.groupby(["language", "label"], sort=True).indices.items():
        n = int(inside[positions].sum())
        if n:
            order = rng.random((CHANCE_DRAWS, len(positions))).argsort(axis=1)[:, :n]
            np.put_along_axis(drawn, positions[order], 1.0, axis=1)
    return drawn


def _skews(rows: Predictions, inside: np.ndarray, skewed: pd.DataFrame) -> bool:
    """Whether the design skews a language of the slice."""
    languages = _languages(rows, inside)
    return bool((deviation(skewed).loc[languages].abs() > 1e-9).to_numpy().any())


def _languages(rows: Predictions, inside: np.ndarray) -> list[str]:
    there = set(rows.rows["language"][inside])
    return [language for language in rows.languages if language in there]


def _totals(
    found: Predictions,
    first: Predictions,
    measure: str,
    inside: np.ndarray,
    skewed: pd.DataFrame | None,
) -> Totals:
    """Of all rows, in the order of the first run's, over the languages of the slice."""
    at = pd.Index(found.rows["row"]).get_indexer(pd.Index(first.rows["row"]))
    if (at < 0).any():
        raise InputError("runs of this study have other test rows than its first; train them anew.")
    ordered = replace(
        found,
        rows=found.rows.iloc[at].reset_index(drop=True),
        probabilities=found.probabilities[at],
        weights=None if found.weights is None else found.weights[at],
    )
    if measure == "accuracy":
        return accuracy_totals(ordered)
    assert skewed is not None
    part = replace(ordered, languages=tuple(_languages(first, inside)))
    # A row of another language counts to none: `by_language` would count it to the last.
    other = ~part.rows["language"].isin(part.languages).to_numpy()
    totals = uptake_totals(part, skewed, soft=measure == "soft_uptake")
    return replace(totals, quantities=np.where(other[:, None], 0.0, totals.quantities))


def _rows(
    measure: str,
    totals: Mapping[str, Mapping[int, Totals]],
    inside: np.ndarray,
    drawn: np.ndarray,
    whole: Mapping[tuple[str, str], ComparisonResults],
) -> list[SliceRow]:
    def on(of: Mapping[int, Totals]) -> dict[int, Totals]:
        return {seed: _only(t, inside) for seed, t in of.items()}

    n = int(inside.sum())
    rows: list[SliceRow] = []
    compared = []
    for setup, of in totals.items():
        base = _read_against(setup, totals)
        values = [float(_only(t, inside).values[0]) for t in of.values()]
        row: SliceRow = {
            "setup": setup,
            "measure": measure,
            "n": n,
            "seeds": len(of),
            "value": float(np.mean(values)) if measure == "accuracy" else None,
            "difference": None,
            "ci": None,
            "verdict": "no verdict",
            "whole": None,
            "whole_ci": None,
            "chance": None,
            "share_beyond": None,
        }
        rows.append(row)
        common = set(of) & set(totals[base]) if base else set()
        if not base or not common:
            continue
        part = compare(setup, base, measure, on(of), on(totals[base]))
        all_rows = whole.get((setup, base))
        chance = _chance(of, totals[base], sorted(common), drawn)
        row |= {
            "seeds": len(common),
            "difference": part.difference,
            "ci": _interval(part.low, part.high),
            "whole": all_rows and all_rows["difference"],
            "whole_ci": all_rows and all_rows["ci"],
        }
        if (drawn != drawn[0]).any():
            distance = np.abs(chance - chance.mean())
            beyond = distance >= abs(part.difference - chance.mean()) - 1e-12
            row["chance"] = np.quantile(chance, [0.025, 0.975]).tolist()
            # The slice itself is one of them (Phipson and Smyth 2010).
            row["share_beyond"] = float((1 + beyond.sum()) / (1 + len(chance)))
        compared.append((row, part))
    for (row, _), judged in zip(compared, holm([c for _, c in compared]), strict=True):
        row["verdict"] = judged.verdict
    return rows


def _read_against(setup: str, totals: Mapping[str, object]) -> str | None:
    """The balanced setup that another is read against; None of balanced ones."""
    if setup in BALANCED:
        return None
    lossy = "balanced+entropy"
    wanted = lossy if setup.endswith("+entropy") and lossy in totals else "balanced"
    return wanted if wanted in totals else None


def _only(totals: Totals, inside: np.ndarray) -> Totals:
    return replace(
        totals,
        quantities=totals.quantities[inside],
        rows=totals.rows[inside],
        sentences=totals.sentences[inside],
    )


def _chance(
    a: Mapping[int, Totals], b: Mapping[int, Totals], seeds: list[int], drawn: np.ndarray
) -> np.ndarray:
    """The mean difference over seeds on each slice by chance."""

    def values(of: Totals) -> np.ndarray:
        return of.statistic(drawn @ of.quantities)[:, 0]

    found: np.ndarray = np.mean([values(a[s]) - values(b[s]) for s in seeds], axis=0)
    return found


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else [low, high]
