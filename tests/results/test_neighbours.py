from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.results import neighbours, projection
from tests.helpers.started import small_study


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(20, 60), st.integers(1, 4))
def test_neighbours_are_those_of_a_sorted_list(seed, n, copies) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 4)).astype(np.float32)
    sentences = np.array([f"s{i % (n // copies)}" for i in range(n)])
    at, distances = neighbours.nearest(vectors, sentences, k=5)
    for i in range(n):
        others = [j for j in range(n) if sentences[j] != sentences[i]]
        far = sorted((float(np.linalg.norm(vectors[i] - vectors[j])), j) for j in others)
        np.testing.assert_allclose(distances[i], [d for d, _ in far[: len(at[i])]], atol=1e-3)
        assert all(sentences[j] != sentences[i] for j in at[i])
        assert len(set(at[i])) == len(at[i]) == min(5, n - copies - (n % (n // copies) > 0))


def test_the_share_and_its_chance_by_hand() -> None:
    texts = pd.DataFrame(
        {"language": list("aabb") * 4, "sentence": [f"s{i // 2}" for i in range(16)]}
    )
    near = np.array([[0, 2]] * 16), np.zeros((16, 2))
    shares, same = neighbours.same_language(near, texts)
    assert shares.tolist() == [0.5] * 16  # one of the two is in a, the other in b
    assert (same.mean, same.low, same.high) == (0.5, 0.5, 0.5)
    # Of 14 texts of other sentences, 6 are in the same language: both of a pair are in one.
    assert same.chance == pytest.approx(6 / 14)


def test_languages_that_mix_are_at_chance_and_others_above() -> None:
    rng = np.random.default_rng(0)
    language = np.repeat(list("abc"), 200)
    texts = pd.DataFrame({"language": language, "sentence": [f"s{i % 200}" for i in range(600)]})
    for apart in (0.0, 6.0):
        vectors = rng.normal(size=(600, 5))
        vectors[:, 0] += apart * pd.factorize(language)[0]
        _, same = neighbours.same_language(
            neighbours.nearest(vectors, texts["sentence"].to_numpy()), texts
        )
        assert same.chance == pytest.approx(199 / 597)
        assert same.low <= same.mean <= same.high
        assert (same.low > same.chance + 0.4) == bool(apart)
        if not apart:
            assert same.low < same.chance + 0.02 and same.high > same.chance - 0.02


def test_what_is_kept_is_what_the_vectors_say(projected, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(projected))
    study = small_study()
    found = projection.read(study)
    rows = found.texts["row"]
    run_id = found.runs[1]
    stored = pd.read_parquet(projected / run_id / "embeddings.parquet").set_index("row").loc[rows]
    vectors, languages = np.stack(stored["cls"]), found.texts["language"].to_numpy()
    for i in (0, 71, 143):
        near = neighbours.of_text(study, run_id, rows[i], rows)
        far = np.linalg.norm(vectors - vectors[i], axis=1)
        far[(found.texts["sentence"] == found.texts["sentence"][i]).to_numpy()] = np.inf
        np.testing.assert_allclose(near["distance"], np.sort(far)[:15], rtol=1e-3, atol=1e-4)
        own = (languages[rows.isin(near["row"])] == languages[i]).mean()
        assert found.texts[f"same_{run_id}"][i] == pytest.approx(own)
    assert found.same[run_id].mean == pytest.approx(found.texts[f"same_{run_id}"].mean())


def test_damage_is_said(projected, tmp_path, monkeypatch) -> None:
    shutil.copytree(projected, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    study = small_study()
    found = projection.read(study)
    rows = found.texts["row"]
    for panel, row in (("gone", rows[0]), (found.runs[0], "gone")):
        with pytest.raises(InputError, match=r"neighbours.parquet .*python -m core project small"):
            neighbours.of_text(study, panel, row, rows)
    with pytest.raises(InputError, match="a neighbour is no text of the map"):
        neighbours.of_text(study, found.runs[0], rows[0], rows[:1])
    path: Path = neighbours.path_of(study)
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"neighbours.parquet does not read"):
        neighbours.of_text(study, found.runs[0], rows[0], rows)
