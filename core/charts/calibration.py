"""Where predictions go wrong, and whether their probabilities say how often."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.heatmap import heatmap
from core.charts.palette import TRUTH, setup_encoding, tips
from core.results.names import language_order, run_name, setup_name
from core.results.schema import RunResults, StudyResults


def confusion(document: StudyResults, run: RunResults) -> list[AnyChart]:
    """What is predicted for each label, a panel a language.

    Cells are shares of the label's rows, so that a row of cells sums to 1.
    """
    labels = document["labels"]
    panels = []
    for language in language_order(document):
        counts = pd.DataFrame(run["confusion"][language]).T.loc[labels, labels]
        shares = counts.div(counts.sum(axis=1), axis=0)
        cells = shares.rename_axis("label").reset_index()
        cells = cells.melt("label", var_name="predicted", value_name="value").dropna()
        panels.append(
            heatmap(
                cells,
                x="predicted",
                y="label",
                form=".0%",
                unit="share of the label's rows",
                order_x=labels,
                order_y=labels,
                title=language,
                upper=1.0,
                lines=26,
                slant=-30,
            )
        )
    return panels


def reliability(document: StudyResults, runs: Sequence[RunResults]) -> list[AnyChart]:
    """How often predictions are right by how sure they were: all languages, then each."""
    frame = pd.DataFrame(
        [
            {"run": run_name(run), "setup": setup_name(run), **point}
            for run in runs
            for point in run["reliability"]
        ]
    )
    encoding = setup_encoding(frame["setup"])
    line = pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]})
    start = float(frame["confidence"].min()) // 0.1 / 10
    x = alt.X(
        "confidence:Q",
        title="probability given",
        axis=alt.Axis(titleAnchor="end", tickCount=4),
        scale=alt.Scale(domain=[start, 1]),
    )
    y = alt.Y("accuracy:Q", title="share right", scale=alt.Scale(domain=[0, 1]))
    panels: list[AnyChart] = []
    for language in ("all", *language_order(document)):
        base = alt.Chart(frame[frame["language"] == language]).encode(x=x, y=y)
        sure = alt.Chart(line).mark_line(strokeDash=[4, 3], strokeWidth=1, color=TRUTH, clip=True)
        curves = base.mark_line(strokeWidth=1.5, opacity=0.4).encode(
            color=encoding["color"], detail=alt.Detail("run:N")
        )
        points = base.mark_point(filled=True).encode(
            **encoding,
            size=alt.Size("n:Q", scale=alt.Scale(range=[12, 130]), legend=None),
            tooltip=tips("run", "n", confidence=".3f", accuracy=".3f", low=".3f", high=".3f"),
        )
        ends = base.mark_rule(strokeWidth=1).encode(
            y=alt.Y("low:Q", title="share right", scale=alt.Scale(domain=[0, 1])),
            y2=alt.Y2("high:Q"),
            color=encoding["color"],
        )
        panels.append(
            alt.layer(sure.encode(x=x, y=y), ends, curves, points).properties(
                title=language, height=260
            )
        )
    return panels
