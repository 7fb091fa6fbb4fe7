from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import InputError
from core.sampling import designs, limits, subsets
from tests.sampling.test_joint import LABELS, LANGUAGES, frame

UNIFORM = designs.design_shares("uniform", LANGUAGES, LABELS)


def test_too_large_a_size_names_cell_stock_and_what_works() -> None:
    available = frame(np.full((3, 3), 20))
    available.loc["fr", "good"] = 7
    with pytest.raises(InputError) as error:
        limits.check_size(30, [UNIFORM], available, "study x, train", "train_per_language")
    assert "(fr, good) needs 10 and has 7" in str(error.value)
    # 23 rows are 8, 8 and 7 of the labels in their order.
    assert "largest train_per_language that works is 23" in str(error.value)
    limits.check_size(23, [UNIFORM], available, "study x, train", "train_per_language")


def test_a_size_in_all_is_refused_by_its_own_name() -> None:
    available = frame(np.full((3, 3), 20))
    available.loc["fr", "good"] = 0
    with pytest.raises(
        InputError, match="train_rows = 70 asks for .* No size works. .* without the language fr"
    ):
        limits.check_size(70, [UNIFORM], available, "x", "train_rows", in_all=True)


counts = arrays(int, (3, 3), elements=st.integers(0, 60)).map(frame)


@given(counts, arrays(float, (3, 3), elements=st.floats(0.1, 1)).map(frame))
def test_the_largest_total_works_and_no_larger_one_within_reach(available, shares) -> None:
    shares /= shares.to_numpy().sum()
    total = limits.largest_total([UNIFORM, shares], available)
    for design in (UNIFORM, shares):
        assert (subsets.allocate(total, design) <= available).to_numpy().all()
    larger = [
        all(
            (subsets.allocate(total + k, d) <= available).to_numpy().all()
            for d in (UNIFORM, shares)
        )
        for k in range(1, 12)
    ]
    assert total == 0 or not any(larger)


@given(counts)
def test_natural_takes_all_rows_and_independent_the_scarcest_cells_share(available) -> None:
    if (available.sum() == 0).any() or (available.sum(axis=1) == 0).any():
        return
    natural = available / available.to_numpy().sum()
    assert limits.largest_total([natural], available) == available.to_numpy().sum()
    balanced = designs.independent(natural)
    bound = (available / balanced).to_numpy().min()
    # Whole rows: up to one of each language and of each cell to either side.
    assert bound - 12 <= limits.largest_total([balanced], available) <= bound + 12


@given(counts)
def test_each_step_is_the_size_without_what_was_dropped(available) -> None:
    steps = limits.limiting([UNIFORM], available)
    here = available
    for step in steps:
        uniform = frame_like(here)
        assert step.total == limits.largest_total([uniform], here)
        assert step.rows == here.loc[step.language, step.label] == here.to_numpy().min()
        assert step.n_languages == len(here)
        if step.dropped:
            here = (
                here.drop(index=step.dropped)
                if step.dropped in here.index
                else (here.drop(columns=step.dropped))
            )
    assert steps[-1].dropped == "" and steps[-1].total == max(step.total for step in steps)


def frame_like(table: pd.DataFrame) -> pd.DataFrame:
    return table * 0.0 + 1 / table.size


def test_four_of_twelve_languages_cost_the_others_most_of_their_rows() -> None:
    languages = ["am", "ha", "ig", "pcm", "tso", "swa", "arq", "en", "fr", "de", "es", "pt"]
    available = pd.DataFrame(522, index=languages, columns=["a", "b", "c"]) + 1
    for language, rows in {"pcm": 72, "swa": 200, "tso": 240, "arq": 400}.items():
        available.loc[language, "b"] = rows
    steps = limits.limiting([frame_like(available)], available)
    assert [step.dropped for step in steps] == ["pcm", "swa", "tso", "arq", ""]
    assert limits.said(steps) == (
        "The cell (pcm, b) has 72 rows, which is what limits it: 217 rows a language (2,607 in "
        "all) become 1,569 (12,552) without the languages pcm, swa, tso, arq."
    )


def test_a_label_is_left_out_where_that_keeps_more_rows() -> None:
    available = frame([[50, 50, 2], [50, 50, 1], [50, 50, 2]])
    (first, last) = limits.limiting([UNIFORM], available)
    assert (first.dropped, first.without_label, last.total) == ("good", 300, 300)
    assert first.without_language is not None and first.without_language < 300
    even = frame(np.full((3, 3), 5))
    assert "wins nothing" in limits.said(limits.limiting([UNIFORM], even))


def test_designs_are_made_anew_for_fewer_languages() -> None:
    """Of groups that are left uneven, the shares of linear are others."""
    available = pd.DataFrame(60, index=["de", "en", "es", "fr"], columns=LABELS)
    available.loc["de", "bad"] = 6
    groups = {"rising": ("es", "fr"), "falling": ("de", "en")}

    def remake(languages: list[str], labels: list[str]) -> list[pd.DataFrame]:
        sides = [tuple(x for x in g if x in languages) for g in groups.values()]
        return [designs.design_shares("linear", languages, labels, (sides[0], sides[1]))]

    first = limits.limiting(remake(list(available.index), LABELS), available, remake)[0]
    assert first.dropped == "de"
    alone = available.loc[["en", "es", "fr"]]
    expected = limits.largest_total(remake(["en", "es", "fr"], LABELS), alone)
    assert first.without_language == expected

    def never(languages: list[str], labels: list[str]) -> list[pd.DataFrame]:
        raise InputError("a group without a language")

    stuck = limits.limiting(remake(list(available.index), LABELS), available, never)
    assert [(s.without_language, s.without_label, s.dropped) for s in stuck] == [(None, None, "")]
