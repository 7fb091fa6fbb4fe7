"""The rows that the runs of a study took, and how many of them two runs share."""

from __future__ import annotations

import pandas as pd

from core.checkpoints import run_folders
from core.checkpoints.studies import Started
from core.sampling.subsets import training_counts
from core.storage import reading


def shared_rows(study: Started, split: str) -> pd.DataFrame:
    """Rows of a split that two runs of a study share, a pair a row.

    `run`, `other`, `n`, and `largest`, the most that their designs allow: the sum over cells of the
    smaller count (paper, section 2.1). Runs without a subset.parquet (imported ones), or whose
    config does not read, are left out.

    Args:
        split: train or validation.

    Raises:
        InputError: a file does not read.
    """
    configs = study.configs
    files = {run: run_folders.folder(run) / "subset.parquet" for run in configs}
    there = {run: path for run, path in files.items() if path.exists()}
    if not there:
        return pd.DataFrame(columns=["run", "other", "n", "largest"])
    frame = reading.query(
        """
        WITH taken AS (
            SELECT parse_path(filename)[-2] AS run, row
            FROM read_parquet(?, filename = true) WHERE split = ?
        )
        SELECT a.run AS run, b.run AS other, count(*) AS n
        FROM taken a JOIN taken b USING (row) GROUP BY ALL
        """,
        [[str(path) for path in there.values()], split],
        list(there.values()),
        run_folders.MEND,
    )
    pairs = pd.DataFrame([(a, b) for a in there for b in there], columns=["run", "other"])
    frame = pairs.merge(frame, how="left").fillna({"n": 0}).astype({"n": int})
    counts = {run: training_counts(configs[run], split) for run in there}
    largest = [
        int(counts[a].where(counts[a] < counts[b], counts[b]).to_numpy().sum())
        for a, b in pairs.itertuples(index=False)
    ]
    return frame.assign(largest=largest)


def designs(study: Started) -> dict[str, pd.DataFrame]:
    """Rows by language and label of each design of a study, by what it is called.

    Returns:
        `balanced, train`, `balanced, validation`, and the same of `imbalanced`, as far as there
        are such runs whose config reads.
    """
    found: dict[str, pd.DataFrame] = {}
    for config in study.configs.values():
        for split in ("train", "validation"):
            if config.rows(split):
                name = f"{'imbalanced' if config.skewed else 'balanced'}, {split}"
                found.setdefault(name, training_counts(config, split))
    return found
