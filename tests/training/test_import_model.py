from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from core.checkpoints import outputs, run_folders, studies
from core.cli.main import main
from core.config import IMPORTED
from core.errors import InputError
from core.models.classifier import read
from core.models.session import Session
from tests.helpers.started import small_study

# The model's own order of classes, other than the corpus's.
OUTPUTS = ["positive", "negative", "neutral"]
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 140,
    "initializer_range": 0.4,  # smaller random weights predict one class for all texts
}


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


@pytest.fixture(params=["bert", "xlm-roberta"])
def folder(request, copied, tmp_path) -> Path:
    """A sequence classifier in transformers' layout with the small study's tokenizer."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(copied / studies.run_ids("small")[0] / "model")
    names = {
        "id2label": dict(enumerate(OUTPUTS)),
        "label2id": {x: i for i, x in enumerate(OUTPUTS)},
    }
    if request.param == "bert":
        config = BertConfig(vocab_size=len(tokenizer), **SIZES, **names)
        model = BertForSequenceClassification(config)
    else:
        config = XLMRobertaConfig(
            vocab_size=len(tokenizer), type_vocab_size=2, pad_token_id=0, **SIZES, **names
        )
        model = XLMRobertaForSequenceClassification(config)
    model.save_pretrained(tmp_path / "theirs")
    tokenizer.save_pretrained(tmp_path / "theirs")
    return tmp_path / "theirs"


def predicted(run_id: str) -> pd.DataFrame:
    return pd.read_parquet(run_folders.folder(run_id) / "predictions.parquet")


def test_an_imported_model_predicts_as_in_transformers(folder, copied, capsys) -> None:
    assert main(["import", str(folder), "--study", "small"]) == 0
    assert IMPORTED in capsys.readouterr().out
    run_id = next(m.run for m in small_study().members if m.setup == IMPORTED)
    frame = predicted(run_id)
    assert frame["row"].tolist() == predicted(studies.run_ids("small")[0])["row"].tolist()
    corpus = Session().corpus(run_folders.read_config(run_id)).table.to_pandas().set_index("row")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = (BertForSequenceClassification, XLMRobertaForSequenceClassification)[
        "roberta" in json.loads((folder / "config.json").read_text())["model_type"]
    ].from_pretrained(folder)
    inputs = tokenizer(corpus.loc[frame["row"], "text"].tolist(), padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = model(**inputs).logits.softmax(-1).numpy()
    ours = frame[[f"p_{label}" for label in OUTPUTS]].to_numpy()
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert np.ptp(ours, axis=0).max() > 0.05  # it does not predict the same for all


def test_an_imported_run_has_every_measure_and_survives_the_study(
    folder, copied, study_file, capsys
) -> None:
    assert main(["import", str(folder), "--study", "small"]) == 0
    assert main(["import", str(folder), "--study", "small"]) == 0  # again: the same run
    assert main(["study", str(study_file)]) == 0
    capsys.readouterr()
    assert main(["show", "small", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [r["setup"] for r in document["runs"]].count(IMPORTED) == 1
    run = document["runs"][-1]
    assert run["setup"] == IMPORTED
    assert not run["null"]
    for key in ("skew_uptake", "language_effect", "base_values", "calibration"):
        assert run[key] is not None
    assert run["probe"]["original"]["before_fine_tuning"] is None
    compared = {(c["a"], c["b"]) for c in document["comparisons"]}
    assert (IMPORTED, "balanced") in compared
    assert ("balanced (null)", "balanced") in compared


def test_a_model_can_have_a_study_of_its_own(folder, copied, study_file, capsys) -> None:
    corpus = study_file.parent / "reviews.parquet"
    assert main(["import", str(folder), "--corpus", str(corpus), "--test-per-language", "12"]) == 0
    assert "imported-theirs" in studies.started()
    run_id = studies.run_ids("imported-theirs")[0]
    assert len(predicted(run_id)) == 72
    assert main(["show", "imported-theirs"]) == 0


def test_outputs_without_names_need_them(folder, copied, capsys) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(3)}
    config["label2id"] = {f"LABEL_{i}": i for i in range(3)}
    (folder / "config.json").write_text(json.dumps(config))
    assert main(["import", str(folder), "--study", "small"]) == 2
    assert "named LABEL_0, LABEL_1, LABEL_2; the corpus has the labels" in capsys.readouterr().err
    assert main(["import", str(folder), "--study", "small", "--outputs", ",".join(OUTPUTS)]) == 0


def test_what_is_no_sequence_classifier_is_refused(folder, copied, capsys) -> None:
    for source, message in (
        (
            copied / studies.run_ids("small")[0] / "model",
            "expected one for sequence classification",
        ),
        (copied, "has no config.json"),
        (copied / "nowhere", "is not a folder"),
    ):
        assert main(["import", str(source), "--study", "small"]) == 2
        assert message in capsys.readouterr().err


def test_an_imported_run_that_broke_is_not_trained(folder, copied) -> None:
    assert main(["import", str(folder), "--study", "small"]) == 0
    run_id = studies.run_ids("small")[-1]
    (copied / run_id / "COMPLETE").unlink()
    assert main(["train", run_id]) == 2
    with pytest.raises(InputError, match="is not finished"):
        outputs.read_predictions(run_id)
    assert read(copied / studies.run_ids("small")[0] / "model").model.config.num_labels == 3
