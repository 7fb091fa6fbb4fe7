from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.results import density


def winding(line: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether points lie within a closed line: an odd number of sides crossed to the right."""
    inside = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in pairwise(line):
        between = (y0 > points[:, 1]) != (y1 > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            cross = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0)
        inside ^= between & (points[:, 0] < cross)
    return inside


def of(places: np.ndarray, values: np.ndarray):
    low, high = places.min(axis=0), places.max(axis=0)
    return density.outlines("p", places, values, np.column_stack([low - 0.1, high + 0.1]))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(60, 800), st.integers(1, 3))
def test_outlines_hold_the_densest_half(seed, n, heaps) -> None:
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(n, 2)) + 8 * rng.integers(heaps, size=(n, 1))
    found = of(places, np.full(n, "a"))
    inside = np.zeros(n, dtype=bool)
    for _, line in found.groupby("line"):
        corners = line.sort_values("at")[["x", "y"]].to_numpy()
        np.testing.assert_allclose(corners[0], corners[-1])  # closed
        inside ^= winding(corners, places)
    assert inside.mean() == pytest.approx(density.SHARE, abs=0.1)


def test_heaps_that_are_apart_have_outlines_of_their_own() -> None:
    rng = np.random.default_rng(0)
    places = np.concatenate([rng.normal(size=(300, 2)), rng.normal([12, 0], size=(300, 2))])
    values = np.repeat(["a", "b"], 300)
    found = of(places, values).groupby("value")["x"].agg(["min", "max"])
    assert found.loc["a", "max"] < 5 < found.loc["b", "min"]
    mixed = of(places, np.resize(["a", "b"], 600)).groupby("value")["x"].agg(["min", "max"])
    assert (mixed["min"] < 5).all() and (mixed["max"] > 5).all()


def test_few_texts_have_none() -> None:
    assert of(np.random.default_rng(0).normal(size=(7, 2)), np.full(7, "a")).empty
    same = density.outlines("p", np.zeros((20, 2)), np.full(20, "a"), np.array([[-1, 1], [-1, 1]]))
    assert set(same["panel"]) == {"p"}
