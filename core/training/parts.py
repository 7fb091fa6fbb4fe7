"""The rows of a run, in the orders in which they are used."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.config import RunConfig
from core.corpora.corpus import Corpus
from core.sampling.subsets import rows_of, subset
from core.storage import atomic


def parts_of(config: RunConfig, corpus: Corpus) -> dict[str, pa.Table]:
    """Rows of a run by split."""
    parts = {}
    for split in ("train", "validation", "test"):
        part = rows_of(corpus, subset(config, corpus, split))
        # Training must not hang on the order of a file; the test set keeps the corpus's order.
        part = part if split == "test" else part.sort_by("row")
        if split == "validation":  # of like length together: less padding, the same mean loss
            lengths = pc.utf8_length(part["text"])
            part = part.take(pc.sort_indices(lengths))
        parts[split] = part
    return parts


def write_subset(path: Path, parts: dict[str, pa.Table]) -> None:
    """Write which rows a run has, into its folder."""
    table = pa.concat_tables([part.select(["row", "split"]) for part in parts.values()])
    with atomic.replacing(path / "subset.parquet") as partial:
        pq.write_table(table, partial, compression="zstd")
