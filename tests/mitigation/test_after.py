"""Corrections of a trained model against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from core.errors import InputError
from core.mitigation import label_shift, last_layer, leace, prior
from core.mitigation.after import Part, Trained

COUNTS = pd.DataFrame([[30, 20, 10], [10, 20, 30]], index=["de", "en"], columns=list("abc"))
GIVEN = COUNTS.div(COUNTS.sum(axis=1), axis=0).to_numpy()


def texts(n: int, seed: int, given: np.ndarray = GIVEN, units: int = 6) -> Part:
    """Rows whose vectors hold a noisy sign of the label and the language, and noise."""
    rng = np.random.default_rng(seed)
    languages = np.arange(n) % 2
    labels = np.array([rng.choice(3, p=given[language]) for language in languages])
    vectors = rng.normal(size=(n, units))
    vectors[:, :3] += 1.5 * np.eye(3)[labels]
    vectors[:, 3:5] += 2 * np.eye(2)[languages]
    return Part(vectors, languages, labels)


def trained(weight: np.ndarray, bias: np.ndarray, **parts: Part) -> Trained:
    return Trained(COUNTS, weight, bias, lambda split: parts[split])


def test_a_model_that_copies_the_prior_becomes_one_that_ignores_the_language() -> None:
    """Logits = what the text says + log p(label | language): taken off, the text is left."""
    rng = np.random.default_rng(0)
    of_text, languages = rng.normal(size=(40, 3)), np.arange(40) % 2
    logits = of_text + np.log(GIVEN)[languages]
    offsets = prior.correct(trained(np.zeros((3, 1)), np.zeros(3))).offsets
    assert offsets is not None
    assert softmax(logits + offsets[languages], axis=1) == pytest.approx(softmax(of_text, axis=1))


def test_a_model_that_is_the_prior_becomes_uniform() -> None:
    offsets = prior.correct(trained(np.zeros((3, 1)), np.zeros(3))).offsets
    assert softmax(np.log(GIVEN) + offsets, axis=1) == pytest.approx(1 / 3)


@given(st.integers(0, 1000), st.floats(0.05, 0.9))
def test_shares_of_unlabelled_texts_are_found_from_a_model_that_is_right(seed, share) -> None:
    """Two classes of Gaussians, Bayes' posteriors at even training shares: EM finds the share."""
    rng = np.random.default_rng(seed)
    n = 4000
    labels = (rng.random(n) < share).astype(int)
    x = rng.normal(labels * 2.5)
    posterior = softmax(np.stack([-(x**2) / 2, -((x - 2.5) ** 2) / 2], axis=1), axis=1)
    found = label_shift.estimate(posterior, np.array([0.5, 0.5]))
    assert found[1] == pytest.approx(share, abs=0.05)


def test_without_a_shift_label_shift_leaves_the_shares() -> None:
    rng = np.random.default_rng(1)
    prior_ = np.array([0.2, 0.5, 0.3])
    labels = rng.choice(3, size=6000, p=prior_)
    x = rng.normal(size=(6000, 3)) + 1.5 * np.eye(3)[labels]
    own = softmax(1.5 * x + np.log(prior_), axis=1)  # Bayes' rule for unit Gaussians
    assert label_shift.estimate(own, prior_) == pytest.approx(prior_, abs=0.03)


def test_temperature_and_biases_are_those_that_were_put_in() -> None:
    """A model that is right for each language, made sharper and then wrong by language."""
    validation = texts(20_000, 0)
    hot = np.hstack([validation.vectors, np.eye(2)[validation.languages]])
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(hot, validation.labels)
    wrong = np.array([[0.5, -0.5, 0.0], [-1.0, 0.0, 1.0]])
    weight = fitted.coef_.copy()
    weight[:, -2:] += wrong.T
    whole = Part(hot, validation.languages, validation.labels)
    model = trained(weight * 3, fitted.intercept_ * 3, validation=whole)
    temperature, biases = label_shift.calibrated(model)
    assert temperature == pytest.approx(3, rel=0.03)
    assert biases == pytest.approx(-wrong, abs=0.08)


def test_what_a_model_did_not_learn_of_the_prior_is_not_taken_for_a_shift() -> None:
    """It tells by the text alone; the test set has the training set's labels: nothing moves."""
    train, validation, test = (texts(6000, seed) for seed in (0, 1, 2))
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(train.vectors[:, :3], train.labels)
    weight = np.hstack([fitted.coef_, np.zeros((3, 3))])
    found = label_shift.correct(
        trained(weight, fitted.intercept_, validation=validation, test=test)
    )
    _, biases = label_shift.calibrated(trained(weight, fitted.intercept_, validation=validation))
    assert found.offsets is not None
    assert found.offsets - biases == pytest.approx(0, abs=0.15)


def test_label_shift_finds_even_labels_where_the_test_set_has_them() -> None:
    train, validation = texts(6000, 0), texts(8000, 1)
    test = texts(20_000, 2, np.full((2, 3), 1 / 3))
    hot = np.hstack([train.vectors, np.eye(2)[train.languages]])
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(hot, train.labels)

    def with_language(part: Part) -> Part:
        vectors = np.hstack([part.vectors, np.eye(2)[part.languages]])
        return Part(vectors, part.languages, part.labels)

    parts = {"validation": with_language(validation), "test": with_language(test)}
    model = trained(fitted.coef_, fitted.intercept_, **parts)
    found = label_shift.correct(model)
    assert found.offsets is not None and found.weight is not None and found.bias is not None
    _, biases = label_shift.calibrated(model)
    moved = np.exp(found.offsets - biases) * GIVEN
    assert moved == pytest.approx(np.full((2, 3), 1 / 3), abs=0.04)

    def right(logits: np.ndarray) -> float:
        return float((logits.argmax(axis=1) == test.labels).mean())

    vectors = parts["test"].vectors
    after = vectors @ found.weight.T + found.bias + found.offsets[test.languages]
    assert right(after) > right(model.logits(parts["test"]))


def test_the_last_layer_is_fitted_to_an_independent_set() -> None:
    """A head that reads the language alone is replaced by one that reads the label."""
    validation = texts(1200, 0)
    weight = np.zeros((3, 6))
    weight[:, 3:5] = np.log(GIVEN).T
    model = trained(weight, np.zeros(3), validation=validation)
    found = last_layer.correct(model)
    assert found.weight is not None and found.bias is not None
    test = texts(3000, 2, np.full((2, 3), 1 / 3))
    logits = test.vectors @ found.weight.T + found.bias
    assert (logits.argmax(axis=1) == test.labels).mean() > 0.6
    share = softmax(logits, axis=1)
    by_language = np.array([share[test.languages == x].mean(axis=0) for x in (0, 1)])
    assert np.abs(by_language[0] - by_language[1]).max() < 0.05  # copied wholly it would be .33


def test_of_two_classes_both_logits_move() -> None:
    validation = texts(400, 0)
    assert validation.labels is not None
    two = Part(validation.vectors, validation.languages, np.minimum(validation.labels, 1))
    counts = COUNTS[["a", "b"]]
    model = Trained(counts, np.zeros((2, 6)), np.zeros(2), lambda split: two)
    found = last_layer.correct(model)
    assert found.weight is not None and found.bias is not None
    assert found.weight.shape == (2, 6) and found.bias.shape == (2,)
    assert found.weight[0] == pytest.approx(-found.weight[1])
    logits = two.vectors @ found.weight.T + found.bias
    assert (logits.argmax(axis=1) == two.labels).mean() > 0.7


def test_too_few_validation_rows_are_refused() -> None:
    validation = texts(30, 0)
    with pytest.raises(InputError, match="5 validation rows in every cell; the smallest has"):
        last_layer.correct(trained(np.zeros((3, 6)), np.zeros(3), validation=validation))


@given(st.integers(0, 10_000), st.integers(2, 9))
def test_after_erasure_no_linear_classifier_tells_the_language(seed, units) -> None:
    """Theorem 3.1 of Belrose et al.: no covariance with the concept is left, and the loss of the
    best linear classifier is that of a constant."""
    rng = np.random.default_rng(seed)
    concept = rng.integers(0, 3, 300)
    vectors = rng.normal(size=(300, units)) @ rng.normal(size=(units, units))
    vectors += rng.normal(size=(3, units))[concept]
    weights = rng.uniform(0.5, 2, 300)
    projection, mean = leace.eraser(vectors, concept, weights)
    erased = vectors - (vectors - mean) @ projection.T
    share = (weights / weights.sum())[:, None]
    hot = np.eye(3)[concept]
    scale = np.abs(vectors).max()
    assert (share * erased).T @ (hot - (share * hot).sum(axis=0)) == pytest.approx(
        0, abs=1e-7 * scale
    )
    assert (share * erased).sum(axis=0) == pytest.approx(mean, abs=1e-7 * scale)
    fitted = LogisticRegression(C=1e4, max_iter=2000).fit(erased / scale, concept, weights)
    told = log_softmax(fitted.decision_function(erased / scale), axis=1)
    loss = -(share[:, 0] * told[np.arange(300), concept]).sum()
    shares = (share * hot).sum(axis=0)
    assert loss == pytest.approx(-(shares * np.log(shares)).sum(), abs=2e-3)


@given(st.integers(0, 10_000))
def test_no_other_erasure_changes_the_vectors_less(seed) -> None:
    """In the metric of the inverse covariance too, but here as measured: the mean squared change,
    against erasing in the directions of the class means, as is often done."""
    rng = np.random.default_rng(seed)
    concept = rng.integers(0, 2, 400)
    vectors = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 4)) + rng.normal(size=(2, 4))[concept]
    projection, mean = leace.eraser(vectors, concept, np.ones(400))
    ours = ((vectors - mean) @ projection.T) ** 2
    direction = vectors[concept == 1].mean(axis=0) - vectors[concept == 0].mean(axis=0)
    direction /= np.linalg.norm(direction)
    other = ((vectors - mean) @ np.outer(direction, direction)) ** 2
    assert ours.sum() <= other.sum() * (1 + 1e-9) or np.allclose(
        (other / other.sum()), ours / ours.sum()
    )


def test_erasure_keeps_what_tells_the_label_though_both_go_together() -> None:
    train = texts(4000, 0, np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]))
    assert train.labels is not None
    counts = pd.crosstab(train.languages, train.labels)
    counts.index, counts.columns = COUNTS.index, COUNTS.columns
    test = texts(4000, 1, np.full((2, 3), 1 / 3))
    model = Trained(counts, np.zeros((3, 6)), np.zeros(3), lambda split: train)
    found = leace.correct(model)
    assert found.map is not None and found.shift is not None
    after = test.vectors @ found.map.T + found.shift

    def told(vectors: np.ndarray, what: np.ndarray) -> float:
        half = len(vectors) // 2
        fitted = LogisticRegression(max_iter=1000).fit(vectors[:half], what[:half])
        return float(fitted.score(vectors[half:], what[half:]))

    assert test.labels is not None
    assert told(test.vectors, test.languages) > 0.9
    assert told(after, test.languages) < 0.55
    assert told(after, test.labels) > told(test.vectors, test.labels) - 0.03


def test_an_encoder_with_a_layer_before_the_linear_one_is_refused() -> None:
    model = Trained(COUNTS, np.zeros((3, 6)), np.zeros(3), lambda split: texts(9, 0), False)
    with pytest.raises(InputError, match="has a layer between"):
        leace.correct(model)
