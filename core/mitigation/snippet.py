"""A setup's loss as Python source for the transformers Trainer, and its numbers cell by cell."""

from __future__ import annotations

import inspect
import textwrap
from types import FunctionType, ModuleType

import numpy as np
import pandas as pd

from core.errors import InputError
from core.mitigation.setups import Setup

# What a row's loss can be made of, and so what the source can have.
_OF_ROWS = ("weights", "added", "reshaped")
_ELSEWHERE = {
    "draw": "draws the rows of an epoch; its loss is the usual one. Train on as many rows of each "
    "cell as the table says",
    "reweighed": "changes its weights from step to step by the losses it has seen",
    "language_loss": "trains a head for the language along with the model",
    "correct": "corrects a trained model; its training has the usual loss",
}


def cells(setup: Setup, counts: pd.DataFrame) -> pd.DataFrame:
    """What a setup's mitigations make of each cell, a row a cell.

    Args:
        counts: training rows of each cell (languages x labels).

    Returns:
        `language`, `label`, `rows`; as far as the setup has them `weight`, `validation weight` (of
        a row in the loss), `added to the logit` (nats), `rows drawn` (an epoch passes over).

    Raises:
        InputError: a cell that a mitigation needs is empty.
    """
    weights = setup.weights(counts)
    tables: dict[str, pd.DataFrame | None] = {"rows": counts, "weight": weights["train"]}
    if setup.first("validation_weights"):
        tables["validation weight"] = weights["validation"]
    if added := setup.first("added"):
        tables["added to the logit"] = added(counts)
    if setup.first("draw"):
        cell = np.repeat(np.arange(counts.size), counts.to_numpy().ravel())
        drawn = np.bincount(cell[setup.drawn(cell, counts, 0)], minlength=counts.size)
        shaped = drawn.reshape(counts.shape)
        tables["rows drawn"] = pd.DataFrame(shaped, index=counts.index, columns=counts.columns)
    columns = {name: t.to_numpy().ravel() for name, t in tables.items() if t is not None}
    return pd.DataFrame(
        {
            "language": np.repeat(counts.index.to_numpy(), len(counts.columns)),
            "label": np.tile(counts.columns.to_numpy(), len(counts)),
            **columns,
        }
    )


def source(setup: Setup, counts: pd.DataFrame) -> str:
    """A `Trainer` whose loss is the setup's, with the numbers of these training rows in it.

    It needs torch and transformers alone. `row_losses` gives the same as
    `core.training.objective.Objective` before that divides by the rows of the step.

    Args:
        counts: training rows of each cell (languages x labels).

    Raises:
        InputError: what the setup does is not in the loss of a row, or a cell that it needs is
            empty.
    """
    if why := outside(setup):
        raise InputError(f"no Trainer is written for {setup.name}: {why}.")
    weights = setup.weights(counts)
    added = setup.first("added")
    reshaped = next((m for m in setup.parts.values() if hasattr(m, "reshaped")), None)
    constants = [
        ("LABELS", repr([str(c) for c in counts.columns])),
        ("LANGUAGES", repr([str(x) for x in counts.index])),
    ]
    lines = ["losses = F.cross_entropy(logits, labels, reduction='none')"]
    if added:
        constants.append(("ADDED", _table(added(counts))))
        lines.insert(0, "logits = logits + torch.tensor(ADDED, device=logits.device)[languages]")
    if reshaped:
        lines.append("losses = reshaped(losses)")
    if weights["train"] is not None:
        constants.append(("WEIGHTS", _table(weights["train"])))
        lines.append("weights = torch.tensor(WEIGHTS, device=logits.device)")
        lines.append("losses = weights[languages, labels] * losses")
    about = [f"{m.SCHEME.title} ({m.SCHEME.source})" for m in setup.parts.values()]
    return _TEMPLATE.format(
        setup=setup.name,
        about=textwrap.fill("; ".join(about), 96, break_on_hyphens=False),
        constants="\n".join(f"{name} = {value}" for name, value in constants),
        reshaped=f"\n\n{_function(reshaped)}\n" if reshaped else "",
        lines=textwrap.indent("\n".join(lines).replace("'", '"'), "    "),
    )


def outside(setup: Setup) -> str:
    """Why a setup is not written as the loss of a row; empty where it is."""
    if not setup.parts:
        return "it has no mitigation, and the Trainer's own loss is its loss"
    for name, module in setup.parts.items():
        for function, why in _ELSEWHERE.items():
            if hasattr(module, function):
                return f"{name} {why}"
        if not any(hasattr(module, function) for function in _OF_ROWS):
            return f"{name} has a loss of an input of its own"
    return ""


def _table(table: pd.DataFrame) -> str:
    rows = [f"    {[float(x) for x in row]}," for row in table.to_numpy()]
    body = "\n".join(f"{row}  # {name!r}" for row, name in zip(rows, table.index, strict=True))
    return f"[  # languages down, labels across\n{body}\n]"


def _function(module: ModuleType) -> str:
    """The source of `reshaped` with the numbers that it names."""
    function: FunctionType = module.reshaped
    used = [
        n for n in function.__code__.co_names if isinstance(getattr(module, n, None), (int, float))
    ]
    numbers = [f"{name} = {getattr(module, name)!r}" for name in used]
    return "\n".join(
        [*numbers, *([""] * 2 if numbers else []), inspect.getsource(function).strip()]
    )


_TEMPLATE = '''"""The training loss of the setup {setup}, for the transformers Trainer.

{about}

The data set has the columns `label` and `language` beside what the tokenizer gives; where they
hold names, `dataset.map(numbered, batched=True)` makes numbers of them. Otherwise use
`SkewTrainer` as you use `Trainer`. Written by LangSkew from the rows of one training set: with
another training set, write it anew.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import Trainer

{constants}


def numbered(rows):
    """Labels and languages of a batch of rows by their numbers."""
    return {{
        "label": [LABELS.index(x) for x in rows["label"]],
        "language": [LANGUAGES.index(x) for x in rows["language"]],
    }}
{reshaped}

def row_losses(logits: Tensor, labels: Tensor, languages: Tensor) -> Tensor:
    """The loss of each row (rows), from logits (rows x classes) and numbers (rows)."""
    logits = logits.float()
{lines}
    return losses


class SkewTrainer(Trainer):
    """A Trainer with this loss: its sum over the rows of an optimiser step, over their number."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.model_accepts_loss_kwargs = True  # else each micro-batch counts the same

    def _set_signature_columns_if_needed(self):
        super()._set_signature_columns_if_needed()
        if "language" not in self._signature_columns:  # else it would be removed
            self._signature_columns.append("language")

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        inputs = dict(inputs)
        labels, languages = inputs.pop("labels"), inputs.pop("language")
        outputs = model(**inputs)
        losses = row_losses(outputs.logits, labels, languages)
        n = len(losses) if num_items_in_batch is None else num_items_in_batch
        loss = losses.sum() / n
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes  # which take the mean of theirs
        return (loss, outputs) if return_outputs else loss
'''
