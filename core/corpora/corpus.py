"""Corpora: texts with a label, a language and a split, as one Arrow table.

A corpus comes from a preset (`multiemo`, `synthetic`), by name from the hub or a local copy
(`amazon`, `xnli`, `wikipedia`), by the name under which it was saved, or from files (core.sources).
Its rows carry an id made of their own content, so that the order of a file does not matter to what
is sampled from it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii

import pandas as pd
import pyarrow as pa

from core.corpora import find, mapping, saved, splits
from core.corpora.choices import Choices, Mapped
from core.corpora.find import FOUND_OUT, PRESETS, SPANS
from core.errors import InputError
from core.sources import rows
from core.sources.source import Options
from core.storage import reading, sql

COLUMNS = ("row", "text", "text_b", "label", "language", "split", "sentence")


@dataclass(frozen=True)
class Corpus:
    """A validated corpus.

    Attributes:
        name: preset name, or the path it was read from.
        table: one row a text, columns `row` (id), `text`, `text_b` (null unless the task is on
            pairs), `label`, `language`, `split` and `sentence` (translations of one sentence share
            it; without such a column in the source it is the row id). `synthetic` adds
            `informative`, the character spans that carry the label.
        labels: in their order, which the design `linear` uses.
        languages: in their order.
        dropped: reason -> rows left out.
        notes: what a reader should know, such as a split that was made here.
        content_hash: SHA-256 over the rows and both orders; the same for the same content in
            another order.
    """

    name: str
    table: pa.Table
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    content_hash: str = ""

    @property
    def is_pair_task(self) -> bool:
        """Whether every row has two texts."""
        return self.table["text_b"].null_count < self.table.num_rows

    def rows(self, split: str) -> pd.DataFrame:
        """`row`, `label`, `language`, `sentence` of one split."""
        mask = pa.compute.equal(self.table["split"], split)
        frame: pd.DataFrame = (
            self.table.filter(mask).select(["row", "label", "language", "sentence"]).to_pandas()
        )
        return frame


def load(
    source: str,
    *,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    labelled: bool = True,
) -> Corpus:
    """Load a corpus by preset name, saved name or path.

    Args:
        source: a preset; a corpus of core.corpora.paper_corpora with a source of one's own
            (`xnli@folder`); or a path that core.sources reads.
        columns: our column name -> the file's, for files that use other names.
        labels: the labels in their order; by default as `core.corpora.labels.default_order`.
        languages: keep only these, in this order; by default all, alphabetical (of a corpus by
            name the paper's).
        labelled: whether its rows need a label. If not, as for an external corpus, the label of a
            row without one is its language.

    Raises:
        InputError: source unknown, not fetched, its licence not accepted, empty, or without a
            needed column.
    """
    choices = Choices(columns or {}, labels, languages, labelled=labelled)
    with reading.reading(find.said(source), "write it as a table with text, label and language"):
        return build(find.mapped(find.source(source, FOUND_OUT, languages), choices))


def build(mapped: Mapped) -> Corpus:
    """Read the rows of a mapped corpus, give them ids, and a split where they have none."""
    with sql.connection(mapped.source.tables) as connection:
        kept = f"SELECT * EXCLUDE (reason) FROM ({mapped.select}) WHERE reason IS NULL"
        columns = ("text", "text_b", "label", "language", "split", "sentence")
        rows.check(connection, kept, columns, mapped.source.name)
        frame = connection.sql(kept).to_arrow_table().to_pandas()
    if not mapped.is_pair_task:
        frame["text_b"] = None
    if "sentence" not in mapped.columns:
        del frame["sentence"]
    notes = list(mapped.notes)
    frame["row"] = _row_ids(frame)
    if not mapped.has_splits:
        frame["split"] = splits.make(frame)
    elif {"train", "test"} == set(frame["split"]):
        train = frame["split"] == "train"
        frame.loc[train, "split"] = splits.make(frame[train], (0.8, 0.2, 0.0))
        notes.append(
            "no validation rows in the source: 20 % of train made validation, stratified by "
            "language and label, copies and sentences on one side"
        )
    frame["sentence"] = (
        frame["sentence"].fillna(frame["row"]) if "sentence" in frame else frame["row"]
    )
    if mapped.has_splits and (leaking := _in_several_splits(frame)):
        notes.append(f"{leaking} sentences stand in more than one split")
    order = [c for c in (*COLUMNS, SPANS) if c in frame]
    table = pa.Table.from_pandas(frame[order], preserve_index=False)
    # A column of nulls alone has no type of its own.
    table = table.set_column(2, "text_b", table["text_b"].cast(pa.string()))
    digest = hashlib.sha256(json.dumps([mapped.labels, mapped.languages]).encode())
    names = zip(*(table[c].to_pylist() for c in ("row", "split", "sentence")), strict=True)
    # Ids are unique and of one length: sorted lines are sorted ids.
    lines = sorted(f"{row} {split} {sentence}\n" for row, split, sentence in names)
    digest.update("".join(lines).encode())
    return Corpus(
        mapped.source.name,
        table,
        mapped.labels,
        mapped.languages,
        mapping.by_reason(mapped.dropped),
        tuple(notes),
        digest.hexdigest(),
    )


def save(
    name: str, mapped: Mapped, options: Options = FOUND_OUT, done: Sequence[str] = ()
) -> Corpus:
    """Save a mapped corpus by name, for studies to name it; its rows as `build` makes them.

    Args:
        options: how its files were read.
        done: a line a step that mended it, with counts; what the mapping left out is added.

    Raises:
        InputError: the name is taken, or cannot be one.
    """
    saved.check_name(name, PRESETS)
    corpus = build(mapped)
    left_out = [f"{n} rows left out: {reason}" for reason, n in corpus.dropped.items()]
    source = [part.path for part in mapped.source.parts] or mapped.source.name
    saved.save(
        name,
        corpus.table,
        corpus.labels,
        corpus.languages,
        source=source,
        options=options,
        choices=mapped.choices,
        done=[*corpus.notes, *left_out, *done],
    )
    return corpus


def _row_ids(frame: pd.DataFrame) -> list[str]:
    """16 hexadecimal digits from a row's content; the k-th copy of a row counts k in."""
    columns = [
        c for c in ("split", "sentence", "language", "label", "text", "text_b") if c in frame
    ]

    def keys() -> Iterator[bytes]:
        """Each row as JSON; text by text, since json.dumps of a row takes three times as long."""
        encoded = [_json_texts(frame[c]) for c in columns]
        return (f"[{', '.join(values)}]".encode() for values in zip(*encoded, strict=True))

    ids = [_id(key, 0) for key in keys()]
    if len(set(ids)) < len(ids):
        times = Counter(ids)
        seen: Counter[bytes] = Counter()
        for i, key in enumerate(keys()):
            if times[ids[i]] > 1:
                ids[i] = _id(key, seen[key])
                seen[key] += 1
        if len(set(ids)) != len(ids):  # 64 bits: one in 10^7 even for a million rows
            raise InputError("two rows have the same id; change any character of one of them.")
    return ids


def _json_texts(column: pd.Series) -> list[str]:
    missing = column[column.isna()].head(1).tolist()
    empty = json.dumps(missing[0]) if missing else ""
    values = pa.array(column, pa.string(), from_pandas=True).to_pylist()
    return [empty if value is None else encode_basestring_ascii(value) for value in values]


def _id(key: bytes, copy: int) -> str:
    return hashlib.blake2b(key, digest_size=8, salt=str(copy).encode()).hexdigest()


def _in_several_splits(frame: pd.DataFrame) -> int:
    """Sentences that stand in more than one split."""
    pairs = frame[["sentence", "split"]].drop_duplicates()
    return int(pairs.loc[pairs["sentence"].duplicated(), "sentence"].nunique())
