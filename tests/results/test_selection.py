from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.results.selection import Area, Selection, stands_out

numbers = st.floats(-1e6, 1e6)


def selected(frame, asked: Selection) -> list[str]:
    return frame["row"][stands_out(frame, asked)].tolist()


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "row": [f"r{i}" for i in range(60)],
            "language": np.resize(["de", "en", "fr"], 60),
            "text": np.resize(["Ein HAUS", "a house", "une maison", "[x](y)"], 60),
            "x_a": rng.normal(size=60),
            "y_a": rng.normal(size=60),
        }
    )


def test_nothing_asked_is_no_set_though_every_text_is_shown(frame) -> None:
    assert Selection().is_empty
    assert stands_out(frame, Selection()).all()
    assert Selection().is_empty and stands_out(frame, Selection()).all()


def test_all_that_is_asked_has_to_hold(frame) -> None:
    area = Area("a", (-1, 0.5), (0, 2))
    asked = Selection(("de", "fr"), "haus", area)
    expected = [
        r.row
        for r in frame.itertuples()
        if r.language in ("de", "fr")
        and "haus" in r.text.lower()
        and -1 <= r.x_a <= 0.5
        and 0 <= r.y_a <= 2
    ]
    assert 0 < len(expected) < 15
    assert selected(frame, asked) == expected
    assert selected(frame, Selection(containing="[X](")) == frame["row"][3::4].tolist()
    assert selected(frame, Selection(area=Area("gone", (0, 1), (0, 1)))) == []


def test_letters_of_a_pair_may_stand_in_either_text(frame) -> None:
    pairs = frame.assign(text_b=np.resize(["Welt", "other"], 60))
    assert selected(pairs, Selection(containing="welt")) == frame["row"][::2].tolist()


@given(numbers, numbers, numbers, numbers)
def test_an_area_comes_back_from_a_link(a, b, c, d) -> None:
    drawn = Area.of("before", {"x": [a, b], "y": [c, d]})
    read = Area.read(str(drawn))
    assert read.panel == "before"
    for one, other in zip((*drawn.x, *drawn.y), (*read.x, *read.y), strict=True):
        assert other == pytest.approx(one, rel=1e-3, abs=1e-9)
    assert read.x[0] <= read.x[1] and read.y[0] <= read.y[1]


@pytest.mark.parametrize("text", ["", "a", "a:1,2,3", "a:1,2,3,x", "a:1,2,3,4,5"])
def test_another_text_is_refused(text) -> None:
    with pytest.raises(InputError, match="is no rectangle; expected a panel and four numbers"):
        Area.read(text)


def test_no_rectangle_is_none() -> None:
    assert Area.of("a", {}) is None
    assert Area.of("a", {"x": [0, 1]}) is None
