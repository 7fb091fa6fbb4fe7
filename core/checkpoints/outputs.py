"""What a run writes of its test set, and reading it: predictions, CLS vectors, first metrics."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints import run_folders, versions
from core.config import RunConfig
from core.errors import InputError
from core.measures.accuracy import accuracy
from core.measures.predictions import Predictions
from core.sampling.subsets import weights_of_test
from core.storage import atomic, reading, sql

ROW_COLUMNS = ("row", "sentence", "language", "label")
SUMS_TO_1 = 1e-3  # how far probabilities in float16 may be from it
ANEW = "delete it, and `python -m core study` computes it anew"


def write_test(
    path: Path, config: RunConfig, part: pa.Table, probabilities: np.ndarray, vectors: np.ndarray
) -> dict[str, Any]:
    """Write predictions.parquet and embeddings.parquet; return accuracy, loss and n.

    Args:
        part: the test rows, in the corpus's order.
        probabilities: rows x classes.
        vectors: rows x hidden units.
    """
    rows = part.select(list(ROW_COLUMNS))
    write_rows(path / "predictions.parquet", rows, probability_columns(config, probabilities))
    write_rows(path / "embeddings.parquet", rows, {"cls": list_column(vectors)})
    predictions = _predictions(rows.to_pandas(), probabilities, config)
    table = accuracy(predictions)
    chosen = probabilities[np.arange(len(probabilities)), predictions.truth]
    losses = -np.log(np.maximum(chosen, 1e-30))
    return {
        "accuracy": table.loc["all", "accuracy"],
        "accuracy_ci": [table.loc["all", "low"], table.loc["all", "high"]],
        "accuracy_by_language": table.drop(index="all").to_dict("index"),
        "test_loss": float(np.average(losses, weights=predictions.weights)),
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
        InputError: the run is not finished, or its file does not read or holds something else than
            a probability of each class for each test row.
    """
    config = run_folders.read_config(run_id)
    if not run_folders.is_complete(run_id):
        raise InputError(f"run {run_id} is not finished; train it with `python -m core train`.")
    path = run_folders.folder(run_id) / "predictions.parquet"
    columns = [probability_column(label) for label in config.labels]
    with reading.reading(path, run_folders.MEND):
        frame = sql.query("SELECT * FROM read_parquet(?)", [str(path)])
        _check_columns(frame, [*ROW_COLUMNS, *columns])
        rows = frame[list(ROW_COLUMNS)]
        _check_rows(rows, config)
        probabilities = frame[columns].to_numpy()
        _check_probabilities(probabilities.astype(float))
        _check_same(rows, path.with_name("embeddings.parquet"))
    return _predictions(rows, probabilities, config)


def _predictions(rows: pd.DataFrame, probabilities: np.ndarray, config: RunConfig) -> Predictions:
    """With the weights of the rows, where the test set is not the uniform one."""
    table = weights_of_test(config)
    if table is None:
        return Predictions(rows, probabilities, config.labels, config.languages)
    at = (
        table.index.get_indexer(pd.Index(rows["language"])),
        table.columns.get_indexer(pd.Index(rows["label"])),
    )
    weights = table.to_numpy(dtype=float)[at]
    return Predictions(rows, probabilities, config.labels, config.languages, weights)


def _check_columns(frame: pd.DataFrame, needed: list[str]) -> None:
    if missing := [c for c in needed if c not in frame]:
        raise ValueError(f"column {', '.join(missing)} is missing")


def _check_rows(rows: pd.DataFrame, config: RunConfig) -> None:
    for name in ROW_COLUMNS:
        if not rows[name].map(lambda value: isinstance(value, str)).all():
            raise ValueError(f"column {name} holds something else than text")
    for name, known in (("language", config.languages), ("label", config.labels)):
        if wrong := sorted(set(rows[name]) - set(known)):
            raise ValueError(f"{name} has {', '.join(wrong[:3])}; expected {', '.join(known)}")
    expected = config.rows("test")
    if len(rows) != expected or rows["row"].nunique() != expected:
        raise ValueError(
            f"{len(rows)} rows, {rows['row'].nunique()} of them different; expected {expected}"
        )


def _check_same(rows: pd.DataFrame, embeddings: Path) -> None:
    """Refuse rows that are others than those written beside them, where these read.

    A row that has got another's id would else change what runs are compared by.
    """
    with suppress(duckdb.Error):
        columns = ["row", "language", "label"]
        beside = sql.query(f"SELECT {', '.join(columns)} FROM read_parquet(?)", [str(embeddings)])
        if not rows[columns].equals(beside):
            raise ValueError(f"its rows are others than those of {embeddings.name}")


def _check_probabilities(values: np.ndarray) -> None:
    """Refuse rows that are no probabilities of the classes."""
    with np.errstate(invalid="ignore"):
        whole = np.abs(values.sum(axis=1) - 1) < SUMS_TO_1
        wrong = ~(whole & (values >= 0).all(axis=1) & (values <= 1 + SUMS_TO_1).all(axis=1))
    if wrong.any():
        first = ", ".join(f"{x:g}" for x in values[wrong.argmax()])
        raise ValueError(
            f"{wrong.sum()} of {len(values)} rows hold no probabilities of the classes that sum to "
            f"1, the first of them {first}; a training that diverged writes such"
        )


def read_metrics(run_id: str, config: RunConfig) -> dict[str, Any]:
    """metrics.json of a finished run.

    Raises:
        InputError: it does not read, or lacks a number.
    """
    path = run_folders.folder(run_id) / "metrics.json"
    with reading.reading(path, run_folders.MEND):
        found = reading.json_object(path, run_folders.MEND)
        for key in ("n_train", "n_validation", "n_test", "seconds"):
            reading.check_number(found, key, 0)
        reading.check_number(found, "accuracy", 0, 1)
        ends = found.get("accuracy_ci")
        if not isinstance(ends, list) or [reading.is_number(x, 0, 1) for x in ends] != [True] * 2:
            raise ValueError(f"accuracy_ci: expected two numbers from 0 to 1, found {ends!r:.60}")
        of_language = reading.as_object(found.get("accuracy_by_language"))
        for language in config.languages:
            one = reading.as_object(of_language.get(language))
            for key in ("accuracy", "low", "high"):
                reading.check_number(one, key, 0, 1)
            reading.check_number(one, "n", 0)
        training = reading.as_object(found.get("training"))
        for key in ("best_epoch", "validation_loss"):
            if training.get(key) != training.get(key):  # not a number: the training diverged
                training[key] = None
            reading.check_number(training, key, none=True)
    return found


def read_base_values(run_id: str, config: RunConfig) -> tuple[np.ndarray, np.ndarray] | None:
    """All-mask outputs (structures x classes), and how many test texts have each; None if missing.

    Raises:
        InputError: the file does not read.
    """
    path = run_folders.folder(run_id) / "base_values.parquet"
    if not path.exists():
        return None
    columns = [probability_column(label) for label in config.labels]
    with reading.reading(path, ANEW):
        frame = sql.query("SELECT * FROM read_parquet(?)", [str(path)])
        _check_columns(frame, ["texts", *columns])
        values = frame[columns].to_numpy(dtype=float)
        _check_probabilities(values)
        texts = frame["texts"].to_numpy(dtype=float)
        if not len(texts) or not (texts > 0).all():
            raise ValueError("column texts holds something else than numbers from 1 on")
    return values, texts


def read_probes(run_id: str) -> dict[str, dict[str, Any]]:
    """Language identification probes by kind of texts; empty if missing.

    Older versions wrote a control task that no model could have learned; it is left out.

    Raises:
        InputError: the file does not read, or lacks a number.
    """
    path = run_folders.folder(run_id) / "probes.json"
    if not path.exists():
        return {}
    with reading.reading(path, ANEW):
        found = reading.json_object(path, ANEW)
        for kind, values in found.items():
            probe = reading.as_object(values)
            try:
                for key in ("accuracy", "accuracy_released", "knn", "chance"):
                    reading.check_number(probe, key, 0, 1)
                for key in ("n", "dimension", "folds"):
                    reading.check_number(probe, key, 0)
                for key in ("", "_released", "_knn"):
                    reading.check_number(probe, f"before_fine_tuning{key}", 0, 1, none=True)
            except ValueError as error:
                raise ValueError(f"{kind}: {error}") from error
            for key in ("control", "selectivity"):
                probe.pop(key, None)
    return found


def read_vectors(run_id: str, rows: list[str]) -> np.ndarray:
    """CLS vectors (rows x dimension) of these test rows of a run, in their order.

    Raises:
        InputError: the file does not read, lacks a row, or its vectors differ in length.
    """
    path = run_folders.folder(run_id) / "embeddings.parquet"
    with reading.reading(path, run_folders.MEND):
        frame = sql.query(
            "SELECT row, cls FROM read_parquet(?) WHERE row IN (SELECT unnest(?))",
            [str(path), rows],
        )
        if missing := set(rows) - set(frame["row"]):
            raise ValueError(f"{len(missing)} of {len(rows)} test rows are missing")
        if len(frame) != len(rows):
            raise ValueError("test rows stand in it more than once")
        return np.stack(frame.set_index("row").loc[rows, "cls"].to_list())


def probability_column(label: str) -> str:
    """Name of a class's column in predictions.parquet."""
    return f"p_{label}"
