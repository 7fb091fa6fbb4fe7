"""How far attributions are from a reference, for benchmarks/attribution.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.stats import pearsonr

from core.attribution.game import Game

THRESHOLD = 0.01
RESAMPLES = 2000
Values = list[list[np.ndarray]]  # texts x models: tokens x classes


@contextmanager
def cpu_seconds() -> Iterator[Callable[[], float]]:
    """CPU seconds of this process since the start of the block."""
    started = time.process_time()
    yield lambda: time.process_time() - started


def errors_of(found: Values, truth: Values) -> Values:
    """Absolute errors of all values."""
    return [
        [np.abs(v - w) for v, w in zip(a, b, strict=True)]
        for a, b in zip(found, truth, strict=True)
    ]


def resampled(*texts: Sequence[np.ndarray]) -> list[float]:
    """95 % interval over texts of a mean x 1000, or of the ratio of two means.

    Args:
        texts: of one or two methods, the errors of each text.
    """
    n = len(texts[0])
    drawn = np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
    means = []
    for method in texts:
        sums, sizes = np.array([t.sum() for t in method]), np.array([t.size for t in method])
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    found = means[0] / means[1] if len(means) == 2 else 1000 * means[0]
    return [float(x) for x in np.quantile(found, [0.025, 0.975])]


def accuracy(found: Values, truth: Values) -> dict[str, Any]:
    """Correlation and errors of values, and of the group sums that follow from them."""
    flat, expected = (np.concatenate([v.ravel() for t in x for v in t]) for x in (found, truth))
    by_text = [np.concatenate([v.ravel() for v in t]) for t in errors_of(found, truth)]
    sums, true_sums = group_sums(found), group_sums(truth)
    return {
        "correlation": float(pearsonr(flat, expected).statistic),
        "mae": float(1000 * np.abs(flat - expected).mean()),
        "mae_ci": resampled(by_text),
        "group_sums": float(1000 * np.abs(sums - true_sums).mean()),
        "group_bias": [float(1000 * x) for x in (sums - true_sums).mean(axis=(0, 1))[:2]],
    }


def group_sums(values: Values) -> np.ndarray:
    """Texts x classes x (positive, negative, neutral): imbalanced - balanced over each group."""
    found = []
    for balanced, other, *_ in values:
        groups = (balanced > THRESHOLD, balanced < -THRESHOLD, np.abs(balanced) <= THRESHOLD)
        found.append(np.stack([((other - balanced) * g).sum(axis=0) for g in groups], axis=1))
    return np.array(found)


def ratio(found: Values, default: Values, truth: Values) -> dict[str, Any]:
    """A method's mean absolute error over the default's, on the same texts."""
    a, b = (
        [np.concatenate([v.ravel() for v in t]) for t in errors_of(x, truth)]
        for x in (found, default)
    )
    value = np.concatenate(a).mean() / np.concatenate(b).mean()
    return {"ratio": float(value), "ci": resampled(a, b)}


def by_length(
    given: Sequence[Game], truth: Values, found: dict[str, Values]
) -> dict[str, dict[str, float]]:
    """Mean absolute error x 1000 of the shorter and the longer half of the texts."""
    order = np.argsort([g.size for g in given], kind="stable")
    halves = {"shorter": order[: len(order) // 2], "longer": order[len(order) // 2 :]}
    return {
        name: {
            "tokens": float(np.mean([given[i].size for i in rows])),
            **{
                method: accuracy([v[i] for i in rows], [truth[i] for i in rows])["mae"]
                for method, v in found.items()
            },
        }
        for name, rows in halves.items()
    }
