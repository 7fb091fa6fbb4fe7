from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy
from scipy.stats.contingency import association
from sklearn.dummy import DummyClassifier
from sklearn.metrics import mutual_info_score, normalized_mutual_info_score

from core.errors import InputError
from core.results.run_measures import groups_of
from core.sampling import designs, joint, subsets

LANGUAGES, LABELS = ["de", "en", "fr"], ["bad", "fair", "good"]


def frame(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(values, index=LANGUAGES, columns=LABELS)


def rows(counts: pd.DataFrame, shared_sentences: bool = False) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "row": f"{lang}-{label}-{i}",
                "language": lang,
                "label": label,
                "sentence": f"{label}-{i}" if shared_sentences else f"{lang}-{label}-{i}",
            }
            for lang in counts.index
            for label in counts.columns
            for i in range(int(counts.loc[lang, label]))
        ]
    )


count_tables = arrays(int, (3, 3), elements=st.integers(0, 30)).map(frame)
share_tables = arrays(float, (3, 3), elements=st.floats(0, 1)).map(frame)


@given(count_tables)
def test_measures_agree_with_scikit_learn_and_scipy(counts: pd.DataFrame) -> None:
    assume(counts.to_numpy().sum() > 0)
    drawn = rows(counts)
    bits = mutual_info_score(drawn["language"], drawn["label"]) / np.log(2)
    assert joint.mutual_information_bits(counts) == pytest.approx(bits, abs=1e-9)
    if drawn["language"].nunique() > 1 or drawn["label"].nunique() > 1:
        # scikit-learn calls two single clusters identical (1); here nothing depends on nothing.
        normalised = normalized_mutual_info_score(drawn["language"], drawn["label"])
        assert joint.normalised_mutual_information(counts) == pytest.approx(normalised, abs=1e-9)
    used = counts.loc[counts.sum(axis=1) > 0, counts.sum(axis=0) > 0].to_numpy()
    if min(used.shape) > 1:
        assert joint.cramers_v(counts) == pytest.approx(association(used, "cramer"), abs=1e-9)
    else:
        assert joint.cramers_v(counts) == 0


@given(count_tables)
def test_language_only_accuracy_is_the_best_that_the_language_allows(counts: pd.DataFrame) -> None:
    assume(counts.to_numpy().sum() > 0)
    right = 0.0
    for lang in LANGUAGES:
        labels = rows(counts.loc[[lang]]).get("label", pd.Series(dtype=str))
        if len(labels):
            guess = DummyClassifier(strategy="most_frequent").fit(
                np.zeros((len(labels), 1)), labels
            )
            right += guess.score(np.zeros((len(labels), 1)), labels) * len(labels)
    expected = right / counts.to_numpy().sum()
    assert joint.language_only_accuracy(counts) == pytest.approx(expected)


@given(count_tables)
def test_mean_divergence_is_the_mutual_information(counts: pd.DataFrame) -> None:
    assume((counts.sum(axis=1) > 0).all())
    divergence = joint.divergence_bits(counts)
    share = counts.sum(axis=1) / counts.to_numpy().sum()
    assert (divergence * share).sum() == pytest.approx(
        joint.mutual_information_bits(counts), abs=1e-9
    )
    pooled = counts.sum(axis=0)
    assert divergence["en"] == pytest.approx(
        entropy(counts.loc["en"], pooled + 1e-300, base=2), abs=1e-6
    )


def test_linear_design_is_the_papers_table_1() -> None:
    languages = ["de", "en", "es", "fr", "ja", "zh"]
    shares = designs.design_shares("linear", languages, ["1", "2", "3", "4", "5"])
    within = shares.div(shares.sum(axis=1), axis=0)
    for language in ("fr", "es", "ja"):
        assert within.loc[language].tolist() == pytest.approx([k / 15 for k in (1, 2, 3, 4, 5)])
    for language in ("de", "en", "zh"):
        assert within.loc[language].tolist() == pytest.approx([k / 15 for k in (5, 4, 3, 2, 1)])
    assert shares.sum(axis=0).tolist() == pytest.approx([0.2] * 5)
    assert shares.sum(axis=1).tolist() == pytest.approx([1 / 6] * 6)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(2, 6))
def test_linear_keeps_both_marginals_even_whatever_the_groups_sizes(a, b, c) -> None:
    rising, falling = [f"r{i}" for i in range(a)], [f"f{i}" for i in range(b)]
    labels = [str(i) for i in range(c)]
    shares = designs.design_shares("linear", rising + falling, labels, (rising, falling))
    assert shares.to_numpy().min() > 0
    np.testing.assert_allclose(shares.sum(axis=0), 1 / c, atol=1e-14)
    np.testing.assert_allclose(shares.sum(axis=1), 1 / (a + b), atol=1e-14)
    # The smaller group, or both of one size, has the paper's shares.
    steep = np.arange(1, c + 1) / (c * (c + 1) / 2)
    within = shares.div(shares.sum(axis=1), axis=0)
    for group, own in ((rising, steep), (falling, steep[::-1])):
        shrunk = min(1, (a + b - len(group)) / len(group))
        np.testing.assert_allclose(within.loc[group[0]], 1 / c + shrunk * (own - 1 / c))


@given(st.integers(1, 4), st.integers(2, 6))
def test_linear_with_groups_of_one_size_is_as_it_always_was_to_the_bit(n, c) -> None:
    """Run ids hang on the digits of the shares."""
    languages, labels = [str(i) for i in range(2 * n)], [str(i) for i in range(c)]
    shares = designs.design_shares("linear", languages, labels, (languages[:n], languages[n:]))
    rising = np.arange(1.0, c + 1)
    before = np.array([rising] * n + [rising[::-1]] * n)
    assert (shares.to_numpy() == before / before.sum()).all()


@given(count_tables)
def test_independent_has_the_marginals_of_the_corpus_and_no_skew(counts: pd.DataFrame) -> None:
    assume(counts.to_numpy().sum() > 0)
    made, natural = (
        designs.design_shares(d, LANGUAGES, LABELS, natural=counts)
        for d in ("independent", "natural")
    )
    for axis in (0, 1):
        np.testing.assert_allclose(made.sum(axis=axis), natural.sum(axis=axis), atol=1e-12)
    assert joint.mutual_information_bits(made) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("design", "groups", "message"),
    [
        ("linear", (("fr",), ("de",)), "exactly one of two groups"),
        ("linear", (("fr", "de", "en"), ()), "exactly one of two groups"),
        (
            "lineal",
            None,
            "unknown design 'lineal'; known are uniform, linear, natural, independent",
        ),
        ({"de": {}}, None, "names the languages de; the corpus has de, en, fr"),
        ({x: {"bad": 1} for x in LANGUAGES}, None, "row de names the labels bad"),
        (
            {x: {"bad": -1, "fair": 1, "good": 1} for x in LANGUAGES},
            None,
            r"share of \(de, bad\) is -1",
        ),
        ({x: {"bad": 0, "fair": 0, "good": 0} for x in LANGUAGES}, None, "without any share"),
    ],
)
def test_a_wrong_design_is_refused_by_name(design, groups, message) -> None:
    with pytest.raises(InputError, match=message):
        designs.design_shares(design, LANGUAGES, LABELS, groups)


def test_own_table_and_natural_are_normalised_as_a_whole() -> None:
    table = {"de": [1, 2, 1], "en": [0, 2, 0], "fr": [2, 1, 1]}
    own = {lang: dict(zip(LABELS, v, strict=True)) for lang, v in table.items()}
    shares = designs.design_shares(own, LANGUAGES, LABELS)
    assert shares.loc["de", "fair"] == pytest.approx(0.2)
    counts = frame(np.array(list(table.values())))
    natural = designs.design_shares("natural", LANGUAGES, LABELS, natural=counts)
    pd.testing.assert_frame_equal(natural, shares)


@given(share_tables, st.integers(0, 500))
def test_allocation_sums_up_and_stays_close_to_the_shares(shares, total) -> None:
    assume(shares.to_numpy().sum() > 0.01)
    shares /= shares.to_numpy().sum()
    counts = subsets.allocate(total, shares)
    assert counts.to_numpy().sum() == total
    exact = (total * shares.sum(axis=1)).to_numpy()
    assert np.all(np.abs(counts.sum(axis=1).to_numpy() - exact) < 1 + 1e-6)
    # A language's total is off by less than 1, and each of its cells by less than 1 from there.
    assert np.all(np.abs(counts.to_numpy() - total * shares.to_numpy()) < 2)
    assert np.all(counts.to_numpy()[shares.to_numpy() == 0] == 0)


def test_languages_with_equal_shares_get_equal_rows() -> None:
    shares = designs.design_shares("uniform", LANGUAGES, LABELS)
    assert subsets.allocate(3 * 200, shares).sum(axis=1).tolist() == [200, 200, 200]


@given(count_tables, count_tables, st.integers(0, 9))
def test_subsets_are_exact_and_overlap_as_far_as_they_can(first, second, seed) -> None:
    pool = rows(frame(np.maximum(first, second)) + 3)
    a, b = (subsets.sample(pool, counts, seed) for counts in (first, second))
    assert len(a) == len(set(a)) == first.to_numpy().sum()
    drawn = pool[pool["row"].isin(a)]
    pd.testing.assert_frame_equal(joint.count(drawn, LANGUAGES, LABELS), first, check_names=False)
    assert len(set(a) & set(b)) == np.minimum(first, second).to_numpy().sum()


def test_a_sample_depends_on_the_seed_but_not_on_the_order_of_rows() -> None:
    counts = frame(np.full((3, 3), 5))
    pool = rows(counts * 4)
    shuffled = pool.sample(frac=1, random_state=1)
    assert subsets.sample(pool, counts, 0) == subsets.sample(shuffled, counts, 0)
    assert subsets.sample(pool, counts, 0) != subsets.sample(pool, counts, 1)


def test_sampling_by_sentence_takes_the_same_sentences_in_every_language() -> None:
    counts = frame(np.full((3, 3), 4))
    pool = rows(counts * 5, shared_sentences=True)
    chosen = pool[pool["row"].isin(subsets.sample(pool, counts, 0, by="sentence"))]
    by_language = chosen.groupby("language")["sentence"].apply(set)
    assert by_language["de"] == by_language["en"] == by_language["fr"]


def test_sampling_by_row_draws_languages_independently() -> None:
    counts = frame(np.full((3, 3), 10))
    pool = rows(counts * 5, shared_sentences=True)
    chosen = pool[pool["row"].isin(subsets.sample(pool, counts, 0))]
    by_language = chosen.groupby("language")["sentence"].apply(set)
    assert by_language["de"] != by_language["en"]


@given(
    arrays(int, (3, 3), elements=st.integers(1, 60)).map(frame),
    arrays(float, (3, 3), elements=st.floats(0.1, 1)).map(frame),
)
def test_the_largest_size_works_and_the_next_does_not(available, shares) -> None:
    shares /= shares.to_numpy().sum()
    uniform = designs.design_shares("uniform", LANGUAGES, LABELS)
    size = subsets.largest_size([uniform, shares], available)
    assert subsets.fits(size, uniform, available)
    assert subsets.fits(size, shares, available)
    assert not all(
        subsets.fits(size + k, s, available) for s in (uniform, shares) for k in (1, 2, 3)
    )


def test_deviation_is_zero_under_independence_and_sums_to_zero_in_a_language() -> None:
    uniform = designs.design_shares("uniform", LANGUAGES, LABELS)
    assert np.allclose(joint.deviation(uniform), 0)
    independent = frame(np.outer([1, 2, 5], [3, 1, 1]) / 40)
    assert np.allclose(joint.deviation(independent), 0)
    skewed = designs.design_shares("linear", LANGUAGES, LABELS, (("fr",), ("de", "en")))
    assert np.allclose(joint.deviation(skewed).sum(axis=1), 0)
    assert joint.deviation(skewed).loc["fr", "good"] == pytest.approx(1 / 2 - 1 / 3)
    assert joint.deviation(skewed).loc["de", "good"] == pytest.approx((1 / 6 - 1 / 3) / 2)


@given(share_tables)
def test_the_weighted_deviation_sums_to_zero_for_each_label(shares: pd.DataFrame) -> None:
    assume((shares.sum(axis=1) > 0.01).all())
    weighted = joint.deviation(shares).mul(joint.weights(shares), axis=0)
    np.testing.assert_allclose(weighted.sum(axis=0), 0, atol=1e-12)
    assert joint.weights(shares).sum() == pytest.approx(1)


# --- the two sides of a design --------------------------------------------------------------------


@given(st.integers(1, 5), st.integers(1, 5), st.integers(2, 6))
def test_the_sides_of_linear_are_its_groups(a, b, c) -> None:
    groups = tuple(f"r{i}" for i in range(a)), tuple(f"f{i}" for i in range(b))
    shares = designs.design_shares(
        "linear", [*groups[1], *groups[0]], [*map(str, range(c))], groups
    )
    assert groups_of(shares) == groups


def test_the_sides_do_not_hang_on_the_last_label() -> None:
    shares = frame(np.array([[5.0, 1, 3], [1, 5, 3], [3, 3, 3]]))
    assert groups_of(shares) == (("en",), ("de",))  # fair is the last of those that differ most
    assert groups_of(frame(np.outer([1.0, 2, 5], [3, 1, 1]))) == ((), ())


@given(share_tables)
def test_the_sides_of_a_natural_table_are_a_split_that_no_order_changes(shares) -> None:
    shares = shares + 0.01
    weighted = joint.deviation(shares).mul(np.sqrt(joint.weights(shares)), axis=0)
    sizes = np.linalg.svd(weighted.to_numpy(), compute_uv=False)
    assume(sizes[0] > 1.01 * sizes[1] + 1e-6)  # else two splits are equally good
    first, second = groups_of(shares)
    assert first and second and not set(first) & set(second)
    mixed = groups_of(shares.iloc[::-1])
    assert (set(mixed[0]), set(mixed[1])) == (set(first), set(second))
    # The sides deviate against each other in what they differ by most.
    means = joint.deviation(shares).mul(joint.weights(shares), axis=0)
    gap = means.loc[list(first)].sum() - means.loc[list(second)].sum()
    assert gap.abs().max() > 0


@given(share_tables)
def test_independent_has_the_marginals_and_no_skew(shares: pd.DataFrame) -> None:
    assume(shares.to_numpy().sum() > 1e-3)
    balanced = designs.independent(shares)
    whole = shares / shares.to_numpy().sum()
    assert balanced.to_numpy().sum() == pytest.approx(1)
    for axis in (0, 1):
        assert np.allclose(balanced.sum(axis=axis), whole.sum(axis=axis))
    assert joint.mutual_information_bits(balanced) == pytest.approx(0, abs=1e-9)
    natural = designs.design_shares("independent", LANGUAGES, LABELS, natural=shares)
    assert np.allclose(balanced, natural)


def test_of_a_linear_design_the_independent_counterpart_is_uniform() -> None:
    skewed = designs.design_shares("linear", LANGUAGES, LABELS, (("fr",), ("de", "en")))
    assert np.allclose(designs.independent(skewed), 1 / 9)


strengths = st.floats(0, 1)


def halves(n: int) -> joint.Groups:
    languages = tuple(f"l{i}" for i in range(2 * n))
    return languages[:n], languages[n:]


@given(share_tables, share_tables, strengths)
def test_strength_goes_from_the_balanced_design_to_the_skewed_one(a, b, strength) -> None:
    assume(min(a.to_numpy().sum(), b.to_numpy().sum()) > 0.01)
    balanced, skewed = (t / t.to_numpy().sum() for t in (a, b))
    assert designs.strengthened(balanced, skewed, 1.0) is skewed
    assert designs.strengthened(balanced, skewed, 0.0).equals(balanced)
    made = designs.strengthened(balanced, skewed, strength)
    assert made.to_numpy().min() >= 0
    assert made.to_numpy().sum() == pytest.approx(1)
    assert np.allclose(made, balanced + strength * (skewed - balanced))


@given(st.integers(1, 3), st.integers(2, 6), strengths)
def test_of_linear_the_strength_keeps_marginals_and_goes_as_far_as_its_labels(n, c, share) -> None:
    groups = halves(n)
    languages, labels = [*groups[0], *groups[1]], [f"c{i}" for i in range(c)]
    skewed = designs.design_shares("linear", languages, labels, groups)
    balanced = designs.design_shares("uniform", languages, labels)
    most = (c + 1) / (c - 1)
    strength = share * most
    made = designs.strengthened(balanced, skewed, strength)
    for axis in (0, 1):
        assert np.allclose(made.sum(axis=axis), 1 / made.shape[1 - axis])
    assert np.allclose(joint.deviation(made), strength * joint.deviation(skewed))
    assert joint.cramers_v(made) == pytest.approx(strength * joint.cramers_v(skewed), abs=1e-9)
    assert designs.strengthened(balanced, skewed, most).to_numpy().min() == pytest.approx(0)
    with pytest.raises(
        InputError, match=r"\(l0, c0\) a share of -.* the largest strength is"
    ) as told:
        designs.strengthened(balanced, skewed, most + 0.01)
    assert float(str(told.value).rstrip(".").rpartition(" ")[2]) == pytest.approx(most, abs=2e-3)


@given(count_tables, strengths)
def test_of_a_natural_design_every_strength_has_the_marginals_of_the_corpus(counts, share) -> None:
    assume(counts.to_numpy().sum() > 0)
    natural = designs.design_shares("natural", LANGUAGES, LABELS, natural=counts)
    made = designs.strengthened(designs.independent(natural), natural, share)
    for axis in (0, 1):
        assert np.allclose(made.sum(axis=axis), natural.sum(axis=axis))
