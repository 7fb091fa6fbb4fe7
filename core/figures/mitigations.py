"""Setups beside balanced training: which will do, what each reaches and costs, in words."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.charts import mitigations as charts
from core.charts.comparison import FORMS
from core.figures.comparison import UNCORRECTED, VERDICTS, written
from core.figures.figure import Figure
from core.measures.comparison import MARGINS
from core.measures.intervals import FEWEST_SEEDS
from core.results.comparison_tables import verdict
from core.results.schema import (
    ComparisonResults,
    MitigationAdvice,
    MitigationResults,
    MitigationRow,
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
    if n > 1:
        text += (
            "Each is judged by itself: of setups that lie just at a margin, up to one in twenty is "
            f"called equivalent, and among {n} one may be so by chance. "
        )
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
        f"and skew uptake both. {len(apart) or 'None'} of them "
        f"{'is' if len(apart) < 2 else 'are'} shown to differ from it in one or both; of "
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
        nulls = _nulls(document, measure)
        panels.append(charts.forest(frame, nulls, order, title, unit, margin or None))
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
