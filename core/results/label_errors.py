"""Likely label errors in a study's test set, by what its balanced models say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.checkpoints import outputs
from core.checkpoints.studies import Started
from core.config import BALANCED
from core.corpora.texts import of_rows
from core.errors import InputError
from core.measures.label_errors import error_shares, likely_errors
from core.measures.predictions import Predictions

LIMIT = 200


def of_study(study: Started, file: Path | None) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Shares of likely label errors, and the rows that are flagged.

    The probabilities are the mean over the study's finished balanced runs, which have not learned
    the skew; they were not trained on the test set.

    Args:
        file: from `texts.texts_file`; without it the rows have no text.

    Returns:
        `error_shares`; the LIMIT rows whose label is the least likely: `language`, `label`,
        `suggested`, `p label`, `p suggested`, `row` and the texts; and how many runs were averaged.

    Raises:
        InputError: no balanced run is finished, or one does not read.
    """
    runs = [m.run for m in study.finished if m.setup in BALANCED]
    if not runs:
        raise InputError(
            f"study {study.name} has no finished balanced run, whose probabilities likely label "
            "errors are found by; train one."
        )
    every = [outputs.read_predictions(run) for run in runs]
    first = every[0]
    order = [pd.Index(p.rows["row"]).get_indexer(pd.Index(first.rows["row"])) for p in every]
    mean = np.mean([p.probabilities[i] for p, i in zip(every, order, strict=True)], axis=0)
    predictions = replace(first, probabilities=mean)
    errors = likely_errors(predictions)
    rows = _flagged(predictions, errors)
    if file is not None:
        rows = of_rows(file, rows)
    return error_shares(predictions, errors), rows, len(runs)


def _flagged(predictions: Predictions, errors: np.ndarray) -> pd.DataFrame:
    labels = np.array(predictions.labels)
    at = np.arange(len(errors))
    own = predictions.probabilities[at, predictions.truth]
    frame = predictions.rows[["language", "label", "row"]].assign(
        suggested=labels[predictions.predicted],
        **{"p label": own, "p suggested": predictions.probabilities.max(axis=1)},
    )[errors]
    return frame.sort_values("p label").head(LIMIT).reset_index(drop=True)
