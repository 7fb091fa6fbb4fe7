from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import escaped, file_name, isolated, percent, points, printable, signed


@given(st.text(max_size=30))
def test_escaped_text_keeps_its_letters_and_no_bare_punctuation(text) -> None:
    found = escaped(text)
    shown = re.sub(r"\\(.)", r"\1", found)
    shown = shown if "\u2060" in text else shown.replace("\u2060", "")
    assert " ".join(shown.split()) == printable(" ".join(text.split()))
    bare = found
    for i, letter in enumerate(bare):
        if letter in "*_`[]<>$:#!":
            assert i and bare[i - 1] == "\\"


@pytest.mark.parametrize("address", ["http://x.org", "HTTPS://x.org/a", "www.x.org"])
def test_an_address_in_escaped_text_is_no_link(address) -> None:
    found = re.sub(r"\\(.)", r"\1", escaped(f"see {address}, please"))
    assert not re.search(r"(?i)https?://|www\.", found)
    assert found.replace("\u2060", "") == f"see {address}, please"


def test_escaped_text_breaks_where_the_text_does() -> None:
    assert escaped(" 95\u00a0% \n of it ") == "95\u00a0% of it"


@given(st.text(max_size=30))
def test_printed_text_has_no_control_character_and_json_stays_what_it_was(text) -> None:
    found = printable(text)
    assert not [c for c in found if unicodedata.category(c) in ("Cc", "Cs")]
    assert not set(found) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert printable(found) == found
    document = json.dumps({text: [text]}, ensure_ascii=False)
    assert json.loads(printable(document)) == {text: [text]}


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b2J", "\u202eabc", "\ud800", "a\rb", "\x07"])
def test_what_a_terminal_obeys_is_shown(text) -> None:
    assert f"\\u{ord(next(c for c in text if c not in 'ab')):04x}" in printable(text)
    assert printable("a\nb", keep="\n") == "a\nb"


@given(
    st.text(max_size=300), st.sampled_from(["", "../", "/", "..\\", ".", "-", "a/../../b", "\0"])
)
def test_a_file_name_names_a_file_of_its_folder(text, before) -> None:
    found = file_name(before + text)
    assert re.fullmatch(r"[\w+=][\w.+=-]{0,99}", found)
    assert Path("folder", found).parent == Path("folder")


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
