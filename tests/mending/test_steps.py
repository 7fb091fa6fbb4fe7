from __future__ import annotations

from collections import defaultdict

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpora import mapping
from core.corpora.choices import Choices, Mapped
from core.errors import InputError
from core.mending import findings, steps
from core.storage import sql
from tests.helpers.table_sources import of_columns

RANK = {"test": 0, "validation": 1, "train": 2}
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a text", " a text ", "another", "x", "long " * 300]),
        st.sampled_from(["up", "Up", "down"]),
        st.sampled_from(["de", "en"]),
        st.sampled_from(list(RANK)),
    ),
    min_size=1,
    max_size=25,
)


def corpus_of(rows) -> Mapped:
    text, label, language, split = zip(*rows, strict=True)
    columns = {"text": text, "label": label, "language": language, "split": split}
    return mapping.map_columns(of_columns(columns), Choices())


def kept(corpus: Mapped) -> list[tuple[str, ...]]:
    with sql.connection(corpus.source.tables) as connection:
        return connection.execute(
            f"""SELECT trim(text), label, language, split FROM ({corpus.select})
                WHERE reason IS NULL ORDER BY ALL"""
        ).fetchall()


def by_hand(rows, kind: str) -> list[tuple[str, ...]]:
    """What is left of rows after one step, by loops."""
    rows = [(text.strip(), *more) for text, *more in rows]
    found = defaultdict(set)
    for text, label, language, split in rows:
        found["labels", text, language].add(label)
        found["first", text].add(RANK[split])
    left = []
    seen: dict[tuple[str, ...], int] = {}
    for row in sorted(rows, key=lambda r: RANK[r[3]]):
        text, label, language, split = row
        if kind == "conflicts" and len(found["labels", text, language]) > 1:
            continue
        if kind == "leaks" and RANK[split] > min(found["first", text]):
            continue
        if kind == "copies" and (text, label, language) in seen:
            continue
        if (kind == "short" and len(text) < 2) or (kind == "long:1000" and len(text) > 1000):
            continue
        seen[text, label, language] = 1
        left.append(row)
    return sorted(left)


@pytest.mark.parametrize("kind", ["conflicts", "leaks", "copies", "short", "long:1000"])
@given(rows=ROWS)
@settings(max_examples=30, deadline=None)
def test_a_step_leaves_out_what_it_says(kind, rows) -> None:
    # A source of train alone would have no split.
    rows = [*rows, ("of the test split", "up", "de", "test")]
    if kind == "long:1000":  # what is long is so beside the median
        rows = [*rows, *((f"usual {i}", "up", "de", "train") for i in range(len(rows) + 1))]
    corpus, expected = corpus_of(rows), by_hand(rows, kind)
    said = {f["step"]: f["rows"] for f in findings.look(corpus).findings}
    assert said.get(kind, 0) == len(rows) - len(expected)
    mended, done = steps.apply(corpus, [kind])
    assert kept(mended) == expected
    assert mended.rows + int(mended.dropped["n"].sum()) == len(rows)
    assert done[0].startswith(f"{len(rows) - len(expected)} rows left out: ")
    if kind in said:
        assert 1 <= len(findings.examples(corpus, kind)) <= findings.EXAMPLES
        again = {f["step"]: f["rows"] for f in findings.look(mended).findings}
        assert kind not in again


def test_spellings_of_labels_become_the_commonest() -> None:
    rows = [(f"text {i}", x, "de", "train") for i, x in enumerate(["Up", "up", "up", "Ｕｐ", "no"])]
    corpus = corpus_of(rows)
    assert {"step": "spellings", "rows": 2} in [
        {k: f[k] for k in ("step", "rows")} for f in findings.look(corpus).findings
    ]
    mended, done = steps.apply(corpus, ["spellings"])
    assert mended.labels == ("no", "up") and mended.rows == 5
    assert done == ["2 rows with another spelling of their label: 'Up' → 'up', 'Ｕｐ' → 'up'"]
    assert findings.examples(corpus, "spellings") == ["'Up' → 'up'", "'Ｕｐ' → 'up'"]


def test_spellings_of_labels_in_an_order_of_their_own_are_joined_too() -> None:
    columns = {"text": ["one", "two", "three", "four"], "label": ["Up", "up", "up", "no"],
               "language": ["de"] * 4}  # fmt: skip
    corpus = mapping.map_columns(of_columns(columns), Choices(labels=["up", "no", "Up"]))
    mended, _ = steps.apply(corpus, ["spellings"])
    assert mended.labels == ("up", "no") and mended.rows == 4


def test_conflicts_are_seen_before_copies_hide_them() -> None:
    rows = [
        ("same", "up", "de", "train"),
        ("same", "down", "de", "train"),
        ("b", "up", "de", "test"),
    ]
    mended, _ = steps.apply(corpus_of(rows), ["copies", "conflicts"])
    assert kept(mended) == [("b", "up", "de", "test")]


def test_of_nearly_the_same_texts_the_test_row_stays() -> None:
    text = "The parcel came late and the box was broken, so I sent it back to the shop on Monday"
    rows = [
        (f"{text}.", "up", "en", "train"),
        (f"{text}!", "up", "en", "test"),
        (f"{text}?", "up", "de", "train"),  # of another language
        ("Something else that nobody else has written in this corpus", "down", "en", "train"),
    ]
    corpus = corpus_of(rows)
    mended, done = steps.apply(corpus, ["near:0.8"])
    assert [row[3] for row in kept(mended) if row[0].startswith(text) and row[2] == "en"] == [
        "test"
    ]
    assert mended.rows == 3 and done == ["1 rows left out: nearly the same text (0.8 or more)"]
    told: list[float] = []
    steps.apply(corpus, ["near"], lambda _, share: told.append(share))
    assert told and all(0 <= share <= 1 for share in told)


@pytest.mark.parametrize(
    "step", ["", "copy", "copies:3", "long:many", "near:2", "near:0.1", "long:-1", "long:nan"]
)
def test_a_step_that_is_none_is_refused(step) -> None:
    with pytest.raises(InputError, match="mending step"):
        steps.parse(step)


def test_the_fingerprint_is_that_of_the_rows_in_any_order() -> None:
    rows = [
        ("a b", "up", "de", "train"),
        ("c d", "down", "en", "test"),
        ("a b", "up", "de", "train"),
    ]
    one, two = (findings.look(corpus_of(r)).fingerprint for r in (rows, rows[::-1]))
    assert one == two
    for changed in (rows[:2], [*rows[:2], ("a  b", "up", "de", "train")],
                    [*rows[:2], ("a b", "up", "de", "test")]):  # fmt: skip
        assert findings.look(corpus_of(changed)).fingerprint != one


def test_a_pair_is_a_copy_by_both_texts() -> None:
    columns = {"text": ["a", "a", "b"], "text_b": ["x", "y", "x"], "label": ["1", "1", "2"],
               "language": ["de", "de", "de"]}  # fmt: skip
    corpus = mapping.map_columns(of_columns(columns), Choices())
    assert [f["step"] for f in findings.look(corpus).findings] == []
    assert isinstance(corpus.cells, pd.DataFrame)


def test_mending_that_leaves_nothing_is_refused() -> None:
    rows = [("same", "up", "de", "train"), ("same", "down", "de", "test")]
    with pytest.raises(InputError, match="no row left"):
        steps.apply(corpus_of(rows), ["conflicts"])
