from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpora import splits

CELLS = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "e", "f"]),
    st.sampled_from(["up", "down"]),
    st.sampled_from(["de", "en"]),
    st.sampled_from([None, "s1", "s2", "s3"]),
)


def frame(rows) -> pd.DataFrame:
    columns = ["text", "label", "language", "sentence"]
    return pd.DataFrame(rows, columns=columns).assign(text_b=None)


def many(n: int = 6000) -> pd.DataFrame:
    rows = [(f"text {i}", "up" if i % 3 else "down", ("de", "en")[i % 2], None) for i in range(n)]
    return frame(rows)


@given(rows=st.lists(CELLS, min_size=1, max_size=30), order=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_copies_and_sentences_stand_on_one_side_in_any_order(rows, order) -> None:
    given = frame(rows)
    made = given.assign(split=splits.make(given))
    assert set(made["split"]) <= set(splits.SPLITS)
    assert (made.groupby("text")["split"].nunique() == 1).all()
    known = made.dropna(subset=["sentence"])
    assert (known.groupby("sentence")["split"].nunique() == 1).all()
    mixed = given.sample(frac=1, random_state=order.randint(0, 99))
    again = mixed.assign(split=splits.make(mixed))
    assert (again["split"].sort_index() == made["split"]).all()


def test_each_cell_is_cut_by_the_shares() -> None:
    made = many().assign(split=splits.make(many()))
    shares = pd.crosstab([made["language"], made["label"]], made["split"], normalize="index")
    for split, share in zip(splits.SPLITS, splits.SHARES, strict=True):
        assert shares[split].to_numpy() == pytest.approx(share, abs=0.002)


def test_the_units_of_small_strata_go_to_every_split() -> None:
    """One unit a stratum, which would always be a training row if cuts began at its first."""
    rows = [(f"t{i}", f"label {i}", "de", None) for i in range(2000)]
    made = pd.Series(splits.make(frame(rows))).value_counts(normalize=True)
    for split, share in zip(splits.SPLITS, splits.SHARES, strict=True):
        assert made[split] == pytest.approx(share, abs=0.04)


def test_blanks_around_a_text_make_no_other_text() -> None:
    rows = [(f" t{i}\n" if i % 2 else f"t{i - i % 2 + 1}", "up", "de", None) for i in range(400)]
    made = frame(rows).assign(split=splits.make(frame(rows)))
    assert (made.groupby(made["text"].str.strip())["split"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Train", "train"),
        ("training", "train"),
        ("TRAIN", "train"),
        ("dev", "validation"),
        ("valid", "validation"),
        ("Validation ", "validation"),
        ("testing", "test"),
        ("train1", "train"),
        ("dev-2", "validation"),
        ("tset", None),
        ("", None),
    ],
)
def test_names_of_splits(name, ours) -> None:
    assert splits.canonical(name) == ours
