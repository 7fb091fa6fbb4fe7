"""Stored attributions of pairs of runs, summed over token groups.

Files are read and put in order once; another threshold then takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.attribution import store
from core.config import RunConfig
from core.measures.cumulative import Differences


def between(
    pairs: Sequence[tuple[str, str]], key: str, threshold: float, config: RunConfig
) -> dict[tuple[str, str], Differences]:
    """Differences of pairs of runs (reference, other) on the texts that both have.

    Texts that the two cut into different tokens are left out, as are pairs without a text.

    Args:
        key: method and budget.
        threshold: of the token groups; neutral is the closed interval.
        config: of one of the runs: its labels and languages.

    Raises:
        InputError: a file does not read.
    """
    found = {}
    for reference, other in pairs:
        a, b = (_table(run, key, _stamp(run, key)) for run in (reference, other))
        if not a["row"].equals(b["row"]):
            a, b = a.filter(pc.is_in(a["row"], b["row"])), b.filter(pc.is_in(b["row"], a["row"]))
        if not a["tokens"].equals(b["tokens"]):
            both = zip(a["tokens"].to_pylist(), b["tokens"].to_pylist(), strict=True)
            same = pa.array([x == y for x, y in both], pa.bool_())
            a, b = a.filter(same), b.filter(same)
        if a.num_rows:
            found[reference, other] = _differences(a, b, threshold, config)
    return found


def _differences(a: pa.Table, b: pa.Table, threshold: float, config: RunConfig) -> Differences:
    values, offsets = _flat(a)
    moved = _flat(b)[0] - values
    groups = (values > threshold, values < -threshold, np.abs(values) <= threshold)
    sums = [_summed(moved * group, offsets) for group in groups]
    # `partition` has values of special tokens too; they are no tokens of the text.
    content = a["words"].combine_chunks().flatten().to_numpy() >= 0
    counts = [_summed((group & content).astype(float), offsets) for group in groups]
    base, output = (b[c].to_numpy() - a[c].to_numpy() for c in ("base", "output"))
    # Rows are in the order of the classes' names within a text; the measures want the corpus's.
    classes = len(config.labels)
    order = np.argsort(np.argsort(config.labels, kind="stable"))

    def by_text(columns: Sequence[np.ndarray]) -> np.ndarray:
        cube: np.ndarray = np.stack(columns, axis=-1).reshape(-1, classes, len(columns))
        return cube[:, order]

    rows = a.select(["row", "sentence", "language", "label"]).take(
        np.arange(0, a.num_rows, classes)
    )
    frame = rows.to_pandas()
    there = set(frame["language"])
    return Differences(
        frame,
        config.labels,
        tuple(language for language in config.languages if language in there),
        by_text([*sums, base]),
        by_text(counts),
        by_text([output])[:, :, 0],
    )


def _stamp(run_id: str, key: str) -> str:
    """Changes with a run's files, so that they are read again."""
    return " ".join(f"{p} {Path(p).stat().st_mtime_ns}" for p in store.files([run_id], key))


@lru_cache(maxsize=32)
def _table(run_id: str, key: str, stamp: str) -> pa.Table:
    """A run's attributions, ordered by text and class."""
    return store.table(run_id, key)


def _flat(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """All values in a row, and where each text and class begins; one more offset for the end."""
    column = table["values"].combine_chunks()
    lengths = pc.list_value_length(column).to_numpy()
    return column.flatten().to_numpy(), np.concatenate([[0], np.cumsum(lengths)])


def _summed(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Sums between offsets; 0 where a text has no tokens."""
    running = np.concatenate([[0.0], np.cumsum(values)])
    sums: np.ndarray = running[offsets[1:]] - running[offsets[:-1]]
    return sums
