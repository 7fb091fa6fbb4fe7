from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    TrainerCallback,
    TrainingArguments,
)

from core.errors import InputError
from core.mitigation import snippet
from core.mitigation.cells import numbers
from core.mitigation.setups import parse, suggested
from core.training.objective import Objective

COUNTS = pd.DataFrame(
    [[3, 5, 12], [8, 5, 3]], index=["fr", 'd"e\n\u202e'], columns=["bad", "it's", "good"]
)
WRITTEN = [s for s in suggested() if not snippet.outside(parse(s))]
SETUPS = [*WRITTEN, "imbalanced+cw+focal", "imbalanced+focal+logit-adjust", "balanced+focal"]
N = 12


def run(setup: str) -> SimpleNamespace:
    """What the source of a setup defines."""
    made: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(snippet.source(parse(setup), COUNTS), "snippet", "exec"), made)
    return SimpleNamespace(**made)


def tiny() -> BertForSequenceClassification:
    torch.manual_seed(0)
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=40,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            num_labels=3,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "input_ids": rng.integers(1, 40, (N, 6)),
        "labels": rng.integers(3, size=N),
        "language": rng.integers(2, size=N),
    }


def by_objective(setup: str, rows: dict[str, np.ndarray]) -> tuple[float, list[torch.Tensor]]:
    """The loss and its gradients as LangSkew trains with them."""
    model, read = tiny(), parse(setup)
    weights = read.weights(COUNTS)["train"]
    of_rows = np.ones(N) if weights is None else numbers(weights, rows["language"], rows["labels"])
    logits = model(input_ids=torch.tensor(rows["input_ids"])).logits
    objective = Objective(read, COUNTS, 16, 0)
    labels, languages = torch.tensor(rows["labels"]), torch.tensor(rows["language"])
    loss = objective(logits, logits, labels, languages, torch.tensor(of_rows).float(), N)
    loss.backward()
    return loss.item(), [p.grad for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("setup", SETUPS)
def test_the_trainer_has_the_loss_and_gradient_of_the_objective(setup, rows, tmp_path) -> None:
    model = tiny()
    trainer = run(setup).SkewTrainer(model, TrainingArguments(str(tmp_path), report_to=[]))
    inputs = {name: torch.tensor(values) for name, values in rows.items()}
    loss, outputs = trainer.compute_loss(model, inputs, return_outputs=True)
    loss.backward()
    expected, gradients = by_objective(setup, rows)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert outputs.logits.shape == (N, 3)
    found = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(found) == len(gradients) > 10
    for one, other in zip(found, gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-7)


def test_micro_batches_of_a_data_set_with_names_add_up_to_the_step(rows, tmp_path) -> None:
    setup = "imbalanced+cw+focal"
    made, seen = run(setup), []
    named = {
        "input_ids": rows["input_ids"].tolist(),
        "label": [COUNTS.columns[i] for i in rows["labels"]],
        "language": [COUNTS.index[i] for i in rows["language"]],
        "text": ["left out"] * N,
    }
    data = Dataset.from_dict(named).map(made.numbered, batched=True)

    class Keep(TrainerCallback):
        def on_pre_optimizer_step(self, *_: Any, model: Any, **__: Any) -> None:
            seen.extend(p.grad.clone() for p in model.parameters() if p.grad is not None)

    arguments = TrainingArguments(
        str(tmp_path / "out"),
        per_device_train_batch_size=5,  # 5, 5, 2: micro-batches that differ in size
        gradient_accumulation_steps=3,
        num_train_epochs=1,
        max_grad_norm=0.0,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = made.SkewTrainer(
        tiny(), arguments, train_dataset=data, eval_dataset=data, callbacks=[Keep()]
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    expected, gradients = by_objective(setup, rows)
    assert before == pytest.approx(expected, rel=1e-4)
    for one, other in zip(seen, gradients, strict=True):
        assert torch.allclose(one.cpu(), other, rtol=1e-3, atol=1e-6)


def test_what_is_not_the_loss_of_a_row_is_said() -> None:
    for setup, why in (
        ("imbalanced", "no mitigation"),
        ("imbalanced+undersample", "draws the rows"),
        ("imbalanced+dro", "step to step"),
        ("imbalanced+cw+entropy", "entropy has a loss of an input of its own"),
        ("imbalanced+reversal", "head for the language"),
        ("imbalanced+prior", "corrects a trained model"),
    ):
        with pytest.raises(InputError, match=f"no Trainer is written for .*{why}"):
            snippet.source(parse(setup), COUNTS)
    empty = COUNTS.replace(12, 0)
    with pytest.raises(InputError, match=r"\(fr, good\)"):
        snippet.source(parse("imbalanced+cw"), empty)


def test_the_source_is_plain_and_reads_alike_everywhere(tmp_path: Path) -> None:
    text = snippet.source(parse("imbalanced+cw"), COUNTS)
    assert text.isascii() and "core" not in text.split()
    assert list(COUNTS.index) == run("imbalanced+cw").LANGUAGES


def test_cells_have_the_numbers_of_the_mitigations() -> None:
    table = snippet.cells(parse("imbalanced+cw"), COUNTS).set_index(["language", "label"])
    assert table.loc[("fr", "bad"), "weight"] == pytest.approx(20 / (3 * 3))
    assert (table["rows"] * table["weight"]).sum() == pytest.approx(36)
    added = snippet.cells(parse("imbalanced+logit-adjust"), COUNTS)["added to the logit"]
    assert np.exp(added).groupby([0, 0, 0, 1, 1, 1]).sum().tolist() == pytest.approx([1, 1])
    drawn = snippet.cells(parse("imbalanced+undersample"), COUNTS)
    assert (drawn["rows drawn"] <= drawn["rows"]).all() and drawn["rows drawn"].sum() > 0
    assert list(snippet.cells(parse("imbalanced+focal"), COUNTS)) == ["language", "label", "rows"]
