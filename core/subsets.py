"""The rows of a corpus that a run takes."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core import joint
from core.config import RunConfig
from core.corpus import Corpus

# The test set is one for all runs of a study, whatever their seeds.
TEST_SEED = 0


def training_counts(config: RunConfig, split: str) -> pd.DataFrame:
    """Rows of each cell that a run takes from a split; the test set's are uniform."""
    shares = config.shares_table()
    if split == "test":
        shares = pd.DataFrame(1.0, index=shares.index, columns=shares.columns)
    per_language = getattr(config, f"{split}_per_language")
    return joint.allocate(per_language * len(shares), shares)


def subset(config: RunConfig, corpus: Corpus, split: str) -> list[str]:
    """Row ids that a run takes from a split."""
    test = split == "test"
    return joint.sample(
        corpus.rows(split),
        training_counts(config, split),
        seed=TEST_SEED if test else config.seed,
        by="sentence" if test else "row",
    )


def rows_of(corpus: Corpus, ids: list[str]) -> pa.Table:
    """The corpus's rows with these ids, in the corpus's order."""
    return corpus.table.filter(pc.is_in(corpus.table["row"], value_set=pa.array(ids)))
