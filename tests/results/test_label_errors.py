from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.checkpoints import run_folders, studies
from core.errors import InputError
from core.results import label_errors
from tests.helpers.started import small_study


def test_flagged_rows_are_those_of_the_mean_of_balanced_runs(done) -> None:
    """Against the files of the runs, read plainly."""
    shares, rows, runs = label_errors.of_study(small_study(), None)
    balanced = [studies.run_ids("small")[i] for i in (0, 3)]  # with its null
    assert runs == len(balanced)
    tables = [
        pq.read_table(run_folders.folder(run) / "predictions.parquet").to_pandas().set_index("row")
        for run in balanced
    ]
    columns = [c for c in tables[0] if c.startswith("p_")]
    mean = np.mean([t.loc[tables[0].index, columns] for t in tables], axis=0)
    at = tables[0].index.get_indexer(rows["row"])
    assert rows["p suggested"].to_numpy() == pytest.approx(mean.max(axis=1)[at])
    labels = [c.removeprefix("p_") for c in columns]
    assert rows["suggested"].tolist() == [labels[i] for i in mean.argmax(axis=1)[at]]
    assert shares.loc[shares["label"] == "all", "n"].sum() == len(tables[0])
    assert len(rows) == shares.loc[shares["label"] == "all", "flagged"].sum()


def test_a_study_without_balanced_runs_says_so(done, monkeypatch) -> None:
    monkeypatch.setattr(label_errors, "BALANCED", ())
    with pytest.raises(InputError, match="no finished balanced run"):
        label_errors.of_study(small_study(), None)
