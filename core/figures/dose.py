"""Dose and response of a grid: its curves, and its table."""

from __future__ import annotations

import pandas as pd

from core.charts import dose as charts
from core.charts.predictions import legend_of
from core.figures.comparison import NO_VERDICT
from core.figures.figure import Figure, Table
from core.results.dose import MEASURES, Dose, table
from core.results.names import SETUP_ORDER
from core.text import escaped, signed

_TITLES = {
    "skew_uptake": "skew uptake minus balanced (slope)",
    "soft_uptake": "soft uptake minus balanced (slope)",
    "accuracy": "accuracy minus balanced",
    "language_effect": "language effect minus balanced",
    "probe_original_knn": "language told right, minus balanced",
}
_NAMES = {
    "skew_uptake": "skew uptake",
    "soft_uptake": "soft uptake",
    "accuracy": "accuracy",
    "language_effect": "language effect",
    "probe_original_knn": "language identification",
}
_NUMBERS = ("value", "difference", "low", "high", "between_balanced")


def curves(document: Dose) -> Figure | None:
    """The curves of a grid, a panel a measure and, where it has several, encoder and size.

    They are over the strength of the skew or, where a grid has one strength, over the size.

    Returns:
        None where nothing is trained.
    """
    frame = table(document)
    if frame.empty:
        return None
    over = "strength" if frame["strength"].nunique() > 1 else "size"
    apart = ["encoder", "size"] if over == "strength" else ["encoder"]
    several = [column for column in apart if frame[column].nunique() > 1]
    own = {setup: i for i, setup in enumerate(SETUP_ORDER)}
    setups = sorted(frame["setup"].unique(), key=lambda s: (own.get(s, len(own)), s))
    panels = []
    for measure in MEASURES:
        of_measure = frame[frame["measure"] == measure]
        columns = ["difference", "low", "high"]
        most = max(of_measure[columns].abs().max().max(), 1e-6) if len(of_measure) else 0.0
        low = min(of_measure[columns].min().min(), 0.0) if len(of_measure) else 0.0
        high = max(of_measure[columns].max().max(), 0.0) if len(of_measure) else 0.0
        ends = (float(low - 0.1 * most), float(high + 0.1 * most))
        parts = of_measure.groupby(several, sort=False) if several else [((), of_measure)]
        for values, part in parts:
            if part.empty:
                continue
            which = _which(several, values)
            chart = charts.curve(part, setups, over, _TITLES[measure], ends)
            panels.append(chart.properties(title=which) if which else chart)
    covers = "; ".join(dict.fromkeys(frame.loc[frame["low"].notna(), "covers"]))
    seeds = " to ".join(str(n) for n in dict.fromkeys([frame["seeds"].min(), frame["seeds"].max()]))
    missing = f" Not there yet: {', '.join(document['missing'])}." if document["missing"] else ""
    return Figure(
        charts=panels,
        legend=legend_of(setups),
        columns=len(frame[several].drop_duplicates()) if several else 3,
        title=f"Dose and response: {document['grid']}",
        name=f"{document['grid']}-dose",
        reading=_reading(frame, over, several),
        caption=f"{seeds} seeds a point. Bars: 95 % intervals of the difference from balanced"
        f"{f'; they cover {covers}' if covers else ''}. Pale band: what two balanced runs differ "
        f"by (root mean square). Setups at one place are drawn side by side.{missing}",
        how="An uptake is in units of the skew that its own models were trained on: as much of a "
        "weaker skew gives the same number, with more noise, since the unit is smaller. At "
        "strength 0 balanced and imbalanced training are the same, so that the difference is 0, "
        "and an uptake has no unit. Nothing is corrected over the points.",
    )


def _which(columns: list[str], values: tuple[object, ...]) -> str:
    """What a panel is of among others of its measure; empty where it is the only one."""
    named = zip(columns, values, strict=True)
    return ", ".join(f"{value:,} rows" if key == "size" else str(value) for key, value in named)


def _reading(frame: pd.DataFrame, over: str, several: list[str]) -> str:
    """The ends of each curve of the skewed setup, and at how many of its points it differs."""
    said = []
    judged = frame[frame["setup"] == "imbalanced"].sort_values(over)
    for (measure, *values), of in judged.groupby(["measure", *several], sort=False):
        first, last = (
            f"{signed(row['difference'], 3)}{_interval(row)} at {over} {row[over]:g}"
            for row in (of.iloc[0], of.iloc[-1])
        )
        which = escaped(_which(several, tuple(values)))
        text = f"**{_NAMES[measure]}** of imbalanced minus balanced"
        text += f" ({which}): {first}" if which else f": {first}"
        if len(of) > 1:
            text += f", {last}"
        if (of["verdict"] != "no verdict").any():
            differ = int((of["verdict"] == "differs").sum())
            text += f"; differs at {differ} of {len(of)} points"
        said.append(f"{text}.")
    if (judged["verdict"] == "no verdict").any():
        said.append(NO_VERDICT)
    return " ".join(said)


def _interval(row: pd.Series) -> str:
    return "" if pd.isna(row["low"]) else f" [{signed(row['low'], 3)}, {signed(row['high'], 3)}]"


def rows(document: Dose) -> Table:
    """All rows of a grid."""
    return Table(
        name=f"{document['grid']}-dose-rows",
        title=f"Dose and response: {document['grid']}",
        frame=table(document),
        formats=dict.fromkeys(_NUMBERS, "%.3f")
        | {"strength": "%g", "cramers_v": "%.3f", "mutual_information_bits": "%.4f"},
        shown=["strength", "size", "encoder", "cramers_v", "setup", "measure", "seeds", *_NUMBERS],
        caption="Differences are minus balanced, with 95 % intervals; between_balanced is what two "
        "balanced runs differ by, root mean square.",
    )
