"""Tables to Altair charts, for the pages.

Setups keep their colour and shape in every chart, so that a reader who does not see the colours
still tells them apart.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

# Okabe and Ito (2008); mid-tones that hold on a white and on a dark ground.
SETUP_COLOURS = {
    "balanced": "#3B8BC4",
    "balanced (null)": "#8C8C8C",
    "imbalanced": "#D9731A",
    "imbalanced+cw": "#1FA37A",
    "balanced+entropy": "#8CC3E8",
    "imbalanced+entropy": "#F0B27A",
    "imbalanced+cw+entropy": "#82CFB4",
    "imported": "#A66BB8",
}
SETUP_SHAPES = {
    "balanced": "circle",
    "balanced (null)": "triangle-up",
    "imbalanced": "square",
    "imbalanced+cw": "diamond",
    "balanced+entropy": "circle",
    "imbalanced+entropy": "square",
    "imbalanced+cw+entropy": "diamond",
    "imported": "cross",
}


def setup_name(run: dict[str, Any]) -> str:
    """A run's setup as the charts call it."""
    return f"{run['setup']} (null)" if run["null"] else str(run["setup"])


def legend(runs: list[dict[str, Any]]) -> alt.LayerChart | alt.FacetChart:
    """Colours and shapes of the setups shown, once for several charts."""
    setups = list(dict.fromkeys(setup_name(run) for run in runs))
    frame = pd.DataFrame({"setup": [s for s in SETUP_COLOURS if s in setups]})
    base = alt.Chart(frame).encode(x=alt.X("setup:N", sort=None, axis=None))
    points = base.mark_point(filled=True, size=85).encode(**_setup_encoding(frame["setup"]))
    names = base.mark_text(align="left", dx=9, fontSize=12, color="#808080").encode(text="setup:N")
    return alt.layer(points, names).properties(height=24)


def predicted_shares(
    document: dict[str, Any], runs: list[dict[str, Any]], label: str
) -> alt.LayerChart | alt.FacetChart:
    """Share of one class predicted in each language, beside truth and skewed training share.

    Args:
        document: from `results.summary`.
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
        axis = alt.Axis(format="%", title=f"share predicted {label}", tickCount=3)
        return alt.X(f"{column}:Q", axis=axis, scale=scale)

    base = alt.Chart(frame).encode(y=alt.Y("language:N", sort=order, title=None))
    truth = alt.Tooltip("mean(truth):Q", format=".1%", title="truth, test set")
    given = alt.Tooltip("mean(training):Q", format=".1%", title="in the skewed training set")
    share = alt.Tooltip("share:Q", format=".1%", title="share predicted")
    line = base.mark_tick(thickness=1, height=26, color="#888888").encode(
        x=x("mean(truth)"), tooltip=["language", truth]
    )
    tick = base.mark_tick(thickness=4, height=16, color="#B98B6A").encode(
        x=x("mean(training)"), tooltip=["language", given]
    )
    points = base.mark_point(filled=True, size=85, opacity=0.9).encode(
        x=x("share"),
        **_setup_encoding(frame["setup"]),
        tooltip=["setup", "seed", "language", share],
    )
    return alt.layer(line, tick, points).properties(
        title=f"predicted {label}", height=34 * len(order) + 40
    )


def intervals(
    runs: list[dict[str, Any]], measure: str, title: str, zero_line: bool = False
) -> alt.LayerChart | alt.FacetChart:
    """One measure of each run with its interval, a run a line.

    Args:
        measure: key in a run of `results.summary`; its interval is under `<measure>_ci`.
        title: of the axis, with the unit.
    """
    frame = pd.DataFrame(
        [
            {
                "run": f"{setup_name(run)}, seed {run['seed']}",
                "setup": setup_name(run),
                "value": run[measure],
                "low": run[f"{measure}_ci"][0],
                "high": run[f"{measure}_ci"][1],
                "n": run["n_test"],
            }
            for run in runs
        ]
    )
    y = alt.Y("run:N", sort=frame["run"].tolist(), title=None, axis=alt.Axis(labelLimit=220))
    x = alt.X("value:Q", title=title, scale=alt.Scale(zero=zero_line))
    encoding = _setup_encoding(frame["setup"])
    bars = alt.Chart(frame).mark_rule(strokeWidth=2).encode(
        y=y, x=alt.X("low:Q", title=title, scale=alt.Scale(zero=zero_line)), x2="high:Q",
        color=encoding["color"],
    )  # fmt: skip
    points = alt.Chart(frame).mark_point(filled=True, size=90).encode(
        y=y,
        x=x,
        **encoding,
        tooltip=[
            "run",
            alt.Tooltip("value:Q", format=".3f", title=title),
            alt.Tooltip("low:Q", format=".3f", title="95 % from"),
            alt.Tooltip("high:Q", format=".3f", title="to"),
            alt.Tooltip("n:Q", title="test rows"),
        ],
    )  # fmt: skip
    layers = [bars, points]
    if zero_line:
        zero = alt.Chart(pd.DataFrame({"value": [0.0]})).mark_rule(
            strokeDash=[4, 3], color="#888888"
        )
        layers.insert(0, zero.encode(x="value:Q"))
    return alt.layer(*layers).properties(height=42 * len(frame) + 20)


def language_order(document: dict[str, Any]) -> list[str]:
    """Languages by group, so that the two sides of the design stand together."""
    grouped = [language for group in document["groups"] for language in group]
    return grouped + [x for x in document["languages"] if x not in grouped]


def _setup_encoding(setups: pd.Series) -> dict[str, Any]:
    shown = [s for s in SETUP_COLOURS if s in set(setups)]
    shape = alt.Scale(domain=shown, range=[SETUP_SHAPES[s] for s in shown])
    colour = alt.Scale(domain=shown, range=[SETUP_COLOURS[s] for s in shown])
    return {
        "color": alt.Color("setup:N", scale=colour, legend=None),
        "shape": alt.Shape("setup:N", scale=shape, legend=None),
    }
