from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedGroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from core.errors import InputError
from core.measures import probes
from core.measures.probes import probe
from core.sampling.subsets import sample_external

LANGUAGES = ("de", "en", "fr")
Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def translated(
    sentences: int = 100, dimension: int = 10, language: float = 0.0, sentence: float = 0.0
) -> Data:
    """Every sentence in every language, in random order: noise of size 1, plus a direction for
    each language and one for each sentence, of the sizes given."""
    rng = np.random.default_rng(0)
    number = np.repeat(np.arange(len(LANGUAGES)), sentences)
    who = np.tile(np.arange(sentences), len(LANGUAGES))
    vectors = rng.normal(size=(len(number), dimension))
    vectors += language * rng.normal(size=(len(LANGUAGES), dimension))[number]
    vectors += sentence * rng.normal(size=(sentences, dimension))[who]
    order = rng.permutation(len(number))
    return (
        vectors[order].astype(np.float32),
        np.array(LANGUAGES)[number[order]],
        np.char.add("s", who[order].astype(str)),
    )


def splits(data: Data, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    return list(splitter.split(*data))


@pytest.mark.parametrize("seed", [0, 3])
def test_accuracies_agree_with_cross_val_score(seed: int) -> None:
    # Features of different sizes: standardising would change all three.
    vectors, languages, sentences = translated(language=0.4, sentence=0.5)
    data = (vectors * np.geomspace(0.2, 5, vectors.shape[1]), languages, sentences)
    found = probe(*data, seed=seed)
    oracles = {
        "accuracy": LogisticRegression(max_iter=1000),
        "accuracy_released": LogisticRegression(C=1e-4, max_iter=1000),
        "knn": KNeighborsClassifier(15),
    }
    for name, estimator in oracles.items():
        scores = cross_val_score(estimator, data[0], languages, cv=splits(data, seed))
        assert getattr(found, name) == pytest.approx(scores.mean(), abs=1e-9), name
    assert len({getattr(found, name) for name in oracles}) == 3


def test_neighbours_agree_with_brute_force() -> None:
    data = vectors, languages, _ = translated(language=0.6)
    scores = []
    for train, test in splits(data, 0):
        gap = vectors[test, None].astype(float) - vectors[None, train]
        nearest = np.argsort((gap**2).sum(-1), axis=1)[:, :15]
        votes = (languages[train][nearest][:, :, None] == np.array(LANGUAGES)).sum(1)
        scores.append((np.array(LANGUAGES)[votes.argmax(1)] == languages[test]).mean())
    assert probe(*data).knn == pytest.approx(np.mean(scores), abs=1e-9)
    assert 0.4 < np.mean(scores) < 0.95


def test_languages_that_lie_apart_are_told_apart() -> None:
    found = probe(*translated(language=20))
    assert (found.accuracy, found.accuracy_released, found.knn) == (1, 1, 1)


def test_noise_gives_chance() -> None:
    found = probe(*translated(sentences=300))
    for value in (found.accuracy, found.accuracy_released, found.knn):
        assert value == pytest.approx(1 / 3, abs=0.08)


def test_knowing_the_sentence_does_not_pass_for_knowing_the_language() -> None:
    # Six rows a sentence, each sentence in one language only, as with chunks of one article.
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(90), 6)
    vectors = rng.normal(size=(90, 100))[who] + 0.1 * rng.normal(size=(540, 100))
    languages = np.array(LANGUAGES)[who % 3]
    found = probe(vectors, languages, who)
    for value in (found.accuracy, found.accuracy_released, found.knn):
        assert value == pytest.approx(1 / 3, abs=0.15)
    plain = KFold(5, shuffle=True, random_state=0)
    assert cross_val_score(KNeighborsClassifier(5), vectors, languages, cv=plain).mean() > 0.95
    assert cross_val_score(LogisticRegression(), vectors, languages, cv=plain).mean() > 0.95


def test_translations_share_a_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(probes, "_score", lambda *task: seen.append(task[2:]) or 0.0)
    _, languages, sentences = data = translated(sentences=30)
    probe(*data)
    assert len(seen) == 3 * 5
    for y, train, test in seen:
        assert not set(sentences[train]) & set(sentences[test])
        assert sorted([*train, *test]) == list(range(90))
        assert y.tolist() == np.searchsorted(LANGUAGES, languages).tolist()


def test_a_large_constant_unit_changes_nothing() -> None:
    vectors, languages, sentences = translated(language=0.5)
    large = vectors.copy()
    large[:, 4] += 100
    expected = probe(vectors, languages, sentences)
    assert probe(large, languages, sentences).accuracy == pytest.approx(expected.accuracy, abs=0.01)


def test_what_is_stated_beside_the_accuracies() -> None:
    vectors, languages, sentences = translated(language=1)
    kept = np.flatnonzero((languages != "fr") | (np.char.str_len(sentences) < 3))
    found = probe(vectors[kept], languages[kept], sentences[kept], folds=4)
    assert (found.n, found.dimension, found.folds) == (210, 10, 4)
    assert found.chance == pytest.approx(100 / 210)
    assert probe(vectors, languages, sentences).chance == pytest.approx(1 / 3)


def test_same_seed_same_result_and_no_trace() -> None:
    data = translated(language=0.3)
    before = [x.copy() for x in data]
    first = probe(*data, seed=1)
    assert probe(*data, seed=1) == first
    assert probe(*data, seed=2) != first
    for x, y in zip(data, before, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("seed", range(8))
def test_smallest_data_that_are_accepted(seed: int) -> None:
    rng = np.random.default_rng(0)
    found = probe(rng.normal(size=(10, 3)), ["de", "en"] * 5, np.repeat(range(5), 2), seed=seed)
    assert all(0 <= x <= 1 for x in (found.accuracy, found.knn))
    assert found.n == 10


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_vectors_are_refused(value: float) -> None:
    vectors, languages, sentences = translated()
    vectors[[3, 3, 7], [0, 1, 0]] = value
    with pytest.raises(InputError, match="2 of 300 vectors hold NaN or infinite"):
        probe(vectors, languages, sentences)


def test_one_language_is_refused() -> None:
    vectors, languages, sentences = translated()
    kept = languages == "en"
    with pytest.raises(InputError, match=r"two or more languages; found \['en'\]"):
        probe(vectors[kept], languages[kept], sentences[kept])


def test_too_few_sentences_are_refused() -> None:
    vectors, languages, sentences = translated(sentences=4)
    with pytest.raises(InputError, match="5 or more sentences .* found de 4, en 4, fr 4"):
        probe(np.tile(vectors, (9, 1)), np.tile(languages, 9), np.tile(sentences, 9))
    vectors, languages, sentences = translated()
    kept = np.flatnonzero((languages != "fr") | np.isin(sentences, ["s1", "s2"]))
    with pytest.raises(InputError, match="found fr 2"):
        probe(vectors[kept], languages[kept], sentences[kept])


def external(counts: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"row": f"{lang}-{i}", "language": lang} for lang, n in counts.items() for i in range(n)]
    )


@settings(max_examples=25)
@given(
    st.dictionaries(st.sampled_from(["de", "en", "fr", "ja"]), st.integers(1, 30), min_size=1),
    st.integers(1, 40),
    st.integers(0, 5),
)
def test_external_sample_has_the_same_number_of_each_language(
    counts: dict[str, int], per_language: int, seed: int
) -> None:
    table = external(counts)
    ids = sample_external(table, per_language, seed)
    chosen = table[table["row"].isin(ids)]["language"].value_counts()
    assert set(chosen) == {min(per_language, *counts.values())}
    assert set(chosen.index) == set(counts)
    assert ids == sorted(set(ids))
    shuffled = table.sample(frac=1, random_state=seed)
    assert sample_external(shuffled, per_language, seed) == ids
    assert set(ids) <= set(sample_external(table, per_language + 1, seed))


def test_external_sample_depends_on_the_seed_and_leaves_the_table_alone() -> None:
    table = external({"de": 50, "en": 60})
    before = table.copy()
    assert sample_external(table, 10, seed=0) != sample_external(table, 10, seed=1)
    assert len(sample_external(table)) == 100
    pd.testing.assert_frame_equal(table, before)


def test_external_sample_needs_rows() -> None:
    with pytest.raises(InputError, match="no rows"):
        sample_external(pd.DataFrame({"row": [], "language": []}))


def test_a_probe_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        probe(*translated(sentences=10)).n = 3  # type: ignore[misc]
