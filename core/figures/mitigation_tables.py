"""Setups beside balanced training as tables: what each reaches and costs, and its cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.figures import mitigations
from core.figures.figure import Table
from core.measures.intervals import FEWEST_SEEDS
from core.results.comparison_tables import verdict
from core.results.schema import ComparisonResults, MitigationResults, MitigationRow, SchemeOf

_SIMPLEST = (
    "Simplicity is a rank of how much a setup asks of who uses it, 0 for no mitigation: weights or "
    "a draw of rows ask the least, then come other losses, corrections of a trained model, and "
    "what trains a language head."
)


def results_table(document: MitigationResults) -> Table:
    """A setup a row: what it reaches; there is one or more."""
    rows = []
    for row in document["rows"]:
        cell, reliance = row["worst_cell"], row["language_reliance"]
        line: dict[str, Any] = {
            "setup": row["setup"],
            "equivalent": equivalent(row),
            "seeds": row["seeds"],
            **_own("accuracy", row["accuracy"]),
        }
        for measure in ("accuracy", "skew_uptake", "soft_uptake", "language_effect"):
            line |= _minus(mitigations.SHOWN[measure][0], row["minus_balanced"].get(measure))
        line |= {
            "worst cell": f"{cell['language']}, {cell['label']}",
            **_own("right in it", cell),
            "rows in it": cell["n"],
            **_own("calibration error", row["calibration"]),
            **_own("language identification", row["probe"]),
            **_own("language reliance", reliance),
            "intervals": row["accuracy"]["covers"],
        }
        rows.append(line)
    shown = ["setup", "equivalent", "seeds", "accuracy", "accuracy, from", "accuracy, to"]
    shown += [
        _title(mitigations.SHOWN[m][0])
        for m in mitigations.SHOWN
        if m not in ("calibration", "probe_original_knn")
    ]
    shown += ["worst cell", "right in it", "right in it, from", "right in it, to", "rows in it"]
    shown += ["calibration error", "language identification", "language reliance"]
    frame = pd.DataFrame(rows)
    nothing = [column for column in frame if frame[column].isna().all()]
    frame = frame.astype(dict.fromkeys(nothing, float))
    missing = [r for r in document["rows"] if r["no_reliance"] == "not attributed"]
    caption = (
        f"n = {document['n_test']:,} test rows. {mitigations.SORTED} From and to: 95 % intervals, "
        f"all of them in the CSV file; from {FEWEST_SEEDS} seeds on a setup's own are over other "
        "seeds, on these test sentences, below over other test sentences. Equivalent: accuracy and "
        "skew uptake both are within the margin of balanced. Worst cell: the language and label "
        "with the smallest share right; the lowest of many is low by chance too, so read it beside "
        "that of balanced."
    )
    if missing:
        caption += (
            f" Language reliance: {len(missing)} setups have no attributions against balanced; "
            f"python -m core attribute {document['study']} makes them."
        )
    title = "What each setup reaches"
    return Table(f"{document['study']}-mitigations", title, frame, shown=shown, caption=caption)


def cost_table(document: MitigationResults) -> Table:
    """A setup a row: what it does, and what training and serving take; there is one or more."""
    rows = [
        {
            "setup": row["setup"],
            "acts on": mitigations.STAGES[row["stage"]],
            "seconds": row["cost"]["seconds"],
            "rows an epoch": row["cost"]["rows"] or None,
            "corrects a model of": row["cost"]["corrects"] or "–",
            "which took (s)": row["cost"]["corrects_seconds"],
            "language at serving": mitigations.SERVING[row["serving"]],
            "simplicity": row["rank"],
            "what it is": "; ".join(m["title"] for m in row["mitigations"]) or "–",
        }
        for row in document["rows"]
    ]
    frame = pd.DataFrame(rows).astype({"rows an epoch": "Int64", "which took (s)": float})
    formats = {"seconds": "%.1f", "which took (s)": "%.1f"}
    caption = (
        "Seconds of a run, prediction included, mean over seeds, on the machine that it ran on; "
        f"what runs share is counted in the first. {_SIMPLEST}"
    )
    title = "What each setup costs, in training and in use"
    return Table(f"{document['study']}-mitigation-costs", title, frame, formats, caption=caption)


def whole_table(document: MitigationResults) -> Table:
    """Both tables side by side: what each setup reaches and costs."""
    reached, cost = results_table(document), cost_table(document)
    frame = reached.frame.merge(cost.frame, on="setup")
    return Table(reached.name, reached.title, frame)


def schemes_table(rows: Sequence[SchemeOf]) -> Table:
    """All mitigations there are, with their sources and settings."""
    frame = pd.DataFrame(
        [
            {
                "name": row["name"],
                "acts on": mitigations.STAGES[row["stage"]],
                "title": row["title"],
                "what it does": row["about"],
                "source": row["source"],
                "settings": ", ".join(f"{k} = {v:g}" for k, v in row["settings"].items()) or "–",
                "language at serving": mitigations.SERVING[row["serving"]],
                "simplicity": row["rank"],
            }
            for row in rows
        ]
    )
    return Table("mitigations", "All mitigations", frame, caption=_SIMPLEST)


def cells_table(study: str, setup: str, cells: pd.DataFrame) -> Table:
    """What a setup makes of each cell of the skewed training set."""
    caption = (
        "Weight: of a row of the cell in the loss. Added to the logit: of a row in the language, "
        "to that class, in the loss alone (nats). Rows drawn: that an epoch passes over. Cells of "
        "the skewed training set."
    )
    title = f"Cells of {setup}"
    return Table(f"{study}-{setup}-cells", title, cells, caption=caption)


def _title(measure: str) -> str:
    return f"{measure} − balanced"


def _minus(measure: str, c: ComparisonResults | None) -> dict[str, Any]:
    key = _title(measure)
    low, high = (c and c["ci"]) or (None, None)
    return {
        key: c and c["difference"],
        f"{key}, from": low,
        f"{key}, to": high,
        f"{key}, verdict": verdict(c) if c else "–",
    }


def _own(key: str, of: Any) -> dict[str, float | None]:
    low, high = (of and of["ci"]) or (None, None)
    return {key: of and of["value"], f"{key}, from": low, f"{key}, to": high}


def equivalent(row: MitigationRow) -> str:
    """Whether a setup is shown equivalent to balanced, in words."""
    if not row["minus_balanced"]:
        return "–"
    return {True: "yes", False: "not shown", None: "no verdict"}[row["equivalent"]]
