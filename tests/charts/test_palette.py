"""Every colour stands out from its ground, and is told apart from all it could be taken for."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.charts import comparison, heatmap, tokens
from core.charts.chart import INK, STYLE, unchecked
from core.charts.palette import (
    AWAY,
    DIVERGING,
    GROUP_COLOURS,
    GROUP_MARKS,
    LANGUAGE_COLOURS,
    LANGUAGE_SHAPES,
    NEUTRAL,
    SEQUENTIAL,
    SETUP_COLOURS,
    SIDES,
    TOWARDS,
    TRAINING,
    TRUTH,
    dark_from,
    language_encoding,
)

THEMES = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())["theme"]
GROUNDS = {theme: THEMES[theme]["backgroundColor"] for theme in ("light", "dark")}
TEXTS = {theme: THEMES[theme]["textColor"] for theme in GROUNDS}
PAPERS = ("balanced", "balanced (null)", "imbalanced", "imbalanced+cw", "imported")
KINDS = {
    "setups": tuple(SETUP_COLOURS.values()),
    "languages": LANGUAGE_COLOURS,
    "sides": (SIDES["over"], SIDES["under"]),
    "pushes": (TOWARDS, AWAY),
    "groups": (GROUP_COLOURS["positive"], GROUP_COLOURS["negative"]),
}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    a, b = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (b + 0.05) / (a + 0.05)


def over(colour: str, opacity: float, ground: str) -> str:
    """What is seen of a colour that lets its ground through."""
    pairs = [(int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(opacity * c + (1 - opacity) * g):02X}" for c, g in pairs)


def lab(colour: np.ndarray) -> np.ndarray:
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x = matrix @ np.clip(colour, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira and Fernandes 2009, severity 1.
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


def apart(colours: tuple[str, ...], vision: str = "normal") -> float:
    """The least distance between any two, CIE76; 2.3 is just seen, side by side."""
    seen = [lab(VISIONS[vision] @ linear(colour)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))


@pytest.mark.parametrize("ground", GROUNDS.values())
def test_marks_stand_out_from_a_light_and_a_dark_ground(ground) -> None:
    marks = [*itertools.chain(*KINDS.values()), NEUTRAL, TRUTH, TRAINING]
    assert {c: contrast(c, ground) for c in marks if contrast(c, ground) < 3} == {}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(
    ("colours", "least"),
    [
        (tuple(SETUP_COLOURS[setup] for setup in PAPERS), 24),
        (KINDS["setups"], 12),
        (LANGUAGE_COLOURS, 22),
        ((*KINDS["sides"], NEUTRAL), 17),
        (KINDS["pushes"], 50),
        ((*KINDS["groups"], NEUTRAL), 20),
    ],
)
def test_colours_of_a_kind_are_told_apart_by_every_eye(colours, least, vision) -> None:
    assert apart(colours, vision) > least


def test_no_two_kinds_share_a_colour() -> None:
    for one, other in itertools.combinations(KINDS, 2):
        least = 12 if "languages" in (one, other) else 25
        for pair in itertools.product(KINDS[one], KINDS[other]):
            assert apart(pair) > least, (one, other, pair)


@pytest.mark.parametrize("colours", [SEQUENTIAL, DIVERGING[1:], DIVERGING[1::-1]])
def test_numbers_are_read_on_cells_of_every_colour(colours) -> None:
    ends = [lab(linear(colour)) for colour in colours]
    for share in np.linspace(0, 1, 101):
        lightness = float((1 - share) * ends[0][0] + share * ends[1][0])  # CIE Lab between them
        y = ((lightness + 16) / 116) ** 3
        on_it = 1.05 / (y + 0.05) if share > dark_from(colours) else (y + 0.05) / 0.05
        assert on_it > 4.4, share


def test_cells_change_to_white_letters_on_either_side_of_the_middle() -> None:
    """The heatmap's own rule, by hand: the sides differ in lightness."""
    cells = pd.DataFrame({"x": ["a"], "y": ["b"], "value": [1.0]})
    chart = heatmap.heatmap(cells, x="x", y="y", form=".1f", unit="", order_x=["a"], order_y=["b"],
                            diverging=True, upper=2.0)  # fmt: skip
    rules = [r["transform"][0]["filter"] for r in chart.to_dict()["layer"] if "transform" in r]
    white = next(rule for rule in rules if "!datum.margin && (" in rule)
    above, below = map(float, re.findall(r"[<>] (-?[\d.]+)", white))
    assert above == pytest.approx(2 * dark_from(DIVERGING[1:]))
    assert below == pytest.approx(-2 * dark_from(DIVERGING[1::-1]))


@pytest.mark.parametrize("theme", GROUNDS)
@pytest.mark.parametrize("value", np.linspace(-1, 1, 21))
def test_a_text_is_read_on_the_colours_of_its_tokens(theme, value) -> None:
    channels = re.fullmatch(
        r"rgba\((\d+),(\d+),(\d+),([\d.]+)\)", tokens.shade(value, 1, tokens.FULL)
    )
    assert channels is not None
    *rgb, opacity = channels.groups()
    behind = over("#" + "".join(f"{int(c):02X}" for c in rgb), float(opacity), GROUNDS[theme])
    assert contrast(behind, TEXTS[theme]) > 4.5


def test_letters_of_a_page_have_its_colour_and_those_of_a_file_are_dark() -> None:
    frame = pd.DataFrame(
        {"measure": ["accuracy"], "verdict": ["differs"], "difference": [0.1], "from": [0.05],
         "to": [0.2], "margin": [0.01], "first": [0.6], "second": [0.5]}
    )  # fmt: skip
    config = unchecked(comparison.differences(frame)[0])["config"]
    letters = [config["axis"]["labelColor"], config["legend"]["titleColor"]]
    assert {*letters, config["text"]["color"], config["style"][STYLE]["color"]} == {"currentColor"}
    assert config["point"]["opacity"] == config["tick"]["opacity"] == 1
    assert contrast(INK, "#FFFFFF") > 4.5


@pytest.mark.parametrize("theme", GROUNDS)
def test_captions_are_read_on_the_page_and_on_the_sidebar(theme) -> None:
    """Streamlit's captions are the text's colour at 60 %."""
    for ground in (GROUNDS[theme], THEMES[theme]["sidebar"]["backgroundColor"]):
        assert contrast(over(TEXTS[theme], 0.6, ground), ground) > 4.5


def test_the_same_token_is_the_same_colour_in_the_text_and_in_its_bar() -> None:
    frame = pd.DataFrame(
        {"position": [1, 2, 3], "token": ["a", "b", "c"], "reference": [0.2, -0.1, 0.0],
         "other": [0.1, 0.3, 0.0], "difference": [-0.1, 0.4, 0.0],
         "group": ["positive", "negative", "neutral"]}
    )  # fmt: skip
    largest = tokens.strongest(frame)
    for column in ("reference", "other", "difference"):
        text = tokens.marked(frame["token"], frame[column], largest, "ja")
        behind = re.findall(r"background:(rgba\([^)]*\))", text)
        document = tokens.one_text(frame, column).to_dict()
        rows = next(iter(document["datasets"].values()))
        assert [row["colour"] for row in rows] == behind
        assert [row["mark"] for row in rows] == list(GROUP_MARKS.values())
        assert 'lang="ja"' in text
    assert len(set(behind)) == 3


def test_a_language_looks_the_same_whichever_a_chart_shows() -> None:
    languages = [f"l{i}" for i in range(20)]
    encoding = language_encoding({"languages": languages})
    colours, shapes = (encoding[c].to_dict()["scale"] for c in ("color", "shape"))
    assert colours["domain"] == shapes["domain"] == languages
    looks = list(zip(colours["range"], shapes["range"], strict=True))
    assert len(set(looks)) == len(languages)
    assert looks[0] == (LANGUAGE_COLOURS[0], LANGUAGE_SHAPES[0])
