"""Fine-tuning with the transformers Trainer.

What is ours: two learning rates, the loss, progress as lines of JSON, and an order of rows
that groups texts by length without changing what an optimiser step sees: the rows of one step are
a plain random draw, and only within the step are they sorted into micro-batches of like length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from transformers import (
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from core.config import Recipe
from core.mitigation.setups import parse
from core.models.classifier import Batch, Classifier, Output, collate, has_bfloat16
from core.models.tokens import mask_content, mask_id, mask_input, prefix_of
from core.progress import Stop, Terminated
from core.training.batches import Collator, Examples, Indices, StepSampler
from core.training.callbacks import (
    Evaluator,
    KeepNewestAndBest,
    Reporter,
    Stopper,
    WriteLine,
    best,
    last_checkpoint,
)
from core.training.objective import Objective, masked_input_entropy


@dataclass(frozen=True)
class Trained:
    """What training says of itself.

    Attributes:
        best_step: the optimiser step whose model is kept (from 1).
        best_epoch: the same in epochs: 2 is the end of the second, 0.75 lies in the first.
        validation_loss: its validation loss, weighted like the training loss.
        validation_loss_unweighted: the same without weights.
        seconds: of training, validation included, since it was last started.
        steps: optimiser steps.
    """

    best_step: int
    best_epoch: float
    validation_loss: float
    validation_loss_unweighted: float
    seconds: float
    steps: int


def fit(
    classifier: Classifier,
    train: Examples,
    validation: Examples,
    recipe: Recipe,
    seed: int,
    folder: Path,
    progress: WriteLine | None = None,
    *,
    objective: Objective | None = None,
    entropy: bool = False,
    stop: Stop | None = None,
) -> Trained:
    """Train in place; afterwards the classifier holds the best model by validation loss.

    Args:
        folder: the Trainer's state, a checkpoint at each evaluation. Where it holds one, training
            goes on from there with the same result as if it had never stopped. The caller deletes
            it.
        progress: called at each logging step with step, steps, epoch, loss, lr, seconds and
            samples_per_second, and at each evaluation with validation_loss,
            validation_loss_unweighted and best_step, the step of the lowest loss so far.
        objective: cross-entropy and what mitigations make of it; by default cross-entropy alone.
            What it learns is trained with the linear layer's learning rate.
        entropy: add the masked-input entropy (paper, equation 3) to the training loss.
        stop: looked at after each micro-batch. Cancelled, training ends there and keeps the last
            evaluation; terminated, it ends after the optimiser step and keeps that.

    Raises:
        InputError: `entropy` with a tokenizer without mask token.
        Cancelled, Terminated: stopped.
    """
    if entropy:
        mask_id(classifier.tokenizer)
    stop = stop or Stop()
    set_seed(seed)
    steps_an_epoch = math.ceil(len(train.labels) / (recipe.batch_size * recipe.accumulation))
    steps = steps_an_epoch * recipe.epochs
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        per_device_eval_batch_size=max(32, recipe.batch_size),
        warmup_steps=math.ceil(recipe.warmup * steps),
        lr_scheduler_type="linear",
        logging_steps=max(1, steps // 200),
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        greater_is_better=False,
        label_names=["labels"],
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
        seed=seed,
        logging_nan_inf_filter=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    reporter = Reporter(progress, steps, recipe.batch_size * recipe.accumulation)
    trainer = RunTrainer(
        recipe,
        train,
        seed,
        entropy,
        objective,
        model=classifier,
        args=arguments,
        train_dataset=Indices(len(train.labels)),
        eval_dataset=Indices(len(validation.labels), offset=len(train.labels)),
        data_collator=Collator(classifier, train, validation),
        compute_metrics=_unweighted_loss,
        callbacks=[
            reporter,
            Evaluator(recipe.evaluations, steps_an_epoch),
            KeepNewestAndBest(),
            Stopper(stop, steps_an_epoch),
        ],
    )
    trainer.remove_callback(PrinterCallback)  # our own lines say more
    try:
        with stop.saving():
            trainer.train(resume_from_checkpoint=last_checkpoint(folder))
    finally:
        del classifier.objective
    if stop.terminated and trainer.state.global_step < steps:
        raise Terminated
    kept = best(trainer.state.log_history)
    epoch, within = divmod(kept["step"], steps_an_epoch)
    classifier.eval()
    return Trained(
        best_step=kept["step"],
        best_epoch=epoch + within / steps_an_epoch if within else epoch,
        validation_loss=kept["eval_loss"],
        validation_loss_unweighted=kept["eval_unweighted"],
        seconds=reporter.seconds,
        steps=trainer.state.global_step,
    )


class RunTrainer(Trainer):
    """The Trainer with our sampler, losses and learning rates."""

    def __init__(
        self,
        recipe: Recipe,
        train: Examples,
        seed: int,
        entropy: bool,
        objective: Objective | None = None,
        **arguments: Any,
    ) -> None:
        # Beside the model's weights, so that the Trainer keeps and restores it with them.
        classifier = arguments["model"]
        classifier.objective = objective or Objective(parse("balanced"), pd.DataFrame(), 0, 0)
        super().__init__(**arguments)
        self.recipe, self.seed, self.entropy = recipe, seed, entropy
        self.texts = train.tokens
        self._micro_batch = (-1, 0)  # optimiser step, and number of the micro-batch within it
        self.sampler = StepSampler(
            [len(t.ids) for t in train.tokens], recipe.batch_size * recipe.accumulation, seed
        )
        # The Trainer then counts the rows of the whole optimiser step for us, and does not divide
        # the loss again.
        self.model_accepts_loss_kwargs = True
        self.loss_is_scaled_for_ga = True

    def train(self, *arguments: Any, **more: Any) -> Any:
        """As in the Trainer; the token table's gradients name their rows and are added in place.

        A dense gradient of the whole table for each micro-batch would cost as much as a layer.
        """
        model: Any = self.model
        table = model.token_table
        table.sparse = table.weight.requires_grad and self.args.device.type in ("cpu", "cuda")
        self._table_gradient = torch.zeros_like(table.weight) if table.sparse else None
        try:
            return super().train(*arguments, **more)
        finally:
            table.sparse = False

    def _get_train_sampler(self, train_dataset: Any = None) -> StepSampler:
        return self.sampler

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """As the recipe says, with a learning rate each for encoder and linear layer."""
        classifier: Any = self.model
        recipe = self.recipe
        groups: list[dict[str, Any]] = [
            {"params": classifier.encoder_parameters(), "lr": recipe.learning_rate},
            {
                "params": [*classifier.head_parameters(), *classifier.objective.parameters()],
                "lr": recipe.head_learning_rate,
            },
        ]
        if recipe.optimiser == "radam":
            self.optimizer = torch.optim.RAdam(
                groups, weight_decay=recipe.weight_decay, decoupled_weight_decay=True
            )
        else:
            self.optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Linear, as the Trainer's own, which knows no end above 0."""
        final, warmup = self.recipe.final_rate, self.args.warmup_steps
        if not final:
            return super().create_scheduler(num_training_steps, optimizer)

        def share(step: int) -> float:
            if step < warmup:
                return step / warmup
            left = (num_training_steps - step) / max(1, num_training_steps - warmup)
            return final + (1 - final) * max(0.0, left)

        assert self.optimizer is not None  # the Trainer makes it first
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, share)
        return self.lr_scheduler

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The objective over the rows of the optimiser step, and what +entropy adds."""
        blocks = [Batch(**{"types": None, "mask": None, **block}) for block in inputs["blocks"]]
        weight = model.token_table.weight
        if model.training and self._table_gradient is not None and weight.grad is None:
            weight.grad = self._table_gradient.zero_()
        if model.training:
            self._count_micro_batch(model)
        output = _output(model, blocks)
        n = num_items_in_batch if num_items_in_batch is not None else len(output.logits)
        rows = (inputs[name] for name in ("labels", "languages", "weights"))
        loss = model.objective(*output, *rows, n)
        if self.entropy and model.training:
            loss = loss + self._masked_input_loss(model)
        return (loss, {"logits": output.logits}) if return_outputs else loss

    def _count_micro_batch(self, model: Any) -> None:
        step = self.state.global_step
        last, number = self._micro_batch
        self._micro_batch = (step, number + 1 if last == step else 0)
        if last != step:
            model.objective.next_step()

    def _masked_input_loss(self, model: Any) -> Tensor | float:
        """What equation 3 adds in this micro-batch; over an optimiser step it adds up to it.

        The input depends on seed, step and micro-batch alone: a resumed run draws the same.
        """
        step, number = self._micro_batch
        released = self.recipe.masked_input == "released"
        if number and not released:
            return 0.0
        rng, tokenizer = np.random.default_rng([self.seed, step, number]), model.tokenizer
        if self.recipe.masked_input == "base":
            tokens = mask_content(self.texts[int(rng.integers(len(self.texts)))], tokenizer)
        else:
            prefix = [] if released else prefix_of(self.texts[0])
            longest = self.recipe.max_length - (0 if released else 2 + len(prefix))
            length = int(rng.integers(1, max(1, longest) + 1))
            tokens = mask_input(tokenizer, length, specials=not released, prefix=prefix)
        batch = collate([tokens], tokenizer.pad_token_id, self.args.device)
        logits = _output(model, [batch]).logits
        value = masked_input_entropy(logits, self.recipe.masked_input)
        return value / self.current_gradient_accumulation_steps if released else value


def _output(model: Any, batches: Sequence[Batch]) -> Output:
    """Of several batches, one after the other (float32); computed in bfloat16 where the device is
    made for it."""
    device = batches[0].ids.device
    with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
        logits, cls = model.side_by_side(batches)
    return Output(logits.float(), cls.float())


def _unweighted_loss(predicted: EvalPrediction) -> dict[str, float]:
    logits = torch.as_tensor(predicted.predictions, dtype=torch.float32)
    labels = torch.as_tensor(predicted.label_ids)
    return {"unweighted": torch.nn.functional.cross_entropy(logits, labels).item()}
