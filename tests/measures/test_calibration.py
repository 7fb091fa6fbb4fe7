"""Confusion and calibration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from core.measures.calibration import calibration_error, calibration_totals, confusion
from core.measures.predictions import Predictions
from tests.helpers.predictions import LABELS, SIX, predictions, rows


@given(st.integers(1, 30), st.integers(0, 2**31))
@settings(max_examples=25)
def test_confusion_is_scikit_learns(n, seed) -> None:
    made = predictions(n, seed)
    found = confusion(made)
    assert list(found) == list(SIX)
    for language, table in found.items():
        here = (made.rows["language"] == language).to_numpy()
        guessed = np.array(LABELS)[made.probabilities[here].argmax(axis=1)]
        oracle = confusion_matrix(made.rows["label"][here], guessed, labels=LABELS)
        assert table.to_numpy().tolist() == oracle.tolist()
        assert (table.index.name, table.columns.name) == ("label", "predicted")
        assert tuple(table.index) == tuple(table.columns) == LABELS


def calibration_by_hand(made: Predictions, here: np.ndarray, bins: int) -> float:
    edges = np.linspace(0, 1, bins + 1)
    error = 0.0
    for low, high in itertools.pairwise(edges):
        right, confidence = [], []
        for i in np.flatnonzero(here):
            p = made.probabilities[i].max()
            if low < p <= high:
                confidence.append(p)
                right.append(LABELS[made.probabilities[i].argmax()] == made.rows["label"][i])
        if right:
            error += len(right) / here.sum() * abs(np.mean(right) - np.mean(confidence))
    return error


@given(st.integers(1, 30), st.integers(0, 2**31), st.sampled_from([1, 4, 10, 15]))
@settings(max_examples=25)
def test_calibration_error_is_the_sum_over_bins(n, seed, bins) -> None:
    made = predictions(n, seed)
    made.probabilities[0] = [0.2, 0.6, 0.2]  # 0.6 is an edge of 15 bins and of 10
    table = calibration_error(made, bins)
    assert table["n"].tolist() == [6 * n] + [n] * 6
    for name in ("all", *SIX):
        here = np.ones(6 * n, bool) if name == "all" else (made.rows["language"] == name).to_numpy()
        assert table.loc[name, "ece"] == pytest.approx(calibration_by_hand(made, here, bins))


def rms_by_hand(made: Predictions, here: np.ndarray, bins: int) -> float:
    """Over all pairs of rows of one bin and different sentences."""
    number = np.ceil(made.probabilities.max(axis=1) * bins - 1e-9).astype(int)
    gap = (made.predicted == made.truth) - made.probabilities.max(axis=1)
    square = 0.0
    for b in range(1, bins + 1):
        rows = np.flatnonzero(here & (number == b))
        products = [
            gap[i] * gap[j]
            for i, j in itertools.permutations(rows, 2)
            if made.sentences[i] != made.sentences[j]
        ]
        square += len(rows) / here.sum() * np.mean(products) if products else 0.0
    return max(0.0, square) ** 0.5


@given(st.integers(1, 8), st.integers(0, 2**31), st.sampled_from([1, 4, 15]))
@settings(max_examples=15, deadline=None)
def test_the_squared_error_is_the_mean_over_pairs_of_different_sentences(n, seed, bins) -> None:
    made = predictions(n, seed)
    table = calibration_error(made, bins)
    for name in ("all", "zh"):
        here = np.ones(6 * n, bool) if name == "all" else (made.rows["language"] == name).to_numpy()
        assert table.loc[name, "rms"] == pytest.approx(rms_by_hand(made, here, bins), abs=1e-9)
    assert (table["low"] <= table["rms"]).all() and (table["rms"] <= table["high"]).all()
    assert calibration_totals(made, bins).values[0] == pytest.approx(table.loc["all", "rms"])


def test_calibration_error_of_known_models() -> None:
    rng = np.random.default_rng(0)
    table = rows(5000, ("de", "fr"), rng).assign(label="good")
    p = np.where(table["language"] == "de", rng.uniform(0.5, 1, 10_000), 0.9)
    # German: right as often as it says; French: says 0.9 and is right in 0.6 of the cases.
    share = np.where(table["language"] == "de", p, 0.6)
    right = rng.uniform(size=10_000) < share
    shy = np.column_stack([1 - p, np.zeros(10_000), p])
    made = Predictions(table, np.where(right[:, None], shy, shy[:, ::-1]), LABELS, ("de", "fr"))
    found = calibration_error(made)
    assert found.loc["de", "ece"] < 0.025
    assert found.loc["fr", "ece"] == pytest.approx(0.3, abs=0.02)
    assert found.loc["de", "low"] == 0 and found.loc["de", "high"] < 0.03
    assert found.loc["fr", "rms"] == pytest.approx(0.3, abs=0.02)
    assert found.loc["fr", "low"] < 0.3 < found.loc["fr", "high"]
    assert found.loc["fr", "high"] - found.loc["fr", "low"] < 0.05


def test_a_probability_that_rounding_put_above_one_is_in_the_last_bin() -> None:
    made = predictions(4, 0)
    above = made.probabilities.astype("float32")
    above[0] = [0, 0, 1.0000001]
    found = calibration_error(Predictions(made.rows, above, LABELS, SIX))
    assert np.isfinite(found["ece"]).all()
