from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.stats

from core.figures import headline
from core.measures.accuracy import wilson
from core.results import seeds as result_seeds
from core.results import study_results
from tests.helpers.started import small_study


@pytest.fixture
def document(done) -> dict:
    return copy.deepcopy(study_results.summary(small_study()))


def test_over_three_seeds_the_interval_is_a_t_interval() -> None:
    values = [0.3, 0.5, 0.6, 0.9]
    runs = [
        {
            "setup": "imbalanced",
            "null": False,
            "seed": i,
            "skew_uptake": v,
            "skew_uptake_ci": [0.0, 1.0],
        }
        for i, v in enumerate(values)
    ]
    found = result_seeds.over_seeds(runs, "skew_uptake").iloc[0]
    oracle = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx(tuple(oracle))
    assert (found["value"], found["seeds"]) == (pytest.approx(np.mean(values)), 4)
    one = result_seeds.over_seeds(runs[:1], "skew_uptake").iloc[0]
    assert (one["low"], one["high"]) == (0.0, 1.0)
    two = [runs[0], runs[1] | {"skew_uptake_ci": [0.2, 1.3]}]
    assert result_seeds.over_seeds(two, "skew_uptake").iloc[0][["low", "high"]].tolist() == [
        0.0,
        1.3,
    ]


def test_setups_come_in_one_order_and_those_without_a_value_are_left_out() -> None:
    runs = [
        {"setup": s, "null": n, "seed": 0, "skew_uptake": x, "skew_uptake_ci": None}
        for s, n, x in (
            ("imbalanced+cw", False, 1.0), ("imbalanced", False, None), ("balanced", True, 1.0),
            ("balanced", False, 1.0),
        )
    ]  # fmt: skip
    assert result_seeds.over_seeds(runs, "skew_uptake")["setup"].tolist() == [
        "balanced", "balanced (null)", "imbalanced+cw"
    ]  # fmt: skip


def test_cards_follow_what_was_measured(document) -> None:
    names = [card.name for card in headline.cards(document)]
    assert names == ["skew_uptake", "language_effect", "knn", "accuracy"]
    for run in document["runs"]:
        run |= {"language_effect": None, "skew_uptake": None, "probe": {}}
    assert [card.name for card in headline.cards(document)] == ["accuracy"]
    assert headline.cards({**document, "runs": []}) == []


def judge(document: dict, difference: float, verdict: str, seeds: int = 3) -> None:
    """Give all comparisons of a document this difference and verdict."""
    for c in document["comparisons"]:
        c |= {"difference": difference, "ci": [difference - 0.02, difference + 0.02]}
        c |= {"verdict": verdict, "within_margin": verdict == "equivalent", "margin": 0.03}
        c |= {"n_seeds": seeds, "covers": "other seeds and other test sentences"}


def test_sentences_are_made_of_the_numbers(document) -> None:
    shares = {"fr": 0.45, "es": 0.41, "ja": 0.40, "de": 0.31, "en": 0.33, "zh": 0.32}
    for run in document["runs"]:
        imbalanced = run["setup"] == "imbalanced"
        run |= {"accuracy": 0.7 if imbalanced else 0.75, "skew_uptake": 0.5 if imbalanced else 0.0}
        if imbalanced:
            for language, share in shares.items():
                run["predictions"][language]["positive"] = share
    judge(document, -0.05, "differs")
    said = {c.name: c.sentence.replace("\u00a0", " ") for c in headline.cards(document)}
    accuracy, uptake = said["accuracy"], said["skew_uptake"]
    assert "right in **70.0 %** of the test texts, the balanced one in **75.0 %**" in accuracy
    assert "Minus balanced: skewed training **−5.0 points** [−7.0, −3.0]" in accuracy
    assert "differs; class weights **−5.0 points**" in accuracy
    assert "The 2 balanced models, which differ by their seed alone, lie 0.0 points" in accuracy
    assert "*positive* for **45 %** of the **fr** texts and for **31 %** of the **de**" in uptake
    assert "the truth is 33 %. Minus balanced: skewed training **−5 %** [−7, −3]" in uptake


@pytest.mark.parametrize("verdict", ["differs", "equivalent", "cannot tell", "no verdict"])
def test_every_card_says_the_verdict_of_its_difference_and_what_is_covered(
    document, verdict
) -> None:
    judge(document, 0.01, verdict)
    for card in headline.cards(document):
        assert f", {verdict}" in card.sentence
        assert "cover other seeds and other test sentences" in card.caption
        assert ("other seeds were not tried" in card.caption) == (verdict == "no verdict")
        for claim in ("brings back", "does not", "no effect", "erases", "ignores"):
            assert claim not in card.sentence + card.how.replace("it does not report", "")


def test_uptake_and_effect_are_shown_minus_balanced_seed_by_seed(document) -> None:
    cards = {card.name: card for card in headline.cards(document)}
    by = {(r["setup"], r["seed"]): r for r in document["runs"]}
    for name in ("skew_uptake", "language_effect", "accuracy"):
        card = cards[name]
        assert card.setups["setup"].tolist() == ["balanced (null)", "imbalanced", "imbalanced+cw"]
        apart = by["imbalanced", 0][name] - by["balanced", 0][name]
        row = card.setups.set_index("setup").loc["imbalanced"]
        assert row["value"] == pytest.approx(apart) and row["low"] <= apart <= row["high"]
        dots = card.runs.set_index("setup")["value"]
        assert dots["imbalanced"] == pytest.approx(apart)
        assert "minus balanced" in card.axis and card.zero
    assert "no interval of the difference and no verdict" in cards["knn"].caption
    document["comparisons"] = []
    raw = {card.name: card for card in headline.cards(document)}["skew_uptake"]
    assert raw.axis == "skew uptake (slope)" and "not known how much" in raw.sentence


def test_a_label_cannot_write_markdown(document) -> None:
    label = "![x](http://example.org/a.png) :red[*y*]"
    document["labels"][-1] = label
    for run in document["runs"]:
        for kind in ("predictions", "truth"):
            for cells in run[kind].values():
                cells[label] = cells["positive"]
    sentence = headline.cards(document)[0].sentence
    assert "\\!\\[x\\]\\(http\\:\u2060//example" in sentence
    assert "![" not in sentence and ":red[" not in sentence


@pytest.mark.parametrize(("share", "n"), [(0.0, 10), (0.3, 50), (1.0, 7), (0.59, 1800)])
def test_the_interval_of_a_published_share_is_scipys(share, n) -> None:
    right = round(share * n)
    oracle = scipy.stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson(right / n, n) == pytest.approx(list(oracle), abs=1e-6)


def test_a_probe_has_no_interval_over_rows(document) -> None:
    card = next(c for c in headline.cards(document) if c.name == "knn")
    assert card.setups[["low", "high"]].isna().all(axis=None)
    assert "one value a run" in card.caption
    n = document["runs"][0]["probe"]["original"]["n"]
    assert f"n = {n:,}" in card.caption
