from __future__ import annotations

import random
from dataclasses import replace

import pytest

from core.audit.audit import table
from core.config import Recipe
from core.corpora import corpus, find
from core.corpora.choices import Choices
from core.errors import InputError
from core.models.session import Session
from core.sampling.joint import cramers_v
from core.sampling.subsets import training_counts
from core.studies import planning, suggested


def saved(tmp_path, monkeypatch, shares: dict[str, tuple[float, ...]], n: int = 300) -> str:
    """A saved corpus of so many rows a language, whose labels have these shares."""
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    at = random.Random(0)
    lines = ["text,label,language"]
    for language, of in shares.items():
        labels = at.choices("abc"[: len(of)], of, k=n)
        lines += [f"text {language} number {i},{x},{language}" for i, x in enumerate(labels)]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    corpus.save("own", find.mapped(find.source(str(tmp_path / "own.csv")), Choices()))
    return suggested.BEGINS + "own"


def planned(begin: str) -> planning.Plan:
    asked = suggested.read(begin)
    tiny = Recipe(epochs=1, max_length=asked.training.max_length)
    return planning.plan(replace(asked, encoder="tiny", training=tiny), Session())


SKEWED = {"de": (0.7, 0.2, 0.1), "en": (0.4, 0.3, 0.3), "fr": (0.1, 0.2, 0.7)}


def test_a_skewed_corpus_is_trained_on_as_it_is_against_its_own_marginals(
    tmp_path, monkeypatch
) -> None:
    begin = saved(tmp_path, monkeypatch, SKEWED)
    assert suggested.names() == [begin]
    asked = suggested.read(begin)
    assert (asked.design, asked.balanced, asked.seeds) == ("natural", "independent", (0, 1, 2))
    plan = planned(begin)
    assert len(plan.runs) == 9
    v = {c.setup: cramers_v(training_counts(c, "train")) for c in plan.runs.values()}
    assert v["balanced"] < 0.1 < 0.3 < v["imbalanced"]
    sizes = {int(training_counts(c, "train").to_numpy().sum()) for c in plan.runs.values()}
    assert len(sizes) == 1


def test_a_corpus_without_skew_gets_one_as_in_the_paper(tmp_path, monkeypatch) -> None:
    begin = saved(tmp_path, monkeypatch, dict.fromkeys(("de", "en", "fr"), (0.3, 0.3, 0.4)))
    asked = suggested.read(begin)
    assert (asked.design, asked.balanced) == ("linear", "uniform")
    assert asked.groups == (("de", "en"), ("fr",))
    assert planned(begin).runs


def test_empty_cells_are_no_dead_end(tmp_path, monkeypatch) -> None:
    begin = saved(tmp_path, monkeypatch, {**SKEWED, "es": (1.0, 0.0, 0.0)})
    asked = suggested.read(begin)
    assert asked.languages is not None and "es" not in asked.languages
    assert planned(begin).runs


def test_a_large_corpus_is_asked_for_a_study_of_minutes(tmp_path, monkeypatch) -> None:
    begin = saved(tmp_path, monkeypatch, SKEWED, n=4000)
    config = next(iter(planned(begin).runs.values()))
    assert training_counts(config, "train").to_numpy().sum() <= 4000
    source = find.mapped(find.source("own"), Choices())
    assert table(source, "train").to_numpy().sum() > 4000


def test_a_corpus_that_is_not_saved_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path))
    with pytest.raises(InputError, match="no corpus is saved as 'nothing'"):
        suggested.read("corpus nothing")
