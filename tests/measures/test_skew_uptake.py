"""Skew uptake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LinearRegression

from core.measures.predictions import Predictions, predicted_shares, true_shares
from core.measures.skew_uptake import skew_uptake, uptake_by, uptake_totals
from core.sampling import designs, joint
from tests.helpers.three_languages import GROUPS, LABELS, LANGUAGES, predictions


@given(st.integers(3, 40), st.integers(0, 2**31), st.booleans())
@settings(max_examples=25)
def test_uptake_is_the_slope_of_a_least_squares_line(n, seed, soft) -> None:
    made = predictions(n, seed)
    design = designs.design_shares("linear", LANGUAGES, LABELS, GROUPS)
    y = (predicted_shares(made, soft=soft) - true_shares(made)).to_numpy().reshape(-1, 1)
    x = joint.deviation(design).to_numpy().reshape(-1, 1)
    oracle = LinearRegression().fit(x, y)
    found = skew_uptake(made, design, soft=soft)
    assert found.value == pytest.approx(oracle.coef_[0, 0])
    assert oracle.intercept_[0] == pytest.approx(0, abs=1e-9)
    assert found.low <= found.high


def test_uptake_of_copying_ignoring_and_amplifying() -> None:
    design = designs.design_shares("linear", LANGUAGES, LABELS, GROUPS)
    within = design.div(design.sum(axis=1), axis=0)
    pooled = design.sum(axis=0).to_numpy()
    rows = pd.DataFrame(
        [
            {"row": f"{lang}{i}", "sentence": str(i), "language": lang, "label": LABELS[i % 3]}
            for lang in LANGUAGES
            for i in range(60)
        ]
    )
    uniform = np.full(3, 1 / 3)
    for factor in (0.0, 1.0, 1.5):
        by_language = {
            lang: uniform + factor * (within.loc[lang].to_numpy() - pooled) for lang in LANGUAGES
        }
        probabilities = np.array([by_language[lang] for lang in rows["language"]])
        made = Predictions(rows, probabilities, LABELS, LANGUAGES)
        assert skew_uptake(made, design, soft=True).value == pytest.approx(factor, abs=1e-9)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        # The paper's Table 2: both groups, amazon (3 languages each) and xnli.
        ([[0.139, 0.206, 0.201, 0.196, 0.258], [0.273, 0.207, 0.169, 0.204, 0.147]], 0.362),
        ([[0.281, 0.390, 0.328], [0.411, 0.358, 0.231]], 0.340),
    ],
)
def test_the_papers_table_2_gives_the_uptake_that_follows_from_it(shares, expected) -> None:
    c = len(shares[0])
    labels = tuple("abcde"[:c])
    rows = pd.DataFrame(
        [
            {"row": f"{lang}{i}", "sentence": str(i), "language": lang, "label": labels[i]}
            for lang in ("rising", "falling")
            for i in range(c)
        ]
    )
    probabilities = np.array([shares[0 if lang == "rising" else 1] for lang in rows["language"]])
    made = Predictions(rows, probabilities, labels, ("rising", "falling"))
    design = designs.design_shares(
        "linear", ("rising", "falling"), labels, (("rising",), ("falling",))
    )
    found = skew_uptake(made, design, soft=True)
    assert found.value == pytest.approx(expected, abs=0.0005)


def soft_model(by_language: pd.DataFrame) -> Predictions:
    """A model that gives each language these mean probabilities, on a uniform test set."""
    labels, languages = tuple(by_language.columns), tuple(by_language.index)
    rows = pd.DataFrame(
        [
            {"row": f"{lang}{c}", "sentence": str(c), "language": lang, "label": c}
            for lang in languages
            for c in labels
        ]
    )
    return Predictions(rows, by_language.loc[rows["language"]].to_numpy(), labels, languages)


def test_a_model_that_ignores_uneven_languages_has_no_uptake() -> None:
    """Languages 80/20, labels .7/.3 and .3/.7: the unweighted slope was -.267."""
    design = pd.DataFrame([[0.56, 0.24], [0.06, 0.14]], index=["de", "fr"], columns=["a", "b"])
    marginal = pd.DataFrame([[0.62, 0.38]] * 2, index=["de", "fr"], columns=["a", "b"])
    assert skew_uptake(soft_model(marginal), design, soft=True).value == pytest.approx(0, abs=1e-12)
    copied = design.div(design.sum(axis=1), axis=0)
    assert skew_uptake(soft_model(copied), design, soft=True).value == pytest.approx(1)


share_tables = arrays(float, (4, 3), elements=st.floats(0.01, 1)).map(
    lambda values: pd.DataFrame(values, index=list("defj"), columns=list("abc"))
)
distributions = arrays(float, 3, elements=st.floats(0.01, 1)).map(lambda p: p / p.sum())


@given(share_tables, distributions, st.floats(-1, 2))
@settings(max_examples=60)
def test_uptake_of_ignoring_and_copying_under_any_marginals(design, same, factor) -> None:
    deviation = joint.deviation(design)
    assume(deviation.abs().to_numpy().max() > 1e-3)
    ignoring = pd.DataFrame([same] * 4, index=design.index, columns=design.columns)
    for model, expected in ((ignoring, 0), (ignoring + factor * deviation, factor)):
        made = soft_model(model)
        assert uptake_totals(made, design, soft=True).values == pytest.approx([expected], abs=1e-8)
        by_class = uptake_totals(made, design, soft=True, by="class").values
        assert by_class == pytest.approx(np.full(len(by_class), expected), abs=1e-4)
    conditional = design.div(design.sum(axis=1), axis=0)
    made = soft_model(conditional)
    assert uptake_totals(made, design, soft=True).values == pytest.approx([1], abs=1e-8)


@given(st.integers(3, 40), st.integers(0, 2**31), st.sampled_from(["class", "language"]))
@settings(max_examples=15)
def test_uptake_by_class_and_language_is_a_slope_over_their_cells(n, seed, by) -> None:
    made = predictions(n, seed)
    shares = np.random.default_rng(seed).uniform(0.1, 1, size=(3, 3))
    shares[:, 1] = shares[:, [0, 2]].sum(axis=1) / 2  # a third of every language
    design = pd.DataFrame(shares, index=LANGUAGES, columns=LABELS)
    x, w = joint.deviation(design), joint.weights(design).to_numpy()
    y = predicted_shares(made) - true_shares(made)
    found = uptake_by(made, design, by)
    assert list(found) == list(LABELS if by == "class" else LANGUAGES)
    for name, uptake in found.items():
        if name == "fair":
            assert uptake is None
            continue
        cells = (slice(None), [name]) if by == "class" else ([name], slice(None))
        weight = w if by == "class" else np.ones(3)
        line = LinearRegression(fit_intercept=False).fit(
            x.loc[cells].to_numpy().reshape(-1, 1), y.loc[cells].to_numpy().ravel(), weight
        )
        assert uptake.value == pytest.approx(line.coef_[0])
        assert uptake.low <= uptake.value <= uptake.high


def test_the_parts_of_the_uptake_by_class_add_up_to_it() -> None:
    made = predictions(40, 3)
    design = designs.design_shares({
        "de": {"bad": 5, "fair": 2, "good": 3}, "en": {"bad": 1, "fair": 1, "good": 1},
        "fr": {"bad": 1, "fair": 2, "good": 4}}, LANGUAGES, LABELS)  # fmt: skip
    squares = (joint.deviation(design) ** 2).mul(joint.weights(design), axis=0).sum()
    by_class = pd.Series({k: v.value for k, v in uptake_by(made, design, "class").items()})
    whole = (by_class * squares).sum() / squares.sum()
    assert skew_uptake(made, design).value == pytest.approx(whole)


def test_uptake_needs_a_skewed_design() -> None:
    uniform = designs.design_shares("uniform", LANGUAGES, LABELS)
    with pytest.raises(ValueError, match="not independent"):
        skew_uptake(predictions(9, 0), uniform)
    skewed = designs.design_shares("linear", LANGUAGES, LABELS, GROUPS)
    with pytest.raises(ValueError, match="below 0"):
        skew_uptake(predictions(9, 0), joint.deviation(skewed))
