"""Kept documents are made anew when what they were made from, or what makes them, changes."""

from __future__ import annotations

import pytest

from core.results import cache

CODE = '''
"""Words."""
LIMIT = 3
def over(values):
    """How many."""
    return sum(v > LIMIT for v in values if v not in {1, "a", "b"})
'''


def content(text: str) -> str:
    return cache._content(compile(text, "", "exec", dont_inherit=True, optimize=2))


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Words", "Other words", True),
        ("    return", "    # why\n\n    return", True),
        ("How many", "The number of those above", True),
        ("LIMIT = 3", "LIMIT = 4", False),
        ("v > ", "v >= ", False),
        ('"b"', '"c"', False),
    ],
)
def test_code_counts_and_words_do_not(old, new, same) -> None:
    assert old in CODE
    assert (content(CODE.replace(old, new)) == content(CODE)) is same


def test_every_room_that_measures_is_there() -> None:
    for room in cache.ROOMS:
        assert list((cache.places.CORE / room).glob("[a-z]*.py"))


def test_a_document_is_computed_once_a_key(tmp_path) -> None:
    made: list[str] = []

    def compute() -> dict[str, object]:
        made.append("x")
        return {"n": len(made), "tuple": (1, 2)}

    path = tmp_path / "kept" / "document.json"
    assert cache.kept(path, "a", compute) == {"n": 1, "tuple": [1, 2]}
    assert cache.kept(path, "a", compute) == {"n": 1, "tuple": [1, 2]}
    assert cache.kept(path, "b", compute)["n"] == 2
    path.write_text("{")
    assert cache.kept(path, "b", compute)["n"] == 3


def test_what_another_version_kept_is_computed_anew(tmp_path, monkeypatch) -> None:
    path = tmp_path / "document.json"
    cache.keep(path, "a", {"n": 1})
    assert cache.stored(path, "a") == {"n": 1}
    monkeypatch.setattr(cache, "_version", lambda: "another")
    assert cache.stored(path, "a") is None
