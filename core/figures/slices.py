"""A slice of the test set beside the whole, in words, as a figure and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.charts import slices as charts
from core.checkpoints.slices import Slice
from core.figures.figure import Figure, Table
from core.results.names import setups_in_order
from core.results.schema import Interval
from core.results.slices import CHANCE_DRAWS, SliceRow
from core.text import escaped, percent, signed

TITLES = {
    "accuracy": ("Accuracy", "accuracy − balanced"),
    "skew_uptake": ("Skew uptake", "skew uptake − balanced"),
    "soft_uptake": ("Soft uptake", "soft uptake − balanced"),
}
SELECTED = (
    "Its texts were chosen by what models of this study predict, so that these models differ on "
    "them by choice: read it as examples, not as a finding. Numbers on it carry no verdict."
)


def figures(study: str, chosen: Slice, rows: Sequence[SliceRow]) -> list[Figure]:
    """A figure a measure that was compared with balanced."""
    made = []
    for measure, (name, axis) in TITLES.items():
        compared = [r for r in rows if r["measure"] == measure and r["difference"] is not None]
        if not compared:
            continue
        order = setups_in_order(r["setup"] for r in compared)
        compared.sort(key=lambda r: order.index(r["setup"]))
        made.append(
            Figure(
                f"{study}-slice-{chosen.name}-{measure}",
                f"{name} on the slice {chosen.name}, minus balanced",
                [charts.differences(pd.DataFrame(map(_row, compared)), axis)],
                _caption(compared),
                "A point outside the grey band: on these texts the setup differs from balanced in "
                "another way than on texts of the same languages and labels at large. Inside: the "
                "slice is like any. The interval says whether it differs from balanced on the "
                "slice itself. Uptake is over the cells of the slice's languages.",
                reading(chosen, compared),
            )
        )
    return made


def _caption(rows: Sequence[SliceRow]) -> str:
    seeds = max(r["seeds"] for r in rows)
    text = (
        f"n = {rows[0]['n']:,} test texts of the slice, {seeds} seed{'s' * (seeds > 1)}. Bars: "
        f"95 % intervals. Grey strokes: the same setup on all test texts."
    )
    if rows[0]["chance"] is None:
        return f"{text} It has all texts of its languages and labels: none by chance differs."
    return (
        f"{text} Grey bands: 95 % of {CHANCE_DRAWS} slices by chance, with as many texts of each "
        "language and label."
    )


def reading(chosen: Slice, rows: Sequence[SliceRow]) -> str:
    """What the numbers of one measure say, as Markdown."""
    said = []
    for row in rows:
        if row["difference"] is None or row["whole"] is None:
            continue
        ends = "" if row["ci"] is None else f" [{_hundredths(row['ci'][0])}, "
        ends += "" if row["ci"] is None else f"{_hundredths(row['ci'][1])}]"
        text = f"{escaped(row['setup'])} **{_hundredths(row['difference'])}**{ends}"
        if not chosen.by_predictions:
            text += f", {row['verdict']}"
        text += f"; on the whole {_hundredths(row['whole'])}"
        if row["share_beyond"] is not None and not chosen.by_predictions:
            text += f", {percent(row['share_beyond'])} of slices by chance are as far off"
        said.append(text)
    return f"Hundredths, minus balanced: {'. '.join(said)}."


def table(study: str, chosen: Slice, rows: Sequence[SliceRow]) -> Table:
    """All numbers of a slice."""
    frame = pd.DataFrame(
        [
            {
                "measure": TITLES[r["measure"]][0],
                **_row(r),
                "value": r["value"],
                "verdict": "–" if chosen.by_predictions else r["verdict"],
                "slices by chance as far off": r["share_beyond"],
            }
            for r in rows
        ]
    )
    return Table(f"{study}-slice-{chosen.name}", f"The slice {chosen.name}, minus balanced", frame)


def _row(r: SliceRow) -> dict[str, Any]:
    """The numbers that figure and table share."""
    low, high = _ends(r["ci"])
    whole_low, whole_high = _ends(r["whole_ci"])
    chance_low, chance_high = _ends(r["chance"])
    return {
        "setup": r["setup"],
        "n": r["n"],
        "seeds": r["seeds"],
        "difference": r["difference"],
        "low": low,
        "high": high,
        "whole": r["whole"],
        "whole low": whole_low,
        "whole high": whole_high,
        "chance low": chance_low,
        "chance high": chance_high,
    }


def _ends(interval: Interval | None) -> tuple[float, float] | tuple[None, None]:
    return (None, None) if interval is None else (interval[0], interval[1])


def _hundredths(x: float) -> str:
    return f"{'+' if round(100 * x, 1) > 0 else ''}{signed(100 * x, 1)}"
