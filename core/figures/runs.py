"""Runs beside each other: how they trained, and what deleting them deletes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from core.charts import progress
from core.figures.figure import Figure
from core.text import escaped

LOSSES = {"validation_loss": "validation loss", "loss": "training loss"}


def curves(runs: Mapping[str, pd.DataFrame], setups: Mapping[str, str], loss: str) -> Figure:
    """How the loss of several runs went, step by step.

    Args:
        runs: by name, from `monitoring.curves`; not empty.
        setups: of each, by the same names.
        loss: of LOSSES.
    """
    lines = pd.concat(
        [
            own[["step", "epoch", loss]].dropna().assign(run=name, setup=setups[name])
            for name, own in runs.items()
        ],
        ignore_index=True,
    ).rename(columns={loss: "loss"})
    least = lines.loc[lines.groupby("run")["loss"].idxmin()].sort_values("loss")
    named = [f"{escaped(x.run)}: {x.loss:.3f} (step {x.step:.0f})" for x in least.itertuples()]
    return Figure(
        charts=[progress.overlay(lines, LOSSES[loss])],
        title=f"Training curves: {LOSSES[loss]}",
        name=f"curves-{loss}",
        reading=f"Lowest: {'; '.join(named[:6])}{' …' if len(named) > 6 else ''}.",
        caption=f"n = {len(runs)} runs, {len(lines):,} points. Colour and shape: the setup; a "
        "line each run, which its tooltip names.",
        how="Validation loss is that of the whole validation set at each evaluation, training loss "
        "the mean since the last point, both with class weights where the setup has them, so that "
        "losses of setups that weight differently do not compare. The model with the lowest "
        "validation loss is kept. (Paper, section 3.)",
    )


def deletes(names: Sequence[str], weight: int, studies: Sequence[str]) -> str:
    """What deleting some runs deletes, as Markdown."""
    listed = "".join(f"\n- {escaped(name)}" for name in names)
    lacks = ""
    if studies:
        lacks = (
            f" {escaped(', '.join(studies))} {'lacks' if len(studies) == 1 else 'lack'} them until "
            "they are trained again."
        )
    return (
        f"{listed}\n\nModels, predictions and attributions of {len(names)} "
        f"{'run' if len(names) == 1 else 'runs'} are deleted for good; {size(weight)} are set "
        f"free.{lacks}"
    )


def size(n: float) -> str:
    """Bytes as people say them."""
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= of:
            return f"{n / of:.1f} {unit}" if n < 10 * of else f"{n / of:.0f} {unit}"
    return f"{n:.0f} bytes"
