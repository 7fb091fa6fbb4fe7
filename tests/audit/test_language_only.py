from __future__ import annotations

import numpy as np
import pytest

from core.audit.language_only import language_only
from core.sampling import joint
from tests.audit.tables import MARGINALS, STRONG, drawn, frame, linear


@pytest.mark.parametrize(
    ("p", "n"), [(linear(6, 5, 0), 120), (linear(6, 5, 0), 3000), (MARGINALS, 400)]
)
def test_without_skew_no_gain_is_claimed(p, n) -> None:
    rng = np.random.default_rng(0)
    found = [language_only(drawn(rng, p, n), i) for i in range(200)]
    assert np.mean([x.low > 0 for x in found]) <= 0.05
    assert np.mean([x.gain for x in found]) <= 0.005
    # What the commonest label of the very rows would have claimed.
    tables = [drawn(rng, p, n) for _ in range(100)]
    claimed = [joint.language_only_accuracy(t) - t.sum().max() / n for t in tables]
    assert np.mean(claimed) > max(0.001, np.mean([x.gain for x in found]))


@pytest.mark.parametrize(("p", "n"), [(linear(6, 5), 600), (linear(2, 3), 300), (STRONG, 500)])
def test_what_the_rule_gains_on_other_rows_is_covered(p, n) -> None:
    rng = np.random.default_rng(1)
    p = p / p.sum()
    covered, gains, truths = [], [], []
    for i in range(200):
        counts = drawn(rng, p, n)
        found = language_only(counts, i)
        rule = counts.to_numpy().argmax(axis=1)
        truth = p[np.arange(len(p)), rule].sum() - p[:, counts.sum().to_numpy().argmax()].sum()
        covered.append(found.low <= truth <= found.high)
        gains.append(found.gain)
        truths.append(truth)
    assert 0.91 <= np.mean(covered) <= 1
    assert -0.02 <= np.mean(gains) - np.mean(truths) <= 0.01


def test_even_labels_are_no_worse_than_tossing() -> None:
    found = language_only(frame(np.full((2, 4), 25)))
    assert found.accuracy == found.of_nothing == 0.25
    assert found.gain == 0 and found.low < 0 < found.high


def test_a_label_that_the_language_tells() -> None:
    found = language_only(frame([[50, 0], [0, 50]]))
    assert found.accuracy == 1 and found.low > 0.3
    assert language_only(frame([[7]]))[:3] == (1, 1, 0)
