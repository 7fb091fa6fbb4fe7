"""Measures on a test set as found, weighted: against a population in which the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.measures.accuracy import accuracy, accuracy_totals
from core.measures.calibration import calibration_error, calibration_totals, confusion, reliability
from core.measures.language_effect import effect_totals, language_effect
from core.measures.predictions import Predictions, predicted_shares, true_shares
from core.measures.skew_uptake import skew_uptake, uptake_by
from core.sampling.designs import design_shares, independent

LANGUAGES, LABELS = ("de", "en", "fr"), ("bad", "fair", "good")
# As found: 9:1 over languages, skewed between.
FOUND = pd.DataFrame([[30, 12, 12], [8, 10, 12], [1, 2, 3]], LANGUAGES, LABELS) / 90
SKEWED = pd.DataFrame([[40, 10, 4], [6, 8, 16], [1, 1, 4]], LANGUAGES, LABELS) / 90
TARGETS = {
    "uniform": design_shares("uniform", LANGUAGES, LABELS),
    "independent": independent(SKEWED),
}
RNG = np.random.default_rng(7)
# What the model thinks of a row of each cell, on average: it leans to the labels that are more
# frequent in its language, and is worse in some.
LEAN = 4 * SKEWED.div(SKEWED.sum(axis=1), axis=0).to_numpy()[:, None, :]
MEAN = 6 * np.array([0.6, 0.8, 0.4])[:, None, None] * np.eye(3)[None] + LEAN + 0.5


def model(rng: np.random.Generator, language: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Probabilities of rows: Dirichlet around the mean of their cell."""
    drawn = rng.gamma(MEAN[language, label])
    return drawn / drawn.sum(axis=1, keepdims=True)


def as_found(
    rng: np.random.Generator, n: int, target: pd.DataFrame, shares: pd.DataFrame = FOUND
) -> Predictions:
    """n test rows with the shares of the cells, weighted to the target."""
    cell = np.repeat(np.arange(9), np.round(shares.to_numpy().ravel() * n).astype(int))
    language, label = cell // 3, cell % 3
    rows = pd.DataFrame(
        {
            "row": [str(i) for i in range(len(cell))],
            "sentence": [str(i) for i in range(len(cell))],
            "language": np.array(LANGUAGES)[language],
            "label": np.array(LABELS)[label],
        }
    )
    weights = (target / shares).to_numpy().ravel()[cell]
    return Predictions(rows, model(rng, language, label), LABELS, LANGUAGES, weights)


def population(target: pd.DataFrame) -> Predictions:
    """A test set of the target itself, so large that its values are the truth."""
    return replace(as_found(np.random.default_rng(1), 150_000, target, target), weights=None)


MEASURES = {
    "accuracy": lambda p: accuracy(p).loc["all", ["accuracy", "low", "high"]].tolist(),
    "accuracy in fr": lambda p: accuracy(p).loc["fr", ["accuracy", "low", "high"]].tolist(),
    "skew uptake": lambda p: list(skew_uptake(p, SKEWED)),
    "soft uptake": lambda p: list(skew_uptake(p, SKEWED, soft=True)),
    "uptake of good": lambda p: list(uptake_by(p, SKEWED, "class")["good"] or ()),
    "calibration": lambda p: (
        calibration_error(replace(p, languages=())).loc["all", ["rms", "low", "high"]].tolist()
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_weighted_measures_are_those_of_the_target_and_their_intervals_cover(name) -> None:
    target = TARGETS[name]
    whole = population(target)
    truth = {k: float(accuracy_totals(whole).only("all").values[0]) for k in ("accuracy",)}
    truth["accuracy in fr"] = float(accuracy_totals(whole).only("fr").values[0])
    truth |= {
        "skew uptake": skew_slope(whole),
        "soft uptake": skew_slope(whole, soft=True),
        "uptake of good": skew_slope(whole, label="good"),
        "calibration": float(calibration_totals(whole).values[0]),
    }
    rng = np.random.default_rng(0)
    found: dict[str, list[list[float]]] = {k: [] for k in MEASURES}
    plain: list[float] = []
    for _ in range(70):
        drawn = as_found(rng, 900, target)
        for k, measure in MEASURES.items():
            found[k].append(measure(drawn))
        plain.append(skew_uptake(replace(drawn, weights=None), SKEWED).value)
    for k, rows in found.items():
        values = np.array(rows)
        error = values[:, 0].std() / 70**0.5
        slack = 0.01 if k == "calibration" else 4 * error + 0.003  # the root of what is unbiased
        assert values[:, 0].mean() == pytest.approx(truth[k], abs=slack), k
        covered = (values[:, 1] <= truth[k]) & (truth[k] <= values[:, 2])
        assert 0.9 <= covered.mean() <= 1, (k, covered.mean())
    # Without the weights it is the uptake of another population.
    assert abs(np.mean(plain) - truth["skew uptake"]) > 0.02


def skew_slope(whole: Predictions, *, soft: bool = False, label: str | None = None) -> float:
    """Skew uptake by its definition, a cell at a time."""
    p = SKEWED.div(SKEWED.sum(axis=1), axis=0)
    x = p - SKEWED.sum(axis=0)
    y = predicted_shares(whole, soft=soft) - true_shares(whole)
    w = SKEWED.sum(axis=1)
    columns = [label] if label else list(LABELS)
    xs, ys = x[columns], y[columns]
    return float(
        (xs * ys).mul(w, axis=0).to_numpy().sum() / (xs**2).mul(w, axis=0).to_numpy().sum()
    )


def test_shares_are_of_the_rows_as_weighted() -> None:
    target = TARGETS["uniform"]
    drawn = as_found(RNG, 900, target)
    assert np.allclose(true_shares(drawn), 1 / 3)
    for soft in (False, True):
        found = predicted_shares(drawn, soft=soft)
        assert np.allclose(found.sum(axis=1), 1)
        plain = predicted_shares(replace(drawn, weights=None), soft=soft)
        by_cell = {
            c: predicted_shares(replace(drawn, weights=(drawn.rows["label"] == c).to_numpy(float)))
            for c in LABELS
        }
        if not soft:
            assert np.allclose(found, sum(by_cell.values()) / 3)
        assert not np.allclose(found, plain)


def test_counts_stay_counts_and_rows_tell_as_much_as_fewer() -> None:
    drawn = as_found(RNG, 900, TARGETS["uniform"])
    plain = replace(drawn, weights=None)
    assert all(
        a.equals(b)
        for a, b in zip(confusion(drawn).values(), confusion(plain).values(), strict=True)
    )
    assert drawn.sizes.tolist() == plain.sizes.tolist() == [900, 540, 300, 60]
    assert plain.effective_sizes.tolist() == [900, 540, 300, 60]
    w = np.asarray(drawn.weights)
    assert drawn.effective_sizes[0] == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert (drawn.effective_sizes < plain.sizes).all()
    # Fewer rows tell less.
    wide, narrow = (
        accuracy(p).loc["all", "high"] - accuracy(p).loc["all", "low"] for p in (drawn, plain)
    )
    assert wide > 1.3 * narrow
    points = reliability(drawn)
    assert (points["n"] >= 1).all() and points[points["language"] == "all"]["n"].sum() == 900
    low, share, high = (points[c] for c in ("low", "accuracy", "high"))
    assert ((low <= share + 1e-9) & (share <= high + 1e-9)).all()


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_weights_that_are_all_alike_change_nothing(scale) -> None:
    plain = replace(as_found(RNG, 900, TARGETS["uniform"]), weights=None)
    alike = replace(plain, weights=np.full(len(plain.rows), scale))
    for measure in MEASURES.values():
        assert measure(alike) == pytest.approx(measure(plain))
    assert np.allclose(predicted_shares(alike), predicted_shares(plain))
    columns = ["confidence", "accuracy", "low", "high", "n"]
    assert np.allclose(reliability(alike)[columns], reliability(plain)[columns])


def translated(rng: np.random.Generator, labels: np.ndarray, effect: float) -> Predictions:
    """Sentences in every language; the mass that moves to good in de is larger for bad ones."""
    n = len(labels)
    p = rng.dirichlet([4, 4, 4], size=(n, 3))
    moved = effect * np.where(labels == 0, 1.0, 0.2)[:, None]
    p[:, 0] = (1 - moved) * p[:, 0] + moved * np.eye(3)[2]
    rows = pd.DataFrame(
        {
            "row": [f"{x}{i}" for i in range(n) for x in LANGUAGES],
            "sentence": np.repeat(np.arange(n).astype(str), 3),
            "language": np.tile(LANGUAGES, n),
            "label": np.repeat(np.array(LABELS)[labels], 3),
        }
    )
    return Predictions(rows, p.reshape(-1, 3), LABELS, LANGUAGES)


GROUPS = (("de",), ("en", "fr"))


@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_the_language_effect_is_that_of_the_target(effect) -> None:
    """Six of ten test sentences are bad, where the effect is largest; the target has a third."""
    rng = np.random.default_rng(0)
    # To good go two thirds of the mass moved: 1 - 1/3 of it was elsewhere.
    truth = effect * (1 + 0.2 + 0.2) / 3 * 2 / 3
    found = []
    for _ in range(100):
        labels = rng.permutation(np.repeat([0, 1, 2], [180, 60, 60]))
        made = translated(rng, labels, effect)
        weights = np.array([1 / 3 / 0.6, 1 / 3 / 0.2, 1 / 3 / 0.2])[np.repeat(labels, 3)]
        weighted = replace(made, weights=weights)
        one = language_effect(weighted, GROUPS, permutations=99)
        assert one is not None
        totals = effect_totals(weighted, GROUPS)
        assert totals is not None and totals.values[0] == pytest.approx(one.value)
        found.append(one)
    table = pd.DataFrame(found)
    assert table["value"].mean() == pytest.approx(truth, abs=0.004)
    assert 0.9 <= ((table["low"] <= truth) & (truth <= table["high"])).mean() <= 1
    if effect:
        assert (table["p"] == 0.01).all()
        plain = language_effect(translated(rng, labels, effect), GROUPS, permutations=9)
        assert plain is not None and plain.value > truth + 0.02
    else:
        assert (table["p"] <= 0.05).mean() <= 0.12


def test_equal_weights_of_sentences_change_nothing() -> None:
    made = translated(RNG, RNG.integers(3, size=200), 0.2)
    alike = replace(made, weights=np.full(len(made.rows), 1.0))
    a, b = (language_effect(x, GROUPS, permutations=99) for x in (made, alike))
    # Their labels' shares are those of the sentences.
    assert a == pytest.approx(b)
