"""Cards: a measure over the setups of a study with its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.config import BALANCED
from core.measures.intervals import FEWEST_SEEDS
from core.results.names import setup_name
from core.results.schema import ComparisonResults, RunResults, StudyResults
from core.results.seeds import Measure, in_order, over_seeds, value_of

Runs = Sequence[RunResults]
Compared = dict[str, ComparisonResults]  # by setup, from `minus_balanced`


@dataclass(frozen=True)
class Card:
    """One measure over the setups of a study.

    Attributes:
        name: key of the measure.
        title: says what is shown.
        axis: title of the axis, with the unit.
        setups: a setup a row: `setup`, `value` (mean over seeds), `low`, `high`, `seeds`.
        runs: a run, or a seed's difference, a row: `setup`, `seed`, `value`.
        sentence: what the numbers say, as Markdown.
        caption: n, and what the intervals cover.
        how: how to read it, with the section of the paper.
        zero: the axis has a line at 0.
        percent: the axis is in per cent.
        noise: how far two balanced models lie apart on average, drawn as a band about 0, and how
            many there are.
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
    percent: bool = False
    noise: tuple[float, int] | None = None


def minus_balanced(document: StudyResults, measure: str) -> Compared:
    """By setup, the comparison with the balanced runs of the same seeds and the same loss.

    Args:
        measure: key in its comparisons.
    """
    return {
        c["a"]: c for c in document["comparisons"] if c["measure"] == measure and c["b"] in BALANCED
    }


def covered(apart: Compared) -> str:
    """What the intervals of differences cover, for a caption.

    Args:
        apart: from `minus_balanced`; one or more.
    """
    first = max(apart.values(), key=lambda c: c["n_seeds"])
    if first["ci"] is None:
        return "no interval of the difference and no verdict: one value a run, under three seeds"
    text = f"95 % intervals of differences from balanced cover {first['covers']}"
    if first["verdict"] == "no verdict":
        text += "; other seeds were not tried, so that there is no verdict (three seeds or more)"
    return text


def card(
    runs: Runs, measure: Measure, sentence: Callable[[dict[str, float]], str], **more: Any
) -> Card:
    """A card of a measure as it is.

    Args:
        runs: finished ones; one or more have the measure.
        measure: its key is the card's name.
        sentence: from the mean of each setup to what it says.
        more: `n` (what is counted, in words), `covers` (what the intervals cover, where it is not
            as usual), and fields of Card.
    """
    setups = over_seeds(runs, measure)
    single = pd.DataFrame(
        [
            {"setup": setup_name(r), "seed": r["seed"], "value": value}
            for r in runs
            if (value := value_of(r, measure)[0]) is not None
        ]
    )
    several = int(setups["seeds"].max())
    covers = "Bars: 95 % intervals over test sentences, one training each"
    if several >= FEWEST_SEEDS:
        covers = f"Dots: seeds. Bars: 95 % t-intervals over {several} seeds, on these sentences"
    elif several == 2:
        covers = "Dots: seeds. Bars: from the lowest to the highest end of the two seeds' intervals"
    return Card(
        name=measure,
        setups=setups,
        runs=single,
        sentence=sentence(dict(zip(setups["setup"], setups["value"], strict=True))),
        caption=f"{more.pop('covers', covers)}; {more.pop('n')}.",
        **more,
    )


def difference_card(
    runs: Runs,
    measure: Measure,
    apart: Compared,
    sentence: str,
    *,
    title: str,
    axis: str,
    n: str,
    how: str,
    percent: bool = False,
    noise: tuple[float, int] | None = None,
) -> Card:
    """A card of a measure minus balanced, paired by seed.

    Args:
        runs: finished ones that have the measure.
        measure: its key is the card's name.
        apart: from `minus_balanced`; one or more.
        n: what is counted, in words.
        sentence, title, axis, how, percent, noise: fields of Card.
    """
    rows = []
    for a, c in apart.items():
        low, high = c["ci"] or (None, None)
        row = {"setup": a, "value": c["difference"], "low": low, "high": high}
        rows.append({**row, "seeds": c["n_seeds"]})
    setups = in_order(rows)
    by_seed = {
        (r["setup"], r["seed"]): value
        for r in runs
        if (value := value_of(r, measure)[0]) is not None
    }
    single = [
        {"setup": a, "seed": seed, "value": value - by_seed[c["b"], seed]}
        for a, c in apart.items()
        for (setup, seed), value in by_seed.items()
        if setup == a and (c["b"], seed) in by_seed
    ]
    dots = "Dots: seeds. " if setups["seeds"].max() > 1 else ""
    band = ""
    if noise is not None:
        band = (
            "Grey band: how far two balanced models, which differ by their seed alone, lie apart "
            f"on average ({noise[1]} models). "
        )
    return Card(
        name=measure,
        title=title,
        axis=axis,
        setups=setups,
        runs=pd.DataFrame(single, columns=["setup", "seed", "value"]),
        sentence=sentence,
        caption=f"{dots}{band}{covered(apart)}; {n}.",
        how=how,
        zero=True,
        percent=percent,
        noise=noise,
    )
