"""The texts of a run's corpus, ready for SQL.

A corpus is read and checked once; after that a parquet file in the cache answers, so that a page
neither waits for a large file nor holds it in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from core.config import RunConfig
from core.corpora import corpus, find
from core.corpora.splits import SPLITS
from core.errors import InputError
from core.storage import atomic, reading
from core.storage.places import cache_dir

_KEY = b"langskew"
_MEND = "delete it, and it is made anew"
ANY = "any"
ALL_SPLITS = "all splits"
COLUMNS = ("row", "text", "text_b", "label", "language", "split", "sentence")


def texts_file(config: RunConfig) -> Path:
    """A parquet file of the whole corpus of a run: COLUMNS, one row a text; made where missing.

    Raises:
        InputError: the corpus is gone, does not read, or is another than the run was made from.
    """
    stamp = find.stamp(config.corpus)
    key = json.dumps([stamp, config.corpus_hash]).encode()
    source = [config.corpus, dict(config.columns), config.labels, config.languages]
    name = hashlib.sha256(json.dumps(source).encode()).hexdigest()[:16]
    path = cache_dir() / "texts" / f"{name}.parquet"
    if path.exists():
        with suppress(InputError), reading.reading(path, _MEND):  # one that does not is made anew
            if (pq.read_schema(path).metadata or {}).get(_KEY) == key:
                return path
    loaded = corpus.load(
        config.corpus, columns=config.columns, labels=config.labels, languages=config.languages
    )
    if loaded.content_hash != config.corpus_hash:
        raise InputError(
            f"corpus {config.corpus} has changed since the run was trained; its texts are not "
            "shown. Bring the old file back, or start the study again."
        )
    table = loaded.table.select(list(COLUMNS)).replace_schema_metadata({_KEY: key})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as partial:
        pq.write_table(table, partial, compression="zstd")
    return path


def counts(file: Path, languages: Sequence[str], labels: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Texts by language and label: of `all splits`, and of each split that has any.

    Args:
        file: from `texts_file`.
        languages, labels: in their order.
    """
    found = _query(
        "SELECT split, language, label, count(*) AS n FROM read_parquet(?) GROUP BY ALL", file
    )
    tables = {}
    for split in (ALL_SPLITS, *SPLITS):
        rows = found if split == ALL_SPLITS else found[found["split"] == split]
        if len(rows):
            table = rows.pivot_table(index="language", columns="label", values="n", aggfunc="sum")
            table = table.reindex(index=list(languages), columns=list(labels))
            tables[split] = table.fillna(0).astype(int)
    return tables


def browse(
    file: Path,
    *,
    split: str = ANY,
    language: str = ANY,
    label: str = ANY,
    containing: str = "",
    limit: int = 200,
) -> tuple[pd.DataFrame, int]:
    """Texts of one cell, the first of them in the order of their ids, and how many there are.

    Args:
        file: from `texts_file`.
        split, language, label: ANY for all of them.
        containing: letters that stand in the text, in whichever case.
        limit: rows returned.
    """
    chosen = {"split": split, "language": language, "label": label}
    conditions = {f"{k} = ?": v for k, v in chosen.items() if v != ANY}
    if containing:
        conditions["contains(lower(concat_ws(' ', text, text_b)), lower(?))"] = containing
    where = " AND ".join(conditions) or "true"
    values = list(conditions.values())
    matching = f"FROM read_parquet(?) WHERE {where}"
    total = _query(f"SELECT count(*) AS n {matching}", file, values)["n"].iloc[0]
    first = f"SELECT * {matching} ORDER BY sentence, language LIMIT {limit}"
    frame = _query(first, file, values)
    return _shown(frame), int(total)


def search(file: Path, containing: str) -> set[str]:
    """Ids of the rows whose text, or second text, holds some letters, in whichever case.

    Args:
        file: from `texts_file`.
    """
    found = _query(
        "SELECT row FROM read_parquet(?) "
        "WHERE contains(lower(concat_ws(' ', text, text_b)), lower(?))",
        file,
        [containing],
    )
    return set(found["row"])


def has_pairs(file: Path) -> bool:
    """Whether a corpus (from `texts_file`) is on pairs of texts."""
    found = _query("SELECT text_b FROM read_parquet(?) LIMIT 1", file)
    return bool(found["text_b"].notna().any())


def of_rows(file: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows (column `row`) with the columns `text` and `text_b` of the corpus, in their order."""
    found = _query(
        "SELECT row, text, text_b FROM read_parquet(?) WHERE row IN (SELECT unnest(?))",
        file,
        [rows["row"].astype(str).tolist()],
    )
    return _shown(rows.merge(found, on="row", how="left"))


def _query(statement: str, file: Path, more: Sequence[Any] = ()) -> pd.DataFrame:
    return reading.query(statement, [str(file), *more], [file], _MEND)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the column of second texts where no row has one."""
    return frame if frame["text_b"].notna().any() else frame.drop(columns="text_b")
