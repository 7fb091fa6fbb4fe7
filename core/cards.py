"""Measures over the setups of a study: means over seeds with intervals, and cards to show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from core.charts.palette import SETUP_COLOURS, setup_name
from core.measures.bootstrap import LEVEL
from core.measures.compare import FEWEST_SEEDS

Runs = list[dict[str, Any]]


@dataclass(frozen=True)
class Card:
    """One measure over the setups of a study.

    Attributes:
        name: key of the measure.
        title: says what is shown.
        axis: title of the axis, with the unit.
        setups: a setup a row: `setup`, `value` (mean over seeds), `low`, `high`, `seeds`.
        runs: a run a row: `setup`, `seed`, `value`.
        sentence: what the numbers say, as Markdown.
        caption: n, and what the intervals cover.
        how: how to read it, with the section of the paper.
        zero: the axis has a line at 0.
    """

    name: str
    title: str
    axis: str
    setups: pd.DataFrame
    runs: pd.DataFrame
    sentence: str
    caption: str
    how: str
    zero: bool = False


def over_seeds(runs: Runs, key: str) -> pd.DataFrame:
    """A measure of runs by setup: `setup`, `value` (mean), `low`, `high`, `seeds`.

    From three seeds on the interval is a t-interval over them. Else it is the run's own over test
    sentences; of two runs the union of theirs.

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
            error = values.std(ddof=1) / len(values) ** 0.5
            half = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2)) * error
            low, high = values.mean() - half, values.mean() + half
        elif ends:
            low, high = min(e[0] for e in ends), max(e[1] for e in ends)
        rows.append(
            {"setup": setup, "value": values.mean(), "low": low, "high": high, "seeds": len(values)}
        )
    frame = pd.DataFrame(rows, columns=["setup", "value", "low", "high", "seeds"])
    order = {setup: i for i, setup in enumerate(SETUP_COLOURS)}
    return frame.sort_values("setup", key=lambda s: s.map(order), kind="stable", ignore_index=True)


def card(runs: Runs, key: str, sentence: Callable[[dict[str, float]], str], **more: Any) -> Card:
    """A card of a measure.

    Args:
        runs: finished ones; one or more have the measure.
        key: of the measure in a run.
        sentence: from the mean of each setup to what it says.
        more: `n` (what is counted, in words), `covers` (what the intervals cover, where it is not
            as usual), and fields of Card.
    """
    setups = over_seeds(runs, key)
    single = pd.DataFrame(
        [
            {"setup": setup_name(r), "seed": r["seed"], "value": r[key]}
            for r in runs
            if r.get(key) is not None
        ]
    )
    several = int(setups["seeds"].max())
    covers = "95 % intervals over test sentences, one training each"
    if several >= FEWEST_SEEDS:
        covers = f"Dots: seeds. 95 % t-intervals over {several} seeds"
    elif several == 2:
        covers = "Dots: seeds. Bars: from the lowest to the highest end of the two seeds' intervals"
    return Card(
        name=key,
        setups=setups,
        runs=single,
        sentence=sentence(dict(zip(setups["setup"], setups["value"], strict=True))),
        caption=f"{more.pop('covers', covers)}; {more.pop('n')}.",
        **more,
    )
