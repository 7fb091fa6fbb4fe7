"""Test-time label shift, with the language as the nuisance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.mitigation.after import Correction, Trained
from core.mitigation.cells import label_given_language, need_rows
from core.mitigation.scheme import Scheme

ROUNDS = 1000  # of expectation and maximisation, at most
CLOSE = 1e-6  # where no share moves further, it ends

SCHEME = Scheme(
    title="test-time label shift, language as the nuisance",
    source="Sun et al. 2023 (TTLSA), with a language that is seen; EM of Saerens et al. 2002 after "
    "the calibration of Alexandari et al. 2020",
    about="p(c | l) where the model is used is estimated from unlabelled texts of each language, "
    "and the logits are moved from the training set's to it",
    stage="after",
    rank=5,
    evens=True,
    serving="given",
)


def check(counts: pd.DataFrame, validation: pd.DataFrame) -> None:
    """Every cell needs rows."""
    need_rows(counts, "label-shift")


def correct(trained: Trained) -> Correction:
    """Calibrated on validation rows, then moved by log p_use(c | l) / p_train(c | l).

    Where the language of a text is seen, the nuisance need not be summed over, and the correction
    of the method is one of the labels within each language. The texts of use are the test texts,
    whose labels are not read.

    Raises:
        InputError: an empty cell.
    """
    from scipy.special import softmax

    need_rows(trained.counts, "label-shift")
    temperature, biases = calibrated(trained)
    test = trained.part("test")
    logits = trained.logits(test) / temperature + biases[test.languages]
    of_training = label_given_language(trained.counts).to_numpy()
    offsets = biases.copy()
    for number, before in enumerate(of_training):
        own = softmax(logits[test.languages == number], axis=1)
        after = estimate(own, before) if len(own) else before
        offsets[number] += np.log(after / before)
    return Correction(
        weight=trained.weight / temperature,
        bias=trained.bias / temperature,
        offsets=offsets,
        told={"temperature": temperature},
    )


def calibrated(trained: Trained) -> tuple[float, np.ndarray]:
    """Temperature, and what is added to the logits by language, with the smallest validation loss.

    Bias-corrected temperature scaling (Alexandari, Kundaje and Shrikumar 2020, section 2.3), with
    biases for each language: without them EM takes what the model did not learn of
    p(label | language) for a shift.

    Returns:
        Temperature, and biases (languages x classes).
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    validation = trained.part("validation")
    logits, spoken = trained.logits(validation), validation.languages
    shape = len(trained.counts), logits.shape[1]
    hot = np.eye(shape[1])[validation.labels]
    languages = np.eye(shape[0])[spoken]

    def loss(found: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean cross-entropy, and its gradient."""
        scale, biases = np.exp(-found[0]), found[1:].reshape(shape)
        told = log_softmax(scale * logits + biases[spoken], axis=1)
        wrong = (np.exp(told) - hot) / len(logits)
        of_scale = -scale * (wrong * logits).sum()
        return -float((hot * told).sum()) / len(logits), np.append(of_scale, languages.T @ wrong)

    found = minimize(loss, np.zeros(1 + shape[0] * shape[1]), jac=True, method="L-BFGS-B",
                     bounds=[(-3, 3), *[(-5, 5)] * (shape[0] * shape[1])])  # fmt: skip
    biases = found.x[1:].reshape(shape)
    return float(np.exp(found.x[0])), biases - biases.mean(axis=1, keepdims=True)


def estimate(probabilities: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Shares of the classes in unlabelled texts (Saerens et al. 2002, equation 2.9).

    Args:
        probabilities: of a model that was trained at `prior` (texts x classes).
        prior: p(class) at training.

    Returns:
        p(class) in the texts, at least one text's share over all of them: no logit runs away.
    """
    least = 1 / (len(probabilities) + 1)
    shares = prior
    for _ in range(ROUNDS):
        adjusted = probabilities * shares / prior
        moved = (adjusted / adjusted.sum(axis=1, keepdims=True)).mean(axis=0)
        moved = np.maximum(moved, least)
        moved /= moved.sum()
        if np.abs(moved - shares).max() < CLOSE:
            return moved
        shares = moved
    return shares
