from __future__ import annotations

import math
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpora import labels, mapping
from core.corpora.choices import Choices, Mapped
from core.errors import InputError
from core.storage import sql
from tests.helpers.table_sources import of_columns

TEXTS = ["one two three", "four five six", "seven eight nine", "ten eleven twelve"]
FOUR = {"text": TEXTS, "label": ["a", "b", "a", "b"], "language": ["de", "de", "en", "en"]}


def mapped(values=FOUR, **choices) -> Mapped:
    return mapping.map_columns(of_columns(values), Choices(**choices))


def rows(corpus: Mapped) -> pd.DataFrame:
    with sql.connection(corpus.source.tables) as connection:
        return connection.execute(f"SELECT * FROM ({corpus.select})").df()


def dropped(corpus: Mapped) -> dict[str, int]:
    return mapping.by_reason(corpus.dropped)


def test_cells_are_those_of_the_rows() -> None:
    found = mapped()
    assert found.rows == 4 and found.labels == ("a", "b") and found.languages == ("de", "en")
    assert not found.has_splits and not found.is_pair_task
    assert found.cells.to_dict("list") == {
        "split": ["all"] * 4,
        "language": ["de", "de", "en", "en"],
        "label": ["a", "b", "a", "b"],
        "n": [1] * 4,
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["x", " ", "", "\u3000", None]),
            st.sampled_from(["1", "2", " 2 ", "", None, "nan", "NaN"]),
            st.sampled_from(["de", "deu", "German", "en", "", None, "tlh", "TLH"]),
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_kept_or_dropped_with_its_reason_and_language(values) -> None:
    """Against a loop in Python."""
    text, label, language = zip(*values, strict=True)
    ours = {"deu": "de", "German": "de", "TLH": "tlh"}
    expected: Counter[str] = Counter()
    kept = 0
    numbers = any((x or "").strip() in ("1", "2") for t, x, _ in values if (t or "").strip())
    for t, x, y in values:
        x, y = (x or "").strip(), (y or "").strip()
        if not (t or "").strip():
            expected["empty text"] += 1
        elif not x or (x.casefold() == "nan" and numbers):
            expected["empty label"] += 1
        elif not y:
            expected["empty language"] += 1
        else:
            kept += 1
    columns = {"text": [*text, None], "label": [*label, "1"], "language": [*language, "de"]}
    source = of_columns(columns)  # with one row more, in which each label and language is a text
    expected["empty text"] += 1
    if not kept:
        with pytest.raises(InputError, match="no usable row left"):
            mapping.map_columns(source, Choices())
        return
    found = mapping.map_columns(source, Choices())
    assert (found.rows, dropped(found)) == (kept, dict(expected))
    assert found.rows + sum(dropped(found).values()) == len(values) + 1
    assert set(found.languages) <= {ours.get(x, x) for x in ("de", "en", "tlh")}
    by_language = found.dropped.groupby("language", dropna=False)["n"].sum()
    assert by_language.sum() == sum(expected.values())


@pytest.mark.parametrize("missing", [math.nan, None])
def test_a_missing_number_is_no_label(missing) -> None:
    found = mapped({**FOUR, "label": [1.0, missing, 0.0, 1.0]})
    assert found.labels == ("0", "1")
    assert dropped(found) == {"empty label": 1}
    assert found.dropped["language"].tolist() == ["de"]


def test_words_that_look_missing_are_labels_among_words_and_noted() -> None:
    found = mapped({**FOUR, "label": ["none", "favor", "none", "against"]})
    assert found.labels == ("against", "favor", "none")
    assert any("'none' (2 rows) looks like a missing value" in note for note in found.notes)
    found = mapped({**FOUR, "label": ["NA", "1", "0", "1"]})
    assert found.labels == ("0", "1") and dropped(found) == {"empty label": 1}


@given(st.permutations(["10", "9", "1", "1.0", "-2", "2e1"]))
def test_the_order_of_numbers_is_total(values) -> None:
    assert labels.default_order(values) == ("-2", "1", "1.0", "9", "10", "2e1")


@pytest.mark.parametrize(
    ("given", "order"),
    [
        (["b", "a"], ("a", "b")),
        (["contradiction", "neutral", "entailment"], ("entailment", "neutral", "contradiction")),
        (["Positive", "Negative", "Neutral"], ("Negative", "Neutral", "Positive")),
        (["1", "nan"], ("1", "nan")),
        (["inf", "1"], ("1", "inf")),
    ],
)
def test_orders(given, order) -> None:
    assert labels.default_order(given) == order


def test_spellings_of_a_language_become_one_and_are_named() -> None:
    found = mapped({**FOUR, "language": ["German", "de-DE", "en", "eng"]})
    assert found.languages == ("de", "en")
    assert "languages: German, de-DE → de; en, eng → en" in " ".join(found.notes) or (
        "languages: de-DE, German → de; en, eng → en" in " ".join(found.notes)
    )


def test_a_language_that_is_asked_for_as_it_is_spelled_stays_so() -> None:
    columns = {**FOUR, "language": ["pt-BR", "pt-PT", "pt-BR", "pt-PT"]}
    assert mapped(columns).languages == ("pt",)
    assert mapped(columns, languages=["pt-BR", "pt-PT"]).languages == ("pt-BR", "pt-PT")
    one = mapped(columns, languages=["pt-PT"])
    assert one.rows == 2 and dropped(one) == {"language left out": 2}
    assert mapped(columns, languages=["Portuguese"]).languages == ("pt",)


def test_one_language_for_all_rows() -> None:
    columns = {k: v for k, v in FOUR.items() if k != "language"}
    assert mapped(columns, language="German").languages == ("de",)


def test_all_missing_columns_are_named_at_once_with_guesses() -> None:
    columns = {"body": TEXTS, "mark": ["a", "b", "a", "b"], "kind": ["x", "y", "x", "y"]}
    with pytest.raises(InputError) as refused:
        mapped(columns)
    said = str(refused.value)
    assert "'label' not found (perhaps mark or kind)" in said
    assert "'language' not found" in said and "--identify-language" in said
    assert "the file has: body, mark, kind" in said
    assert "'text'" not in said  # `body` is one by its name


@pytest.mark.parametrize(
    ("columns", "guessed"),
    [
        (("review", "stars", "lang"), {"text": "review", "label": "stars", "language": "lang"}),
        (("Tweet", "Sentiment", "Language"), None),
        (("content", "gold_label", "locale"), None),
        (("sentence", "label", "language"), {"text": "sentence"}),
        (("foo", "bar", "baz"), None),  # by their content
    ],
)
def test_columns_are_guessed(columns, guessed) -> None:
    long = [f"{x} and a few more words" for x in (*TEXTS, *(t.upper() for t in TEXTS))]
    values = (long, ["1", "2"] * 4, ["de", "en", "de", "en", "fr", "fr", "fr", "fr"])
    found = mapped(dict(zip(columns, values, strict=True)))
    taken = {ours: guess.column for ours, guess in found.columns.items()}
    assert taken == dict(zip(("text", "label", "language"), columns, strict=True)) | (guessed or {})
    if columns[0] != "sentence":
        assert f"label is the column {columns[1]!r}" in found.notes[0]


def test_a_column_of_that_name_with_other_content_is_not_taken() -> None:
    found = mapped({**FOUR, "set": ["1", "2", "3", "4"], "fold": ["0", "1", "0", "1"]})
    assert "split" not in found.columns


def test_pairs_without_a_split_keep_their_ids() -> None:
    columns = {"premise": TEXTS, "hypothesis": TEXTS[::-1], "label": ["0", "0", "1", "1"],
               "language": ["en", "de", "en", "de"], "pair_id": ["1", "1", "2", "2"]}  # fmt: skip
    found = mapped(columns)
    assert found.is_pair_task
    assert rows(found)["sentence"].tolist() == ["1", "1", "2", "2"]
    found = mapped({**columns, "split": ["train", "train", "test", "test"]})
    assert rows(found)["sentence"].tolist() == ["train-1", "train-1", "test-2", "test-2"]


def test_splits_in_other_words() -> None:
    columns = {**FOUR, "split": ["Training", "dev", "TEST", "test"]}
    found = mapped(columns)
    assert set(found.cells["split"]) == {"train", "validation", "test"}
    assert "splits: " in found.notes[-1] and "Training → train" in found.notes[-1]
    columns["split"][0] = "main"
    with pytest.raises(InputError, match=r"split has 'main'; .*--split main=test"):
        mapped(columns, columns={"split": "split"})
    found = mapped(columns, columns={"split": "split"}, splits={"main": "train"})
    assert set(found.cells["split"]) == {"train", "validation", "test"}
    assert not mapped(columns, columns={"split": ""}).has_splits


def test_labels_joined_and_left_out() -> None:
    columns = {**FOUR, "label": ["a", "b", "c", "d"]}
    found = mapped(columns, joined={"a": "low", "b": "low"}, left_out=["d"])
    assert found.labels == ("c", "low") and dropped(found) == {"label left out": 1}
    assert mapped(columns, joined={"a": "low", "b": "low"}, left_out=["d"],
                  labels=["low", "c"]).labels == ("low", "c")  # fmt: skip
    with pytest.raises(InputError, match="labels left out are e; the corpus has a, b, c, d"):
        mapped(columns, left_out=["e"])


def test_names_of_classes_stand_for_their_numbers() -> None:
    source = of_columns({**FOUR, "label": [0, 1, -1, None]}, classes={"label": ("neg", "pos")})
    found = mapping.map_columns(source, Choices())
    assert found.labels == ("neg", "pos") and dropped(found) == {"empty label": 2}


SEVERAL = [["a"], ["b", "a"], [], ["b"]]


@pytest.mark.parametrize(
    ("rule", "expected", "left_out"),
    [
        ("only", ["a", None, None, "b"], {"several labels": 1, "empty label": 1}),
        ("first", ["a", "b", None, "b"], {"empty label": 1}),
        ("combination", ["a", "a+b", None, "b"], {"empty label": 1}),
        ("has:a", ["a", "a", "not a", "not a"], {}),
    ],
)
@pytest.mark.parametrize("form", ["list", "text", "one-hot"])
def test_one_label_of_several(form, rule, expected, left_out) -> None:
    columns = {k: v for k, v in FOUR.items() if k != "label"}
    chosen = {}
    if form == "list":
        columns["label"] = SEVERAL
    elif form == "text":
        columns["label"] = ["a", "b, a", "", " b"]
    else:
        columns |= {"a": [1, 1, 0, 0], "b": [0, 1, 0, 1]}
        chosen = {"columns": {"label": "a+b"}}
        if rule == "first":  # the first column
            expected = ["a", "a", None, "b"]
    if form == "text" and rule == "has:a":
        expected, left_out = ["a", "a", "not a", "not a"], {}
    found = mapped(columns, several=rule, **chosen)
    assert dropped(found) == left_out
    kept = rows(found)
    assert kept.loc[kept["reason"].isna(), "label"].tolist() == [x for x in expected if x]


def test_a_corpus_that_looks_like_several_labels_is_said_to_be_one() -> None:
    columns = {**FOUR, "label": ["1", "1, 4", "4, 7", "7"]}
    assert "looks like several labels a row" not in mapped().several
    columns = {k: [*v, *v] for k, v in columns.items()}
    columns["label"][4:] = ["4", "1, 7", "1", "7"]
    assert "looks like several labels a row" in mapped(columns).several
    assert mapped(columns, several="first").several == ""


def test_a_column_of_too_many_values_is_another() -> None:
    n = 1500
    columns = {
        "text": [f"text number {i}" for i in range(n)],
        "label": [f"t{i}" for i in range(n)],
        "language": ["de"] * n,
    }
    with pytest.raises(InputError, match="1,500 different values .* Name another"):
        mapped(columns)


def test_rows_without_labels() -> None:
    columns = {k: v for k, v in FOUR.items() if k != "label"}
    with pytest.raises(InputError, match="'label' not found"):
        mapped(columns)
    found = mapped(columns, labelled=False)
    assert found.labels == ("de", "en") and found.rows == 4


def test_names_and_values_of_columns_are_data() -> None:
    odd = 'a"; DROP TABLE x; --'
    columns = {odd: TEXTS, "label": ["'", "'", '"', "\\"], "language": ["de", "en", "de", "en"]}
    found = mapped(columns, columns={"text": odd}, joined={"'": "it's"})
    assert found.labels == ('"', "\\", "it's")
