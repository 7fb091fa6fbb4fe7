"""A study on a corpus as found: its languages have three patterns, its test set has weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.checkpoints import studies
from core.results import settings, study_results
from core.results.run_measures import groups_of
from tests.conftest import Once

from .conftest import charts, texts
from .test_states import PAGES

# Rows of each cell that are kept: de and en lean to negative, fr and ja to neutral, es to positive.
KEPT = {
    "de": (1, 0.3, 0.1),
    "en": (1, 0.3, 0.1),
    "es": (0.1, 0.3, 0.9),
    "fr": (0.1, 0.8, 0.2),
    "ja": (0.1, 0.5, 0.1),
    "zh": (0.3, 0.3, 0.3),
}
STUDY = """
name = "found"
corpus = "found.csv"
encoder = "tiny"
design = "natural"
balanced = "independent"
test = "as found"
setups = ["balanced", "imbalanced", "imbalanced+cw"]
labels = ["negative", "neutral", "positive"]
[training]
epochs = 1
batch_size = 16
accumulation = 1
learning_rate = 1e-3
head_learning_rate = 1e-3
max_length = 32
"""


@pytest.fixture(scope="session")
def natural(once: Once) -> Path:
    """Checkpoints folder in which the study is done and explained."""
    from core.cli.main import main
    from core.corpora import synthetic

    def make(folder: Path) -> None:
        rows = synthetic.generate({"train": 100, "validation": 40, "test": 60}).to_pandas()
        share = [
            KEPT[language][synthetic.LABELS.index(label)]
            for language, label in zip(rows["language"], rows["label"], strict=True)
        ]
        kept = rows[np.random.default_rng(0).random(len(rows)) < share]
        kept.drop(columns="informative").to_csv(folder / "found.csv", index=False)
        (folder / "found.toml").write_text(STUDY)
        assert main(["study", str(folder / "found.toml")]) == 0
        assert main(["attribute", "found", "--per-language", "3"]) == 0

    return once("natural", make)


@pytest.fixture
def found(natural: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(natural))
    return natural


@pytest.mark.parametrize("page", [*PAGES, "tokens", "sentence"])
def test_every_page_shows_it(page, found, open_page) -> None:
    app = open_page(page)
    assert not app.exception and not app.error
    assert charts(app) or page in ("paper", "sentence")


def test_its_measures_say_their_weighting(found, open_page) -> None:
    document = study_results.summary(studies.read_started("found"))
    runs = [run for run in document["runs"] if run["state"] == "done"]
    assert len(runs) == 4
    weighting = runs[0]["test_weighting"]
    assert weighting["to"] == "independent"
    assert 0 < weighting["n_effective"]["all"] < runs[0]["n_test"]
    assert list(weighting["n_effective"]) == ["all", *KEPT]
    truth = runs[0]["truth"]
    # Weighted, every language has the same labels: the test set has no skew.
    assert all(truth[x][c] == pytest.approx(truth["de"][c]) for x in truth for c in truth[x])
    assert "weighted" in texts(open_page("predictions"), "caption")


def test_more_than_two_patterns_are_split_in_two_sides(found) -> None:
    study = studies.read_started("found")
    config = next(c for c in study.configs.values() if c.skewed)
    sides = groups_of(config.shares_table())
    assert set(sides[0]) | set(sides[1]) <= set(KEPT) and sides[0] and sides[1]
    assert {"de", "en"} <= set(sides[0]) or {"de", "en"} <= set(sides[1])


def test_settings_say_it_in_words(found) -> None:
    study = studies.read_started("found")
    flat = [settings.flat(config) for config in study.configs.values()]
    assert {str(x["test_target"]) for x in flat} == {"language and label independent"}
    assert all(str(x["test_shares"]).startswith("skewed, Cramér's V 0.") for x in flat)
    assert {str(x["shares"])[:6] for x in flat} == {"langua", "skewed"}
