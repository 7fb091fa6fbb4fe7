"""What is predicted: shares by language and class, and measures of runs with intervals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts.chart import AnyChart
from core.charts.palette import TRAINING, TRUTH, names_axis, setup_encoding, tips
from core.results.names import language_order, run_name, setup_name
from core.results.schema import RunResults, StudyResults
from core.results.seeds import Measure, value_of


def legend(runs: Sequence[RunResults]) -> AnyChart:
    """Colours and shapes of the setups shown, once for several charts."""
    return legend_of({setup_name(run) for run in runs})


def legend_of(setups: Collection[str]) -> AnyChart:
    """As `legend`, of setups by name."""
    key = alt.Legend(
        orient="top",
        direction="horizontal",
        columns=4,
        title=None,
        symbolSize=90,
        symbolOpacity=1,
        symbolStrokeWidth=0,
        labelLimit=200,
        offset=0,
    )
    # A chart without data: nothing but its legend is seen.
    points = alt.Chart(pd.DataFrame({"setup": []})).mark_point(filled=True)
    return points.encode(**setup_encoding(setups, legend=key)).properties(
        height=24 * (1 + (len(setups) - 1) // 4)
    )


def predicted_shares(document: StudyResults, runs: Sequence[RunResults], label: str) -> AnyChart:
    """Share of one class predicted in each language, beside truth and skewed training share.

    Args:
        runs: those of its runs that are shown; done.
        label: the class.
    """
    order = language_order(document)
    rows = [
        {
            "language": language,
            "setup": setup_name(run),
            "seed": run["seed"],
            "share": shares[label],
            "training": document["training_shares"].get(language, {}).get(label),
            "truth": run["truth"][language][label],
        }
        for run in runs
        for language, shares in run["predictions"].items()
    ]
    frame = pd.DataFrame(rows)
    # One scale for all classes, or the panels could not be compared.
    shown = [s for r in runs for row in r["predictions"].values() for s in row.values()]
    shown += [s for row in document["training_shares"].values() for s in row.values()]
    scale = alt.Scale(domain=[0, min(1, max(shown) * 1.08)], nice=False)

    def x(column: str) -> alt.X:
        axis = alt.Axis(
            format="%", title=f"share predicted {label}", tickCount=3, titleAnchor="end"
        )
        return alt.X(f"{column}:Q", axis=axis, scale=scale)

    base = alt.Chart(frame).encode(y=alt.Y("language:N", sort=order, title=None, axis=names_axis()))
    truth = alt.Tooltip("mean(truth):Q", format=".1%", title="truth, test set")
    given = alt.Tooltip("mean(training):Q", format=".1%", title="in the skewed training set")
    share = alt.Tooltip("share:Q", format=".1%", title="share predicted")
    line = base.mark_tick(thickness=1, height=26, color=TRUTH).encode(
        x=x("mean(truth)"), tooltip=[*tips("language"), truth]
    )
    tick = base.mark_tick(thickness=4, height=16, color=TRAINING).encode(
        x=x("mean(training)"), tooltip=[*tips("language"), given]
    )
    points = base.mark_point(filled=True, size=85).encode(
        x=x("share"),
        **setup_encoding(frame["setup"]),
        tooltip=[*tips("setup", "seed", "language"), share],
    )
    return alt.layer(line, tick, points).properties(
        title=f"predicted {label}", height=34 * len(order) + 100
    )


def intervals(
    runs: Sequence[RunResults], measure: Measure, title: str, zero_line: bool = False
) -> AnyChart:
    """One measure of each run with its interval, a run a line.

    Args:
        measure: one that all runs have, with an interval.
        title: of the axis, with the unit.
    """
    rows = []
    for run in runs:
        value, ci = value_of(run, measure)
        low, high = ci or (None, None)
        rows.append({**_names(run), "value": value, "low": low, "high": high, "n": run["n_test"]})
    frame = pd.DataFrame(rows)
    y = alt.Y("run:N", sort=frame["run"].tolist(), title=None, axis=names_axis())
    x = alt.X("value:Q", title=title, scale=alt.Scale(zero=zero_line), axis=alt.Axis(tickCount=5))
    encoding = setup_encoding(frame["setup"])
    bars = alt.Chart(frame).mark_rule(strokeWidth=2).encode(
        y=y, x=alt.X("low:Q", title=title, scale=alt.Scale(zero=zero_line)), x2=alt.X2("high:Q"),
        color=encoding["color"],
    )  # fmt: skip
    points = alt.Chart(frame).mark_point(filled=True, size=90).encode(
        y=y,
        x=x,
        **encoding,
        tooltip=[
            *tips("run"),
            alt.Tooltip("value:Q", format=".3f", title=title),
            alt.Tooltip("low:Q", format=".3f", title="95 % from"),
            alt.Tooltip("high:Q", format=".3f", title="to"),
            alt.Tooltip("n:Q", title="test rows"),
        ],
    )  # fmt: skip
    layers = [bars, points]
    if zero_line:
        layers.insert(0, _zero())
    return alt.layer(*layers).properties(height=36 * len(frame) + 62)


def accuracy_by_language(document: StudyResults, runs: Sequence[RunResults]) -> AnyChart:
    """Accuracy of each run in each language with its interval."""
    rows = [
        {**_names(run), "name": language, "value": a["accuracy"], "low": a["low"],
         "high": a["high"], "n": a["n"]}
        for run in runs
        for language, a in run["accuracy_by_language"].items()
    ]  # fmt: skip
    return _by_name(rows, language_order(document), "language", "accuracy (share right)")


def uptake_by(document: StudyResults, runs: Sequence[RunResults], by: str) -> AnyChart:
    """Skew uptake of each run over the cells of each class, or each language, with its interval.

    Args:
        by: `class` or `language`.
    """
    rows = [
        {**_names(run), "name": name, "value": found["value"], "low": ci[0], "high": ci[1],
         "n": run["n_test"]}
        for run in runs
        for name, found in run[
            "skew_uptake_by_class" if by == "class" else "skew_uptake_by_language"
        ].items()
        if (ci := found["ci"])
    ]  # fmt: skip
    order = document["labels"] if by == "class" else language_order(document)
    return _by_name(rows, order, by, "skew uptake (slope)", zero_line=True)


def _names(run: RunResults) -> dict[str, str]:
    return {"run": run_name(run), "setup": setup_name(run)}


def _by_name(
    rows: list[dict[str, Any]], order: list[str], by: str, title: str, zero_line: bool = False
) -> AnyChart:
    """Values with intervals by language or class, a line a run under each.

    Args:
        rows: `run`, `setup`, `name`, `value`, `low`, `high`, `n`.
        order: of the names.
        by: what the names are.
        title: of the axis.
    """
    frame = pd.DataFrame(rows)
    runs = list(dict.fromkeys(frame["run"]))
    encoding = setup_encoding(frame["setup"])
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=names_axis()),
        yOffset=alt.YOffset("run:N", sort=runs),
    )

    def x(column: str) -> alt.X:
        scale, axis = alt.Scale(zero=zero_line), alt.Axis(tickCount=6)
        return alt.X(f"{column}:Q", title=title, scale=scale, axis=axis)

    rules = base.mark_rule(strokeWidth=2).encode(
        x=x("low"), x2=alt.X2("high:Q"), color=encoding["color"]
    )
    number = title.split(" (")[0]
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x("value"),
        **encoding,
        tooltip=[
            *tips("run"),
            alt.Tooltip("name:N", title=by),
            alt.Tooltip("value:Q", format=".3f", title=number),
            *tips("n", low=".3f", high=".3f"),
        ],
    )
    layers = [rules, points]
    if zero_line:
        layers.insert(0, _zero())
    height = frame["name"].nunique() * (14 * len(runs) + 12) + 50
    return alt.layer(*layers).properties(height=height)


def _zero() -> AnyChart:
    line = alt.Chart(pd.DataFrame({"value": [0.0]})).mark_rule(strokeDash=[4, 3], color=TRUTH)
    return line.encode(x=alt.X("value:Q"))
