from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest

from core.figures import verdict
from core.results import seeds, study_results
from core.text import plain
from tests.helpers.started import small_study


@pytest.fixture
def document(done) -> dict:
    """Models that work; the imbalanced one copies half of the skew, class weights a tenth."""
    found = copy.deepcopy(study_results.summary(small_study()))
    uptake = {"imbalanced": 0.5, "imbalanced+cw": 0.1}
    for run in found["runs"]:
        run |= {"accuracy": 0.66, "accuracy_ci": [0.6, 0.72], "skew_uptake_ci": [0.3, 0.5]}
        run["skew_uptake"] = uptake.get(run["setup"], 0.04 if run["null"] else 0.0)
        for of_language in run["confusion"].values():
            for i, of_label in enumerate(of_language.values()):
                for j, label in enumerate(of_label):
                    of_label[label] = 4 if i == j else 1
    for c in found["comparisons"]:
        if c["b"] == "balanced" and c["measure"] == "skew_uptake":
            value = uptake.get(c["a"], 0.04)
            c |= {"difference": value, "ci": [value - 0.08, value + 0.08], "margin": 0.1}
    return found


SPREAD = {"seeds": 4.93e-3, "sentences": 6.88e-4, "one_seed": 1.27e-3}


def judge(document: dict, said: str, *setups: str, measure: str = "skew_uptake") -> None:
    for c in document["comparisons"]:
        if c["b"] == "balanced" and c["measure"] == measure and c["a"] in setups:
            c |= {"verdict": said, "n_seeds": 3 if said != "no verdict" else 1, "spread": SPREAD}


def say(document: dict) -> str:
    return plain(verdict.of_study(document).sentence).replace("\u00a0", " ")


def test_the_headline_has_share_interval_remedy_and_noise(document) -> None:
    judge(document, "differs", "imbalanced")
    judge(document, "equivalent", "imbalanced+cw")
    assert say(document) == (
        "Trained on the skewed set, the model copies 50 % of the skew [42, 58]; class weights "
        "bring it to 10 % [2, 18], within ±10 % of balanced; two balanced models differ by 4 %."
    )


@pytest.mark.parametrize(
    ("said", "words", "never"),
    [
        ("differs", "copies 50 %", "cannot tell"),
        ("cannot tell", "cannot tell whether the skew is copied", "the model copies 50"),
        ("equivalent", "next to nothing", "cannot tell"),
        ("no verdict", "No verdict: it takes 3 seeds", "cannot tell"),
    ],
)
def test_the_headline_says_no_more_than_the_verdict(document, said, words, never) -> None:
    judge(document, said, "imbalanced", "imbalanced+cw")
    assert words in say(document) and never not in say(document)


def test_a_negative_difference_is_not_called_a_copy(document) -> None:
    for c in document["comparisons"]:
        if c["measure"] == "skew_uptake" and c["a"] == "imbalanced":
            c |= {"difference": -0.3, "ci": [-0.4, -0.2], "verdict": "differs", "n_seeds": 3}
    assert "goes against the skew" in say(document)


def test_models_that_learnt_nothing_get_no_verdict_on_skew(document) -> None:
    judge(document, "equivalent", "imbalanced")
    for run in document["runs"]:
        run["accuracy_ci"] = [0.3, 0.4]
        run["skew_uptake_ci"] = [-0.1, 0.1]
    assert "have not learnt the task" in say(document) and "copies" not in say(document)
    assert verdict.of_study(document).cost == ""
    first = plain(verdict.of_study(document).doubts[0])
    assert "balanced (seeds 0, 1), imbalanced (seed 0)" in first and "33.3" in first


def test_without_balanced_runs_there_is_no_claim(document) -> None:
    document["runs"] = [r for r in document["runs"] if r["setup"] == "imbalanced"]
    document["comparisons"] = []
    assert "not known how much" in say(document) and "copies" not in say(document)
    document["runs"] = []
    assert "No run of this study is done" in say(document)


def test_a_study_without_skew_has_none_to_copy(document) -> None:
    for run in document["runs"]:
        run |= {"skew_uptake": None, "skew_uptake_ci": None}
    document |= {"comparisons": [], "groups": []}
    assert "no skew to copy" in say(document)


@pytest.mark.parametrize("said", ["differs", "equivalent", "cannot tell", "no verdict"])
def test_the_cost_carries_its_verdict_and_interval(document, said) -> None:
    judge(document, said, "imbalanced", measure="accuracy")
    text = plain(verdict.of_study(document).cost)
    words = {
        "differs": "changes by",
        "equivalent": "stays within",
        "cannot tell": "cannot be told",
        "no verdict": "no verdict",
    }
    assert words[said] in text and "[" in text


def test_noise_is_the_mean_distance_of_two_balanced_models(document) -> None:
    values = [0.0, 0.04, -0.1, 0.3]
    runs = [
        {**document["runs"][0], "setup": "balanced", "skew_uptake": x, "skew_uptake_ci": None}
        for x in values
    ]
    oracle = np.mean([abs(a - b) for a, b in itertools.combinations(values, 2)])
    assert seeds.noise(runs, "skew_uptake") == (pytest.approx(oracle), 4)
    assert seeds.noise(runs[:1], "skew_uptake") is None


def test_a_setup_s_name_cannot_write_markdown(document) -> None:
    for run in document["runs"]:
        run["setup"] = run["setup"].replace("imbalanced", "![x](http://y)")
    for c in document["comparisons"]:
        c["a"] = c["a"].replace("imbalanced", "![x](http://y)")
    assert "![" not in verdict.of_study(document).sentence
