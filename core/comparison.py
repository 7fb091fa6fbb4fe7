"""The comparison of two runs or setups as tables and sentences, for the page Compare."""

from __future__ import annotations

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
    "language_reliance": "language reliance",
    "calibration": "calibration error",
    "base_values": "base value, off uniform",
    "probe_original_accuracy": "language identification, test set: paper's probe",
    "probe_original_accuracy_released": "language identification, test set: released probe",
    "probe_original_knn": "language identification, test set: 15 neighbours",
    "probe_external_accuracy": "language identification, external: paper's probe",
    "probe_external_accuracy_released": "language identification, external: released probe",
    "probe_external_knn": "language identification, external: 15 neighbours",
}
_VERDICT = {True: "beyond chance", False: "not beyond chance", None: "no interval"}


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
    """One row a measure: both values, difference with interval, and whether it is beyond chance.

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
            "verdict": _VERDICT[c["beyond_chance"]],
            "over": {"none": "–"}.get(c["method"], c["method"]),
            "seeds": c["n_seeds"],
        }
        for c in sorted(compared, key=lambda c: order.get(c["measure"], len(order)))
    ]
    frame = pd.DataFrame(rows)
    return frame.astype(dict.fromkeys(("from", "to", "p"), float))


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
            "verdict": _VERDICT[c["beyond_chance"]],
            "over": {"none": "–"}.get(c["method"], c["method"]),
            "seeds": c["n_seeds"],
        }
        for c in compared
    ]
    columns = ["first", "second", "measure", "difference", "from", "to", "verdict", "over", "seeds"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(("difference", "from", "to"), float))


def reading(frame: pd.DataFrame, first: str, second: str) -> str:
    """What the table says, in a sentence or two."""
    judged = frame[frame["verdict"] != _VERDICT[None]]
    beyond = judged[judged["verdict"] == _VERDICT[True]]
    if not len(judged):
        return "These have no interval: with fewer than three seeds a probe has one value a run."
    if not len(beyond):
        return (
            f"None of the {len(judged)} measures with an interval differs beyond chance between "
            f"**{first}** and **{second}**."
        )
    largest = beyond.iloc[beyond["difference"].abs().argsort()[::-1]][:3]
    named = "; ".join(
        f"{m} {'+' if d > 0 else ''}{signed(d, 3)}"
        for m, d in zip(largest["measure"], largest["difference"], strict=True)
    )
    return (
        f"**{len(beyond)} of {len(judged)}** measures with an interval differ beyond chance "
        f"between **{first}** and **{second}**; the largest: {named}."
    )
