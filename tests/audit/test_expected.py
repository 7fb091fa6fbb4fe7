from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.audit import expected as audit
from core.errors import InputError
from core.measures.accuracy import accuracy_totals
from core.measures.predictions import Predictions, predicted_shares
from core.measures.skew_uptake import uptake_totals
from core.sampling.designs import design_shares, independent
from tests.audit.tables import LABELS, LANGUAGES, frame, linear

SKEWED = frame(linear(6, 3))
UNIFORM = design_shares("uniform", LANGUAGES, LABELS[:3])
UNEVEN = frame(np.array([[40, 10, 4], [6, 8, 16], [1, 1, 4]])) / 90


def right(predictions: Predictions) -> float:
    return float(accuracy_totals(predictions).values[0])


@pytest.mark.parametrize(("accuracy", "target"), [(0.5, UNIFORM), (0.8, independent(UNEVEN))])
def test_a_calibrated_classifier_has_its_accuracy_and_ignores_the_language(
    accuracy, target
) -> None:
    made = audit.calibrated(accuracy, target)
    assert right(made) == pytest.approx(accuracy, abs=1e-3)
    shares = predicted_shares(made, soft=True)
    assert np.allclose(shares, shares.iloc[0])
    # Calibrated: on average as probable as it is frequent.
    assert np.allclose(shares.iloc[0], target.sum(), atol=0.01)


def test_at_strength_1_it_is_bayes_rule() -> None:
    """Calibrated on the skewed distribution, in each language, and the best there is on it."""
    made = audit.calibrated(0.7, independent(UNEVEN))
    there = replace(made, weights=None)
    at = [
        pd.Index(side).get_indexer(pd.Index(made.rows[name]))
        for side, name in ((UNEVEN.index, "language"), (UNEVEN.columns, "label"))
    ]
    there = replace(made, weights=UNEVEN.to_numpy()[at[0], at[1]])
    tilted = {x: audit.tilted(there, UNEVEN, x, 10**6) for x in (0.0, 0.5, 1.0, 1.5)}
    assert np.allclose(tilted[0.0].probabilities, made.probabilities)
    found = predicted_shares(tilted[1.0], soft=True)
    assert np.allclose(found, UNEVEN.div(UNEVEN.sum(axis=1), axis=0), atol=0.02)
    assert max(tilted, key=lambda x: right(tilted[x])) == 1.0


def test_more_strength_more_uptake_and_no_gain_on_what_has_no_skew() -> None:
    made = audit.calibrated(0.7, UNIFORM)
    table = audit.curve(made, SKEWED, [0, 0.5, 1, 2, 40])
    assert np.allclose(table.loc[0], 0)
    assert (table["skew_uptake"].diff().dropna() > 0).all()
    assert (table["accuracy"].diff().dropna() < 0).all()
    # In the end every text is predicted as its language's commonest label.
    assert table.loc[40, "accuracy"] == pytest.approx(1 / 3 - 0.7, abs=0.02)


@pytest.mark.parametrize("strength", [0.4, 0.9, 1.4])
def test_the_cost_of_models_that_learned_the_skew_this_much_is_told(strength) -> None:
    """From other texts' predictions by a balanced model, for models whose strengths are known."""
    of = [audit.Measured("known", (strength - 0.1, strength + 0.1), (strength,))]
    told = audit.expected([audit.calibrated(0.7, UNIFORM, seed=s) for s in (1, 2)], SKEWED, of=of)
    blind = audit.from_accuracy(0.7, SKEWED, UNIFORM, of=of, seed=3)
    truth = audit.curve(audit.calibrated(0.7, UNIFORM, seed=9), SKEWED, [strength]).iloc[0]
    for found in (told, blind):
        assert found["accuracy_change"]["value"] == pytest.approx(truth["accuracy"], abs=0.012)
        assert found["skew_uptake"]["value"] == pytest.approx(truth["skew_uptake"], abs=0.04)
        assert found["soft_uptake"]["value"] == pytest.approx(truth["soft_uptake"], abs=0.03)
        part = found["skew_uptake"]
        assert part["low"] < part["value"] < part["high"]
        assert found["accuracy_change"]["low"] < found["accuracy_change"]["high"] < 0
    assert told["measured"] and not blind["measured"]
    assert "An estimate, not a measurement" in told["sentence"]


def test_shares_in_tests_with_weights_and_languages_that_lack_a_label() -> None:
    skewed = UNEVEN.copy()
    skewed.loc["es", "bad"] = 0.0
    found = audit.from_accuracy(0.8, skewed * 90, independent(UNEVEN), rows=90)
    assert np.isfinite([found["accuracy_change"]["value"], found["skew_uptake"]["value"]]).all()
    tilted = audit.tilted(audit.calibrated(0.8, independent(UNEVEN)), skewed, 1.0, 90)
    assert (tilted.probabilities > 0).all() and np.allclose(tilted.probabilities.sum(axis=1), 1)


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(InputError, match=r"0\.3 is not between 0\.333"):
        audit.from_accuracy(0.3, SKEWED, UNIFORM)
    with pytest.raises(InputError, match="and 1"):
        audit.from_accuracy(1.0, SKEWED, UNIFORM)
    with pytest.raises(ValueError, match="not independent"):
        audit.from_accuracy(0.7, UNIFORM, UNIFORM)


def test_uptakes_are_those_of_the_measures() -> None:
    made = audit.calibrated(0.6, UNIFORM)
    tilted = audit.tilted(made, SKEWED, 1.0)
    found = audit.curve(made, SKEWED, [1.0]).loc[1.0]
    for name, soft in (("skew_uptake", False), ("soft_uptake", True)):
        before, after = (uptake_totals(x, SKEWED, soft=soft).values[0] for x in (made, tilted))
        assert found[name] == pytest.approx(after - before)


def test_strengths_are_means_of_studies_with_the_range_of_their_seeds() -> None:
    of = [audit.Measured("a", (1.0, 2.0), (1.0,)), audit.Measured("b", (0.5,), ())]
    assert audit.strengths(of) == {"value": 1.0, "low": 0.5, "high": 2.0}
    assert audit.strengths(of, soft=True) == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert audit.strengths()["low"] < 1 < audit.strengths()["high"]
