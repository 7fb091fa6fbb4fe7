"""Stored attributions of several runs on the same tokens, summed over token groups.

Files are read and put in order once; another threshold then takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.attribution import store
from core.config import RunConfig
from core.measures.cumulative import Differences


@dataclass(frozen=True, eq=False)
class Together:
    """Attributions of runs on the texts that all of them have, in the same tokens.

    Attributes:
        rows: one a text: `row`, `sentence`, `language`, `label`.
        labels, languages: in the order of the corpus.
        owner: of each value, the number of its text and class.
        content: of each value, whether its token is one of the text's (`partition` has values of
            special tokens too).
        values: by run, all tokens of all texts and classes in a row.
        base, output: by run, texts x classes.
    """

    rows: pd.DataFrame
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    owner: np.ndarray
    content: np.ndarray
    values: Mapping[str, np.ndarray]
    base: Mapping[str, np.ndarray]
    output: Mapping[str, np.ndarray]

    def differences(
        self, reference: str, other: str, threshold: float, choosers: Sequence[str]
    ) -> Differences:
        """What two runs differ by, in the token groups that other runs choose.

        Args:
            reference, other: run ids.
            threshold: of the token groups; neutral is the closed interval.
            choosers: run ids; of several, each part is the mean over their groupings.
        """
        moved = self.values[other] - self.values[reference]
        positive = np.mean([self.values[run] > threshold for run in choosers], axis=0)
        negative = np.mean([self.values[run] < -threshold for run in choosers], axis=0)
        groups = (positive, negative, 1 - positive - negative)
        base = self.base[other] - self.base[reference]
        return Differences(
            self.rows,
            self.labels,
            self.languages,
            np.stack([*(self._summed(moved * group) for group in groups), base], axis=-1),
            np.stack([self._summed(group * self.content) for group in groups], axis=-1),
            self.output[other] - self.output[reference],
        )

    def neutral(
        self, reference: str, other: str, thresholds: Sequence[float], choosers: Sequence[str]
    ) -> Differences:
        """What two runs differ by on neutral tokens at each threshold: `parts` are texts x classes
        x (thresholds, base), `tokens` texts x classes x thresholds.

        Args:
            thresholds: in ascending order; infinity makes all tokens neutral.
        """
        moved = self.values[other] - self.values[reference]
        sums = np.zeros((2, *self.output[other].shape, len(thresholds)))
        for run in choosers:
            # A token is neutral from the first threshold on that its value does not exceed.
            first = np.searchsorted(thresholds, np.abs(self.values[run]), side="left")
            for i, amount in enumerate((moved, self.content.astype(float))):
                cells = self._summed(amount, first, len(thresholds) + 1)
                sums[i] += np.cumsum(cells, axis=-1)[..., :-1] / len(choosers)
        base = self.base[other] - self.base[reference]
        return Differences(
            self.rows,
            self.labels,
            self.languages,
            np.concatenate([sums[0], base[..., None]], axis=-1),
            sums[1],
            self.output[other] - self.output[reference],
        )

    def _summed(
        self, amount: np.ndarray, place: np.ndarray | None = None, places: int = 1
    ) -> np.ndarray:
        """Sums over the tokens of each text and class, by place where there is one."""
        texts, classes = len(self.rows), len(self.labels)
        at = self.owner if place is None else self.owner * places + place
        sums = np.bincount(at, weights=amount, minlength=texts * classes * places)
        return sums.reshape((texts, classes) if place is None else (texts, classes, places))


def together(runs: Sequence[str], key: str, config: RunConfig) -> Together | None:
    """The runs' attributions on the texts that all have in the same tokens; None without a text.

    Args:
        runs: run ids.
        key: method and budget.
        config: of one of the runs: its labels and languages.

    Raises:
        InputError: a file does not read.
    """
    distinct = tuple(dict.fromkeys(runs))
    stamps = tuple(_stamp(run, key) for run in distinct)
    return _together(distinct, key, stamps, config.labels, config.languages)


@lru_cache(maxsize=64)
def _together(
    runs: tuple[str, ...],
    key: str,
    stamps: tuple[str, ...],
    labels: tuple[str, ...],
    languages: tuple[str, ...],
) -> Together | None:
    tables = [_table(run, key, stamp) for run, stamp in zip(runs, stamps, strict=True)]
    for run, table in zip(runs, tables, strict=True):
        store.check_texts(table, run, key, labels, languages)
    first = tables[0]
    if not all(first["row"].equals(other["row"]) for other in tables[1:]):
        common = set.intersection(*(set(other["row"].to_pylist()) for other in tables))
        wanted = pa.array(sorted(common), pa.string())
        tables = [table.filter(pc.is_in(table["row"], wanted)) for table in tables]
        first = tables[0]
    if not all(first["tokens"].equals(other["tokens"]) for other in tables[1:]):
        columns = zip(*(table["tokens"].to_pylist() for table in tables), strict=True)
        same = pa.array([all(x == cut[0] for x in cut) for cut in columns], pa.bool_())
        tables = [table.filter(same) for table in tables]
        first = tables[0]
    if not first.num_rows:
        return None
    # Rows are in the order of the classes' names within a text; the measures want the corpus's.
    classes = len(labels)
    order = np.argsort(np.argsort(labels, kind="stable"))
    column = first["values"].combine_chunks()
    lengths = pc.list_value_length(column).to_numpy()
    place = np.argsort(order)[np.arange(first.num_rows) % classes]
    owner = np.repeat(np.arange(first.num_rows) // classes * classes + place, lengths)
    content = first["words"].combine_chunks().flatten().to_numpy() >= 0
    frame = first.select(["row", "sentence", "language", "label"])
    rows = frame.take(np.arange(0, first.num_rows, classes)).to_pandas()
    there = set(rows["language"])

    def by_text(name: str) -> dict[str, np.ndarray]:
        cubes = (table[name].to_numpy().reshape(-1, classes)[:, order] for table in tables)
        return dict(zip(runs, cubes, strict=True))

    flat = (table["values"].combine_chunks().flatten().to_numpy() for table in tables)
    return Together(
        rows,
        labels,
        tuple(language for language in languages if language in there),
        owner,
        content,
        dict(zip(runs, flat, strict=True)),
        by_text("base"),
        by_text("output"),
    )


def _stamp(run_id: str, key: str) -> str:
    """Changes with a run's files, so that they are read again."""
    return " ".join(f"{p} {Path(p).stat().st_mtime_ns}" for p in store.files([run_id], key))


@lru_cache(maxsize=64)
def _table(run_id: str, key: str, stamp: str) -> pa.Table:
    """A run's attributions, ordered by text and class."""
    return store.table(run_id, key)
