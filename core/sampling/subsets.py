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
    by_language = _largest_remainder(total, shares.sum(axis=1).to_numpy())
    cells = [
        _largest_remainder(n, row) for n, row in zip(by_language, shares.to_numpy(), strict=True)
    ]
    return pd.DataFrame(cells, index=shares.index, columns=shares.columns).astype(int)


def _largest_remainder(total: int, shares: np.ndarray) -> np.ndarray:
    if shares.sum() == 0:
        return np.zeros(len(shares), dtype=int)
    # Rounding keeps remainders that are equal on paper equal in floating point.
    exact = np.round(total * shares / shares.sum(), 9)
    counts = np.floor(exact).astype(int)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: total - counts.sum()]] += 1
    return counts


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


def check_size(
    per_language: int,
    designs: Sequence[pd.DataFrame],
    available: pd.DataFrame,
    what: str,
    key: str,
) -> None:
    """Refuse a size that some cell cannot fill in some design.

    Args:
        what: the study and split, for the message.
        key: the setting to lower, for the message.

    Raises:
        InputError: names the cells, what they have, and the largest size that works for all.
    """
    total = per_language * len(available)
    wanted = np.maximum.reduce([allocate(total, shares).to_numpy() for shares in designs])
    stock = available.to_numpy()
    short = [
        f"({lang}, {label}) needs {wanted[i, j]} and has {stock[i, j]}"
        for i, lang in enumerate(available.index)
        for j, label in enumerate(available.columns)
        if wanted[i, j] > stock[i, j]
    ]
    if short:
        raise InputError(
            f"{what}: {key} = {per_language} asks for more rows than there are: "
            f"{'; '.join(short[:4])}{' …' if len(short) > 4 else ''}. The largest {key} that works "
            f"is {largest_size(designs, available)}."
        )


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
    """Rows of each cell that a run takes from a split; the test set's are uniform."""
    shares = config.shares_table()
    if split == "test":
        shares = pd.DataFrame(1.0, index=shares.index, columns=shares.columns)
    per_language = getattr(config, f"{split}_per_language")
    return allocate(per_language * len(shares), shares)


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
