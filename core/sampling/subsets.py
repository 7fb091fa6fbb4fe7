"""Subsets: how many rows a design takes of each cell, and which.

Sampling orders the rows of each cell once by a seeded hash of their ids and takes the first n:
every design of a study draws from the same order, so two subsets share sum over cells of min(n1,
n2) rows, the largest overlap there can be (paper, section 2.1), without one having to know of the
other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.config import RunConfig
from core.corpora.corpus import Corpus
from core.errors import InputError


def allocate(total: int, shares: pd.DataFrame) -> pd.DataFrame:
    """Whole counts that sum to `total`: largest remainder over languages, then within each.

    Two steps, so that languages with equal shares get equal numbers. Ties go to the earlier one.
    """
    by_language = _largest_remainder(np.array([total]), shares.sum(axis=1).to_numpy()[None])[0]
    cells = _largest_remainder(by_language, shares.to_numpy())
    return pd.DataFrame(cells, index=shares.index, columns=shares.columns).astype(int)


def _largest_remainder(totals: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Whole counts in each row of `shares` (rows x k) that sum to its total; 0 without a share."""
    sums = shares.sum(axis=1, keepdims=True)
    # Rounding keeps remainders that are equal on paper equal in floating point.
    exact = np.round(totals[:, None] * shares / np.where(sums > 0, sums, 1), 9)
    counts = np.floor(exact).astype(int)
    order = np.argsort(-(exact - counts), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    missing = np.where(sums[:, 0] > 0, totals, 0) - counts.sum(axis=1)
    found: np.ndarray = counts + (rank < missing[:, None])
    return found


def fits(per_language: int, shares: pd.DataFrame, available: pd.DataFrame) -> bool:
    """Whether every cell holds the rows that the design asks of it."""
    wanted = allocate(per_language * len(shares), shares)
    return bool((wanted <= available).to_numpy().all())


def largest_size(designs: Sequence[pd.DataFrame], available: pd.DataFrame) -> int:
    """The largest number of rows a language for which every design fits the available counts.

    Rows a language are the mean over languages where a design's languages differ in size.
    """
    bounds = [
        available.loc[lang, label] / (len(shares) * shares.loc[lang, label])
        for shares in designs
        for lang in shares.index
        for label in shares.columns
        if shares.loc[lang, label] > 0
    ]
    # Rounding can allow or forbid one row more than the bound; it is not monotone, so look down.
    size = int(min(bounds)) + 2
    while size > 0 and not all(fits(size, shares, available) for shares in designs):
        size -= 1
    return size


def sample(rows: pd.DataFrame, counts: pd.DataFrame, seed: int, by: str = "row") -> list[str]:
    """Row ids of a subset with exactly `counts` rows in each cell, ordered by id.

    Args:
        rows: `row`, `language`, `label`, `sentence` of one split.
        counts: rows wanted of each cell.
        seed: fixes the order from which every design takes its first rows.
        by: `row` draws each language's texts independently of the others'; `sentence` draws the
            same sentences in every language that has them.

    Raises:
        InputError: a cell holds fewer rows than wanted.
    """
    # Digests as numbers have the order of their bytes, and sort ten times as fast.
    number, values = pd.factorize(rows[by])
    hashed = [
        hashlib.blake2b(f"{seed} {value}".encode(), digest_size=8).digest() for value in values
    ]
    keys = np.frombuffer(b"".join(hashed), dtype=">u8").astype(np.uint64)
    ordered = rows.assign(key=keys[number])
    unique = len(set(keys.tolist())) == len(rows)
    ordered = ordered.sort_values("key" if unique else ["key", "row"])
    chosen: list[str] = []
    cells = {cell: group["row"] for cell, group in ordered.groupby(["language", "label"])}
    for language in counts.index:
        for label in counts.columns:
            wanted = int(counts.loc[language, label])
            ids = cells.get((language, label), pd.Series(dtype=str))
            if wanted > len(ids):
                raise InputError(
                    f"({language}, {label}) has {len(ids)} rows, {wanted} are wanted; ask for "
                    "fewer rows a language."
                )
            chosen += ids.iloc[:wanted].tolist()
    return sorted(chosen)


# The test set is one for all runs of a study, whatever their seeds.
TEST_SEED = 0


def training_counts(config: RunConfig, split: str) -> pd.DataFrame:
    """Rows of each cell that a run takes from a split; the test set's are uniform or as found."""
    shares = config.test_table() if split == "test" else config.shares_table()
    return allocate(config.rows(split), shares)


def weights_of_test(config: RunConfig) -> pd.DataFrame | None:
    """Weight of a test row of each cell: target share / share in the test set.

    None where the run has no target, and every row counts once. The mean over the test rows is 1. A
    cell without test rows has no weight (0); a plan refuses it where the target has a share there.
    """
    target = config.target_table()
    if target is None:
        return None
    counts = training_counts(config, "test")
    share = counts / counts.to_numpy().sum()
    return (target / target.to_numpy().sum() / share.where(share > 0)).fillna(0.0)


def effective_test_rows(config: RunConfig) -> float:
    """How many test rows of equal weight tell as much (Kish 1965); all, where none has a weight."""
    weights = weights_of_test(config)
    if weights is None:
        return float(config.rows("test"))
    counts = training_counts(config, "test")
    sums, squares = (float((counts * w).to_numpy().sum()) for w in (weights, weights**2))
    return sums**2 / squares


def subset(config: RunConfig, corpus: Corpus, split: str) -> list[str]:
    """Row ids that a run takes from a split."""
    test = split == "test"
    return sample(
        corpus.rows(split),
        training_counts(config, split),
        seed=TEST_SEED if test else config.seed,
        by="sentence" if test else "row",
    )


def rows_of(corpus: Corpus, ids: list[str]) -> pa.Table:
    """The corpus's rows with these ids, in the corpus's order."""
    return corpus.table.filter(pc.is_in(corpus.table["row"], value_set=pa.array(ids)))


def sample_external(table: pd.DataFrame, per_language: int = 1000, seed: int = 0) -> list[str]:
    """Row ids of an external corpus for the probe, sorted: the same number of each language.

    The paper takes 1,000 Wikipedia articles a language. The smallest language caps the number. Rows
    are chosen by a seeded hash of their ids, so that the order of the table does not matter.

    Args:
        table: has the columns `row` and `language`.

    Raises:
        InputError: the table has no rows.
    """
    counts = table["language"].value_counts()
    if counts.empty:
        raise InputError("the external corpus has no rows. Probe on one that has.")
    wanted = pd.DataFrame({"any": min(per_language, int(counts.min()))}, index=counts.index)
    return sample(table.assign(label="any"), wanted, seed)
