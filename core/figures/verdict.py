"""What a study found, in one sentence, and what speaks against reading it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from core.figures.cards import Compared, minus_balanced
from core.measures.intervals import FEWEST_SEEDS
from core.results import doubts as result_doubts
from core.results.doubts import Doubts
from core.results.names import run_name, setups_in_order
from core.results.schema import ComparisonResults, RunResults, StudyResults
from core.results.seeds import noise
from core.results.study_results import done_runs
from core.text import escaped, percent, signed

_NB = "\u00a0"
_OF_CW = "imbalanced+cw"


class Verdict(NamedTuple):
    """What a study found, as Markdown.

    Attributes:
        sentence: how much of the skew the models copy.
        cost: what that costs in accuracy; empty where nothing was learnt or paired.
        doubts: what speaks against reading the numbers, the gravest first.
    """

    sentence: str
    cost: str
    doubts: list[str]


def of_study(document: StudyResults) -> Verdict:
    """What a study found, and what speaks against it."""
    found = result_doubts.of_study(document)
    doubts = [*_useless(found, document), *_thin(found)]
    if found["nothing_learnt"]:
        return Verdict(
            "These models have not learnt the task, so that the study says nothing about skew yet.",
            "",
            doubts,
        )
    apart = minus_balanced(document, "accuracy")
    subject = _subject(apart)
    return Verdict(_sentence(document), "" if subject is None else _cost(apart[subject]), doubts)


def _sentence(document: StudyResults) -> str:
    runs = done_runs(document)
    if not runs:
        return "No run of this study is done yet."
    apart = minus_balanced(document, "skew_uptake")
    subject = _subject(apart)
    if subject is None:
        return _without_balanced(document, runs)
    unjudged = apart[subject]["verdict"] == "no verdict"
    parts = [_copied(subject, apart[subject])]
    if subject != _OF_CW and _OF_CW in apart:
        parts.append(_brought_to("class weights", apart[_OF_CW]))
    if found := noise(runs, "skew_uptake"):
        parts.append(f"two balanced models differ by {percent(found[0])}")
    text = f"{'; '.join(parts)}."
    return f"{text} No verdict: it takes {FEWEST_SEEDS} seeds." if unjudged else text


def _useless(found: Doubts, document: StudyResults) -> list[str]:
    """Runs that predict one class, or are at chance."""
    runs = {run["run"]: run for run in done_runs(document)}
    said = []
    for label in dict.fromkeys(x["label"] for x in found["one_class"]):
        of = [x for x in found["one_class"] if x["label"] == label]
        names = _named([runs[x["run"]] for x in of])
        least = min(x["share"] for x in of)
        said.append(
            f"**{names}** {_gives(of)} *{escaped(label)}* to {percent(least)} of the "
            f"{runs[of[0]['run']]['n_test']:,} test texts or more: what such a model predicts "
            "tells nothing of language or skew. Train longer, or on more rows."
        )
    single = {x["run"] for x in found["one_class"]}
    if chance := [x for x in found["at_chance"] if x["run"] not in single]:
        low, high = min(x["low"] for x in chance), max(x["high"] for x in chance)
        said.append(
            f"**{_named([runs[x['run']] for x in chance])}**: accuracy "
            f"{_range([x['accuracy'] for x in chance])} [{percent(low, 1)}, "
            f"{percent(high, 1)}] is not shown to be above chance, "
            f"{percent(max(x['chance'] for x in chance), 1)}. What a model that has not learnt "
            "the task takes up of a skew says nothing of one that has. Train longer, or on "
            "more rows."
        )
    return said


def _thin(found: Doubts) -> list[str]:
    said = []
    seeds = found["seeds"]
    if 0 < seeds < FEWEST_SEEDS:
        said.append(
            f"**{seeds} seed{'s' * (seeds > 1)}**: intervals cover other test texts only, and "
            "two trainings that differ by their seed alone are often further apart. A verdict "
            f"takes {FEWEST_SEEDS} seeds or more."
        )
    if found["unseen"] is not None:
        needed = found["unseen_seeds"]
        takes = f"{needed} seeds" if needed else "more test texts than these"
        said.append(
            f"**Too little to tell**: with these seeds and texts a skew uptake of "
            f"{percent(found['unseen'])} is found with 80{_NB}% power, a smaller one may well "
            f"go unseen. To find 10{_NB}% takes {takes}."
        )
    return said


def _subject(apart: Compared) -> str | None:
    """The setup that the verdict is on: the one without mitigation, where there is one."""
    skewed = [a for a in apart if not a.startswith("balanced")]
    for wanted in ("imbalanced", "imbalanced+entropy"):
        if wanted in skewed:
            return wanted
    return next(iter(setups_in_order(skewed)), None)


def _copied(setup: str, found: ComparisonResults) -> str:
    who = {
        "imbalanced": "Trained on the skewed set, the model",
        "imported": "The imported model",
    }.get(setup, f"Trained as {escaped(setup)}, the model")
    share = f"**{percent(found['difference'])} of the skew**{_interval(found)}"
    verdict = found["verdict"]
    if verdict == "differs":
        if found["difference"] < 0:
            return f"{who} goes against the skew: it copies {share}"
        return f"{who} copies {share}"
    if verdict == "equivalent":
        return (
            f"{who} copies next to nothing of the skew: {share}, within "
            f"±{percent(found['margin'] or 0)} of balanced training"
        )
    if verdict == "cannot tell":
        return f"The study **cannot tell** whether the skew is copied: {share}"
    return f"{who} copies {share}"


def _brought_to(name: str, found: ComparisonResults) -> str:
    text = f"{name} bring it to {percent(found['difference'])}{_interval(found)}"
    said = {
        "equivalent": f", within ±{percent(found['margin'] or 0)} of balanced",
        "cannot tell": ", which is not told from balanced",
        "differs": ", still more than balanced" if found["difference"] > 0 else ", below balanced",
    }
    return text + said.get(found["verdict"], "")


def _cost(found: ComparisonResults) -> str:
    value = f"{signed(100 * found['difference'], 1)}{_NB}points{_interval(found, 1, unit='')}"
    says = {
        "differs": f"Accuracy changes by {value}.",
        "equivalent": f"Accuracy stays within ±{percent(found['margin'] or 0)}: {value}.",
        "cannot tell": f"Whether that costs accuracy cannot be told: {value}.",
    }
    return says.get(found["verdict"], f"Accuracy: {value}, no verdict.")


def _interval(found: ComparisonResults, digits: int = 0, unit: str = "") -> str:
    if not found["ci"]:
        return ""
    low, high = (signed(100 * x, digits) for x in found["ci"])
    return f" [{low}, {high}{unit}]"


def _without_balanced(document: StudyResults, runs: list[RunResults]) -> str:
    measured = [r for r in runs if r["skew_uptake"] is not None]
    if not measured:
        return (
            "The training sets of this study are not skewed, so that there is no skew to copy."
            if not document["groups"]
            else "No finished run was trained with the skew yet."
        )
    if all(run["setup"].startswith("balanced") for run in measured):
        return "Only balanced models are done; what a skewed one copies is not known yet."
    run = next(r for r in measured if not r["setup"].startswith("balanced"))
    value = run["skew_uptake"] or 0.0
    return (
        f"{escaped(run_name(run))}: skew uptake {percent(value)} of the skew; **without a balanced "
        "model of the same seed it is not known how much of that it would have without any skew**."
    )


def _named(runs: list[RunResults]) -> str:
    """Runs by setup with their seeds, such as `imbalanced (seeds 0, 1)`."""
    by: dict[str, list[int]] = {}
    for run in runs:
        by.setdefault(run["setup"], []).append(run["seed"])
    return ", ".join(
        f"{escaped(setup)} (seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))})"
        for setup, seeds in by.items()
    )


def _gives(of: list[result_doubts.OneClass]) -> Literal["gives", "give"]:
    return "gives" if len(of) == 1 else "give"


def _range(values: list[float]) -> str:
    low, high = percent(min(values), 1), percent(max(values), 1)
    return low if low == high else f"{low} to {high}"
