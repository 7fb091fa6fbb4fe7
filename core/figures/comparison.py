"""The comparison of two runs or setups: a figure, and sentences."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from core.charts import comparison as charts
from core.figures.figure import Figure, Table
from core.results import comparison_tables
from core.results.comparison_tables import verdict
from core.results.schema import ComparisonResults
from core.text import escaped, signed

# What stands wherever verdicts do.
NO_VERDICT = (
    "No verdict below three seeds: these intervals cover other test sentences with the same "
    "trained models. Other seeds were not tried, and two trainings that differ by their seed alone "
    "are often apart by more than that."
)
UNCORRECTED = (
    "Each measure is a question of its own at 5 %; nothing is corrected across the measures, so "
    "that among many one may differ by chance."
)
VERDICTS = (
    "differs: beyond chance at 5 %. equivalent: the 90 % interval lies within the margin (two "
    "one-sided tests at 5 %, each pair by itself). cannot tell: neither, which is no evidence of "
    "no difference. no verdict: fewer than three seeds."
)


def written(found: ComparisonResults, show: Callable[[float], str], unit: str = "") -> str:
    """The difference with its interval and verdict, such as `−0.05 [−0.09, −0.01], differs`.

    Args:
        show: a number as text, without its unit.
        unit: what stands after the difference, with the blank before it.
    """

    def change(x: float) -> str:
        text = show(x)
        above = any(c in "123456789" for c in text) and not text.startswith("\u2212")
        return f"+{text}" if above else text

    text = f"**{change(found['difference'])}{unit}**"
    if found["ci"]:
        text += f" [{change(found['ci'][0])}, {change(found['ci'][1])}]"
    said, margin = verdict(found), found["margin"]
    if margin is not None and (found["verdict"] == "equivalent" or found["within_margin"]):
        said += f" (±{show(margin)}{unit})"
    return f"{text}, {said}"


def reading(frame: pd.DataFrame, first: str, second: str) -> str:
    """What the table says, in a sentence or two."""
    if (frame["verdict"] == "no verdict").all():
        return NO_VERDICT
    judged = frame[frame["verdict"] != "no verdict"]
    beyond = judged["verdict"].str.startswith("differs")
    largest = judged[beyond].iloc[judged.loc[beyond, "difference"].abs().argsort()[::-1]][:3]
    text = (
        f"**{beyond.sum()} of {len(judged)}** measures differ between **{first}** and **{second}**"
    )
    if len(largest):
        named = "; ".join(
            f"{m} {'+' if d > 0 else ''}{signed(d, 3)}"
            for m, d in zip(largest["measure"], largest["difference"], strict=True)
        )
        text += f"; the largest: {named}"
    for word, says in (
        ("equivalent", "Equivalent within the margin"),
        ("cannot tell", "Cannot tell (neither a difference nor equivalence is shown)"),
    ):
        if len(names := judged.loc[judged["verdict"] == word, "measure"]):
            text += f". {says}: {', '.join(names)}"
    return f"{text}. {UNCORRECTED}"


def _holm(frame: pd.DataFrame) -> str:
    """Why an interval that leaves out 0 may be of no difference, where one does."""
    apart = (frame["from"] > 0) | (frame["to"] < 0)
    if not (apart & frame["verdict"].str.startswith("cannot tell")).any():
        return ""
    return (
        " An interval that leaves out 0 without a difference is of one language of several: their "
        "verdicts are corrected for that (Holm), intervals are not."
    )


def side_by_side(frames: dict[str, pd.DataFrame], study: str, titles: dict[str, str]) -> Table:
    """Several sides against one baseline: a row a measure, and a column a side in words.

    Args:
        frames: from `comparison_tables.table`, by the side's name.
        titles: of the sides by their names, and, last, of the baseline.
    """
    names = {side: titles[side] for side in frames}
    baseline = [*titles.values()][-1]
    found = comparison_tables.side_by_side({names[side]: of for side, of in frames.items()})
    for title in names.values():
        cells = found[[f"{title}: {x}" for x in ("difference", "from", "to", "verdict")]]
        found[title] = [_cell(*cell) for cell in cells.itertuples(index=False)]
    seeds = sorted({int(n) for of in frames.values() for n in of["seeds"]})
    return Table(
        frame=found,
        title="Side by side",
        name=f"{study}-{len(frames)}-sides",
        shown=["measure", "baseline", *names.values()],
        caption=f"Minus {baseline}, with 95 % intervals and verdicts; n = "
        f"{' to '.join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))} common "
        f"{'seed' if seeds[-1] == 1 else 'seeds'}. The files have the numbers.",
    )


def _cell(difference: float, low: float, high: float, said: str) -> str:
    if difference != difference:
        return "–"
    ends = "" if low != low else f" [{_change(low)}, {_change(high)}]"
    return f"{_change(difference)}{ends}, {said}"


def _change(x: float) -> str:
    return f"{'+' if round(x, 3) > 0 else ''}{signed(x, 3)}"


def differences(frame: pd.DataFrame, study: str, sides: dict[str, str], rows: int) -> Figure:
    """What differs between two runs or setups, a measure with an interval a line.

    Args:
        frame: from `comparison_tables.table`.
        study: its name.
        sides: the two by what stands in the address bar, with their titles.
        rows: of the test set.
    """
    first, second = sides
    shown = frame[frame["from"].notna()]
    covers = "; ".join(dict.fromkeys(shown["interval covers"]))
    return Figure(
        charts=charts.differences(shown),
        columns=1,
        title=f"What differs: {sides[first]} minus {sides[second]}",
        name=f"{study}-{first}-{second}",
        reading=reading(frame, escaped(first), escaped(second)),
        caption=f"n = {rows:,} test rows. Bars: 95 % intervals of the difference; they cover "
        f"{covers}. {charts.FORMS}{_holm(shown)}",
        how=f"{VERDICTS} From three seeds on an interval covers other seeds and other test "
        "sentences (for probes and base values other seeds alone); below, other test sentences "
        "alone, with the same trained models. The languages' accuracies are corrected for being "
        f"several (Holm). {UNCORRECTED} (Paper: one run each, no intervals.)",
    )
