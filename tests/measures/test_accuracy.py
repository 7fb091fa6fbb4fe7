"""Accuracy, predicted shares and their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix

from core.measures.accuracy import accuracy
from core.measures.bootstrap import interval, sums_by_sentence
from core.measures.predictions import Predictions, group_shares, predicted_shares, true_shares
from tests.helpers.three_languages import GROUPS, LABELS, LANGUAGES, predictions


def predicted_labels(given: Predictions) -> np.ndarray:
    return np.array(LABELS)[given.probabilities.argmax(axis=1)]


@given(st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=25)
def test_accuracy_is_scikit_learns(n, seed) -> None:
    made = predictions(n, seed)
    table = accuracy(made)
    assert table.loc["all", "accuracy"] == pytest.approx(
        accuracy_score(made.rows["label"], predicted_labels(made))
    )
    german = (made.rows["language"] == "de").to_numpy()
    assert table.loc["de", "accuracy"] == pytest.approx(
        accuracy_score(made.rows["label"][german], predicted_labels(made)[german])
    )
    assert table["n"].tolist() == [3 * n, n, n, n]
    assert (table["low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["high"]).all()


@given(st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=25)
def test_predicted_shares_are_column_sums_of_the_confusion_matrix(n, seed) -> None:
    made = predictions(n, seed)
    shares, truth = predicted_shares(made), true_shares(made)
    for language in LANGUAGES:
        rows = (made.rows["language"] == language).to_numpy()
        matrix = confusion_matrix(
            made.rows["label"][rows], predicted_labels(made)[rows], labels=LABELS
        )
        assert shares.loc[language].to_numpy() == pytest.approx(matrix.sum(axis=0) / n)
        assert truth.loc[language].to_numpy() == pytest.approx(matrix.sum(axis=1) / n)
        soft = predicted_shares(made, soft=True).loc[language].to_numpy()
        assert soft == pytest.approx(made.probabilities[rows].mean(axis=0))
    pooled = group_shares(shares, made.rows["language"].value_counts(), GROUPS)
    assert pooled.loc["de en"].to_numpy() == pytest.approx(
        shares.loc[["de", "en"]].mean().to_numpy()
    )


def test_group_shares_weigh_languages_by_their_rows() -> None:
    shares = pd.DataFrame([[1.0, 0.0], [0.0, 1.0]], index=["de", "en"], columns=["a", "b"])
    pooled = group_shares(shares, pd.Series({"de": 30, "en": 10}), (("de", "en"), ("fr",)))
    assert pooled.to_dict("index") == {"de en": {"a": 0.75, "b": 0.25}}


def test_the_interval_of_independent_rows_is_scipys() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=200)
    oracle = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)
    ).confidence_interval
    table = np.column_stack([values, np.ones(200)])
    low, high = interval(table, np.arange(200), lambda t: t[:, 0] / t[:, 1], draws=4000)
    assert low == pytest.approx(oracle.low, abs=0.01)
    assert high == pytest.approx(oracle.high, abs=0.01)


def test_translations_of_a_sentence_are_drawn_together() -> None:
    """Six identical translations say no more than one: the interval must not shrink."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=100)

    def width(copies: int, clustered: bool) -> float:
        repeated = np.tile(values, copies)
        table = np.column_stack([repeated, np.ones_like(repeated)])
        ids = np.tile(np.arange(100), copies) if clustered else np.arange(len(repeated))
        low, high = interval(table, ids, lambda t: t[:, 0] / t[:, 1])
        return float(high - low)

    assert width(6, clustered=True) == pytest.approx(width(1, clustered=True), rel=1e-6)
    assert width(6, clustered=False) < 0.6 * width(6, clustered=True)


def test_sums_by_sentence_are_a_group_by() -> None:
    rng = np.random.default_rng(0)
    values, ids = rng.normal(size=(50, 2)), rng.integers(0, 9, 50).astype(str)
    expected = pd.DataFrame(values).groupby(ids).sum().to_numpy()
    assert sums_by_sentence(values, ids) == pytest.approx(expected)
