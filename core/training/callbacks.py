"""What goes on beside training: lines of progress, checkpoints to resume from, the end."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from core.progress import Stop
from core.storage import atomic, reading

WriteLine = Callable[[dict[str, Any]], None]


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

    def __init__(self, progress: WriteLine | None, steps: int, rows_a_step: int) -> None:
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


def last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint in a folder; broken ones are deleted.

    A checkpoint is whole when the Trainer's state, which it writes last, reads as JSON, no file is
    cut short, as a crash of the machine leaves files that were not yet on the disk, and the same
    holds for the best checkpoint so far, which is kept beside it.
    """
    while folder.is_dir() and (found := get_last_checkpoint(str(folder))):
        try:
            best = _check_whole(Path(found)).get("best_global_step")
            if best:
                _check_whole(folder / f"checkpoint-{best}")
            return str(found)
        except (*reading.DAMAGE, *reading.UNEXPECTED):
            shutil.rmtree(found)
    return None


def _check_whole(checkpoint: Path) -> dict[str, Any]:
    """The Trainer's state of a checkpoint; raises what its broken file raises."""
    state: dict[str, Any] = json.loads((checkpoint / "trainer_state.json").read_text())
    with safe_open(checkpoint / "model.safetensors", "pt"):  # compares sizes
        pass
    for path in checkpoint.glob("*.pt*"):
        with zipfile.ZipFile(path):  # torch's format; its directory is at the end
            pass
    return state


class Evaluator(TrainerCallback):
    """Has the validation loss measured and the state saved within an epoch too.

    At its end the Trainer does both by itself.

    Args:
        evaluations: times an epoch, the end included, at equal distances but for rounding; no more
            than it has steps.
        steps_an_epoch: optimiser steps.
    """

    def __init__(self, evaluations: int, steps_an_epoch: int) -> None:
        places = (round(i * steps_an_epoch / evaluations) for i in range(1, evaluations))
        self.places, self.steps_an_epoch = set(places) - {0, steps_an_epoch}, steps_an_epoch

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """After an optimiser step."""
        if state.global_step % self.steps_an_epoch in self.places:
            control.should_evaluate = control.should_save = True


class KeepNewestAndBest(TrainerCallback):
    """Keeps the newest and the best checkpoint, by their numbers.

    The Trainer itself would go by the clock, and delete the newest after the clock was set back.
    """

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Say where the best checkpoint lies."""
        if state.best_global_step:  # the folder may have moved since
            best = Path(str(args.output_dir)) / f"checkpoint-{state.best_global_step}"
            state.best_model_checkpoint = str(best)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Delete what is neither, once the newest is on the disk."""
        atomic.flush(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")
        kept = {state.global_step, state.best_global_step}
        for path in Path(str(args.output_dir)).glob("checkpoint-*"):
            if path.name not in {f"checkpoint-{step}" for step in kept}:
                shutil.rmtree(path)


class Stopper(TrainerCallback):
    """Ends training when asked to; what a stopped run lost, it computes again when it goes on."""

    def __init__(self, stop: Stop, steps_an_epoch: int) -> None:
        self.stop, self.steps_an_epoch = stop, steps_an_epoch

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        """After a micro-batch that is not its step's last."""
        self.stop.check_cancelled()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """After an optimiser step: here a checkpoint is exact."""
        self.stop.check_cancelled()
        if self.stop.terminated:
            control.should_training_stop = True
            # At its last step the epoch is evaluated and saved anyway.
            control.should_save = self._within_epoch(state)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """After the loop over an epoch, whole or stopped."""
        if self._within_epoch(state):  # stopped: half an epoch is not compared with whole ones
            control.should_evaluate = control.should_save = False

    def _within_epoch(self, state: TrainerState) -> bool:
        return state.global_step % self.steps_an_epoch != 0
