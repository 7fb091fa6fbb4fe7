from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.audit.verdict import verdict
from core.errors import InputError
from tests.audit.tables import MARGINALS, drawn, frame, linear

RNG = np.random.default_rng(0)


def test_a_skewed_table() -> None:
    found = verdict(drawn(RNG, linear(6, 5), 3000))
    assert found["kind"] == "skewed"
    assert found["sentence"].startswith("Language and label are skewed: Cramér's V = 0.2")
    assert "p ≤ 0.001, n = 3,000 rows" in found["sentence"]
    text = " ".join(found["reasons"])
    assert "none has as much" in text and "Cohen's convention" in text
    assert "sees only the language" in text and "It lies most in: " in text
    # Most of what a linear design skews are its outer labels.
    assert {cell["label"] for cell in found["cells"][:3]} <= {"bad", "best"}
    assert found["of_linear"] == pytest.approx(found["cramers_v"], abs=0.03)


@pytest.mark.parametrize("p", [linear(6, 5, 0), MARGINALS])
def test_no_evidence_says_what_would_have_been_seen(p) -> None:
    found = verdict(drawn(np.random.default_rng(6), p, 600))
    assert found["kind"] == "no evidence"
    assert (
        "with n = 600 rows a skew of V = 0.093 would have been seen with 80\xa0% power"
        in (found["sentence"])
    )
    assert "none" not in found["sentence"].split()
    assert not any("It lies most in" in reason for reason in found["reasons"])


def test_so_many_rows_that_everything_is_measurable() -> None:
    found = verdict(drawn(RNG, 1 + 0.02 * (linear(6, 5) * 30 - 1), 1_200_000))
    assert found["kind"] == "measurable but small" and found["size"] == "negligible"
    assert "n = 1,200,000" in found["sentence"]


def test_so_few_rows_that_nothing_is() -> None:
    found = verdict(frame([[1, 2, 0], [2, 1, 2]]))
    assert found["kind"] == "cannot tell" and found["detectable_v"] is None
    assert "not even the largest skew" in found["sentence"]
    some = verdict(drawn(np.random.default_rng(1), linear(2, 2, 0), 20))
    assert "only a large skew, V = 0.6" in some["sentence"]


def test_translations_of_the_same_sentences() -> None:
    found = verdict(frame(np.full((6, 3), 300)))
    assert found["kind"] == "no evidence" and found["p"] == 1
    assert "as translations of the same sentences have" in found["reasons"][0]
    assert found["language_only_accuracy"] == found["of_nothing_accuracy"] == pytest.approx(1 / 3)


def test_skew_without_gain_is_said_to_be_skew() -> None:
    found = verdict(frame([[700, 200, 100], [700, 100, 200]]))
    assert found["kind"] == "skewed" and found["language_only_gain"] == 0
    assert any("bad is the commonest label of every language" in r for r in found["reasons"])


def test_one_language_one_label_or_no_row() -> None:
    assert "one language, de" in verdict(frame([[3, 4]]))["sentence"]
    assert "one label, bad" in verdict(frame([[3, 0], [4, 0]]))["sentence"]
    assert verdict(frame([[3, 0], [4, 0]]))["without_rows"] == ["poor"]
    with pytest.raises(InputError, match="has none. Choose"):
        verdict(frame([[0, 0], [0, 0]]))


def test_empty_cells_and_languages_are_named() -> None:
    found = verdict(frame([[50, 0, 20], [30, 40, 20], [0, 0, 0]]))
    assert found["empty_cells"] == [("de", "poor")] and found["without_rows"] == ["es"]
    assert found["languages"] == ["de", "en"]
    text = " ".join(found["reasons"])
    assert "No row at all in (de, poor)" in text and "es: no row" in text


@settings(max_examples=40)
@given(arrays(int, (3, 3), elements=st.integers(0, 300)))
def test_every_table_has_a_verdict_that_is_json(values) -> None:
    if values.sum() == 0:
        return
    found = verdict(frame(values), draws=19)
    assert found["sentence"].endswith(".")
    json.dumps(found, allow_nan=False)
    assert found == verdict(frame(values), draws=19)


def test_names_are_left_as_they_are() -> None:
    counts = pd.DataFrame([[90, 10], [10, 90]], index=["*a*", "<b>"], columns=["0", "1"])
    assert "0 in *a* is" in " ".join(verdict(counts)["reasons"])
