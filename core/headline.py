"""The headline numbers of a study: a card a measure, over its setups, with a sentence to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.cards import Card, Runs, card, over_seeds
from core.measures.accuracy import wilson
from core.measures.compare import FEWEST_SEEDS
from core.words import escaped, percent, points, signed


def cards(document: dict[str, Any]) -> list[Card]:
    """The cards that a study's finished runs allow, from the document of `results.summary`."""
    runs = [run for run in document["runs"] if run["state"] == "done"]
    made = [make(document, runs) for make in _CARDS]
    return [one for one in made if one is not None]


def _noise(runs: Runs, key: str, show: Callable[[float], str]) -> str:
    """How far the balanced models lie apart: what is not larger is noise."""
    values = [r[key] for r in runs if r["setup"] == "balanced" and r.get(key) is not None]
    if len(values) < 2:
        return ""
    return (
        f" The {len(values)} balanced models lie {show(max(values) - min(values))} apart: read "
        "the rest against that."
    )


def _accuracy(document: dict[str, Any], runs: Runs) -> Card | None:
    if not runs:
        return None

    def sentence(value: dict[str, float]) -> str:
        if "imbalanced" not in value or "balanced" not in value:
            name, share = next(iter(value.items()))
            return f"The {name} model is right in **{percent(share, 1)}** of the test texts."
        lost = value["balanced"] - value["imbalanced"]
        text = (
            f"Trained on the skewed set the model is right in **{percent(value['imbalanced'], 1)}**"
            f" of the test texts, {_against(lost)} trained on the balanced one "
            f"(**{percent(value['balanced'], 1)}**)"
        )
        if "imbalanced+cw" in value:
            text += f"; class weights give **{percent(value['imbalanced+cw'], 1)}**"
        return text + "." + _noise(runs, "accuracy", points)

    return card(
        runs,
        "accuracy",
        sentence,
        title="Accuracy on the uniform test set",
        axis="accuracy (share right)",
        n=f"n = {runs[0]['n_test']:,} test rows",
        how="The share of test texts whose label is predicted. All models see the same test set, "
        "in which language and label are independent. (Paper, section 4.1, Tables 3 and 6.)",
    )


def _against(lost: float) -> str:
    if abs(lost) < 0.0005:  # rounds to 0.0 points
        return "as many as"
    return f"{points(lost)} {'fewer' if lost > 0 else 'more'} than"


def _uptake(document: dict[str, Any], runs: Runs) -> Card | None:
    measured = [run for run in runs if run["skew_uptake"] is not None]
    if not measured:
        return None

    def sentence(value: dict[str, float]) -> str:
        text = _two_languages(document, measured)
        if "imbalanced" in value:
            text += (
                f" That is **{percent(value['imbalanced'])}** of the skew in the training set"
                f"{_balanced(value, percent)}"
            )
            if "imbalanced+cw" in value:
                text += f", with class weights **{percent(value['imbalanced+cw'])}**"
            text += "."
        else:
            name, slope = next(iter(value.items()))
            text += f" The {name} model copies **{percent(slope)}** of the skew."
        return text.strip()

    return card(
        measured,
        "skew_uptake",
        sentence,
        title="Skew uptake",
        axis="skew uptake (slope)",
        n=f"n = {measured[0]['n_test']:,} test rows",
        zero=True,
        how="0: the model ignores the skew of the training set. 1: it predicts each class in each "
        "language as often as the skewed training set had it. Above 1: it amplifies the skew. "
        "(Paper, section 4.1; its Table 2 gives 0.36 and 0.34.)",
    )


def _balanced(value: dict[str, float], show: Callable[[float], str]) -> str:
    return f", of a balanced model **{show(value['balanced'])}**" if "balanced" in value else ""


def _two_languages(document: dict[str, Any], runs: Runs) -> str:
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


def _identification(document: dict[str, Any], runs: Runs) -> Card | None:
    probed = [
        run | {"knn": probe["knn"], "knn_ci": wilson(probe["knn"], probe["n"]), "probed": probe}
        for run in runs
        if (probe := run["probe"].get("original"))
    ]
    if not probed:
        return None
    first = probed[0]["probed"]
    before = first.get("before_fine_tuning_knn")

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
        text += "."
        kept = value.get("imbalanced", 0) - value.get("balanced", 1)
        if kept > 0 and before is not None and value["balanced"] < before:
            text += " Balanced training erases the language, imbalance keeps more of it."
        return text

    single = max(1, int(over_seeds(probed, "knn")["seeds"].max())) < FEWEST_SEEDS
    covers = {"covers": "Wilson intervals (95 %), rows taken as independent"} if single else {}
    return card(
        probed,
        "knn",
        sentence,
        title="Language identification, 15 nearest neighbours",
        axis="language told right (share)",
        n=f"n = {first['n']:,} CLS vectors of the test set, {first['folds']} folds by sentence",
        how="How well the language of a text can be read off its CLS vector. The neighbours are "
        "shown because they saturate less than the paper's logistic regression, which stands with "
        "the others under Compare. (Paper, section 4.2, Tables 4 and 7.)",
        **covers,
    )


def _effect(document: dict[str, Any], runs: Runs) -> Card | None:
    measured = [run for run in runs if run["language_effect"] is not None]
    if not measured:
        return None

    def sentence(value: dict[str, float]) -> str:
        name = "imbalanced" if "imbalanced" in value else next(iter(value))
        text = (
            "On the same sentences, translated, the language alone moves "
            f"**{percent(max(0.0, value[name]))}** of the {name} model's probability from one "
            "class to another"
        )
        if "balanced" in value and name != "balanced":
            text += f", **{percent(max(0.0, value['balanced']))}** of the balanced model's"
        if "imbalanced+cw" in value:
            text += f", with class weights **{percent(max(0.0, value['imbalanced+cw']))}**"
        return text + "."

    return card(
        measured,
        "language_effect",
        sentence,
        title="Language effect on translated sentences",
        axis="language effect (total variation)",
        n=f"n = {measured[0]['language_effect_sentences']:,} sentences in every language",
        zero=True,
        how="Total variation between the two groups' mean predictions on the same sentences, minus "
        "what permuting the languages within each sentence gives: 0 where the language does not "
        "matter. It needs a translated test set. (Not in the paper; it sharpens section 4.1.)",
    )


def _reliance(document: dict[str, Any], runs: Runs) -> Card | None:
    measured = [run for run in runs if run.get("language_reliance") is not None]
    if not measured:
        return None

    def sentence(value: dict[str, float]) -> str:
        name = "imbalanced" if "imbalanced" in value else next(iter(value))
        text = (
            "Against the balanced model, tokens that say nothing of the class and the base value "
            f"change the {name} model's soft uptake by **{signed(value[name])}**"
        )
        if "imbalanced+cw" in value:
            text += f"; with class weights by **{signed(value['imbalanced+cw'])}**"
        return text + "."

    return card(
        measured,
        "language_reliance",
        sentence,
        title="Language reliance",
        axis="language reliance (slope)",
        n=f"n = {measured[0]['language_reliance_texts']:,} texts",
        zero=True,
        how="The part of the change of the soft uptake from balanced that neutral tokens and the "
        "base value carry, out of the attributions, minus the null: the model predicts by signs of "
        "the language, not by meaning. (Beyond the paper; built on its equation 1 and figure 1.)",
    )


_CARDS = (_accuracy, _uptake, _identification, _effect, _reliance)
