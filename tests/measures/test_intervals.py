import numpy as np
import pytest
import scipy.stats

from core.measures.intervals import seeds_and_sentences

SENTENCES, REPETITIONS = 60, 2000


def _simulated(seeds, of_seed, of_sentence, of_both):
    """Values and draws of many studies at once, without core's bootstrap: a column a study."""
    rng = np.random.default_rng(seeds)
    table = (
        of_seed * rng.normal(size=(seeds, 1, REPETITIONS))
        + of_sentence * rng.normal(size=(1, SENTENCES, REPETITIONS))
        + of_both * rng.normal(size=(seeds, SENTENCES, REPETITIONS))
    )
    times = rng.multinomial(SENTENCES, [1 / SENTENCES] * SENTENCES, size=400)
    return table.mean(axis=1), times @ table.mean(axis=0) / SENTENCES


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(
    ("of_seed", "of_sentence", "of_both"),
    [(0.03, 0.1, 0.1), (0.0, 0.3, 0.1), (0.05, 0.0, 0.1), (0.02, 0.15, 0.0), (0.05, 0.2, 0.0)],
)
def test_interval_covers_other_seeds_and_other_sentences(seeds, of_seed, of_sentence, of_both):
    values, drawn = _simulated(seeds, of_seed, of_sentence, of_both)
    found = seeds_and_sentences(values + 0.2, drawn + 0.2)
    covered = np.mean((found.low <= 0.2) & (found.high >= 0.2))
    assert 0.94 <= covered <= 0.995
    null = seeds_and_sentences(values, drawn)
    assert np.array_equal(null.p <= 0.05, (null.low > 0) | (null.high < 0))
    assert np.mean(null.p <= 0.05) == pytest.approx(1 - covered)
    assert np.mean(null.p <= 0.005) <= 0.01  # as far as Holm's steps go


def test_interval_over_seeds_alone_does_not_cover_other_sentences():
    """What the variance over sentences is for: without it the same simulation fails."""
    found = seeds_and_sentences(_simulated(3, 0.0, 0.3, 0.1)[0], None)
    assert np.mean((found.low <= 0) & (found.high >= 0)) < 0.8


def test_without_sentences_it_is_the_t_interval_over_seeds():
    values = np.array([[0.1, -1.0], [0.3, 2.0], [0.2, 0.5], [0.25, 0.0]])
    found = seeds_and_sentences(values, None)
    for k in range(2):
        oracle = scipy.stats.ttest_1samp(values[:, k], 0)
        ends = tuple(oracle.confidence_interval(0.95))
        assert (found.low[k], found.high[k]) == pytest.approx(ends)
        assert found.p[k] == pytest.approx(oracle.pvalue)
    assert found.df == pytest.approx([3.0, 3.0])


def test_seeds_that_agree_leave_the_normal_interval_over_sentences():
    rng = np.random.default_rng(1)
    drawn = rng.normal(0.5, 0.1, size=(4000, 1))
    found = seeds_and_sentences(np.full((3, 1), 0.5), drawn)
    assert found.df[0] == np.inf
    assert found.error[0] == pytest.approx(0.1, rel=0.05)
    assert (found.low[0], found.high[0]) == pytest.approx((0.304, 0.696), abs=0.02)


def test_values_without_any_variance_and_values_that_are_missing():
    values = np.array([[0.0, 0.3, np.nan]] * 3)
    found = seeds_and_sentences(values, None)
    assert found.p[:2].tolist() == [1.0, 0.0]
    assert found.low[:2].tolist() == found.high[:2].tolist() == [0.0, 0.3]
    assert np.isnan([found.value[2], found.low[2], found.high[2], found.df[2], found.p[2]]).all()


def test_draws_without_a_value_are_left_out():
    values, drawn = np.array([[0.1], [0.2], [0.3]]), np.array([[0.1], [0.3], [np.nan], [0.2]])
    whole = seeds_and_sentences(values, drawn[[0, 1, 3]])
    assert seeds_and_sentences(values, drawn).error == pytest.approx(whole.error)


def test_one_seed_says_nothing_of_other_seeds():
    with pytest.raises(ValueError, match="1 seed"):
        seeds_and_sentences(np.ones((1, 2)), None)
