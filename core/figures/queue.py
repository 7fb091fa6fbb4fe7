"""How the queue's jobs get on, and what a plan says: curves and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from core.charts import progress
from core.figures.figure import Figure
from core.figures.runs import size
from core.text import escaped

if TYPE_CHECKING:  # its libraries are needed to make one alone
    from core.studies.forecast import Forecast


def doing(row: dict[str, Any]) -> str:
    """What a running job does, and how long it still takes, from a row of `overview`."""
    left = f", {duration(row['left'])} left" if row["left"] == row["left"] else ""
    return f"{row['doing']} {row['done']:.0%}{left}"


def took(row: dict[str, Any]) -> str:
    """How long a finished job took, and how accurate its run is; empty where neither is known."""
    said = []
    if row["seconds"] == row["seconds"]:
        said.append(f"took {duration(row['seconds'])}")
    if row["accuracy"] == row["accuracy"]:
        said.append(f"accuracy {row['accuracy']:.3f}")
    return ", ".join(said)


def whole(done: int, runs: int, left: float, seconds: float) -> str:
    """How far a study is.

    Args:
        done, runs: how many of its runs are finished, and how many it stands for.
        left: seconds of training that are left; 0 or NaN: not to be said.
        seconds: that its jobs took.
    """
    said = f"{done} of {runs} runs done"
    if left > 0:
        said += f", about {duration(left)} of training left"
    if seconds > 0:
        said += f"; its jobs took {duration(seconds)}"
    return said


def clears(n: int) -> str:
    """What taking ended jobs off the list takes off."""
    return (
        f"{n} jobs that ended are taken off the list, with their logs. Runs, maps, attributions "
        "and reports stay; runs that are not done stay in the list. The page Runs deletes runs."
    )


def deletes(row: dict[str, Any]) -> str:
    """What deleting a row of `overview` deletes."""
    if row["run"]:
        return (
            f"The run **{escaped(row['what'])}** with its model and predictions is deleted for "
            "good. Studies that stand for it lack it until it is trained again."
        )
    return "The job is taken off the list, with its log. Runs stay."


def losses(row: dict[str, Any], lines: pd.DataFrame) -> Figure:
    """Training and validation loss of a run, step by step.

    Args:
        row: of `monitoring.overview`.
        lines: from `monitoring.curves`; not empty.
    """
    last = lines.iloc[-1]
    return Figure(
        charts=[progress.losses(lines)],
        title="Loss",
        name=f"{row['job']}-loss",
        caption=f"{row['what']}: step {last['step']:.0f} of {last['steps']:.0f}, epoch "
        f"{last['epoch']:.2f}.",
        how="Training loss is the mean since the last point, validation loss that of the whole "
        "validation set, both with class weights where the setup has them. The model with the "
        "lowest validation loss is kept. (Paper, section 3.)",
    )


def speed(row: dict[str, Any], lines: pd.DataFrame) -> Figure:
    """Samples a second of a run; arguments as of `losses`."""
    above = progress.above_axis(lines)
    cut = f" {above} of {len(lines)} points lie above the axis." if above else ""
    return Figure(
        charts=[progress.speed(lines)],
        title="Speed",
        name=f"{row['job']}-speed",
        caption=f"Training samples a second on this machine.{cut}",
        how="Validation is left out. Where other work runs beside it, speed drops. At the end of "
        "an epoch few rows are left for the last step, whose speed says little: the axis goes by "
        "the other points.",
    )


def plan_facts(plan: Forecast) -> list[tuple[str, str, str]]:
    """What a forecast says in figures: label, value, explanation."""
    rows = plan["rows"]
    seconds, measured = plan["seconds"], plan["measured"]
    return [
        ("Runs to train", str(plan["new"]), f"{plan['reused']} exist already and are reused."),
        (
            "Rows a language",
            f"{rows['train']:,}",
            f"For training; {rows['validation']:,} for validation, {rows['test']:,} for the test.",
        ),
        (
            "Time",
            "unknown" if seconds is None else duration(seconds),
            "Known once a run with this encoder, frozen_layers and max_length has ended here."
            if seconds is None
            else f"From the speed of {measured} runs with this encoder on this machine.",
        ),
        (
            "Memory",
            _size(plan["memory"]),
            f"An estimate; the machine has {_size(plan['memory_of_machine'])}.",
        ),
        ("Disk", _size(plan["disk"]), f"At most; {_size(plan['disk_free'])} are free."),
    ]


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _size(n: float | None) -> str:
    return "unknown" if n is None else size(n)
