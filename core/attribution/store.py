"""Attributions on disk: parquet files in the run folder, added to and never rewritten.

`<run>/attributions/<key>/<n>.parquet` (see `key`) holds one row a text and class: the text (`row`,
`sentence`, `language`, `label`), the `class`, its probability for the all-mask input (`base`) and
for the text (`output`), and lists with one entry a token: `tokens`, `positions`, `words`, `values`,
`errors` (null where the method has none). `evaluations` and `seconds` say what the text cost the
model; seconds are shared alike by the models that it was explained for together. A file is written
whole, so that what is there counts after any kind of end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints import run_folders
from core.errors import InputError
from core.storage import atomic
from core.storage import sql as storage_sql

if TYPE_CHECKING:
    from core.attribution.result import Attribution

_SCHEMA = pa.schema(
    {
        "row": pa.string(),
        "sentence": pa.string(),
        "language": pa.string(),
        "label": pa.string(),
        "class": pa.string(),
        "base": pa.float64(),
        "output": pa.float64(),
        "tokens": pa.list_(pa.string()),
        "positions": pa.list_(pa.int32()),
        "words": pa.list_(pa.int32()),
        "values": pa.list_(pa.float64()),
        "errors": pa.list_(pa.float64()),
        "evaluations": pa.int32(),
        "seconds": pa.float64(),
    }
)


def key(method: str, budget: int, tolerance: float = 0.0) -> str:
    """Name of the folder for a method and budget.

    Those of `gaussian_process` end in the tolerance, 0 for none, behind an @. Without it they are
    of a version whose values of a run depended on the runs that it was explained with: still read,
    and never added to.
    """
    name = f"{method}-{budget}"
    return f"{name}@{tolerance:g}" if method == "gaussian_process" else name


def folder(run_id: str, name: str) -> Path:
    """Where a run's attributions by one method and budget are."""
    return run_folders.folder(run_id) / "attributions" / name


def files(run_ids: Sequence[str], name: str) -> list[str]:
    """The files of these runs by one method and budget."""
    return [str(path) for run in run_ids for path in sorted(folder(run, name).glob("*.parquet"))]


def kept(run_id: str) -> dict[str, int]:
    """Texts that a run has attributions of, by method and budget; cheap, for pages.

    Raises:
        InputError: a file, or the run's config, does not read.
    """
    found: dict[str, int] = {}
    for path in sorted((run_folders.folder(run_id) / "attributions").glob("*/*.parquet")):
        try:
            rows = pq.read_metadata(path).num_rows
        except (OSError, pa.ArrowException) as error:
            raise InputError(_broken(str(path))) from error
        found[path.parent.name] = found.get(path.parent.name, 0) + rows
    if not found:
        return {}
    classes = len(run_folders.read_config(run_id).labels)
    return {name: rows // classes for name, rows in found.items()}


def done(run_id: str, name: str) -> set[str]:
    """Row ids of the texts that a run has attributions of.

    Raises:
        InputError: a file does not read.
    """
    paths = files([run_id], name)
    if not paths:
        return set()
    return set(read("SELECT DISTINCT row FROM attributions", paths)["row"])


def table(run_id: str, name: str) -> pa.Table:
    """What a run has by one method and budget, ordered by `row` and `class`; maybe no rows.

    Raises:
        InputError: a file does not read.
    """
    columns = ["row", "class", "sentence", "language", "label", "base", "output", "tokens"]
    parts = []
    for path in files([run_id], name):
        try:
            parts.append(pq.read_table(path, columns=[*columns, "words", "values"]))
        except (OSError, pa.ArrowException) as error:
            raise InputError(_broken(path)) from error
    if not parts:
        return _SCHEMA.empty_table()
    return pa.concat_tables(parts).sort_by([("row", "ascending"), ("class", "ascending")])


def read(sql: str, paths: Sequence[str], parameters: Sequence[Any] = ()) -> pd.DataFrame:
    """Answer SQL over attribution files.

    Args:
        sql: about the table `attributions`: the files' columns and `run`.
        paths: from `files`; not empty.
        parameters: for the `?` in the statement.

    Raises:
        InputError: a file does not read.
    """
    table = (
        "WITH attributions AS (SELECT parse_path(filename)[-4] AS run, * EXCLUDE (filename) "
        "FROM read_parquet(?, filename = true)) "
    )
    try:
        return storage_sql.query(table + sql, [list(paths), *parameters])
    except duckdb.Error as error:
        broken = next((p for p in paths if not _reads(p)), None)
        if broken is None:
            raise
        raise InputError(_broken(broken)) from error


def write(
    run_id: str,
    name: str,
    texts: Sequence[dict[str, str]],
    attributions: Sequence[Attribution],
    labels: Sequence[str],
    seconds: float,
) -> None:
    """Add a file with these texts.

    Args:
        texts: `row`, `sentence`, `language`, `label` of each.
        attributions: of each text, by this run.
        labels: class names in the order of the columns.
        seconds: that each text took each model.
    """
    rows = []
    for text, found in zip(texts, attributions, strict=True):
        for i, label in enumerate(labels):
            rows.append(
                {
                    **text,
                    "class": label,
                    "base": float(found.base[i]),
                    "output": float(found.output[i]),
                    "tokens": list(found.tokens),
                    "positions": found.positions.tolist(),
                    "words": list(found.words),
                    "values": found.values[:, i].tolist(),
                    "errors": None if found.errors is None else found.errors[:, i].tolist(),
                    "evaluations": found.evaluations,
                    "seconds": seconds,
                }
            )
    target = folder(run_id, name)
    target.mkdir(parents=True, exist_ok=True)
    number = max((int(p.stem) for p in target.glob("*.parquet") if p.stem.isdigit()), default=-1)
    with atomic.replacing(target / f"{number + 1:05d}.parquet") as partial:
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), partial, compression="zstd")


def _broken(path: str) -> str:
    return (
        f"{path} does not read; delete it and attribute the study again, which computes only what "
        "is missing."
    )


def _reads(path: str) -> bool:
    """Whether all of a file reads: a footer may, and not what it points to."""
    try:
        pq.read_table(path)
    except (OSError, pa.ArrowException):
        return False
    return True
