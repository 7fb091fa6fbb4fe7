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
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.checkpoints import run_folders
from core.storage import atomic, reading

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
_LISTS = ("tokens", "positions", "words", "values")  # with an entry a token
_MEND = "delete it and attribute the study again, which computes only what is missing"


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
        rows = reading.parquet_rows(path, _MEND, _SCHEMA.names)
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
    paths = files([run_id], name)
    if not paths:
        return _SCHEMA.empty_table()
    table = pa.concat_tables([_read(path) for path in paths])
    return table.sort_by([("row", "ascending"), ("class", "ascending")])


def check_texts(
    table: pa.Table, run_id: str, name: str, labels: Sequence[str], languages: Sequence[str]
) -> None:
    """Refuse a table (from `table`) whose texts have not every class once, with the same tokens.

    Raises:
        InputError: naming the folder.
    """
    with reading.reading(folder(run_id, name), _MEND):
        texts, classes = divmod(table.num_rows, len(labels))
        if classes or table["class"].to_pylist() != sorted(labels) * texts:
            raise ValueError(f"a text has other classes than {', '.join(labels)}, each once")
        # The first row of each text, as often as the text has rows.
        first = table.take(pa.array(range(0, table.num_rows, len(labels)), pa.int64()))
        again = pa.array([i for i in range(texts) for _ in labels], pa.int64())
        for column in ("row", "sentence", "language", "label", "tokens"):
            if first[column].take(again).to_pylist() != table[column].to_pylist():
                raise ValueError(f"a text has another {column} for one class than for another")
        if len(set(first["row"].to_pylist())) < texts:
            raise ValueError("a text stands in it twice")
        for column, known in (("language", languages), ("label", labels)):
            if wrong := sorted(set(first[column].to_pylist()) - set(known)):
                raise ValueError(f"{column} has {', '.join(wrong[:3])}; expected {known}")


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
    for path in paths:
        _check(path, Path(path).stat().st_mtime_ns)
    return reading.query(table + sql, [list(paths), *parameters], paths, _MEND)


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
    atomic.make_folder(target)
    number = max((int(p.stem) for p in target.glob("*.parquet") if p.stem.isdigit()), default=-1)
    with atomic.replacing(target / f"{number + 1:05d}.parquet") as partial:
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), partial, compression="zstd")


@lru_cache(maxsize=10_000)
def _check(path: str, changed: int) -> None:
    """Refuse a file that does not read; each is looked through once, until it changes."""
    _read(path)


def _read(path: str) -> pa.Table:
    """What a file holds.

    Raises:
        InputError: it does not read, or what it says of a text does not fit together.
    """
    with reading.reading(path, _MEND):
        table = pq.read_table(path)
        if missing := [name for name in _SCHEMA.names if name not in table.column_names]:
            raise ValueError(f"column {', '.join(missing)} is missing")
        table = table.select(_SCHEMA.names).cast(_SCHEMA)
        lengths = [pc.list_value_length(table[name]) for name in _LISTS]
        if any(table[name].null_count for name in _SCHEMA.names if name != "errors"):
            raise ValueError("a value is missing")
        if any(not length.equals(lengths[0]) for length in lengths[1:]):
            raise ValueError("a text has not as many values as tokens")
        numbers = [table["base"], table["output"], pc.list_flatten(table["values"])]
        if not all(pc.all(pc.is_finite(column)).as_py() in (True, None) for column in numbers):
            raise ValueError("a value is no number")
        for name in _LISTS:
            if pc.list_flatten(table[name]).null_count:
                raise ValueError(f"{name} of a text are missing")
        return table
