"""A measure of several runs by setup: means over seeds with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences
from core.results.names import setup_name, setups_in_order
from core.results.schema import Interval, RunResults

Measure = Literal["accuracy", "skew_uptake", "soft_uptake", "language_effect", "calibration", "knn"]


def value_of(run: RunResults, measure: Measure) -> tuple[float | None, Interval | None]:
    """A measure of a run with its interval; `knn` is the probe of the test set, which has none."""
    if measure == "accuracy":
        return run["accuracy"], run["accuracy_ci"]
    if measure == "skew_uptake":
        return run["skew_uptake"], run["skew_uptake_ci"]
    if measure == "soft_uptake":
        return run["soft_uptake"], run["soft_uptake_ci"]
    if measure == "language_effect":
        return run["language_effect"], run["language_effect_ci"]
    if measure == "calibration":
        error = run["calibration"]["all"]
        return error["rms"], error["rms_ci"]
    probe = run["probe"].get("original")
    return probe and probe["knn"], None


def over_seeds(runs: Sequence[RunResults], measure: Measure) -> pd.DataFrame:
    """A measure of runs by setup: `setup`, `value` (mean), `low`, `high`, `seeds`.

    From three seeds on the interval is a t-interval over them, on the test sentences as they are.
    Else it is the run's own over test sentences; of two runs the union of theirs.
    """
    rows = []
    for setup in dict.fromkeys(setup_name(run) for run in runs):
        of_setup = [value_of(run, measure) for run in runs if setup_name(run) == setup]
        values = np.array([value for value, _ in of_setup if value is not None])
        if not len(values):
            continue
        ends = [ci for value, ci in of_setup if value is not None and ci]
        low = high = None
        if len(values) >= FEWEST_SEEDS:
            estimate = seeds_and_sentences(values[:, None], None)
            low, high = float(estimate.low[0]), float(estimate.high[0])
        elif ends:
            low, high = min(e[0] for e in ends), max(e[1] for e in ends)
        rows.append(
            {"setup": setup, "value": values.mean(), "low": low, "high": high, "seeds": len(values)}
        )
    return in_order(rows)


def in_order(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Setups as a table, in the order shown."""
    frame = pd.DataFrame(rows, columns=["setup", "value", "low", "high", "seeds"])
    order = {setup: i for i, setup in enumerate(setups_in_order(frame["setup"]))}
    return frame.sort_values("setup", key=lambda s: s.map(order), kind="stable", ignore_index=True)


def noise(runs: Sequence[RunResults], measure: Measure) -> tuple[float, int] | None:
    """How far two balanced models, which differ by their seed alone, lie apart on average.

    Returns:
        The mean absolute difference over all pairs of balanced runs (nulls among them) that have
        the measure, and how many models they are; None below two.
    """
    values = [
        value
        for run in runs
        if run["setup"] == "balanced" and (value := value_of(run, measure)[0]) is not None
    ]
    if len(values) < 2:
        return None
    apart = np.abs(np.subtract.outer(values, values))
    return float(apart.sum() / (len(values) * (len(values) - 1))), len(values)
