from __future__ import annotations

import pytest

from core.corpora import languages


@pytest.mark.parametrize(
    "name",
    ["de", "DE", "deu", "ger", "German", "german", "Deutsch", "de-DE", "de_AT", "deu_Latn", " de "],
)
def test_every_spelling_of_german_is_one(name) -> None:
    assert languages.canonical(name) == "de"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("zh-Hans-CN", "zh"),
        ("cmn", "zh"),
        ("Chinese", "zh"),
        ("中文", "zh"),
        ("arb", "ar"),
        ("iw", "he"),
        ("Français", "fr"),
        ("pt-BR", "pt"),
        ("yor", "yo"),
        # Of a group, but not its standard form: another language.
        ("ary", "ary"),
        ("yue", "yue"),
        ("pcm", "pcm"),
    ],
)
def test_codes_and_names(name, code) -> None:
    assert languages.canonical(name) == code
    assert languages.canonical(code) == code  # a fixed point


@pytest.mark.parametrize("name", ["", "x", "1", "und", "mul", "unknown", "xx", "neg", "a" * 200])
def test_what_is_no_language(name) -> None:
    if name == "neg":  # Negidal has that code: a label can look like a language
        assert languages.canonical(name) == "neg"
    else:
        assert languages.canonical(name) is None


def test_a_code_has_an_english_name() -> None:
    assert languages.display("de") == "German"
    assert languages.display("xx") == "xx"
