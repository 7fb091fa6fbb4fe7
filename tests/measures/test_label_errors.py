from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.measures.label_errors import error_shares, likely_errors
from core.measures.predictions import Predictions

LABELS, LANGUAGES = ("a", "b", "c"), ("de", "en")


def drawn(n: int, noise: dict[str, float], seed: int = 0) -> tuple[Predictions, np.ndarray]:
    """A calibrated classifier's probabilities of rows whose labels are wrong by a known share."""
    rng = np.random.default_rng(seed)
    language = rng.choice(LANGUAGES, n)
    truth = rng.integers(0, 3, n)
    scores = rng.normal(size=(n, 3)) + 3.5 * np.eye(3)[truth]
    given = np.exp(3.5 * scores)
    given /= given.sum(axis=1, keepdims=True)
    wrong = rng.random(n) < np.vectorize(noise.get)(language)
    label = np.where(wrong, (truth + rng.integers(1, 3, n)) % 3, truth)
    rows = pd.DataFrame(
        {
            "row": [f"r{i}" for i in range(n)],
            "sentence": [f"s{i}" for i in range(n)],
            "language": language,
            "label": np.array(LABELS)[label],
        }
    )
    return Predictions(rows, given, LABELS, LANGUAGES), wrong


def test_noise_of_one_language_is_found_there() -> None:
    predictions, wrong = drawn(3000, {"de": 0.2, "en": 0.0})
    errors = likely_errors(predictions)
    shares = error_shares(predictions, errors).set_index(["language", "label"])
    assert shares.loc[("de", "all"), "share"] == pytest.approx(0.2, abs=0.05)
    assert shares.loc[("en", "all"), "share"] < 0.03
    assert (errors & wrong).sum() / errors.sum() > 0.85  # of the flagged, most are wrong
    assert (errors & wrong).sum() / wrong.sum() > 0.8


def test_without_noise_hardly_any_is_flagged() -> None:
    predictions, _ = drawn(3000, {"de": 0.0, "en": 0.0}, seed=1)
    assert likely_errors(predictions).mean() < 0.03


def test_shares_add_up_and_have_their_intervals() -> None:
    predictions, _ = drawn(600, {"de": 0.2, "en": 0.05})
    errors = likely_errors(predictions)
    shares = error_shares(predictions, errors)
    parts, all_of = shares[shares["label"] != "all"], shares[shares["label"] == "all"]
    assert parts["flagged"].sum() == all_of["flagged"].sum() == errors.sum()
    assert parts["n"].sum() == all_of["n"].sum() == 600
    assert ((shares["low"] <= shares["share"]) & (shares["share"] <= shares["high"])).all()
    from scipy.stats import binomtest

    for row in shares.itertuples():
        ci = binomtest(int(row.flagged), int(row.n)).proportion_ci()
        assert (row.low, row.high) == pytest.approx((ci.low, ci.high), abs=1e-9)


def test_too_few_rows_say_nothing() -> None:
    predictions, _ = drawn(12, {"de": 0.5, "en": 0.5})
    assert not likely_errors(predictions).any()
