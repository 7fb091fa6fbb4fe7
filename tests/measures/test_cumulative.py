from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures.cumulative import (
    PARTS,
    TOKEN_GROUPS,
    Differences,
    cumulative,
    mean_of,
    means_of,
    sides,
    text_counts,
    token_counts,
    token_shares,
)
from core.measures.decomposition import decomposition
from core.measures.predictions import Predictions
from core.measures.skew_uptake import uptake_totals
from core.sampling.joint import deviation

LABELS, LANGUAGES = ("bad", "fair", "good"), ("de", "en", "fr", "es")
SKEWED = pd.DataFrame(
    [[3.0, 2, 1], [3, 2, 1], [1, 2, 3], [1, 2, 3]], index=list(LANGUAGES), columns=list(LABELS)
)
X = deviation(SKEWED)


def random_differences(seed: int, sentences: int = 6) -> Differences:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [
            {"row": f"{s}-{lang}", "sentence": str(s), "language": lang, "label": LABELS[s % 3]}
            for s in range(sentences)
            for lang in LANGUAGES
        ]
    )
    n = len(rows)
    parts = rng.normal(size=(n, 3, 4))
    tokens = rng.integers(0, 9, size=(n, 3, 3))
    return Differences(rows, LABELS, LANGUAGES, parts, tokens, parts.sum(axis=2))


def test_means_and_counts_by_language_class_and_part() -> None:
    given_ = random_differences(1)
    found, counts = cumulative(means_of(given_)).values(), token_counts(given_)
    assert len(found) == 4 * 3 * 4
    for language in LANGUAGES:
        own = (given_.rows["language"] == language).to_numpy()
        for c, label in enumerate(LABELS):
            for p, part in enumerate(PARTS):
                value = found[language, label, part]
                assert value.value == pytest.approx(given_.parts[own, c, p].mean())
                assert value.low < value.value < value.high
            for g, group in enumerate(TOKEN_GROUPS):
                assert counts[language, label, group] == given_.tokens[own, c, g].sum()


def test_an_interval_has_the_width_of_the_mean_over_sentences() -> None:
    given_ = random_differences(2, sentences=200)
    value = cumulative(means_of(given_)).values()["de", "bad", "base"]
    own = given_.parts[(given_.rows["language"] == "de").to_numpy(), 0, 3]
    width = 2 * 1.96 * own.std(ddof=1) / 200**0.5
    assert value.high - value.low == pytest.approx(width, rel=0.1)


def test_sides_are_means_over_languages_of_one_side() -> None:
    given_ = random_differences(3)
    means = means_of(given_)
    found, cells = sides(means, X).values(), cumulative(means).values()
    assert {label for label, *_ in found} == {"bad", "good"}  # fair is not skewed
    for part in PARTS:
        over = np.mean([cells[lang, "bad", part].value for lang in ("de", "en")])
        under = np.mean([cells[lang, "bad", part].value for lang in ("es", "fr")])
        assert found["bad", part, "over"].value == pytest.approx(over)
        assert found["bad", part, "under"].value == pytest.approx(under)
        assert found["bad", part, "over - under"].value == pytest.approx(over - under)


@settings(max_examples=25)
@given(seed=st.integers(0, 999))
def test_parts_add_up_to_the_change_of_the_soft_uptake(seed) -> None:
    rng = np.random.default_rng(seed)
    given_ = random_differences(seed)
    n = len(given_.rows)
    reference = rng.dirichlet(np.ones(3), size=n)
    # Attributions that explain the difference of two models' probabilities.
    other = rng.dirichlet(np.ones(3), size=n)
    parts = given_.parts.copy()
    parts[:, :, 3] += other - reference - parts.sum(axis=2)
    given_ = Differences(given_.rows, LABELS, LANGUAGES, parts, given_.tokens, other - reference)
    found = decomposition(means_of(given_), X).values()
    uptakes = [
        uptake_totals(Predictions(given_.rows, p, LABELS, LANGUAGES), SKEWED, soft=True).values[0]
        for p in (reference, other)
    ]
    assert found["total"].value == pytest.approx(uptakes[1] - uptakes[0], abs=1e-9)
    assert sum(found[p].value for p in PARTS) == pytest.approx(found["total"].value, abs=1e-9)
    assert found["unexplained"].value == pytest.approx(0, abs=1e-9)


def test_what_attributions_leave_unexplained_is_said() -> None:
    given_ = random_differences(4)
    left = X.loc[given_.rows["language"]].to_numpy() / 2
    short = Differences(
        given_.rows, LABELS, LANGUAGES, given_.parts, given_.tokens, given_.outputs + left
    )
    found = decomposition(means_of(short), X).values()
    assert found["unexplained"].value == pytest.approx(0.5)


def test_the_mean_of_several_is_taken_draw_by_draw() -> None:
    a, b = random_differences(5), random_differences(6)
    both = Differences(
        a.rows, LABELS, LANGUAGES, (a.parts + b.parts) / 2, a.tokens, (a.outputs + b.outputs) / 2
    )
    mean = mean_of([cumulative(means_of(a)), cumulative(means_of(b))]).values()
    for cell, value in cumulative(means_of(both)).values().items():
        assert mean[cell] == pytest.approx(value)
    with pytest.raises(ValueError, match="the same cells"):
        mean_of([cumulative(means_of(a)), sides(means_of(a), X)])


def test_without_draws_there_are_values_and_no_intervals() -> None:
    given_ = random_differences(9)
    drawn, undrawn = (cumulative(means_of(given_, draw=draw)).values() for draw in (True, False))
    for cell, value in undrawn.items():
        assert value.value == drawn[cell].value
        assert np.isnan(value.low) and np.isnan(value.high)


def test_of_a_class_the_texts_of_its_label_alone() -> None:
    given_ = random_differences(10, sentences=9)
    found = cumulative(means_of(given_.of_own_label())).values()
    counts, tokens = text_counts(given_.of_own_label()), token_counts(given_.of_own_label())
    for language in LANGUAGES:
        for c, label in enumerate(LABELS):
            own = (
                (given_.rows["language"] == language) & (given_.rows["label"] == label)
            ).to_numpy()
            assert counts[language, label] == own.sum() == 3
            for p, part in enumerate(PARTS):
                value = found[language, label, part].value
                assert value == pytest.approx(given_.parts[own, c, p].mean())
            assert tokens[language, label, "neutral"] == given_.tokens[own, c, 2].sum()


def test_a_weight_says_what_a_language_counts_in_the_slope() -> None:
    given_ = random_differences(11)
    means = means_of(given_)
    alike = pd.Series(0.25, index=list(LANGUAGES))
    plain, weighted = (decomposition(means, X, w).values() for w in (None, alike))
    assert weighted["neutral"] == pytest.approx(plain["neutral"])
    only = pd.Series([1.0, 0, 0, 0], index=list(LANGUAGES))  # of de alone, by hand
    cells = cumulative(means).values()
    x = X.loc["de"]
    expected = sum(x[lab] * cells["de", lab, "base"].value for lab in LABELS) / (x**2).sum()
    assert decomposition(means, X, only).values()["base"].value == pytest.approx(expected)


def test_token_shares_sum_to_one() -> None:
    given_ = random_differences(7)
    table = token_shares(given_)
    np.testing.assert_allclose(table[list(TOKEN_GROUPS)].sum(axis=1), 1)
    assert table["n"].tolist() == given_.tokens.sum(axis=(0, 2)).tolist()


def test_a_design_without_skew_has_no_decomposition() -> None:
    with pytest.raises(ValueError, match="design"):
        decomposition(means_of(random_differences(8)), X * 0)
