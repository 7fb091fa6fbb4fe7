"""The headline numbers of a study: a card a measure, over its setups, with a sentence to each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.figures import test_rows
from core.figures.cards import Card, Compared, Runs, card, covered, difference_card, minus_balanced
from core.figures.comparison import written
from core.measures.intervals import FEWEST_SEEDS
from core.results.schema import StudyResults
from core.results.seeds import noise, over_seeds
from core.results.study_results import done_runs
from core.text import escaped, percent, signed

_PERCENT = "\u00a0%"
_SHOWN = {"imbalanced": "skewed training", "imbalanced+cw": "class weights"}


def cards(document: StudyResults) -> list[Card]:
    """The cards that a study's finished runs allow, from what `study_results.summary` gives."""
    runs = done_runs(document)
    made = [make(document, runs) for make in _CARDS]
    return [one for one in made if one is not None]


def _noise(runs: Runs, show: Callable[[float], str]) -> str:
    """How far the balanced models' accuracies lie apart, where no interval holds that."""
    values = [r["accuracy"] for r in runs if r["setup"] == "balanced"]
    if not 2 <= len(values) < FEWEST_SEEDS:
        return ""
    return (
        f" The {len(values)} balanced models, which differ by their seed alone, lie "
        f"{show(max(values) - min(values))} apart: read the rest against that."
    )


def _points(difference: float) -> str:
    return f"{signed(100 * difference, 1)}\u00a0points"


def _apart(apart: Compared, digits: int = 1, unit: str = "\u00a0points") -> str:
    """The differences of the setups from balanced, with intervals and verdicts, as a sentence.

    Args:
        digits, unit: of hundredths.
    """

    def hundredths(x: float) -> str:
        return signed(100 * x, digits)

    named = [
        f"{name} {written(apart[a], hundredths, unit)}" for a, name in _SHOWN.items() if a in apart
    ]
    if not named:  # a brought model, or setups with the entropy loss alone
        named = [f"{a} {written(c, hundredths, unit)}" for a, c in apart.items()]
    return f"Minus balanced: {'; '.join(named)}."


def _accuracy(document: StudyResults, runs: Runs) -> Card | None:
    if not runs:
        return None
    apart = minus_balanced(document, "accuracy")

    def sentence(value: dict[str, float]) -> str:
        name = "imbalanced" if "imbalanced" in value else next(iter(value))
        text = f"The {name} model is right in **{percent(value[name], 1)}** of the test texts"
        if "balanced" in value and name != "balanced":
            text += f", the balanced one in **{percent(value['balanced'], 1)}**"
        return f"{text}. {_apart(apart) if apart else ''}".strip() + _noise(runs, _points)

    how = (
        "The share of test texts whose label is predicted. All models see the same test set, in "
        "which language and label are independent, so that differences are taken seed by seed and "
        "sentence by sentence: they can be beyond chance where the intervals of two setups "
        "overlap. (Paper, section 4.1, Tables 3 and 6.)"
    )
    name = f"Accuracy on the {test_rows.name(runs)}"
    if apart:
        values = over_seeds(runs, "accuracy")
        means = dict(zip(values["setup"], values["value"], strict=True))
        return difference_card(
            runs,
            "accuracy",
            apart,
            sentence(means),
            title=f"{name}, minus balanced",
            axis="accuracy minus balanced (percentage points)",
            n=test_rows.n(runs),
            how=how,
            percent=True,
            noise=noise(runs, "accuracy"),
        )
    return card(
        runs,
        "accuracy",
        sentence,
        title=name,
        axis="accuracy (share right)",
        n=test_rows.n(runs),
        how=how,
    )


def _n(apart: Compared, n: str) -> str:
    """What the intervals in the sentence cover, and n."""
    return f"{covered(apart)}; {n}" if apart else n


def _uptake(document: StudyResults, runs: Runs) -> Card | None:
    measured = [run for run in runs if run["skew_uptake"] is not None]
    if not measured:
        return None
    n = test_rows.n(measured)
    how = (
        "Minus what balanced models of the same seeds have, since languages differ in what is "
        "predicted before any skew. 0: as balanced training. 1: the whole skew of the training set "
        "on top of it. (Paper, section 4.1; its Table 2 gives 0.36 and 0.34, not minus balanced, "
        "which it does not report.)"
    )
    apart = minus_balanced(document, "skew_uptake")
    if apart:
        text = f"{_two_languages(document, measured)} {_apart(apart, 0, _PERCENT)}"
        text += " In per cent of the skew of the training set."
        return difference_card(
            measured,
            "skew_uptake",
            apart,
            text.strip(),
            title="How much of the training set's skew the models copy",
            axis="skew uptake: share of the skew copied, minus balanced",
            n=n,
            how=how,
            percent=True,
            noise=noise(runs, "skew_uptake"),
        )

    def sentence(value: dict[str, float]) -> str:
        name, slope = next(iter(value.items()))
        return (
            f"{_two_languages(document, measured)} The {name} model's uptake is "
            f"**{percent(slope)}** of the skew; without a balanced model of the same seed it is "
            "not known how much of that it would have without any skew."
        ).strip()

    return card(
        measured,
        "skew_uptake",
        sentence,
        title="Skew uptake",
        axis="skew uptake (slope)",
        n=n,
        zero=True,
        how=how,
    )


def _two_languages(document: StudyResults, runs: Runs) -> str:
    """Shares of the last class in the two languages that are furthest apart."""
    skewed = [run for run in runs if run["setup"] == "imbalanced"]
    if not skewed or not all(document["groups"]):
        return ""
    label = document["labels"][-1]
    mean = {
        language: float(np.mean([run["predictions"][language][label] for run in skewed]))
        for group in document["groups"]
        for language in group
    }
    over = max(document["groups"][0], key=lambda x: mean[x])
    under = min(document["groups"][1], key=lambda x: mean[x])
    truth = np.mean([skewed[0]["truth"][x][label] for x in (over, under)])
    return (
        f"With the skewed training set the model predicts *{escaped(label)}* for "
        f"**{percent(mean[over])}** of the **{escaped(over)}** texts and for "
        f"**{percent(mean[under])}** of the **{escaped(under)}** texts; the truth is "
        f"{percent(float(truth))}."
    )


def _identification(document: StudyResults, runs: Runs) -> Card | None:
    probed = [run for run in runs if "original" in run["probe"]]
    if not probed:
        return None
    first = probed[0]["probe"]["original"]
    before = first.get("before_fine_tuning_knn")

    apart = minus_balanced(document, "probe_original_knn")

    def sentence(value: dict[str, float]) -> str:
        name = "imbalanced" if "imbalanced" in value else next(iter(value))
        text = (
            "From the CLS vector of a test text its 15 nearest neighbours tell the language in "
            f"**{percent(value[name])}** of the cases after {name} training"
        )
        if "balanced" in value and name != "balanced":
            text += f", in **{percent(value['balanced'])}** after balanced training"
        text += f"; chance is {percent(first['chance'])}"
        if before is not None:
            text += f", the encoder before fine-tuning {percent(before)}"
        return f"{text}. {_apart(apart) if apart else ''}".strip()

    single = max(1, int(over_seeds(probed, "knn")["seeds"].max())) < FEWEST_SEEDS
    # Rows are no interval's cases: translations of a sentence are alike, and folds share models.
    covers = (
        {"covers": "Dots: seeds. A probe has one value a run, so no interval"} if single else {}
    )
    return card(
        probed,
        "knn",
        sentence,
        title="Language identification, 15 nearest neighbours",
        axis="language told right (share)",
        n=_n(apart, f"n = {first['n']:,} CLS vectors, {first['folds']} folds by sentence"),
        how="How well the language of a text can be read off its CLS vector. The neighbours are "
        "shown because they saturate less than the paper's logistic regression, which stands with "
        "the others under Compare. (Paper, section 4.2, Tables 4 and 7.)",
        **covers,
    )


def _effect(document: StudyResults, runs: Runs) -> Card | None:
    measured = [run for run in runs if run["language_effect"] is not None]
    if not measured:
        return None
    n = f"n = {measured[0]['language_effect_sentences']:,} sentences in every language"
    how = (
        "Total variation between the two groups' mean predictions on the same sentences, minus "
        "what permuting the languages within each sentence gives. A balanced model need not be at "
        "0, since languages differ before any skew: read the others minus balanced. It needs a "
        "translated test set. (Not in the paper; it sharpens section 4.1.)"
    )

    def raw(value: dict[str, float]) -> str:
        name = "imbalanced" if "imbalanced" in value else next(iter(value))
        text = (
            "On the same sentences, translated, the language alone moves "
            f"**{percent(max(0.0, value[name]), 1)}** of the {name} model's probability from one "
            "class to another"
        )
        if "balanced" in value and name != "balanced":
            text += f", **{percent(max(0.0, value['balanced']), 1)}** of the balanced model's"
        return f"{text}."

    apart = minus_balanced(document, "language_effect")
    title, axis = "Language effect on translated sentences", "language effect (total variation)"
    if not apart:
        return card(
            measured, "language_effect", raw, title=title, axis=axis, n=n, zero=True, how=how
        )
    setups = over_seeds(measured, "language_effect")
    means = dict(zip(setups["setup"], setups["value"], strict=True))
    return difference_card(
        measured,
        "language_effect",
        apart,
        f"{raw(means)} {_apart(apart)}",
        title=f"{title}, minus balanced",
        axis="language effect minus balanced",
        n=n,
        how=how,
    )


_CARDS = (_uptake, _effect, _identification, _accuracy)
