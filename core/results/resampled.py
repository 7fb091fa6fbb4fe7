"""The measures of a run over resampled test sentences, kept until its predictions change.

The same sentences are drawn for every run, so that any two runs or setups of a study can be
compared out of what is kept. It is made as soon as a run is trained, with the index.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import TypedDict

import numpy as np
import pandas as pd

from core.checkpoints import run_folders
from core.checkpoints.studies import Started
from core.config import RunConfig
from core.measures.bootstrap import Drawn, drawn
from core.results import cache
from core.results.run_measures import of_test_rows, of_the_run


class _Kept(TypedDict):
    """A measure: its value, the draws (64-bit floats, in base 64), and what else `Drawn` has."""

    value: float
    draws: str
    rows: str
    folded: bool


def measures(
    study: Started, run_id: str, config: RunConfig, skewed: pd.DataFrame | None
) -> dict[str, Drawn | float]:
    """The measures by which a run is compared: over resampled sentences, else single values.

    Args:
        skewed: the study's skewed design, against which uptake and language effect are read.

    Raises:
        InputError: a file of the run does not read.
    """

    def compute() -> dict[str, _Kept]:
        totals = of_test_rows(run_id, skewed)
        return {
            name: {
                "value": of.value,
                "draws": base64.b64encode(of.values.astype("<f8").tobytes()).decode(),
                "rows": of.rows,
                "folded": of.folded,
            }
            for name, of in zip(totals, drawn(list(totals.values())), strict=True)
        }

    path = study.folder / "resampled" / f"{run_id}.json"
    kept = cache.kept(path, _stamp(run_id, skewed), compute)
    resampled = {
        name: Drawn(
            of["value"],
            np.frombuffer(base64.b64decode(of["draws"]), "<f8"),
            of["rows"],
            of["folded"],
        )
        for name, of in kept.items()
    }
    return {**resampled, **of_the_run(run_id, config)}


def _stamp(run_id: str, skewed: pd.DataFrame | None) -> str:
    """Changes with the predictions, and with what they are read against."""
    folder = run_folders.folder(run_id)
    times = []
    for name in ("config.json", "predictions.parquet"):
        with suppress(OSError):  # said where it is read
            found = (folder / name).stat()
            times.append(f"{found.st_mtime_ns} {found.st_size}")
    design = None if skewed is None else skewed.to_dict("split")
    return " ".join([str(folder), *times, json.dumps(design)])
