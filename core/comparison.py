"""The comparison of two runs or setups as tables and sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from core.charts.palette import setup_name, short_names
from core.words import signed

# In the order shown: name in the documents of core.results -> title.
MEASURES = {
    "accuracy": "accuracy",
    "skew_uptake": "skew uptake",
    "soft_uptake": "soft uptake",
    "language_effect": "language effect",
    "calibration": "calibration error",
    "base_values": "base value, off uniform",
    "probe_original_accuracy": "language identification, test set: paper's probe",
    "probe_original_accuracy_released": "language identification, test set: released probe",
    "probe_original_knn": "language identification, test set: 15 neighbours",
    "probe_external_accuracy": "language identification, external: paper's probe",
    "probe_external_accuracy_released": "language identification, external: released probe",
    "probe_external_knn": "language identification, external: 15 neighbours",
}
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


def verdict(found: dict[str, Any]) -> str:
    """The verdict of a comparison in words.

    Args:
        found: a document of `results.comparisons` or `results.compare_runs`.
    """
    if found["verdict"] == "differs" and found["within_margin"]:
        return "differs, by less than the margin"
    return str(found["verdict"])


def written(found: dict[str, Any], show: Callable[[float], str], unit: str = "") -> str:
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
    said = verdict(found)
    if found["verdict"] == "equivalent" or found["within_margin"]:
        said += f" (±{show(found['margin'])}{unit})"
    return f"{text}, {said}"


def sides(runs: list[dict[str, Any]]) -> dict[str, tuple[str, list[str]]]:
    """What can be compared: each setup over its seeds, and each run of those that have several.

    Args:
        runs: finished runs of a study.

    Returns:
        By what stands in the address bar (name of a setup, or run id): name and run ids.
    """
    setups: dict[str, list[str]] = {}
    for run in runs:
        setups.setdefault(setup_name(run), []).append(run["run"])
    names = short_names(runs)
    found = {
        name: (f"{name}, {len(ids)} seeds" if len(ids) > 1 else name, ids)
        for name, ids in setups.items()
    }
    single = {run: (names[run], [run]) for ids in setups.values() if len(ids) > 1 for run in ids}
    return found | single


def table(compared: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a measure: both values, difference with interval and verdict.

    Args:
        compared: from `results.compare_runs`.
    """
    order = {name: i for i, name in enumerate(MEASURES)}
    rows = [
        {
            "measure": MEASURES.get(c["measure"], c["measure"]),
            "first": c["value_a"],
            "second": c["value_b"],
            "difference": c["difference"],
            "from": c["ci"][0] if c["ci"] else None,
            "to": c["ci"][1] if c["ci"] else None,
            "p": c["p"],
            "margin": c["margin"],
            "verdict": verdict(c),
            "seeds": c["n_seeds"],
            "interval covers": c["covers"] if c["ci"] else "–",
        }
        for c in sorted(compared, key=lambda c: order.get(c["measure"], len(order)))
    ]
    frame = pd.DataFrame(rows)
    return frame.astype(dict.fromkeys(("from", "to", "p", "margin"), float))


def pairs_table(compared: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a pair of setups and measure.

    Args:
        compared: from `results.comparisons`.
    """
    rows = [
        {
            "first": c["a"],
            "second": c["b"],
            "measure": MEASURES.get(c["measure"], c["measure"]),
            "difference": c["difference"],
            "from": c["ci"][0] if c["ci"] else None,
            "to": c["ci"][1] if c["ci"] else None,
            "margin": c["margin"],
            "verdict": verdict(c),
            "seeds": c["n_seeds"],
            "interval covers": c["covers"] if c["ci"] else "–",
        }
        for c in compared
    ]
    numbers = ["difference", "from", "to", "margin"]
    columns = ["first", "second", "measure", *numbers, "verdict", "seeds", "interval covers"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, float))


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
