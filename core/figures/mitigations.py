"""Setups beside balanced training: which will do, what each reaches and costs, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.charts import mitigations as charts
from core.charts.comparison import FORMS
from core.figures.comparison import UNCORRECTED, VERDICTS, written
from core.figures.figure import Figure, Table
from core.measures.comparison import MARGINS
from core.measures.intervals import FEWEST_SEEDS
from core.results.comparison_tables import verdict
from core.results.schema import (
    ComparisonResults,
    MitigationAdvice,
    MitigationResults,
    MitigationRow,
    SchemeOf,
)
from core.text import escaped, signed

# Measures minus balanced in the order shown: name, and unit of the axis.
SHOWN = {
    "skew_uptake": ("skew uptake", "slope"),
    "accuracy": ("accuracy", "share right"),
    "soft_uptake": ("soft uptake", "slope"),
    "language_effect": ("language effect", "total variation"),
    "calibration": ("calibration error", "probability"),
    "probe_original_knn": ("language identification", "share told right"),
}
STAGES = {"": "none", "data": "data", "loss": "loss", "after": "after training"}
SERVING = {"": "no", "given": "given", "identified": "identified from the text"}
_PERCENT = "\u00a0%"
_SIMPLEST = (
    "How much a setup asks of who uses it is a rank: a weight or a draw of rows first, then a "
    "changed loss, heads of their own, and what needs the language of a text when it is used."
)


def name(setup: str) -> str:
    """A setup as charts of this page call it: the skewed rows go without saying."""
    return setup.removeprefix("imbalanced") or setup


def reading(document: MitigationResults) -> str:
    """Which setup can be recommended and why, as far as there is evidence; Markdown."""
    advice = document["advice"]
    if advice["state"] == "no balanced":
        return (
            "**No recommendation:** no setup has a balanced run of the same seed beside it, so "
            "there is nothing to read it against. Add balanced to the study's setups."
        )
    if advice["state"] == "no skew":
        return (
            "**No recommendation:** the design of this study has no skew of language and label, so "
            "there is no skew uptake to compare."
        )
    rows = {row["setup"]: row for row in document["rows"]}
    row = rows[advice["setup"] or ""]
    say = {
        "recommended": _recommended,
        "none equivalent": _none_equivalent,
        "few seeds": _few_seeds,
    }[advice["state"]]
    return f"{say(advice, row, document)} {_noise(document)}".strip()


def _recommended(advice: MitigationAdvice, row: MitigationRow, document: MitigationResults) -> str:
    others = advice["equivalent"][1:]
    n = len(_compared(document))
    text = f"**Recommended: {row['setup']}**"
    if row["mitigations"]:
        text += f" ({escaped('; '.join(m['title'] for m in row['mitigations']))})."
    else:
        text += ": by these measures no mitigation is needed."
    text += (
        f" Over {row['minus_balanced']['accuracy']['n_seeds']} seeds its accuracy and its skew "
        f"uptake are shown equivalent to balanced training: {_differences(row)}. "
    )
    if others:
        text += (
            f"Of {n} setups on skewed rows {len(others) + 1} are; it asks the least of who uses "
            f"it. {', '.join(others)} would do too. "
        )
    else:
        text += f"Of {n} setups on skewed rows no other one is shown to be. "
    return text + _asks(row)


def _none_equivalent(_: MitigationAdvice, row: MitigationRow, document: MitigationResults) -> str:
    judged = [r for r in _compared(document) if r["equivalent"] is not None]
    apart = [
        r
        for r in judged
        if any(
            (c := r["minus_balanced"][m])["verdict"] == "differs" and not c["within_margin"]
            for m in ("accuracy", "skew_uptake")
        )
    ]
    return (
        f"**None of {len(judged)} setups is shown equivalent to balanced training** in accuracy "
        f"and skew uptake both. {len(apart)} of them differ from it in one or both; of "
        f"{len(judged) - len(apart)} these runs cannot tell, which more seeds and test sentences "
        f"may change. Nearest by estimate is **{row['setup']}**: {_differences(row)}."
    )


def _few_seeds(advice: MitigationAdvice, row: MitigationRow, _: MitigationResults) -> str:
    seeds = "one seed" if advice["seeds"] == 1 else f"{advice['seeds']} seeds"
    return (
        f"**No verdict: {seeds}.** To show a setup equivalent to balanced training takes "
        f"{FEWEST_SEEDS} seeds or more. Nearest by estimate is **{row['setup']}**: "
        f"{_differences(row)}. Its intervals cover other test sentences with the same models, and "
        "another seed may change the order."
    )


def _differences(row: MitigationRow) -> str:
    apart = row["minus_balanced"]
    accuracy = written(apart["accuracy"], _points, "\u00a0points")
    return f"accuracy {accuracy}; skew uptake {written(apart['skew_uptake'], _percent, _PERCENT)}"


def _points(x: float) -> str:
    return signed(100 * x, 1)


def _percent(x: float) -> str:
    return signed(100 * x, 0)


def _asks(row: MitigationRow) -> str:
    needs = {
        "": "The model that comes of it is used as any other",
        "given": "The model that comes of it must be told the language of each text",
        "identified": "The language of each text is identified where the model is used",
    }[row["serving"]]
    cost = row["cost"]
    if cost["corrects"]:
        return f"{needs}; it corrects a model of {cost['corrects']} in {_time(cost['seconds'])}."
    return f"{needs}; a run took {_time(cost['seconds'])}."


def _time(seconds: float) -> str:
    return f"{seconds:,.0f}\u00a0s" if seconds >= 10 else f"{seconds:.1f}\u00a0s"


def _noise(document: MitigationResults) -> str:
    """How far balanced runs lie apart, which differ by their seed alone."""
    pairs = document["between_balanced"]
    if not pairs:
        return ""
    accuracy, uptake = (
        max((abs(p["differences"][m]) for p in pairs if m in p["differences"]), default=0.0)
        for m in ("accuracy", "skew_uptake")
    )
    of = "The two" if len(pairs) == 1 else "Two of the"
    return (
        f"{of} balanced runs, which differ by their seed alone, lie up to {_points(accuracy)}"
        f"\u00a0points and {_percent(uptake)}\u00a0% of uptake apart."
    )


def _compared(document: MitigationResults) -> list[MitigationRow]:
    return [r for r in document["rows"] if r["base"] == "imbalanced" and r["minus_balanced"]]


def trade_off(document: MitigationResults) -> Figure | None:
    """Accuracy against skew uptake, both minus balanced; None where no setup has both."""
    both = ("skew_uptake", "accuracy")
    rows = [
        {
            "name": name(row["setup"]),
            "stage": STAGES[row["stage"]],
            "equivalent": bool(row["equivalent"]),
            "seeds": row["minus_balanced"]["accuracy"]["n_seeds"],
            **_ends("uptake", row["minus_balanced"]["skew_uptake"]),
            **_ends("accuracy", row["minus_balanced"]["accuracy"]),
        }
        for row in document["rows"]
        if all(measure in row["minus_balanced"] for measure in both)
    ]
    if not rows:
        return None
    nulls = pd.DataFrame(
        {"uptake": _nulls(document, both[0]), "accuracy": _nulls(document, both[1])}
    )
    margins = (MARGINS["skew_uptake"], MARGINS["accuracy"])
    return Figure(
        f"{document['study']}-mitigations-trade-off",
        "What each setup keeps of the accuracy, and what it takes up of the skew",
        [charts.trade_off(pd.DataFrame(rows), nulls, margins)],
        f"{_covers(document, both)} Shaded: the margins, ±{margins[1]:g} of accuracy and "
        f"±{margins[0]:g} of uptake. Filled: both 90 % intervals lie within them. A name that "
        f"begins with + is trained on the skewed rows.{_noise_shown(document)}",
        "At the crossing of the dashed lines a setup is as balanced training is. To the right it "
        "takes up more of the skew, below it loses accuracy; a model that has learned little takes "
        f"up little too, so read both. {VERDICTS} (Paper, section 4.1, Tables 2, 3 and 6.)",
    )


def forest(document: MitigationResults) -> Figure | None:
    """Every measure minus balanced, a panel a measure; None where nothing is compared."""
    compared = [row for row in document["rows"] if row["minus_balanced"]]
    order = [name(row["setup"]) for row in compared]
    panels = []
    there = [m for m in SHOWN if any(m in row["minus_balanced"] for row in compared)]
    for measure in there:
        rows = [
            {"name": name(row["setup"]), "verdict": verdict(c), **_ends("difference", c)}
            for row in compared
            if (c := row["minus_balanced"].get(measure))
        ]
        frame = pd.DataFrame(rows).rename(
            columns={"difference low": "low", "difference high": "high"}
        )
        title, unit = SHOWN[measure]
        margin = rows and compared[0]["minus_balanced"][measure]["margin"]
        axis = f"{title} minus balanced ({unit})"
        nulls = _nulls(document, measure)
        panels.append(charts.forest(frame, nulls, order, axis, margin or None))
    if not panels:
        return None
    return Figure(
        f"{document['study']}-mitigations",
        "Every setup minus balanced, by measure",
        panels,
        f"{_covers(document, there)} {FORMS}{_noise_shown(document)} {SORTED}",
        f"Each difference is taken seed by seed. {VERDICTS} {UNCORRECTED} What a setup does to the "
        "identification of the language is no end in itself: a model may know the language and "
        "not use it. (Paper, sections 4.1 and 4.2.)",
        columns=2,
    )


def _nulls(document: MitigationResults, measure: str) -> list[float]:
    """What balanced runs differ by, each pair both ways."""
    pairs = [p["differences"] for p in document["between_balanced"]]
    return [sign * p[measure] for p in pairs if measure in p for sign in (1, -1)]


def _noise_shown(document: MitigationResults) -> str:
    n = len(document["between_balanced"])
    pairs = "the pair" if n == 1 else f"{n} pairs"
    return f" Crosses: {pairs} of balanced runs, one run each, both ways." if n else ""


SORTED = (
    "Sorted by the distance from balanced, in margins: of skew uptake, or of the accuracy that is "
    "lost, whichever is more."
)


def _covers(document: MitigationResults, measures: Sequence[str]) -> str:
    """n, and what the intervals cover."""
    found = [
        c
        for row in document["rows"]
        for m in measures
        if (c := row["minus_balanced"].get(m)) and c["ci"]
    ]
    seeds = sorted({c["n_seeds"] for c in found})
    covers = "; ".join(dict.fromkeys(c["covers"] for c in found)) or "nothing"
    several = "–".join(dict.fromkeys(map(str, (seeds[0], seeds[-1])))) if seeds else "0"
    return (
        f"n = {document['n_test']:,} test rows, {several} seed{'s' * (several != '1')}. Bars: 95 % "
        f"intervals of differences from balanced; they cover {covers}."
    )


def _ends(key: str, c: ComparisonResults) -> dict[str, float | None]:
    low, high = c["ci"] or (None, None)
    return {key: c["difference"], f"{key} low": low, f"{key} high": high}


def results_table(document: MitigationResults) -> Table:
    """A setup a row: what it reaches. All ends of intervals are in the frame."""
    rows = []
    for row in document["rows"]:
        cell, reliance = row["worst_cell"], row["language_reliance"]
        line: dict[str, Any] = {
            "setup": row["setup"],
            "equivalent to balanced": equivalent(row),
            "seeds": row["seeds"],
            **_own("accuracy", row["accuracy"]),
        }
        for measure in ("accuracy", "skew_uptake", "soft_uptake", "language_effect"):
            line |= _minus(SHOWN[measure][0], row["minus_balanced"].get(measure))
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
    shown = ["setup", "equivalent to balanced", "seeds", "accuracy"]
    shown += [_title(SHOWN[m][0]) for m in SHOWN if m not in ("calibration", "probe_original_knn")]
    shown += ["worst cell", "right in it", "calibration error", "language identification"]
    shown += ["language reliance"]
    frame = pd.DataFrame(rows)
    numbers = [c for c in frame if c.endswith((", from", ", to")) or c in shown[3:]]
    numbers.remove("worst cell")
    frame = frame.astype(dict.fromkeys(numbers, float))
    missing = [r for r in document["rows"] if r["no_reliance"] == "not attributed"]
    caption = (
        f"n = {document['n_test']:,} test rows. {SORTED} Intervals are in the CSV file: from "
        f"{FEWEST_SEEDS} seeds on of setups over other seeds, on these test sentences; below, over "
        "test sentences. Worst cell: the language and label with the smallest share right; the "
        "lowest of many is low by chance too, so read it beside that of balanced."
    )
    if missing:
        caption += (
            f" Language reliance: {len(missing)} setups have no attributions against balanced; "
            f"python -m core attribute {document['study']} makes them."
        )
    title = "What each setup reaches"
    return Table(f"{document['study']}-mitigations", title, frame, shown=shown, caption=caption)


def cost_table(document: MitigationResults) -> Table:
    """A setup a row: what it does, and what training and serving take."""
    rows = [
        {
            "setup": row["setup"],
            "acts on": STAGES[row["stage"]],
            "what it is": "; ".join(m["title"] for m in row["mitigations"]) or "–",
            "seconds": row["cost"]["seconds"],
            "rows an epoch": row["cost"]["rows"] or None,
            "corrects a model of": row["cost"]["corrects"] or "–",
            "which took (s)": row["cost"]["corrects_seconds"],
            "language at serving": SERVING[row["serving"]],
            "simplicity": row["rank"],
        }
        for row in document["rows"]
    ]
    frame = pd.DataFrame(rows).astype({"rows an epoch": "Int64", "which took (s)": float})
    formats = {"seconds": "%.1f", "which took (s)": "%.1f"}
    caption = (
        "Seconds of a run, prediction included, mean over seeds, on the machine that it ran on; "
        f"what runs share is counted in the first. Simplicity: {_SIMPLEST}"
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
                "acts on": STAGES[row["stage"]],
                "title": row["title"],
                "what it does": row["about"],
                "source": row["source"],
                "settings": ", ".join(f"{k} = {v:g}" for k, v in row["settings"].items()) or "–",
                "language at serving": SERVING[row["serving"]],
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
