"""The language effect."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from core.measures.language_effect import cross_fitted, effect_totals, language_effect
from core.measures.predictions import Predictions
from tests.helpers.predictions import GROUPS, LABELS, SIX, predictions

UNIFORM = np.full(3, 1 / 3)


def test_identical_predictions_have_no_language_effect() -> None:
    rng = np.random.default_rng(0)
    made = predictions(300, 0)
    same = np.tile(rng.dirichlet([1, 1, 1], 300), (6, 1))
    found = language_effect(Predictions(made.rows, same, LABELS, SIX), GROUPS)
    assert found == pytest.approx((0, 0, 0, 0, 0, 1, 300), abs=1e-12)


@pytest.mark.parametrize(
    ("languages", "groups"), [(("en", "fr"), (("fr",), ("en",))), (SIX, GROUPS)]
)
def test_noise_alone_has_no_language_effect(languages, groups) -> None:
    """The total variation is never 0, and half of the sentences corrects the other half."""
    values = [effect_totals(predictions(50, s, languages), groups).values for s in range(100)]
    effect, observed = np.mean(values, axis=0)
    assert effect == pytest.approx(0, abs=0.15 * observed)
    found = [language_effect(predictions(100, s, languages), groups) for s in range(25)]
    assert np.mean([f.null for f in found]) == pytest.approx(
        np.mean([f.observed for f in found]), rel=0.15
    )
    assert sum(f.low <= 0 <= f.high for f in found) >= 22


@pytest.mark.parametrize(
    ("languages", "groups"), [(("en", "fr"), (("fr",), ("en",))), (SIX, GROUPS)]
)
@pytest.mark.parametrize("shift", [0.1, 0.3])
def test_a_shift_of_mass_between_the_groups_is_the_effect(languages, groups, shift) -> None:
    rng = np.random.default_rng(0)
    made = predictions(1000, 0, languages)
    given = np.tile(0.4 * rng.dirichlet([1, 1, 1], 1000) + 0.6 * UNIFORM, (len(languages), 1))
    given += rng.normal(0, 0.02, len(given))[:, None] * [1, 0, -1]
    rising = made.rows["language"].isin(groups[0]).to_numpy()
    given[rising] += [-shift / 2, 0, shift / 2]
    given[~rising] += [shift / 2, 0, -shift / 2]
    found = language_effect(Predictions(made.rows, given, LABELS, languages), groups)
    assert found.observed == pytest.approx(shift, abs=0.005)
    assert found.value == pytest.approx(shift, abs=0.005)
    assert found.low < found.value < found.high < found.low + 0.02
    assert found.p == 0.001


def test_the_sign_of_one_half_and_the_size_of_the_other() -> None:
    """The closed form is the mean over random halves."""
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.05, 0.1, 0.4):
        sample = rng.normal(shift, 1, 400)
        halves = []
        for _ in range(4000):
            order = rng.permutation(400)
            one, other = (sample[part].mean() for part in np.split(order, 2))
            halves.append(np.sign(one) * other)
        found = cross_fitted(sample.mean(), sample.std(ddof=1) / 20)
        assert found == pytest.approx(np.mean(halves), abs=0.004)


@pytest.mark.parametrize("seed", range(3))
def test_the_null_is_the_mean_over_all_permutations(seed) -> None:
    made = predictions(7, seed, ("en", "fr"))
    english, french = made.probabilities[:7], made.probabilities[7:]
    observed = abs((french - english).mean(axis=0)).sum() / 2
    null = np.mean(
        [
            abs((np.array(signs)[:, None] * (french - english)).mean(axis=0)).sum() / 2
            for signs in itertools.product([-1, 1], repeat=7)
        ]
    )
    found = language_effect(made, (("fr",), ("en",)), permutations=20_000)
    assert (found.observed, found.null) == pytest.approx((observed, null), abs=0.003)


def test_the_null_and_p_of_six_languages_are_those_of_all_permutations() -> None:
    """Of two sentences: one of them varies, the other is the same in every language."""
    made = predictions(2, 0)
    varies = (made.rows["sentence"] == "0").to_numpy()
    made.probabilities[~varies] = [0.2, 0.3, 0.5]
    given = dict(zip(made.rows["language"][varies], made.probabilities[varies], strict=True))

    def variation(order) -> float:
        first, second = order[:3], order[3:]
        means = [np.mean([given[lang] for lang in side], axis=0) for side in (first, second)]
        return abs(means[0] - means[1]).sum() / 2 / 2

    observed = variation([*GROUPS[0], *GROUPS[1]])
    nulls = np.array([variation(order) for order in itertools.permutations(SIX)])
    found = language_effect(made, GROUPS, permutations=20_000)
    assert (found.observed, found.null) == pytest.approx((observed, nulls.mean()), abs=0.003)
    assert found.p == pytest.approx((nulls >= observed - 1e-12).mean(), abs=0.02)


def test_only_sentences_that_stand_once_in_every_language_count() -> None:
    made = predictions(50, 1)
    whole = language_effect(made, GROUPS)
    untranslated = made.rows.assign(sentence=made.rows["row"])
    assert (
        language_effect(Predictions(untranslated, made.probabilities, LABELS, SIX), GROUPS) is None
    )
    assert language_effect(made, (SIX, ())) is None
    assert language_effect(made, (("fr", "it"), ("de",))) is None
    assert language_effect(predictions(1, 1), GROUPS) is None  # no noise to be seen

    # One more language that is in neither group, a sentence without Chinese, one twice in German.
    extra = made.rows.iloc[[0, 0, 1]].copy()
    extra[["sentence", "language"]] = [["0", "it"], ["missing", "de"], ["twice", "de"]]
    twice = made.rows[made.rows["sentence"] == "7"].assign(sentence="twice")
    table = pd.concat([extra, made.rows, twice], ignore_index=True)
    given = np.vstack([np.eye(3), made.probabilities, np.tile([0, 0, 1], (6, 1))])
    order = np.random.default_rng(0).permutation(len(table))
    mixed = Predictions(table.iloc[order].reset_index(drop=True), given[order], LABELS, SIX)
    assert language_effect(mixed, GROUPS) == pytest.approx(whole)
