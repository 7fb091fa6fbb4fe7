"""Progress of training as lines, from what the Trainer logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

Progress = Callable[[dict[str, Any]], None]


def best(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The Trainer's entry of the lowest validation loss, the first of equal ones."""
    measured = [entry for entry in history if "eval_loss" in entry]
    return min(measured, key=lambda entry: float(entry["eval_loss"]))


class Reporter(TrainerCallback):
    """Turns the Trainer's logs into progress.

    Args:
        progress: called with each line.
        steps: optimiser steps in all.
        rows_a_step: rows of an optimiser step.

    Attributes:
        seconds: since training was last started, validation included.
    """

    def __init__(self, progress: Progress | None, steps: int, rows_a_step: int) -> None:
        self.progress, self.steps, self.rows_a_step = progress, steps, rows_a_step
        self.seconds = 0.0
        self._since = (0, time.monotonic())

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock."""
        self._started = time.monotonic()
        self._since = (state.global_step, self._started)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """A line for each training or validation loss."""
        logs = logs or {}
        now = time.monotonic()
        self.seconds = now - self._started
        line: dict[str, Any] = {
            "step": state.global_step,
            "steps": self.steps,
            "epoch": round(state.epoch or 0.0, 4),
            "seconds": round(self.seconds, 3),
        }
        if "loss" in logs:
            step, then = self._since
            rate = (state.global_step - step) * self.rows_a_step / max(now - then, 1e-9)
            line |= {
                "loss": logs["loss"],
                "lr": logs["learning_rate"],
                "samples_per_second": round(rate, 2),
            }
            self._since = (state.global_step, now)
        elif "eval_loss" in logs:
            line |= {
                "validation_loss": logs["eval_loss"],
                "validation_loss_unweighted": logs["eval_unweighted"],
                "best_step": best(state.log_history)["step"],
            }
            self._since = (state.global_step, now)
        else:
            return
        if self.progress:
            self.progress(line)
