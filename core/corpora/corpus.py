"""Corpora: texts with a label, a language and a split, as one Arrow table.

A corpus comes from a preset (`multiemo`, `synthetic`), by name from the hub or a local copy
(`amazon`, `xnli`, `wikipedia`), or from a file (CSV, TSV, JSON Lines, Parquet).
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
from pathlib import Path

import pandas as pd
import pyarrow as pa

from core.corpora import files, multiemo, paper_corpora, synthetic
from core.errors import InputError
from core.storage import reading

PRESETS = ("multiemo", "synthetic", *paper_corpora.HUB)
EXTERNAL = ("wikipedia",)  # of these, those without a task to train on
SPLITS = ("train", "validation", "test")
COLUMNS = ("row", "text", "text_b", "label", "language", "split", "sentence")

# Names that a file may use for a column of ours, first match wins.
_ALIASES = {
    "text": ("text", "premise"),
    "text_b": ("text_b", "hypothesis"),
    "label": ("label",),
    "language": ("language",),
    "split": ("split",),
    "sentence": ("sentence", "pair_id"),
}
_SPLIT_NAMES = {"dev": "validation", "valid": "validation", "val": "validation"}
# Label sets whose order has a meaning that the alphabet does not give.
_ORDERS = (("entailment", "neutral", "contradiction"),)


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
    """Load a corpus by preset name or path.

    Args:
        source: a preset; a corpus of core.corpora.paper_corpora with a source of one's own
            (`xnli@folder`); or a path to CSV, TSV, JSON Lines or Parquet.
        columns: our column name -> the file's, for files that use other names.
        labels: the labels in their order; by default numbers ascend, entailment / neutral /
            contradiction keep that order, all else is alphabetical.
        languages: keep only these, in this order; by default all, alphabetical (of a corpus by
            name the paper's).
        labelled: whether its rows need a label. If not, as for an external corpus, the label of a
            row without one is its language.

    Raises:
        InputError: source unknown, not fetched, its licence not accepted, empty, or without a
            needed column.
    """
    if source == "multiemo":
        if not (cached := multiemo.corpus_file()).exists():
            raise InputError(
                "the corpus multiemo is not on this machine; run `python -m core fetch` "
                "(358 MB, once)."
            )
        return _build(source, files.read(cached), columns, labels, languages)
    if source == "synthetic":
        return _build(source, synthetic.generate(), columns, labels, languages)
    if paper_corpora.parse(source):
        with reading.reading(f"corpus {source:.120}", "name another source"):
            table, notes = paper_corpora.read(source, languages)
            return _build(source, table, columns, labels, languages, notes, labelled)
    try:
        path = Path(source).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError) as error:  # too long, ~nobody
        raise InputError(f"corpus {source[:60]!r} cannot be the name of a file: {error}") from error
    if not exists:
        raise InputError(
            f"corpus {source!r} is neither a preset ({', '.join(PRESETS)}) nor a file that exists."
        )
    with reading.reading(path, "write it as a table with text, label and language"):
        return _build(source, files.read(path), columns, labels, languages, labelled=labelled)


def _build(
    name: str,
    source: pa.Table,
    columns: Mapping[str, str] | None,
    labels: Sequence[str] | None,
    languages: Sequence[str] | None,
    known: tuple[str, ...] = (),
    labelled: bool = True,
) -> Corpus:
    chosen = _choose_columns(name, source.column_names, columns or {}, labelled)
    frame = pd.DataFrame({k: files.as_text(source[v]) for k, v in chosen.items()})
    if not labelled:
        own = frame["label"] if "label" in frame else pd.Series("", index=frame.index)
        frame["label"] = own.where(own.fillna("").str.strip() != "", frame["language"])
    if "text_b" not in frame:
        frame["text_b"] = None
    if "informative" in source.column_names:
        frame["informative"] = source["informative"].to_pylist()
    if frame.empty:
        raise InputError(f"corpus {name} has no rows.")

    frame, dropped = _drop_incomplete(frame, is_pair="text_b" in chosen)
    if languages is not None:
        _check_named(name, "language", languages, set(frame["language"]))
        frame = frame[frame["language"].isin(languages)]
    if frame.empty:
        found = ", ".join(f"{n} rows: {reason}" for reason, n in dropped.items())
        raise InputError(f"corpus {name} has no usable row left; dropped {found}.")
    if labels is not None:
        _check_named(name, "label", labels, set(frame["label"]), all_of_them=True)

    notes = list(known)
    if chosen.get("sentence") == "pair_id":  # XNLI counts pairs anew in each split
        frame["sentence"] = frame["split"] + "-" + frame["sentence"].astype(str)
    frame, split_note = _normalise_splits(name, frame)
    frame["row"] = _row_ids(frame)
    if "sentence" not in frame:
        frame["sentence"] = frame["row"]
    frame["sentence"] = frame["sentence"].fillna(frame["row"])
    if split_note:
        frame["split"] = [_made_split(sentence) for sentence in frame["sentence"]]
        notes.append(split_note)
    elif leaking := _in_several_splits(frame):
        notes.append(f"{leaking} sentences stand in more than one split")

    label_order = tuple(labels) if labels is not None else _default_order(set(frame["label"]))
    language_order = (
        tuple(languages) if languages is not None else tuple(sorted(set(frame["language"])))
    )
    order = [c for c in (*COLUMNS, "informative") if c in frame]
    table = pa.Table.from_pandas(frame[order], preserve_index=False)
    # A column of nulls alone has no type of its own.
    table = table.set_column(2, "text_b", table["text_b"].cast(pa.string()))
    digest = hashlib.sha256(json.dumps([label_order, language_order]).encode())
    names = zip(*(table[c].to_pylist() for c in ("row", "split", "sentence")), strict=True)
    # Ids are unique and of one length: sorted lines are sorted ids.
    lines = sorted(f"{row} {split} {sentence}\n" for row, split, sentence in names)
    digest.update("".join(lines).encode())
    return Corpus(
        name, table, label_order, language_order, dropped, tuple(notes), digest.hexdigest()
    )


def _choose_columns(
    name: str, available: Sequence[str], columns: Mapping[str, str], labelled: bool
) -> dict[str, str]:
    """Our column name -> the file's; the needed ones must be there."""
    if unknown := set(columns) - set(_ALIASES):
        raise InputError(
            f"unknown column name {', '.join(sorted(unknown))}; ours are {', '.join(_ALIASES)}."
        )
    needed = ("text", "label", "language") if labelled else ("text", "language")
    table = "columns" if labelled else "external_columns"
    chosen = {}
    for ours, aliases in _ALIASES.items():
        wanted = (columns[ours],) if ours in columns else aliases
        found = next((c for c in wanted if c in available), None)
        if found is not None:
            chosen[ours] = found
        elif ours in columns or ours in needed:
            raise InputError(
                f"corpus {name}: column {wanted[0]!r} not found; the file has: "
                f"{', '.join(available) or 'no column'}. Name it with --column {ours}=<name> "
                f'(in a study: [{table}] {ours} = "<name>") or rename it.'
            )
    return chosen


def _drop_incomplete(frame: pd.DataFrame, *, is_pair: bool) -> tuple[pd.DataFrame, dict[str, int]]:
    dropped: dict[str, int] = {}
    needed = ["text", *(["text_b"] if is_pair else []), "label", "language"]
    for column in needed:
        stripped = frame[column].fillna("").str.strip()
        if column in ("label", "language"):
            frame = frame.assign(**{column: stripped})
        empty = stripped == ""
        if empty.any():
            dropped[f"empty {column}"] = int(empty.sum())
            frame = frame[~empty]
    return frame.reset_index(drop=True), dropped


def _check_named(
    name: str, kind: str, named: Sequence[str], found: set[str], *, all_of_them: bool = False
) -> None:
    """Labels and languages that the user lists must occur; labels all of them, each once."""
    wrong = [n for n in named if n not in found]
    if all_of_them:
        wrong += sorted(found - set(named))
    if wrong or len(set(named)) != len(named):
        raise InputError(
            f"corpus {name}: {kind}s named are {', '.join(named)}; the corpus has "
            f"{', '.join(sorted(found))}. Name {'each of them once' if all_of_them else 'these'}."
        )


def _normalise_splits(name: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, str | None]:
    """Rename known variants; a corpus with no split of its own is told apart by the note."""
    note = "no split in the source: 60 % train, 20 % validation, 20 % test made here, by sentence"
    if "split" not in frame or set(frame["split"]) == {"all"}:
        return frame.assign(split="all"), note
    split = frame["split"].fillna("").str.strip().replace(_SPLIT_NAMES)
    if unknown := sorted(set(split) - set(SPLITS)):
        raise InputError(
            f"corpus {name}: split has {', '.join(map(repr, unknown[:5]))}; expected "
            f"{', '.join(SPLITS)}, or no column for a split made by sentence."
        )
    return frame.assign(split=split), None


def _made_split(sentence: str) -> str:
    share = int.from_bytes(hashlib.sha256(sentence.encode()).digest()[:8], "big") / 2**64
    return "train" if share < 0.6 else "validation" if share < 0.8 else "test"


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


def _default_order(labels: set[str]) -> tuple[str, ...]:
    for order in _ORDERS:
        if labels == set(order):
            return order
    try:
        return tuple(sorted(labels, key=float))
    except ValueError:
        return tuple(sorted(labels))
