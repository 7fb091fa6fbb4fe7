"""The nearest neighbours of each test text among the CLS vectors, not on the map.

As in the nearest-neighbour probe, a text's translations are no neighbours of it: 15 by Euclidean
distance among the texts of other sentences. They are found exactly, when the map is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints.outputs import list_column
from core.checkpoints.studies import Started
from core.measures import bootstrap
from core.measures.neighbours import NEIGHBOURS
from core.storage import atomic, reading

Near = tuple[np.ndarray, np.ndarray]  # texts x k: which texts, nearest first, and how far they are


class Same(NamedTuple):
    """Share of nearest neighbours in the text's own language, over all texts.

    Attributes:
        mean: of the texts' shares.
        low, high: 95 % interval over test sentences.
        chance: the same if neighbours were drawn from all texts of other sentences.
    """

    mean: float
    low: float
    high: float
    chance: float


def path_of(study: Started) -> Path:
    """The file of the neighbours of a study's texts, beside its map."""
    return study.folder / "neighbours.parquet"


def search(among: np.ndarray, of: np.ndarray, k: int) -> Near:
    """The k nearest rows of `among` for each row of `of`, exactly, and their distances."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=min(k, len(among)), algorithm="brute").fit(among)
    distances, at = found.kneighbors(of)
    return at, distances


def nearest(vectors: np.ndarray, sentences: np.ndarray, k: int = NEIGHBOURS) -> Near:
    """The k nearest texts of other sentences for each text; fewer, where a text has no more.

    Args:
        vectors: texts x dimension.
        sentences: id of each text's sentence.
    """
    number = pd.factorize(sentences)[0]
    largest = int(np.bincount(number).max())
    k = min(k, len(vectors) - largest)
    at, distances = search(vectors, vectors, k + largest)
    own = number[at] == number[:, None]
    # Those of the own sentence go behind all others, which keep their order.
    kept = np.argsort(own, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(at, kept, axis=1), np.take_along_axis(distances, kept, axis=1)


def same_language(near: Near, texts: pd.DataFrame) -> tuple[np.ndarray, Same]:
    """Each text's share of neighbours in its own language, and the mean beside chance.

    Args:
        near: from `nearest`.
        texts: `language` and `sentence` of the same texts.
    """
    language, sentence = (pd.factorize(texts[column])[0] for column in ("language", "sentence"))
    shares = (language[near[0]] == language[:, None]).mean(axis=1)
    n, pair = len(texts), language.astype(np.int64) * (sentence.max() + 1) + sentence
    of_pair = np.bincount(np.unique(pair, return_inverse=True)[1])
    own = of_pair[np.unique(pair, return_inverse=True)[1]]  # of the own sentence and language
    others = n - np.bincount(sentence)[sentence]
    chance = (np.bincount(language)[language] - own) / others
    values = np.column_stack([shares, np.ones(n)])
    low, high = bootstrap.interval(
        values, texts["sentence"].to_numpy(dtype=str), lambda totals: totals[:, 0] / totals[:, 1]
    )
    return shares, Same(float(shares.mean()), float(low), float(high), float(chance.mean()))


def write(study: Started, rows: pd.Series, near: Mapping[str, Near]) -> None:
    """Keep the neighbours of a map's texts, panel by panel, whole or not at all."""
    columns = {"row": pa.array(rows)}
    for panel, (at, distances) in near.items():
        columns[f"near_{panel}"] = list_column(at.astype(np.int32))
        columns[f"distance_{panel}"] = list_column(distances.astype(np.float32))
    with atomic.replacing(path_of(study)) as partial:
        pq.write_table(pa.table(columns), partial, compression="zstd")


def of_text(study: Started, panel: str, row: str, rows: pd.Series) -> pd.DataFrame:
    """The neighbours of one text, nearest first: `row` and `distance`.

    Args:
        rows: of the map's texts, in their order.

    Raises:
        InputError: the file is gone or does not read, or has not this text.
    """
    path = path_of(study)
    mend = f"delete it, and `python -m core project {study.name}` makes it anew"
    with reading.reading(path, mend):
        near, distance = (f'"{kind}_{panel}"' for kind in ("near", "distance"))
        statement = f"SELECT {near} AS near, {distance} AS far FROM read_parquet(?) WHERE row = ?"
        found = reading.query(statement, [str(path), row], [path], mend)
        if len(found) != 1:
            raise ValueError(f"text {row} stands in it {len(found)} times")
        at = np.asarray(found["near"].iloc[0])
        if at.min() < 0 or at.max() >= len(rows):
            raise ValueError("a neighbour is no text of the map")
        return pd.DataFrame({"row": rows.iloc[at].to_numpy(), "distance": found["far"].iloc[0]})
