"""Small classifiers with random weights, and texts of all languages of `synthetic`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
import torch

from core.corpora import synthetic
from core.corpora.corpus import load
from core.models import encoder
from core.models.classifier import Classifier, build
from tests.helpers.encoders import unigram, wordpiece

LABELS = ("bad", "fair", "good")


def classifier_in(folder: Path, frozen_layers: int = 0, seed: int = 0) -> Classifier:
    """A random classifier in double precision whose head says something."""
    (folder / "texts.csv").write_text("text,label,language,split\nthe cat,x,en,train\n")
    corpus = load(str(folder / "texts.csv"))
    found = encoder.load(str(folder / "encoder"), corpus, trimmed=False)
    model = build(found, LABELS, frozen_layers=frozen_layers)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in (*model.layers[-1].parameters(), *model.head_parameters()):
            parameter.add_(torch.randn(parameter.shape, generator=generator) / 4)
    return model.double().eval()


@pytest.fixture(params=[unigram, wordpiece], ids=["unigram", "wordpiece"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    request.param(tmp_path / "encoder")
    return tmp_path


@pytest.fixture
def classifier(folder: Path) -> Classifier:
    return classifier_in(folder)


@pytest.fixture(scope="session")
def texts() -> pa.Table:
    """A few texts of each of six languages."""
    table = synthetic.generate({"train": 1, "validation": 1, "test": 4})
    return table.filter(pa.compute.equal(table["split"], "test"))


@pytest.fixture(scope="session")
def tiny() -> Classifier:
    """The encoder `tiny` with a random head, in double precision."""
    corpus = load("synthetic")
    model = build(encoder.load("tiny", corpus), LABELS)
    with torch.no_grad():
        model.head_parameters()[0].mul_(20)
    return model.double().eval()
