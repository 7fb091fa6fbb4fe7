"""Figures and tables of what is predicted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.charts import calibration
from core.charts import headline as headline_charts
from core.charts import predictions as charts
from core.figures import headline, test_rows
from core.figures.figure import Figure, Table
from core.results import tables
from core.results.names import run_name
from core.results.schema import RunResults, StudyResults
from core.text import escaped, percent, signed

Runs = Sequence[RunResults]


def cards(document: StudyResults) -> list[Figure]:
    """The headline numbers of a study."""
    return [
        Figure(
            f"{document['study']}-headline-{card.name}",
            card.title,
            [
                headline_charts.over_setups(
                    card.setups,
                    card.runs,
                    card.axis,
                    zero=card.zero,
                    percent=card.percent,
                    noise=card.noise[0] if card.noise else None,
                )
            ],
            card.caption,
            card.how,
            card.sentence,
        )
        for card in headline.cards(document)
    ]


def shares(document: StudyResults, runs: Runs) -> Figure:
    """Share of each class predicted in each language, a panel a class."""
    return Figure(
        f"{document['study']}-predicted-shares",
        "Share of each class predicted, by language",
        [charts.predicted_shares(document, runs, label) for label in document["labels"]],
        f"{test_rows.both(runs)}. Brown tick: share in the skewed training set. Grey "
        "line: truth. "
        f"Languages by group: {' | '.join(' '.join(g) for g in document['groups'])}.",
        "Points on the grey line: the model predicts the class as often as it occurs. Points that "
        "move towards the brown tick copy the skew of the training set. A null is a further "
        "balanced run: what it differs by from the first is what another seed changes. (Paper, "
        "section 4.1, Table 2.)",
        reading(document, runs),
        charts.legend(runs),
    )


def shares_table(document: StudyResults, runs: Runs) -> Table:
    """The numbers behind `shares`."""
    return Table(
        f"{document['study']}-predictions",
        "Share of each class predicted, by language",
        tables.shares(document, runs),
        tables.FORMATS,
    )


def uptake(document: StudyResults, runs: Runs) -> Figure:
    """Skew uptake of each run; the runs have one."""
    return Figure(
        f"{document['study']}-skew-uptake",
        "Skew uptake",
        [charts.intervals(runs, "skew_uptake", "skew uptake (slope)", zero_line=True)],
        _intervals(runs),
        "Slope of what is predicted too often on what was there too often in training, "
        "over all languages and classes, a language counting by its share in training. 0: the "
        "model ignores the skew. 1: it copies it. Languages differ before any skew, so read it "
        "against the balanced runs. (Paper, section 4.1; its Table 2 gives 0.34 and 0.36.)",
    )


def uptake_by(document: StudyResults, runs: Runs) -> Figure:
    """Skew uptake of each run by class and by language; the runs have one."""
    return Figure(
        f"{document['study']}-skew-uptake-by",
        "Skew uptake by class and by language",
        [charts.uptake_by(document, runs, by) for by in ("class", "language")],
        f"{_intervals(runs)} {test_rows.each(runs).capitalize()}. A class or language that the "
        "design does not skew has none.",
        "The slope of skew uptake over the cells of one class, or of one language, alone. By "
        "class, 0 is a model that ignores the language. By language it also holds what the model "
        "predicts too often in every language, where the design has more of that class there: "
        "compare with the balanced runs. The languages' own slopes are noisier than the slope over "
        "all cells.",
        legend=charts.legend(runs),
        columns=2,
    )


def uptake_by_table(document: StudyResults, runs: Runs) -> Table:
    """The numbers behind `uptake_by`."""
    return Table(
        f"{document['study']}-skew-uptake-by",
        "Skew uptake by class and by language",
        tables.uptake_by(document, runs),
    )


def accuracy(document: StudyResults, runs: Runs) -> Figure:
    """Accuracy of each run."""
    return Figure(
        f"{document['study']}-accuracy",
        "Accuracy by setup",
        [charts.intervals(runs, "accuracy", "accuracy (share right)")],
        _intervals(runs),
        f"Share of rows whose label is predicted, on the {test_rows.name(runs)}. Intervals that "
        "overlap can still belong to a difference beyond chance: the runs see the same sentences, "
        "and Compare pairs them. (Paper, section 4.1, Table 3.)",
    )


def runs_table(document: StudyResults, runs: Runs) -> Table:
    """One run a row: accuracy and uptake."""
    return Table(
        f"{document['study']}-runs",
        "Accuracy and skew uptake of each run",
        tables.headline(runs),
        shown=tables.HEADLINE,
    )


def by_language(document: StudyResults, runs: Runs) -> Figure:
    """Accuracy of each run in each language."""
    return Figure(
        f"{document['study']}-accuracy-by-language",
        "Accuracy by language",
        [charts.accuracy_by_language(document, runs)],
        f"{test_rows.both(runs)}. Bars: 95 % interval over test sentences, one training each.",
        "A gap between languages that the balanced models have too comes from the encoder or "
        "the translation; one that only the imbalanced model has comes from the skew. (Paper, "
        "section 4.1, Table 3 over all languages.)",
        legend=charts.legend(runs),
    )


def by_language_table(document: StudyResults, runs: Runs) -> Table:
    """The numbers behind `by_language`."""
    return Table(
        f"{document['study']}-accuracy-by-language",
        "Accuracy by language",
        tables.accuracy_by_language(runs),
    )


def confusion(document: StudyResults, run: RunResults) -> Figure:
    """What a run predicts for each label, a panel a language."""
    return Figure(
        _confusion(document, run),
        f"What {run_name(run)} predicts for each label, by language",
        calibration.confusion(document, run),
        f"{test_rows.both([run])}. Labels down, predictions across; each row of "
        "cells sums to 100 %.",
        "On the diagonal the share that is right. A model that predicts by language errs "
        "towards another class in one group of languages than in the other: compare the cells "
        "beside the diagonal. (Paper, section 4.1, behind Table 2.)",
    )


def confusion_table(document: StudyResults, run: RunResults) -> Table:
    """The numbers behind `confusion`."""
    return Table(
        _confusion(document, run),
        f"What {run_name(run)} predicts for each label, by language",
        tables.confusion(document, run),
    )


def reliability(document: StudyResults, runs: Runs) -> Figure:
    """How often predictions are right by how sure they were."""
    return Figure(
        f"{document['study']}-reliability",
        "How often a prediction is right, by how sure the model was",
        calibration.reliability(document, runs),
        f"{test_rows.both(runs)}, in 15 bins; larger points stand for more rows. "
        "Bars: 95 % interval over test sentences, a bin each.",
        "On the dashed line a class predicted with probability 0.8 is right in 80 % of the "
        "cases; below it the model is too sure. A bar that reaches the line may be noise; of 15 "
        "bars, one or two of a calibrated model may miss it. (Guo et al. 2017; not in the paper.)",
        legend=charts.legend(runs),
    )


def calibration_table(document: StudyResults, runs: Runs) -> Table:
    """Calibration errors by run and language."""
    return Table(
        f"{document['study']}-calibration",
        "Calibration error",
        tables.calibration(runs),
        caption="Rms: root-mean-square distance from the line without what noise adds to it, with "
        "its 95 % interval over test sentences; 0 at its lower end: these rows do not tell the "
        "model from a calibrated one. Expected: the mean distance (Guo et al. 2017), which noise "
        "makes larger, the more so the fewer rows there are.",
    )


def _confusion(document: StudyResults, run: RunResults) -> str:
    return f"{document['study']}-confusion-{run['setup']}-seed-{run['seed']}-{run['run'][:6]}"


def _intervals(runs: Runs) -> str:
    return f"Bars: 95 % interval over test sentences, one training each; {test_rows.n(runs)}."


def reading(document: StudyResults, runs: Runs) -> str:
    """The main finding in a sentence or two, from the numbers; empty without a skewed run."""
    skewed = [r for r in runs if r["setup"] == "imbalanced"]
    if not skewed or not all(document["groups"]):
        return ""
    label = _most_skewed(document)
    shares = []
    for group in document["groups"]:
        by_run = [r["predictions_by_group"][" ".join(group)][label] for r in skewed]
        shares.append((" ".join(group), sum(by_run) / len(by_run)))
    truth = sum(skewed[0]["truth"][x][label] for x in document["groups"][0])
    truth /= len(document["groups"][0])
    (over, high), (under, low) = shares
    seeds = f", mean of {len(skewed)} seeds," if len(skewed) > 1 else ""
    return (
        f"Trained on the skewed set, the model{seeds} predicts **{escaped(label)}** in "
        f"**{percent(high)}** of the {escaped(over)} texts and in **{percent(low)}** of the "
        f"{escaped(under)} texts; the truth is {percent(truth)} in both."
        f"{_uptake_reading(skewed, runs)}"
    )


def _most_skewed(document: StudyResults) -> str:
    """The class whose training share differs most between the groups, the last one of several."""
    given = pd.DataFrame(document["training_shares"]).T
    first, second = (given.loc[list(group)].mean() for group in document["groups"])
    gaps = (first - second).abs()
    return str(gaps.index[gaps > gaps.max() - 1e-9][-1])


def _uptake_reading(skewed: Runs, runs: Runs) -> str:
    balanced = [r for r in runs if r["setup"] == "balanced"]
    ends = [end for r in skewed for end in r["skew_uptake_ci"] or ()]
    low, high = min(ends), max(ends)
    mean = _mean_uptake(skewed)
    text = f" Its skew uptake is **{signed(mean)}** (intervals over test sentences "
    text += f"from {signed(low)} to {signed(high)})"
    if balanced:
        of_balanced = _mean_uptake(balanced)
        models = f"the {len(balanced)} balanced models" if balanced[1:] else "the balanced model"
        text += f", **{signed(mean - of_balanced)}** from {models} ({signed(of_balanced)})"
    if weighted := [r for r in runs if r["setup"] == "imbalanced+cw"]:
        text += f"; with class weights per language it is **{signed(_mean_uptake(weighted))}**"
    return text + "."


def _mean_uptake(runs: Runs) -> float:
    values = [value for r in runs if (value := r["skew_uptake"]) is not None]
    return sum(values) / len(values) + 0.0
