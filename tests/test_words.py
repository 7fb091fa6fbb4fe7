from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.words import escaped, isolated, percent, points, signed


@given(st.text(max_size=30))
def test_escaped_text_keeps_its_letters_and_no_bare_punctuation(text) -> None:
    found = escaped(text)
    shown = re.sub(r"\\(.)", r"\1", found)
    assert " ".join(shown.split()) == " ".join(text.split())
    bare = found
    for i, letter in enumerate(bare):
        if letter in "*_`[]<>$:#!":
            assert i and bare[i - 1] == "\\"


def test_escaped_text_breaks_where_the_text_does() -> None:
    assert escaped(" 95\u00a0% \n of it ") == "95\u00a0% of it"


def test_isolated_text_does_not_turn_its_surroundings() -> None:
    found = isolated("שלום")
    assert unicodedata.bidirectional(found[0]) == "FSI"
    assert unicodedata.bidirectional(found[-1]) == "PDI"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (percent(0.333), "33\u00a0%"),
        (percent(-0.001), "0\u00a0%"),
        (percent(-0.0121, 1), "\u22121.2\u00a0%"),
        (signed(-0.024), "\u22120.02"),
        (signed(-0.001), "0.00"),
        (points(-0.034), "3.4 points"),
    ],
)
def test_numbers_read_as_in_print(made, text) -> None:
    assert made == text
