"""The rows that the runs of a study took, and how many of them two runs share."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from core.checkpoints import run_folders
from core.errors import InputError
from core.sampling.subsets import training_counts
from core.storage import sql


def shared_rows(runs: Sequence[str], split: str) -> pd.DataFrame:
    """Rows of a split that two runs share: `run`, `other`, `n`, and `largest`, the most possible.

    The most that two designs allow is the sum over cells of the smaller count (paper, section 2.1).

    Args:
        runs: ids; those without a subset.parquet (imported ones), or whose config does not read,
            are left out.
        split: train or validation.

    Raises:
        InputError: a file does not read.
    """
    configs = run_folders.read_configs(runs)
    files = {run: run_folders.folder(run) / "subset.parquet" for run in configs}
    there = {run: path for run, path in files.items() if path.exists()}
    if not there:
        return pd.DataFrame(columns=["run", "other", "n", "largest"])
    try:
        frame = sql.query(
            """
            WITH taken AS (
                SELECT parse_path(filename)[-2] AS run, row
                FROM read_parquet(?, filename = true) WHERE split = ?
            )
            SELECT a.run AS run, b.run AS other, count(*) AS n
            FROM taken a JOIN taken b USING (row) GROUP BY ALL
            """,
            [[str(path) for path in there.values()], split],
        )
    except duckdb.Error as error:
        raise InputError(
            f"a subset.parquet does not read ({error}); delete that run's folder and train it anew."
        ) from error
    pairs = pd.DataFrame([(a, b) for a in there for b in there], columns=["run", "other"])
    frame = pairs.merge(frame, how="left").fillna({"n": 0}).astype({"n": int})
    counts = {run: training_counts(configs[run], split) for run in there}
    largest = [
        int(counts[a].where(counts[a] < counts[b], counts[b]).to_numpy().sum())
        for a, b in pairs.itertuples(index=False)
    ]
    return frame.assign(largest=largest)


def designs(runs: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Rows by language and label of each design of a study, by what it is called.

    Args:
        runs: ids; one run of each design is enough.

    Returns:
        `balanced, train`, `balanced, validation`, and the same of `imbalanced`, as far as there
        are such runs whose config reads.
    """
    found: dict[str, pd.DataFrame] = {}
    for config in run_folders.read_configs(runs).values():
        for split in ("train", "validation"):
            if getattr(config, f"{split}_per_language"):
                name = f"{'imbalanced' if config.skewed else 'balanced'}, {split}"
                found.setdefault(name, training_counts(config, split))
    return found
