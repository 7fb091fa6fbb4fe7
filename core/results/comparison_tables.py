"""The comparison of two runs or setups as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from core.results.names import setup_name, short_names
from core.results.schema import ComparisonResults, RunComparison, RunResults

# In the order shown: name in the results -> title.
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


def verdict(found: ComparisonResults) -> str:
    """The verdict of a comparison in words.

    Args:
        found: of `StudyResults`, or of `comparisons.compare_runs`.
    """
    if found["verdict"] == "differs" and found["within_margin"]:
        return "differs, by less than the margin"
    return found["verdict"]


def sides(runs: Sequence[RunResults]) -> dict[str, tuple[str, list[str]]]:
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


def table(compared: Sequence[RunComparison]) -> pd.DataFrame:
    """One row a measure: both values, difference with interval and verdict."""
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


def side_by_side(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a measure that one of several comparisons with one baseline has.

    Args:
        frames: from `table`, by the name of the first side.

    Returns:
        `measure`, `baseline` (the mean of its runs), and of each side its `difference`, `from`,
        `to` and `verdict`, as in `imbalanced: difference`.
    """
    indexed = {side: frame.set_index("measure") for side, frame in frames.items()}
    names = {title: i for i, title in enumerate(MEASURES.values())}
    measures = dict.fromkeys(m for frame in indexed.values() for m in frame.index)
    found = pd.DataFrame(index=sorted(measures, key=lambda m: names.get(m, len(names))))
    found["baseline"] = pd.concat(list(indexed.values()))["second"].groupby(level=0).first()
    for side, frame in indexed.items():
        for column in ("difference", "from", "to", "verdict"):
            found[f"{side}: {column}"] = frame[column]
    return found.rename_axis("measure").reset_index()


def pairs_table(compared: Sequence[ComparisonResults]) -> pd.DataFrame:
    """One row a pair of setups and measure.

    Args:
        compared: the comparisons of `study_results.summary`.
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
