"""Documents of core.attributed as text for a terminal."""

from __future__ import annotations

from typing import Any

from core.measures.cumulative import PARTS
from core.terminal import table


def text(document: dict[str, Any]) -> str:
    """What `python -m core attribute` prints."""
    cost, threshold = document["cost"], document["threshold"]
    error = cost["standard_error"]
    lines = [
        f"study {document['study']}: SHAP values of {document['texts']} texts, {document['key']}",
        f"a text has {cost['tokens']:.1f} tokens and took each model {cost['evaluations']:.0f} "
        f"evaluations, {cost['seconds']:.2f} s"
        + (f"; standard error of a value {error:.4f}" if error is not None else ""),
        *(
            [f"that is above the threshold of {threshold}: ask for a larger --budget"]
            if error is not None and error > threshold
            else []
        ),
        "",
        f"share of tokens by value in the {document['reference']} model (neutral: -{threshold} to "
        f"{threshold})",
    ]
    columns = ["class", "seed", "negative", "neutral", "positive", "tokens"]
    lines.append(
        table(
            columns,
            [
                [r["label"], r["seed"], *(f"{r[g]:.2f}" for g in columns[2:5]), int(r["n"])]
                for r in document["token_shares"]
            ],
        )
    )
    if document["sides"]:
        lines += ["", *_sides(document)]
        lines += ["", *_decomposition(document)]
    if document.get("uninformative"):
        lines += ["", "share of the attribution (absolute values) on words without meaning"]
        cells = [
            [r["setup"], r["seed"], f"{r['share']:.3f} [{r['ci'][0]:.3f}, {r['ci'][1]:.3f}]"]
            for r in document["uninformative"]
        ]
        lines.append(table(["setup", "seed", "share"], cells))
    lines += [f"{run} is left out: {why}" for run, why in document["left_out"].items()]
    if document["missing"]:
        lines += ["", f"runs without attributions: {', '.join(document['missing'])}"]
    return "\n".join(lines)


def _sides(document: dict[str, Any]) -> list[str]:
    """Cumulative differences on both sides of each class, a setup and part a line."""
    cells = {
        (r["setup"], r["seed"], r["label"], r["group"], r["side"]): r for r in document["sides"]
    }
    rows = []
    for (setup, seed, label, group, side), row in cells.items():
        if side != "over - under":
            continue
        over, under = (cells[setup, seed, label, group, s]["mean"] for s in ("over", "under"))
        rows.append(
            [
                label,
                setup,
                seed,
                group,
                _interval(over, None),
                _interval(under, None),
                _interval(row["mean"], row["ci"]),
                _interval(row["minus_null"], row["minus_null_ci"]),
            ]
        )
    order = {part: i for i, part in enumerate(PARTS)}
    rows.sort(key=lambda r: (str(r[0]), str(r[1]), r[2], order[str(r[3])]))
    columns = ["class", "setup", "seed", "part", "over", "under", "over - under", "minus the null"]
    return [
        f"cumulative difference to {document['reference']}: mean over texts, where the class is "
        "over- and",
        "under-represented in training [95 % interval over sentences]",
        table(columns, rows),
    ]


def _decomposition(document: dict[str, Any]) -> list[str]:
    rows = [
        [
            r["setup"],
            r["seed"],
            r["part"].replace("_", " "),
            _interval(r["mean"], r["ci"]),
            _interval(r["minus_null"], r["minus_null_ci"]),
        ]
        for r in document["decomposition"]
        if r["part"] != "unexplained" or abs(r["mean"] or 0) > 1e-6
    ]
    columns = ["setup", "seed", "part", "change of soft uptake", "minus the null"]
    return [
        "what carries the change of the soft uptake (language reliance: neutral tokens and base)",
        table(columns, rows),
    ]


def _interval(value: float | None, ends: list[float] | None) -> str:
    if value is None:
        return "–"
    if ends is None:
        return f"{value + 0.0:+.3f}"
    return f"{value:+.3f} [{ends[0]:+.3f}, {ends[1]:+.3f}]"
