"""`index.duckdb`: a published snapshot of all runs, for users of the DuckDB shell and of pandas.

Built in a temporary file and renamed over the old one, so that nobody who has it open waits for a
lock or sees half of it. It holds nothing that the run folders do not; deleting it loses nothing.
"""

from __future__ import annotations

import json
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints import outputs, run_folders, studies
from core.checkpoints.studies import Started
from core.errors import InputError
from core.results.measure_rows import COLUMNS, measure_rows
from core.results.study_results import summary
from core.storage import atomic, disk, places, reading
from core.terminal import say


def publish() -> Path:
    """Write the snapshot anew and return its path.

    Tables: `runs` (one row a run: id, state, message, config and metrics as JSON, and the columns
    one filters by), `studies` (study, run), `measures` (what a study measures of its finished runs:
    one row a study, run, measure, language and class, see `measure_rows`) and `predictions` (a view
    straight over the finished runs' parquet files: run, row, sentence, language, label and one
    column a class).
    """
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    listed = run_folders.list_runs()
    runs = pd.DataFrame([_row(r) for r in listed.to_dict("records")], columns=_COLUMNS)
    started = _started()
    members = pd.DataFrame(
        [(study.name, member.run) for study in started for member in study.members],
        columns=["study", "run"],
    )
    measured = [pd.DataFrame(columns=list(COLUMNS)), *map(_measures, started)]
    measures = pd.concat(measured, ignore_index=True)
    finished = [
        str(file.resolve())
        for run in listed.loc[listed["state"] == "done", "run"]
        if _fits(file := run_folders.folder(run) / "predictions.parquet")
    ]
    with atomic.replacing(target) as partial, duckdb.connect(str(partial)) as connection:
        connection.register("found_runs", runs.astype(object))
        connection.execute(f"CREATE TABLE runs ({_TYPES})")
        connection.execute("INSERT INTO runs SELECT * FROM found_runs")
        connection.register("found_members", members.astype(object))
        connection.execute("CREATE TABLE studies (study VARCHAR, run VARCHAR)")
        connection.execute("INSERT INTO studies SELECT * FROM found_members")
        connection.register("found_measures", measures.astype(object))
        connection.execute(f"CREATE TABLE measures ({_MEASURE_TYPES})")
        connection.execute("INSERT INTO measures SELECT * FROM found_measures")
        if finished:
            files = ", ".join("'" + f.replace("'", "''") + "'" for f in finished)
            connection.execute(
                "CREATE VIEW predictions AS SELECT parse_path(filename)[-2] AS run, * "
                f"EXCLUDE (filename) FROM read_parquet([{files}], filename = true, "
                "union_by_name = true)"
            )
    return target


@dataclass(frozen=True)
class Snapshot:
    """What the index says of finished runs.

    Attributes:
        measures: a row a study, run and measure over all languages and classes: `study`, `run`,
            `measure`, `value`, `low`, `high`, `n`.
        trained: a row a run: `run`, `seconds` and `training` (rows).
    """

    measures: pd.DataFrame
    trained: pd.DataFrame


def path() -> Path:
    """Of the index, whether it is there or not."""
    return places.checkpoints_dir() / "index.duckdb"


def read() -> Snapshot:
    """The index as it was published last; empty where there is none, or none that reads."""
    measures = pd.DataFrame(columns=["study", "run", "measure", "value", "low", "high", "n"])
    trained = pd.DataFrame(columns=["run", "seconds", "training"])
    with suppress(duckdb.Error), duckdb.connect(str(path()), read_only=True) as connection:
        measures = connection.execute(
            "SELECT study, run, measure, value, low, high, n FROM measures "
            'WHERE "language" IS NULL AND class IS NULL AND value IS NOT NULL'
        ).df()
        trained = connection.execute(
            "SELECT run, TRY_CAST(metrics->>'seconds' AS DOUBLE) AS seconds, "
            "TRY_CAST(metrics->>'n_train' AS BIGINT) AS training FROM runs WHERE state = 'done'"
        ).df()
    return Snapshot(measures, trained)


def refresh() -> None:
    """Publish, for who has done something else: where that fails it is said, and nothing more."""
    try:
        publish()
    except Exception as error:  # it can be written at any time; what was done stays done
        if disk.trouble(error) is None and not isinstance(error, (InputError, duckdb.Error)):
            traceback.print_exc()  # a defect of ours
        with suppress(OSError):  # nor perhaps can this
            why = disk.trouble(error) or run_folders.describe(error)
            what = f"index.duckdb was not written ({why}); `python -m core index` writes it."
            say(f"langskew: {what}", file=sys.stderr)


def _fits(file: Path) -> bool:
    """Whether a view over many files can have this one: its columns have the usual types."""
    with suppress(InputError), reading.reading(file, run_folders.MEND):
        columns = {field.name: field.type for field in pq.read_schema(file)}
        texts = {columns.pop(name, None) for name in outputs.ROW_COLUMNS}
        return texts <= {pa.string(), pa.large_string()} and all(
            pa.types.is_floating(kind) for kind in columns.values()
        )
    return False


_TYPES = (
    "run VARCHAR, state VARCHAR, message VARCHAR, setup VARCHAR, seed INTEGER, corpus VARCHAR, "
    "encoder VARCHAR, accuracy DOUBLE, config JSON, metrics JSON"
)
_MEASURE_TYPES = (
    'study VARCHAR, run VARCHAR, measure VARCHAR, "language" VARCHAR, class VARCHAR, '
    "value DOUBLE, low DOUBLE, high DOUBLE, n BIGINT, unit VARCHAR"
)
_COLUMNS = [column.split()[0] for column in _TYPES.split(", ")]


def _row(listed: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {k: (None if v != v else v) for k, v in listed.items()}
    for name in ("config", "metrics"):
        file = run_folders.folder(str(row["run"])) / f"{name}.json"
        row[name] = None
        with suppress(InputError):  # the row's state and message say what is wrong
            row[name] = json.dumps(reading.json_object(file, run_folders.MEND))
    return row


def _started() -> list[Started]:
    found = []
    for name in studies.started():
        with suppress(InputError):  # a study file that does not read stands for no runs
            found.append(studies.read_started(name))
    return found


def _measures(study: Started) -> pd.DataFrame:
    with suppress(InputError):  # a study of which nothing reads has no measures
        return measure_rows(summary(study))
    return pd.DataFrame(columns=list(COLUMNS))
