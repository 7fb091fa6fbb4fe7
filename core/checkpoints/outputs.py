"""What a run writes of its test set, and reading it: predictions, CLS vectors, first metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints import run_folders, versions
from core.config import RunConfig
from core.errors import InputError
from core.measures.accuracy import accuracy
from core.measures.predictions import Predictions
from core.storage import atomic, sql


def write_test(
    path: Path, config: RunConfig, part: pa.Table, probabilities: np.ndarray, vectors: np.ndarray
) -> dict[str, Any]:
    """Write predictions.parquet and embeddings.parquet; return accuracy, loss and n.

    Args:
        part: the test rows, in the corpus's order.
        probabilities: rows x classes.
        vectors: rows x hidden units.
    """
    rows = part.select(["row", "sentence", "language", "label"])
    write_rows(path / "predictions.parquet", rows, probability_columns(config, probabilities))
    write_rows(path / "embeddings.parquet", rows, {"cls": list_column(vectors)})
    predictions = Predictions(rows.to_pandas(), probabilities, config.labels, config.languages)
    table = accuracy(predictions)
    chosen = probabilities[np.arange(len(probabilities)), predictions.truth]
    return {
        "accuracy": table.loc["all", "accuracy"],
        "accuracy_ci": [table.loc["all", "low"], table.loc["all", "high"]],
        "accuracy_by_language": table.drop(index="all").to_dict("index"),
        "test_loss": float(-np.log(np.maximum(chosen, 1e-30)).mean()),
        "n_test": len(predictions.rows),
        "versions": versions.installed(),
    }


def write_rows(path: Path, rows: pa.Table, columns: dict[str, pa.Array]) -> None:
    """Write rows with further columns as parquet, whole or not at all."""
    for name, values in columns.items():
        rows = rows.append_column(name, values)
    with atomic.replacing(path) as partial:
        pq.write_table(rows, partial, compression="zstd")


def probability_columns(config: RunConfig, probabilities: np.ndarray) -> dict[str, pa.Array]:
    """Rows x classes as one column a class."""
    return {
        probability_column(label): pa.array(probabilities[:, i])
        for i, label in enumerate(config.labels)
    }


def list_column(vectors: np.ndarray) -> pa.Array:
    """Rows x dimensions as one column of lists."""
    flat = pa.array(vectors.ravel())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def read_predictions(run_id: str) -> Predictions:
    """A run's predictions on the test set.

    Raises:
        InputError: the run is not finished, or its file does not read.
    """
    config = run_folders.read_config(run_id)
    path = run_folders.folder(run_id) / "predictions.parquet"
    if not run_folders.is_complete(run_id):
        raise InputError(f"run {run_id} is not finished; train it with `python -m core train`.")
    columns = [probability_column(label) for label in config.labels]
    try:
        frame = sql.query("SELECT * FROM read_parquet(?)", [str(path)])
        probabilities = frame[columns].to_numpy()
    except (duckdb.Error, KeyError) as error:
        raise InputError(
            f"{path} does not read ({error}); delete the run's folder and train it again."
        ) from error
    rows = frame[["row", "sentence", "language", "label"]]
    return Predictions(rows, probabilities, config.labels, config.languages)


def probability_column(label: str) -> str:
    """Name of a class's column in predictions.parquet."""
    return f"p_{label}"
