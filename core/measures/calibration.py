"""Where predictions go wrong, and whether probabilities say how often they do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.measures.accuracy import wilson
from core.measures.bootstrap import Totals, sums_by_sentence
from core.measures.predictions import Predictions

BINS = 15


def confusion(predictions: Predictions) -> dict[str, pd.DataFrame]:
    """Counts of rows by label (down) and predicted class (across), in each language.

    Without weights: these are the same for all rows of a language and label.
    """
    c = len(predictions.labels)
    pair = predictions.truth * c + predictions.predicted
    language = predictions.rows["language"].to_numpy()
    labels = pd.Index(predictions.labels, name="label")
    return {
        name: pd.DataFrame(
            np.bincount(pair[language == name], minlength=c * c).reshape(c, c),
            index=labels,
            columns=labels.rename("predicted"),
        )
        for name in predictions.languages
    }


def calibration_error(predictions: Predictions, bins: int = BINS) -> pd.DataFrame:
    """How far the predicted class's probability is from how often it is right.

    Expected calibration error: sum over bins of (rows in the bin / rows) * |accuracy - mean
    confidence| (Guo et al., On calibration of modern neural networks, ICML 2017, equation 3). 0: a
    class predicted with probability 0.8 is right in 80 % of the cases. Noise alone makes it
    positive, the more so the fewer rows there are, so that no interval around it is sound.

    Root-mean-square calibration error without that noise: the same with squares, where the square
    of a bin's gap is estimated by the mean product of the gaps of two of its rows, over pairs of
    different sentences (after Kumar, Liang and Ma, Verified uncertainty calibration, NeurIPS 2019,
    section 4.1). Its square is unbiased at any number of rows; below 0 it is given as 0. Of a test
    set with weights both are those of the weighted rows.

    Args:
        bins: number of bins of equal width over (0, 1]; a bin holds its upper edge.

    Returns:
        Indexed by `all` and each language; columns `ece` (expected calibration error), `rms`, its
        95 % interval over sentences `low` and `high`, and `n`.
    """
    confidence, number = _binned(predictions, bins)
    gap = (predictions.predicted == predictions.truth) - confidence
    language = predictions.rows["language"].to_numpy()
    members = predictions.weighted(np.eye(bins)[number])
    rows = {}
    for name in ("all", *predictions.languages):
        here = np.ones(len(gap), bool) if name == "all" else language == name
        member = members[here]
        sentences = predictions.sentences[here]
        gaps = sums_by_sentence(gap[here, None] * member, sentences)
        counts = sums_by_sentence(member, sentences)
        n = int(here.sum())
        low, high = _interval(gaps, counts)
        rows[name] = {
            "ece": np.abs(gaps.sum(axis=0)).sum() / member.sum(),
            "rms": _rms(_totals(gaps, counts)[None])[0],
            "low": low,
            "high": high,
            "n": n,
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"n": int})


def calibration_totals(predictions: Predictions, bins: int = BINS) -> Totals:
    """Root-mean-square calibration error over all languages, as a function of totals.

    Of the two it is the one to compare: noise adds less to a larger expected calibration error, so
    that differences of that are too small.
    """
    confidence, number = _binned(predictions, bins)
    member = predictions.weighted(np.eye(bins)[number])
    gap = ((predictions.predicted == predictions.truth) - confidence)[:, None] * member
    _, sentence = np.unique(predictions.sentences, return_inverse=True)
    quantities = []
    for values in (gap, member):
        sums = np.zeros((sentence.max() + 1, bins))
        np.add.at(sums, sentence, values)
        # Added up over a sentence's rows, row times sum is the square of the sentence's sum.
        quantities += [values, values * sums[sentence]]
    return predictions.totals(
        ("all",), np.hstack(quantities), lambda t: _rms(t)[:, None], folded=True
    )


def _totals(gaps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """What `_rms` is a function of, from sums by sentence (sentences x bins)."""
    totals: np.ndarray = np.hstack([gaps, gaps**2, counts, counts**2]).sum(axis=0)
    return totals


def _rms(totals: np.ndarray) -> np.ndarray:
    """Root-mean-square calibration error of totals (draws x 4 bins).

    The totals are, a bin each: gaps, squares of the sentences' gaps, rows, squares of the
    sentences' rows. A bin with rows of one sentence has no pair and counts as 0.
    """
    gaps, gap_squares, _, _ = np.split(totals, 4, axis=1)
    square = (_pair_weights(totals) * (gaps**2 - gap_squares)).sum(axis=1)
    errors: np.ndarray = np.sqrt(square.clip(0))
    return errors


def _pair_weights(totals: np.ndarray) -> np.ndarray:
    """(rows in a bin / rows) / ordered pairs of its rows that are of different sentences."""
    _, _, rows, row_squares = np.split(totals, 4, axis=1)
    pairs = rows**2 - row_squares
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = np.where(pairs > 0, rows / rows.sum(axis=1, keepdims=True) / pairs, 0)
    return found


def _interval(gaps: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """95 % interval of the root-mean-square calibration error over sentences.

    The estimate t of the squared error s is normal enough with variance v + 4 e s: v is what noise
    alone gives (a degenerate U-statistic's variance), e the variance of the weighted gaps in the
    direction in which they lie. The interval holds all s that t is at most 1.96 standard errors
    from (as Wilson's for a share), so that it is sound at s = 0 too.

    Args:
        gaps: sums by sentence of right or not - confidence (sentences x bins).
        counts: rows (sentences x bins).
    """
    total = gaps.sum(axis=0)
    weight = _pair_weights(_totals(gaps, counts)[None])[0]
    t = float((weight * (total**2 - (gaps**2).sum(axis=0))).sum())
    products = gaps.T @ gaps
    squares = (gaps**2).T @ (gaps**2)
    v = 2 * max(0.0, float((np.outer(weight, weight) * (products**2 - squares)).sum()))
    direction = weight * total
    length = float(direction @ total)
    spread = products - np.outer(total, total) / len(gaps)
    e = float(direction @ spread @ direction) / length if length > 0 else 0.0
    z = 1.959964
    middle = t + 2 * z**2 * e
    half = float(np.sqrt(max(0.0, middle**2 - t**2 + z**2 * v)))
    return max(0.0, middle - half) ** 0.5, max(0.0, middle + half) ** 0.5


def reliability(predictions: Predictions, bins: int = BINS) -> pd.DataFrame:
    """How often a prediction is right, by how sure it was: the reliability diagram's points.

    Guo et al. 2017, section 2. Bins as in `calibration_error`; bins without a row are left out.

    Returns:
        Columns `language` (`all` and each), `confidence` (mean in the bin), `accuracy` with its
        95 % interval `low` and `high`, `n`. The interval is Wilson's for as many independent rows
        as vary like these, whose translations of a sentence are right or wrong together and whose
        weights, where there are some, differ.
    """
    confidence, number = _binned(predictions, bins)
    right = (predictions.predicted == predictions.truth).astype(float)
    language = predictions.rows["language"].to_numpy()
    members = predictions.weighted(np.eye(bins)[number])
    points = []
    for name in ("all", *predictions.languages):
        here = np.ones(len(right), bool) if name == "all" else language == name
        member = members[here]
        sums, squares = member.sum(axis=0), (member**2).sum(axis=0)
        n = np.count_nonzero(member, axis=0)
        filled = np.where(n > 0, sums, 1)
        accuracy, sure = (member.T @ x[here] / filled for x in (right, confidence))
        alone = member * (right[here, None] - accuracy)
        together = sums_by_sentence(alone, predictions.sentences[here])
        shared = max(1.0, float((together**2).sum() / max((alone**2).sum(), 1e-12)))
        for b in np.flatnonzero(n):
            effective = sums[b] ** 2 / squares[b]  # Kish; n where rows count once
            low, high = wilson(float(accuracy[b]), effective / shared)
            points.append((name, sure[b], accuracy[b], low, high, int(n[b])))
    return pd.DataFrame(points, columns=["language", "confidence", "accuracy", "low", "high", "n"])


def _binned(predictions: Predictions, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each row's predicted class, and the number of the bin that it falls into."""
    # Rounding may put a float32 softmax a little above 1.
    confidence = predictions.probabilities.max(axis=1).astype(float)
    number = np.searchsorted(np.linspace(0, 1, bins + 1), confidence.clip(0, 1)) - 1
    return confidence, number
