"""A measure of several runs by setup: means over seeds with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences
from core.results.names import SETUP_ORDER, setup_name

Runs = list[dict[str, Any]]


def over_seeds(runs: Runs, key: str) -> pd.DataFrame:
    """A measure of runs by setup: `setup`, `value` (mean), `low`, `high`, `seeds`.

    From three seeds on the interval is a t-interval over them, on the test sentences as they are.
    Else it is the run's own over test sentences; of two runs the union of theirs.

    Args:
        key: of the measure in a run; its interval, where it has one, is under `<key>_ci`.
    """
    rows = []
    for setup in dict.fromkeys(setup_name(run) for run in runs):
        of_setup = [r for r in runs if setup_name(r) == setup and r.get(key) is not None]
        if not of_setup:
            continue
        values = np.array([run[key] for run in of_setup])
        ends = [run[f"{key}_ci"] for run in of_setup if run.get(f"{key}_ci")]
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
    order = {setup: i for i, setup in enumerate(SETUP_ORDER)}
    return frame.sort_values("setup", key=lambda s: s.map(order), kind="stable", ignore_index=True)
