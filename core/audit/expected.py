"""What a skew is expected to cost before anything is trained on it: an estimate, with its range.

A classifier whose probabilities are calibrated on balanced data and who learns, beside the texts,
what the skewed training set says of a label given the language, has the probabilities

    p'(c | text, language) ~ p(c | text) (p(c | language) / p(c))^strength,

strength 1 being Bayes' rule for the shift (Saerens, Latinne and Decaestecker, Adjusting the outputs
of a classifier to new a priori probabilities, 2002, equation 2.4, in the other direction). How much
of it a fine-tuned encoder learns was measured: `MEASURED` has the strengths that give the uptake
that models of studies had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypedDict

import numpy as np
import pandas as pd

from core.errors import InputError
from core.measures.accuracy import accuracy_totals
from core.measures.predictions import Predictions
from core.measures.skew_uptake import uptake_totals
from core.text import percent, signed

Interval = tuple[float, float]


class Measured(NamedTuple):
    """Strengths that a study's balanced models need to have its imbalanced models' uptake.

    Attributes:
        source: which study.
        hard: one a seed, by the skew uptake of the predicted classes, minus balanced.
        soft: by that of the mean probabilities; empty where they are not known.
    """

    source: str
    hard: tuple[float, ...]
    soft: tuple[float, ...]


# `python -m benchmarks.expected_cost` prints these, from the runs of docs/results.md; the paper's
# from Tables 2 and 3 by `from_accuracy`'s model, since its probabilities are not published.
MEASURED = (
    Measured("the demo (MultiEmo), 3 seeds", (1.51, 1.68, 1.51), (0.86, 0.92, 0.89)),
    Measured("XNLI en fr, 3 seeds", (1.25, 0.83, 0.95), (1.00, 0.92, 0.90)),
    Measured("MultiEmo as found, 3 seeds", (1.23, 1.60, 1.50), (0.74, 0.84, 0.75)),
    Measured("the paper's amazon (mBERT)", (0.34,), ()),
    Measured("the paper's xnli (mBERT)", (0.77,), ()),
)
# Each source told by the others alone (docs/results.md).
CHECKED = (
    "Each source told by the others alone: from balanced models the range held the skew uptake and "
    "the change of accuracy of all three, and the soft uptake was told to 0.08; from an accuracy "
    "the range held both of four of five, and missed the largest corpus, the paper's amazon, whose "
    "uptake is smaller."
)
_DRAWS = 2000  # texts of each label in the model of `from_accuracy`
_LEAST = 0.5  # rows that an empty cell counts as: no model is sure that a label never comes


class Part(TypedDict):
    """An expected value with its range over the strengths that were measured."""

    value: float
    low: float
    high: float


class Expected(TypedDict):
    """What a skew is expected to do to a model, against training without it."""

    accuracy: float  # of the balanced model, measured or assumed
    accuracy_change: Part
    skew_uptake: Part  # minus balanced
    soft_uptake: Part
    strengths: Part  # by which predicted classes are tilted
    soft_strengths: Part
    measured: bool  # whether from the probabilities of a trained balanced model
    sentence: str
    reasons: list[str]


def strengths(of: Sequence[Measured] = MEASURED, *, soft: bool = False) -> Part:
    """Mean over studies of their means over seeds; the range is that of the single seeds."""
    known = [x for m in of if (x := m.soft if soft else m.hard)]
    every = [x for one in known for x in one]
    mean = float(np.mean([np.mean(one) for one in known]))
    return {"value": mean, "low": min(every), "high": max(every)}


def tilted(
    predictions: Predictions, skewed: pd.DataFrame, strength: float, rows: int = 1000
) -> Predictions:
    """A balanced model's predictions as if it had also learned the skew by this much.

    Args:
        skewed: joint distribution (or counts) of the training set, languages x labels.
        strength: 0 leaves them as they are, 1 is Bayes' rule.
        rows: of the training set; a cell without a row counts as half of one.
    """
    languages, labels = list(predictions.languages), list(predictions.labels)
    shares = skewed.loc[languages, labels].to_numpy(dtype=float)
    shares = np.maximum(shares / shares.sum(), _LEAST / rows)
    shares /= shares.sum()
    ratio = shares / shares.sum(axis=1, keepdims=True) / shares.sum(axis=0)
    at = pd.Index(languages).get_indexer(pd.Index(predictions.rows["language"]))
    tilt = predictions.probabilities.astype(float) * ratio[at] ** strength
    return replace(predictions, probabilities=tilt / tilt.sum(axis=1, keepdims=True))


def curve(
    predictions: Predictions, skewed: pd.DataFrame, over: Sequence[float], rows: int = 1000
) -> pd.DataFrame:
    """Accuracy, skew uptake and soft uptake at each strength, minus those at 0.

    Returns:
        Indexed by strength; columns `accuracy`, `skew_uptake`, `soft_uptake`.
    """

    def values(made: Predictions) -> np.ndarray:
        uptakes = [uptake_totals(made, skewed, soft=soft).values[0] for soft in (False, True)]
        return np.array([accuracy_totals(made).values[0], *uptakes])

    before = values(predictions)
    found = [values(tilted(predictions, skewed, x, rows)) - before for x in over]
    columns = ["accuracy", "skew_uptake", "soft_uptake"]
    return pd.DataFrame(found, index=list(over), columns=columns)


def expected(
    balanced: Sequence[Predictions],
    skewed: pd.DataFrame,
    rows: int = 1000,
    of: Sequence[Measured] = MEASURED,
) -> Expected:
    """The expected cost of a skew from what trained balanced models predict.

    Args:
        balanced: of one or more seeds, on the study's test set.
        skewed: joint distribution (or counts) of the training set that is skewed.
        rows: of that training set.
        of: measured strengths.

    Raises:
        ValueError: the joint distribution is not skewed.
    """
    return _expected(balanced, skewed, rows, of, trained=True)


def from_accuracy(
    accuracy: float,
    skewed: pd.DataFrame,
    target: pd.DataFrame,
    rows: int = 1000,
    of: Sequence[Measured] = MEASURED,
    seed: int = 0,
) -> Expected:
    """The expected cost of a skew, of a classifier that would be right in so many rows without it.

    Nothing need be trained. The classifier is one that sees its label through normal noise, the
    same for every pair of labels, and knows how much: calibrated, and as good in every language.
    Labels that are ordered are confused with their neighbours instead, which costs less.

    Args:
        accuracy: without the skew, on the target.
        skewed: joint distribution (or counts) of the training set, languages x labels.
        target: joint distribution of the test set, as weighted.

    Raises:
        InputError: the accuracy is below that of the commonest label, or not below 1.
        ValueError: the joint distribution is not skewed.
    """
    made = calibrated(accuracy, target, seed)
    return _expected([made], skewed, rows, of, trained=False)


def calibrated(accuracy: float, target: pd.DataFrame, seed: int = 0) -> Predictions:
    """Predictions of a classifier that is calibrated on the target and has this accuracy.

    Posteriors of a label seen through normal noise (linear discriminant with equal distances); the
    distance is found by bisection.

    Args:
        accuracy: on the target; above the commonest label's share, below 1.
        target: joint distribution, languages x labels.
    """
    labels, languages = [str(x) for x in target.columns], [str(x) for x in target.index]
    p_label = (target.sum(axis=0) / target.to_numpy().sum()).to_numpy(dtype=float)
    c, rng = len(labels), np.random.default_rng(seed)
    least = float(p_label.max())
    if not least < accuracy < 1:
        raise InputError(
            f"an accuracy of {accuracy:g} is not between {least:.3f}, which the commonest label "
            "has, and 1. Give the accuracy that a model is expected to have without the skew."
        )
    noise = rng.normal(size=(_DRAWS * c, c))
    truth = np.repeat(np.arange(c), _DRAWS)
    weights = p_label[truth]

    def posterior(distance: float) -> np.ndarray:
        seen = noise + distance * np.eye(c)[truth]
        with np.errstate(divide="ignore"):
            scores = distance * seen + np.log(p_label)
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        normalised: np.ndarray = p / p.sum(axis=1, keepdims=True)
        return normalised

    low, high = 0.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        right = np.average(posterior(middle).argmax(axis=1) == truth, weights=weights)
        low, high = (middle, high) if right < accuracy else (low, middle)
    probabilities = np.tile(posterior(high), (len(languages), 1))
    sentences = np.tile(np.arange(len(truth)).astype(str), len(languages))
    table = pd.DataFrame(
        {
            "row": np.arange(len(sentences)).astype(str),
            "sentence": sentences,
            "language": np.repeat(languages, len(truth)),
            "label": np.tile(np.array(labels)[truth], len(languages)),
        }
    )
    cells = target.to_numpy(dtype=float) / target.to_numpy().sum() * target.size
    of_rows = cells[
        np.repeat(np.arange(len(languages)), len(truth)), np.tile(truth, len(languages))
    ]
    return Predictions(table, probabilities, tuple(labels), tuple(languages), of_rows)


def _expected(
    balanced: Sequence[Predictions],
    skewed: pd.DataFrame,
    rows: int,
    of: Sequence[Measured],
    *,
    trained: bool,
) -> Expected:
    hard, soft = strengths(of), strengths(of, soft=True)
    ends = ("value", "low", "high")
    over = [*(hard[x] for x in ends), *(soft[x] for x in ends)]  # type: ignore[literal-required]
    curves = [curve(one, skewed, over, rows).to_numpy() for one in balanced]
    mean = np.mean(curves, axis=0)
    accuracy = float(np.mean([accuracy_totals(one).values[0] for one in balanced]))
    loss, uptake, softly = _part(mean[:3, 0]), _part(mean[:3, 1]), _part(mean[3:, 2])
    sources = "; ".join(m.source for m in of)
    seeds = f"{len(balanced)} trained balanced model{'s' * (len(balanced) > 1)}"
    from_ = (
        f"the probabilities of {seeds}"
        if trained
        else (f"a calibrated classifier that is right in {percent(accuracy, 1)} without the skew")
    )
    return {
        "accuracy": accuracy,
        "accuracy_change": loss,
        "skew_uptake": uptake,
        "soft_uptake": softly,
        "strengths": hard,
        "soft_strengths": soft,
        "measured": trained,
        "sentence": (
            f"An estimate, not a measurement: training on this skew would change the accuracy by "
            f"{signed(100 * loss['value'], 1)} points ({_range(loss, 100, 1)}) and give the "
            f"predictions a skew uptake of {signed(uptake['value'])} ({_range(uptake)})."
        ),
        "reasons": [
            f"From {from_}, tilted by the training set's (share of a label in the language / share "
            "over all) to a power.",
            f"The power is {hard['value']:.2f} ({hard['low']:.2f} to {hard['high']:.2f}), which is "
            f"what models of studies here had: {sources}. 1 would be Bayes' rule. Its range is the "
            "range of the estimate; other encoders, sizes and recipes can lie outside.",
            CHECKED,
            "Class weights per language take back most of the uptake in those studies.",
        ],
    }


def _part(values: np.ndarray) -> Part:
    value, *ends = (float(x) for x in values)
    return {"value": value, "low": min(value, *ends), "high": max(value, *ends)}


def _range(part: Part, times: float = 1, digits: int = 2) -> str:
    return f"{signed(times * part['low'], digits)} to {signed(times * part['high'], digits)}"
