"""Intervals and tests of the measures against simulated models whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.measures.calibration import calibration_error, calibration_totals, reliability
from core.measures.comparison import compare
from core.measures.language_effect import language_effect
from core.measures.predictions import Predictions

LABELS, SIX = ("bad", "fair", "good"), ("de", "en", "es", "fr", "ja", "zh")
GROUPS = (("es", "fr", "ja"), ("de", "en", "zh"))
SENTENCES = 300  # of the demo's test set, in six languages


def rows_of(labels: np.ndarray) -> pd.DataFrame:
    """Sentences with these labels, each in every language."""
    n = len(labels)
    return pd.DataFrame(
        {
            "row": [f"{lang}{i}" for i in range(n) for lang in SIX],
            "sentence": np.repeat(np.arange(n).astype(str), len(SIX)),
            "language": np.tile(SIX, n),
            "label": np.repeat(np.array(LABELS)[labels], len(SIX)),
        }
    )


def calibrated(rng: np.random.Generator, sharpness: float, n: int = SENTENCES) -> Predictions:
    """Posteriors of what is seen of a label, most of it shared by a sentence's translations.

    They are calibrated at sharpness 1, and too sure above.
    """
    labels, seen = rng.integers(3, size=n), 1.6 * np.eye(3)
    noise = 0.6**0.5 * rng.normal(size=(n, 1, 3)) + 0.4**0.5 * rng.normal(size=(n, 6, 3))
    distance = ((seen[labels][:, None] + noise)[:, :, None] - seen) ** 2
    p = np.exp(-sharpness * distance.sum(axis=-1) / 2)
    p /= p.sum(axis=-1, keepdims=True)
    return Predictions(rows_of(labels), p.reshape(-1, 3), LABELS, SIX)


# Sharpness -> expected and root-mean-square calibration error, of 200,000 sentences.
TRUTHS = {1.0: (0.0, 0.0), 1.055: (0.009, 0.0101), 1.08: (0.014, 0.0147), 1.45: (0.062, 0.0671)}


@pytest.mark.parametrize("sharpness", TRUTHS)
def test_the_calibration_interval_covers(sharpness) -> None:
    rng = np.random.default_rng(0)
    ece, truth = TRUTHS[sharpness]
    made = (replace(calibrated(rng, sharpness), languages=()) for _ in range(150))  # `all` alone
    found = pd.DataFrame([calibration_error(x).loc["all"] for x in made])
    assert 0.9 <= ((found["low"] <= truth) & (truth <= found["high"])).mean() <= 0.99
    # The expected error has noise in it; the square of the other is unbiased.
    assert (found["ece"].mean() > ece + 0.01) == (ece < 0.02)
    if ece > 0.05:
        assert found["rms"].mean() == pytest.approx(truth, abs=0.003)
        assert (found["low"] > 0).mean() > 0.9
    if ece == 0:
        assert (found["low"] > 0).mean() <= 0.08


@pytest.mark.parametrize(("a", "b"), [(1.08, 1.08), (1.45, 1.055), (1.45, 1.45)])
def test_the_interval_of_a_difference_of_calibration_errors_covers(a, b) -> None:
    """Where two models differ in it, that of the expected error covered .80."""
    rng = np.random.default_rng(0)
    difference = TRUTHS[a][1] - TRUTHS[b][1]
    covered, beyond = [], []
    for _ in range(80):
        seed = rng.integers(2**31)  # the same sentences, seen alike
        made = [calibrated(np.random.default_rng(seed), sharpness) for sharpness in (a, b)]
        other = calibrated(np.random.default_rng(seed + 1), b)
        both = [calibration_totals(x) for x in (made[0], made[1] if a != b else other)]
        found = compare("a", "b", "calibration", {1: both[0]}, {1: both[1]}, draws=300)
        covered.append(found.low <= difference <= found.high)
        beyond.append(not found.low <= 0 <= found.high)
    assert np.mean(covered) >= 0.9
    assert np.mean(beyond) > 0.5 if a != b else np.mean(beyond) <= 0.1


def test_the_bars_of_the_reliability_diagram_miss_the_line_in_one_of_twenty() -> None:
    rng = np.random.default_rng(0)
    for name in ("all", "de"):
        missed, n = 0, 0
        for _ in range(40):
            points = reliability(calibrated(rng, 1.0))
            points = points[(points["language"] == name) & (points["n"] >= 20)]
            missed += (
                (points["confidence"] < points["low"]) | (points["confidence"] > points["high"])
            ).sum()
            n += len(points)
        assert 0.02 <= missed / n <= 0.08


def shifted(rng: np.random.Generator, effect: float) -> Predictions:
    """Probabilities that vary by sentence and by row, with mass moved between the groups."""
    labels = rng.integers(3, size=SENTENCES)
    noise = rng.normal(0, 0.25, size=(SENTENCES, 6, 3))
    p = 0.5 * rng.dirichlet([1, 1, 1], size=SENTENCES)[:, None] + 1 / 6
    p = p + noise - noise.mean(axis=-1, keepdims=True)
    side = np.where(np.isin(SIX, GROUPS[0]), 0.5, -0.5)
    p += effect * side[:, None] * [-1, 0, 1]
    return Predictions(rows_of(labels), p.reshape(-1, 3), LABELS, SIX)


@pytest.mark.parametrize("effect", [0.0, 0.065, 0.255])
def test_the_interval_of_the_language_effect_covers(effect) -> None:
    rng = np.random.default_rng(0)
    found = pd.DataFrame(
        [language_effect(shifted(rng, effect), GROUPS, permutations=99) for _ in range(150)]
    )
    assert 0.9 <= ((found["low"] <= effect) & (effect <= found["high"])).mean() <= 0.99
    assert found["value"].mean() == pytest.approx(effect, abs=0.002)
    assert ((found["low"] < found["value"]) & (found["value"] < found["high"])).all()
    if effect:
        assert (found["p"] == 0.01).all()
    else:
        assert 0.02 <= (found["p"] <= 0.05).mean() <= 0.09
        assert found["p"].mean() == pytest.approx(0.5, abs=0.06)
