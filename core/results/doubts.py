"""What speaks against reading a study's numbers: models that learnt nothing, too little data."""

from __future__ import annotations

from typing import TypedDict

from core.config import BALANCED
from core.results import power
from core.results.schema import RunResults, StudyResults
from core.results.study_results import done_runs

# From this share of the test rows on a model is said to give one class to all of them.
ONE_CLASS = 0.98


class OneClass(TypedDict):
    """A run that predicts one class for (nearly) every test row."""

    run: str  # its id
    label: str
    share: float  # of the test rows


class AtChance(TypedDict):
    """A run whose accuracy is not shown to be above that of the commonest class."""

    run: str  # its id
    accuracy: float
    low: float  # ends of its interval over test sentences
    high: float
    chance: float


class Doubts(TypedDict):
    """What speaks against a study's numbers; see `of_study`."""

    one_class: list[OneClass]
    at_chance: list[AtChance]
    nothing_learnt: bool  # what the models take up of a skew says nothing of models that work
    seeds: int  # of the setup that has the most, balanced ones aside
    unseen: float | None  # a difference in uptake that would go unseen, where none could be told
    unseen_seeds: int | None  # that a difference as large as the margin takes; None: over the most


def of_study(document: StudyResults) -> Doubts:
    """What speaks against reading a study's numbers.

    Nothing is learnt where all balanced models are at chance or predict one class, or all others
    predict one class, or are at chance without having learnt the language either.
    """
    runs = done_runs(document)
    single = [found for run in runs if (found := one_class(run))]
    chance = [low for run in runs if (low := at_chance(run))]
    useless = {x["run"] for x in single} | {x["run"] for x in chance}
    balanced = [run for run in runs if run["setup"] in BALANCED]
    others = [run for run in runs if run["setup"] not in BALANCED]
    lost = {x["run"] for x in single} | {r["run"] for r in others if _reaches_0(r)} & useless
    nothing = any(
        side and all(run["run"] in bad for run in side)
        for side, bad in ((balanced, useless), (others, lost))
    )
    judged = [run for run in runs if run["setup"] not in BALANCED] or runs
    by_setup = [{r["seed"] for r in judged if r["setup"] == run["setup"]} for run in judged]
    seeds = max(map(len, by_setup), default=0)
    unseen, needed = _unseen(document)
    return {
        "one_class": single,
        "at_chance": chance,
        "nothing_learnt": nothing,
        "seeds": seeds,
        "unseen": unseen,
        "unseen_seeds": needed,
    }


def _reaches_0(run: RunResults) -> bool:
    """Whether it may be that the run took nothing up of the skew."""
    found = run["skew_uptake_ci"]
    return found is None or found[0] <= 0.0 <= found[1]


def one_class(run: RunResults) -> OneClass | None:
    """The class that a run gives to (nearly) all test rows; None where there are several."""
    totals: dict[str, int] = {}
    for of_language in run["confusion"].values():
        for predicted in of_language.values():
            for label, n in predicted.items():
                totals[label] = totals.get(label, 0) + n
    rows = sum(totals.values())
    label = max(totals, key=lambda x: totals[x], default="")
    if not rows or len(totals) < 2 or totals[label] / rows < ONE_CLASS:
        return None
    return {"run": run["run"], "label": label, "share": totals[label] / rows}


def at_chance(run: RunResults) -> AtChance | None:
    """A run's accuracy where its interval reaches that of always saying the commonest class."""
    if weighting := run.get("test_weighting"):
        shares = weighting["target_shares"]
    else:
        shares = {
            language: {label: float(sum(n.values())) for label, n in of.items()}
            for language, of in run["confusion"].items()
        }
    totals: dict[str, float] = {}
    for of_language in shares.values():
        for label, share in of_language.items():
            totals[label] = totals.get(label, 0.0) + share
    chance = max(totals.values()) / sum(totals.values())
    low, high = run["accuracy_ci"]
    if low > chance:
        return None
    found: AtChance = {
        "run": run["run"], "accuracy": run["accuracy"], "low": low, "high": high, "chance": chance
    }  # fmt: skip
    return found


def _unseen(document: StudyResults) -> tuple[float | None, int | None]:
    """The smallest uptake that the seeds would mostly find, where they told nothing of it."""
    told = [
        c["verdict"]
        for c in document["comparisons"]
        if c["measure"] == "skew_uptake" and c["a"] == "imbalanced" and c["b"] == "balanced"
    ]
    guide = power.for_study(document) if told == ["cannot tell"] else None
    for row in guide["rows"] if guide else ():
        if row["measure"] == "skew_uptake":
            return row["detectable"], row["seeds_needed"]
    return None, None
