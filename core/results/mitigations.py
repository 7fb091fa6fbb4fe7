"""All setups of a study beside balanced training: what each reaches, what it costs, which will do.

Differences, intervals and verdicts are those of the study's comparisons.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from core.checkpoints.studies import Started
from core.config import BALANCED, IMPORTED
from core.errors import InputError
from core.measures.accuracy import wilson
from core.measures.comparison import COVERS, MARGINS
from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences
from core.mitigation.scheme import Scheme
from core.mitigation.setups import Setup, parse, schemes
from core.results import study_results, thresholds
from core.results.attributions import THRESHOLD
from core.results.names import setups_in_order
from core.results.schema import (
    BetweenBalanced,
    ComparisonResults,
    MitigationAdvice,
    MitigationCost,
    MitigationResults,
    MitigationRow,
    OverRuns,
    ReliancePart,
    RelianceRow,
    RunResults,
    SchemeOf,
    StudyResults,
    WorstCell,
)
from core.results.seeds import Measure, over_seeds, value_of
from core.results.study_results import done_runs

# Measures by their names in a study's comparisons, and in its runs.
MEASURES: dict[str, Measure] = {
    "skew_uptake": "skew_uptake",
    "accuracy": "accuracy",
    "soft_uptake": "soft_uptake",
    "language_effect": "language_effect",
    "calibration": "calibration",
    "probe_original_knn": "knn",
}
Runs = Sequence[RunResults]


def of_study(study: Started) -> MitigationResults:
    """`mitigations` of a started study.

    Raises:
        InputError: as `study_results.summary`.
    """
    return mitigations(study_results.summary(study), thresholds.first_curve(study))


def mitigations(document: StudyResults, reliance: Sequence[RelianceRow]) -> MitigationResults:
    """A row a setup that has finished runs, and which can be recommended.

    First balanced, which others are read against, then the nearest to it: `distance` is how many
    margins a setup is away by skew uptake, or by the accuracy that it loses, whichever is more. By
    uptake alone a model that has learned nothing would come first.

    Args:
        reliance: the curve of language reliance against balanced; empty where there is none.
    """
    runs = done_runs(document)
    by_setup: dict[str, list[RunResults]] = {}
    for run in runs:
        if run["setup"] != IMPORTED and not run["null"]:
            by_setup.setdefault(run["setup"], []).append(run)
    rows = []
    for name in setups_in_order(by_setup):
        try:
            setup = parse(name)
        except InputError:  # of a version that knows other mitigations
            continue
        rows.append(_row(setup, by_setup, document["comparisons"], reliance))
    rows.sort(key=_place)
    return {
        "study": document["study"],
        "n_test": runs[0]["n_test"] if runs else 0,
        "rows": rows,
        "between_balanced": _between([run for run in runs if run["setup"] == "balanced"]),
        "advice": _advice(rows, skewed=any(document["groups"])),
    }


def has_mitigations(document: MitigationResults) -> bool:
    """Whether a setup but balanced and imbalanced has finished runs."""
    return any(row["mitigations"] for row in document["rows"])


def scheme_rows(given: Iterable[tuple[str, Scheme]] | None = None) -> list[SchemeOf]:
    """What mitigations say of themselves; by default all there are."""
    return [
        {
            "name": name,
            "title": scheme.title,
            "source": scheme.source,
            "about": scheme.about,
            "stage": scheme.stage,
            "rank": scheme.rank,
            "serving": scheme.serving,
            "settings": dict(scheme.settings),
        }
        for name, scheme in (schemes().items() if given is None else given)
    ]


def _row(
    setup: Setup,
    by_setup: dict[str, list[RunResults]],
    compared: Sequence[ComparisonResults],
    reliance: Sequence[RelianceRow],
) -> MitigationRow:
    runs = by_setup[setup.name]
    apart = {
        c["measure"]: c
        for c in compared
        if c["a"] == setup.name and c["b"] in BALANCED and c["measure"] in MEASURES
    }
    accuracy, uptake = apart.get("accuracy"), apart.get("skew_uptake")
    within = [c and c["within_margin"] for c in (accuracy, uptake)]
    parts = scheme_rows((name, module.SCHEME) for name, module in setup.parts.items())
    is_reference = setup.name == "balanced" and bool(reliance)
    of_accuracy, calibration = _over(runs, "accuracy"), _over(runs, "calibration")
    assert of_accuracy is not None  # every finished run has them
    assert calibration is not None
    return {
        "setup": setup.name,
        "base": setup.base,
        "mitigations": parts,
        "stage": parts[-1]["stage"] if parts else "",
        "rank": setup.rank,
        "serving": setup.serving,
        "seeds": len(runs),
        "accuracy": of_accuracy,
        "worst_cell": _worst_cell(runs),
        "calibration": calibration,
        "probe": _over(runs, "knn"),
        "language_reliance": (part := _reliance(setup.name, reliance)),
        "no_reliance": "" if part else "reference" if is_reference else "not attributed",
        "against": accuracy and accuracy["b"],
        "minus_balanced": apart,
        "equivalent": None if None in within else all(within),
        "distance": _distance(accuracy, uptake),
        "cost": _cost(setup, by_setup),
    }


def _over(runs: Runs, measure: Measure) -> OverRuns | None:
    found = over_seeds(runs, measure)
    if found.empty:
        return None
    row = found.iloc[0]
    ci = None if pd.isna(row["low"]) else [float(row["low"]), float(row["high"])]
    return {"value": float(row["value"]), "ci": ci, "covers": _covers(int(row["seeds"]), ci)}


def _covers(seeds: int, ci: list[float] | None) -> str:
    if ci is None:
        return COVERS["none"]
    return COVERS["seeds" if seeds >= FEWEST_SEEDS else "sentences"]


def _worst_cell(runs: Runs) -> WorstCell:
    """The lowest mean share right over runs; a t-interval over them, below three Wilson's.

    Of two runs the interval is the union of theirs. That the cell was chosen for being the lowest
    is not in it.
    """
    shares: dict[tuple[str, str], list[float]] = {}
    rows: dict[tuple[str, str], int] = {}
    for run in runs:
        for language, table in run["confusion"].items():
            for label, predicted in table.items():
                if n := sum(predicted.values()):
                    shares.setdefault((language, label), []).append(predicted[label] / n)
                    rows[language, label] = n
    cell = min(shares, key=lambda x: float(np.mean(shares[x])))
    own, n = np.array(shares[cell]), rows[cell]
    if len(own) >= FEWEST_SEEDS:
        found = seeds_and_sentences(own[:, None], None)
        low, high = float(found.low[0]), float(found.high[0])
    else:
        ends = [wilson(share, n) for share in own.tolist()]
        low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    language, label = cell
    return {
        "language": language,
        "label": label,
        "n": n,
        "value": float(own.mean()),
        "ci": (ci := [max(0.0, low), min(1.0, high)]),
        "covers": _covers(len(own), ci),
    }


def _reliance(setup: str, curve: Sequence[RelianceRow]) -> ReliancePart | None:
    for row in curve:
        if row["setup"] == setup and row["threshold"] == THRESHOLD:
            return {
                "value": row["value"],
                "ci": row["ci"],
                "threshold": row["threshold"],
                "n_texts": row["n_texts"],
                "n_seeds": row["n_seeds"],
                "covers": row["covers"],
            }
    return None


def _cost(setup: Setup, by_setup: dict[str, list[RunResults]]) -> MitigationCost:
    own, corrects = by_setup[setup.name], setup.correction is not None
    before = by_setup.get(setup.trained, []) if corrects else []
    return {
        "seconds": _seconds(own),
        "rows": 0 if corrects else own[0].get("n_drawn", own[0]["n_train"]),
        "corrects": setup.trained if corrects else "",
        "corrects_seconds": _seconds(before) if before else None,
    }


def _seconds(runs: Runs) -> float:
    return float(np.mean([run["seconds"] for run in runs]))


def _distance(accuracy: ComparisonResults | None, uptake: ComparisonResults | None) -> float | None:
    if accuracy is None or uptake is None:
        return None
    lost = max(0.0, -accuracy["difference"]) / MARGINS["accuracy"]
    return max(lost, abs(uptake["difference"]) / MARGINS["skew_uptake"])


def _place(row: MitigationRow) -> tuple[bool, bool, float]:
    distance = row["distance"]
    return row["setup"] != "balanced", distance is None, distance or 0.0


def _between(runs: Runs) -> list[BetweenBalanced]:
    pairs: list[BetweenBalanced] = []
    for one, other in combinations(sorted(runs, key=lambda run: run["seed"]), 2):
        differences = {}
        for name, measure in MEASURES.items():
            first, second = value_of(one, measure)[0], value_of(other, measure)[0]
            if first is not None and second is not None:
                differences[name] = first - second
        pairs.append({"seeds": [one["seed"], other["seed"]], "differences": differences})
    return pairs


def _advice(rows: Sequence[MitigationRow], *, skewed: bool) -> MitigationAdvice:
    """The simplest setup on imbalanced rows that is equivalent to balanced, if one is shown to be.

    Of equally simple ones one that does not need the language of a text, then the nearest.
    """
    ours = [r for r in rows if r["base"] == "imbalanced" and r["minus_balanced"]]
    seeds = max((r["minus_balanced"]["accuracy"]["n_seeds"] for r in ours), default=0)
    found: MitigationAdvice = {
        "state": "none equivalent",
        "setup": None,
        "equivalent": [],
        "seeds": seeds,
    }
    if not ours:
        return {**found, "state": "no balanced"}
    if not skewed:
        return {**found, "state": "no skew"}
    will_do = sorted(
        (r for r in ours if r["equivalent"]), key=lambda r: (r["rank"], r["serving"], _place(r))
    )
    if will_do:
        names = [r["setup"] for r in will_do]
        return {**found, "state": "recommended", "setup": names[0], "equivalent": names}
    judged = any(r["equivalent"] is not None for r in ours)
    nearest = min(ours, key=_place)["setup"]
    return {**found, "state": "none equivalent" if judged else "few seeds", "setup": nearest}
