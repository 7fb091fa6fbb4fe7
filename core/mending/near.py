"""Texts that are nearly the same: MinHash and locality-sensitive hashing, by `datasketch`.

Broder, On the resemblance and containment of documents (1997): the likeness of two texts is the
Jaccard index of their sets of character 5-grams, estimated by minima of 128 hashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from core.corpora.choices import Mapped
from core.progress import Progress
from core.storage import sql

GRAM = 5  # characters
HASHES = 128
_STEP = 500


def copies(corpus: Mapped, likeness: float, report: Progress | None = None) -> pa.Table:
    """Texts that an earlier one of the same language resembles: `text`, `text_b`, `language`.

    Texts of test go before those of validation and train, so that what is left out of a likeness
    over splits is the training row.

    Args:
        likeness: the least Jaccard index, 0 to 1.
    """
    left_out = [row for _, row in pairs(corpus, likeness, report)]
    names = ("text", "text_b", "language")
    return pa.table(
        {n: pa.array([r[i] for r in left_out], pa.string()) for i, n in enumerate(names)}
    )


def pairs(
    corpus: Mapped, likeness: float, report: Progress | None = None
) -> Iterator[tuple[tuple[str, str, str], tuple[str, str, str]]]:
    """Pairs of a text that is kept and one that resembles it: text, second text, language each."""
    from datasketch import MinHash, MinHashLSH

    order = "CASE split WHEN 'test' THEN 0 WHEN 'validation' THEN 1 ELSE 2 END"
    with sql.connection(corpus.source.tables) as connection:
        rows = connection.sql(
            f"SELECT text, coalesce(text_b, '') AS text_b, language FROM ({corpus.select}) "
            f"WHERE reason IS NULL GROUP BY ALL ORDER BY min({order}), language, text, text_b"
        ).to_arrow_table()
    indices: dict[str, Any] = {}
    kept: dict[int, tuple[tuple[str, str, str], Any]] = {}
    total = rows.num_rows
    for i, row in enumerate(zip(*(c.to_pylist() for c in rows.columns), strict=True)):
        if report and i % _STEP == 0:
            report("looking for nearly the same texts", i / total)
        text = " ".join(f"{row[0]}\n{row[1]}".casefold().split())
        grams = {text[j : j + GRAM] for j in range(max(1, len(text) - GRAM + 1))}
        sketch = MinHash(num_perm=HASHES)
        sketch.update_batch([gram.encode() for gram in grams])
        if row[2] not in indices:  # making one takes long
            indices[row[2]] = MinHashLSH(threshold=likeness, num_perm=HASHES)
        index = indices[row[2]]
        alike = [k for k in index.query(sketch) if kept[k][1].jaccard(sketch) >= likeness]
        if alike:
            yield kept[min(alike)][0], row
        else:
            index.insert(i, sketch)
            kept[i] = (row, sketch)
