"""The studies that follow the paper, on small copies of its corpora and encoders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.cli.main import main
from core.config import BALANCED
from core.corpora import licences
from core.models import hub
from core.models.session import Session
from core.studies import planning, study
from tests.helpers import encoders, layouts

PAPER = [
    f"{c}-{m}{r}" for c in ("amazon", "xnli") for m in ("mbert", "xlmr") for r in ("", "-released")
]


@pytest.fixture(scope="module")
def hub_copies(tmp_path_factory) -> dict[str, str]:
    """Sources in the hub's layouts, with test sets as large as the paper's."""
    folder = tmp_path_factory.mktemp("copies")
    sizes = {"train": 60, "validation": 30}
    return {
        "amazon": f"amazon@{layouts.amazon(folder / 'amazon', sizes=sizes | {'test': 5000})}",
        "xnli": f"xnli@{layouts.xnli(folder / 'xnli', sizes=sizes | {'test': 3300})}",
        "wikipedia": f"wikipedia@{layouts.wikipedia(folder / 'wikipedia')}",
    }


@pytest.fixture
def hub_encoders(tmp_path, monkeypatch) -> None:
    """Small encoders where the hub's cache has mBERT and XLM-R, at their pinned revisions."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name, write in (
        ("bert-base-multilingual-cased", encoders.wordpiece),
        ("xlm-roberta-base", encoders.unigram),
    ):
        hub_id, revision = hub.HUB[name]
        place = tmp_path / "hub" / f"models--{hub_id.replace('/', '--')}" / "snapshots" / revision
        place.mkdir(parents=True)
        write(place, positions=512)


@pytest.mark.parametrize("name", PAPER)
def test_the_studies_of_the_paper_are_laid_out_as_in_its_tables(
    name, hub_copies, hub_encoders, capsys
) -> None:
    licences.accept("amazon")
    of = name.partition("-")[0]
    sources = ["--corpus", hub_copies[of], "--external", hub_copies["wikipedia"]]
    assert main(["study", name, *sources, "--dry-run"]) == 0
    assert "imbalanced+cw+entropy" in capsys.readouterr().out
    asked = replace(study.read(name), corpus=hub_copies[of], external=hub_copies["wikipedia"])
    plan = planning.plan(asked, Session())
    setups = [config.setup for config in plan.runs.values()]
    base = ["balanced", "imbalanced", "imbalanced+cw"]
    assert setups == [*base, *(f"{s}+entropy" for s in base), *BALANCED]
    config = next(iter(plan.runs.values()))
    assert config.encoder_revision == hub.HUB[asked.encoder][1]
    shares = plan.skewed.mul(len(plan.skewed))  # of each language
    if of == "amazon":  # Table 1a: 12 rows a cell, a third of a language in the largest
        assert shares.loc["ja"].tolist() == pytest.approx([k / 15 for k in (1, 2, 3, 4, 5)])
        assert shares.loc["zh"].tolist() == pytest.approx([k / 15 for k in (5, 4, 3, 2, 1)])
        assert 0 <= config.train_per_language - 36 <= 1  # what rounding lets in
        assert config.test_per_language == 5000
    else:  # Table 1b: 20 rows a cell, half of a language in the largest
        assert shares.loc["fr"].tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6])
        assert shares.loc["en"].tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6])
        assert 0 <= config.train_per_language - 40 <= 1
        assert config.test_per_language == 3300
    recipe = config.training
    assert (recipe.batch_size, recipe.accumulation) == (16, 8)
    assert (recipe.learning_rate, recipe.head_learning_rate) == (5e-5, 5e-4)
    assert recipe.epochs == {"amazon": 1, "xnli": 3}[of]
    assert recipe.evaluations == {"amazon": 4, "xnli": 1}[of]  # there is a best to be kept
    as_released = (recipe.optimiser, recipe.final_rate, recipe.masked_input) == (
        "radam", 0.01, "released"
    )  # fmt: skip
    assert as_released == name.endswith("-released")
    assert (recipe.pooling == "released") == name.endswith("-mbert-released")
