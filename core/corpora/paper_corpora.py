"""The paper's corpora by name: amazon, xnli, and wikipedia for the external probe.

`name` reads from the hub, `name@source` from another hub id, a folder in the hub's layout
(core/sources/hub.py) or a file (core/sources/read.py). All become tables with the columns of
core.corpora.corpus.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.corpora import licences
from core.errors import InputError
from core.sources import hub, rows
from core.sources.read import read as read_source
from core.sources.source import OF_NAMES
from core.storage import atomic
from core.storage.places import cache_dir

# Where each comes from. Amazon's own data set was withdrawn from the hub. This copy, a data set a
# language, has the bodies of the reviews alone; mteb/AmazonReviewsClassification is another.
HUB = {
    "amazon": "SetFit/amazon_reviews_multi_{language}",
    "xnli": "facebook/xnli",
    "wikipedia": "wikimedia/wikipedia",
}
AMAZON_COPIES = (HUB["amazon"], "mteb/AmazonReviewsClassification")
PAPER_LANGUAGES = {
    "amazon": ("de", "en", "es", "fr", "ja", "zh"),
    "xnli": ("en", "fr"),
    "wikipedia": ("de", "en", "es", "fr", "ja", "zh"),
}
XNLI_LANGUAGES = (
    *("ar", "bg", "de", "el", "en", "es", "fr", "hi"),
    *("ru", "sw", "th", "tr", "ur", "vi", "zh"),
)
XNLI_LABELS = ("entailment", "neutral", "contradiction")
WIKIPEDIA_DUMP = "20231101"
ARTICLES, ARTICLES_SEED = 1000, 0  # paper, section 2.2: 1,000 articles a language


def parse(source: str) -> tuple[str, str] | None:
    """Name and source of a corpus by name, such as `xnli` or `xnli@folder`; None for another."""
    name, _, where = source.partition("@")
    return (name, where or HUB[name]) if name in HUB else None


def beside(source: str, folder: Path) -> str:
    """A corpus by name as a study's file in `folder` means it: local sources become absolute."""
    name, at, where = source.partition("@")
    path = (folder / Path(where).expanduser()).resolve()
    local = path.exists() or where.startswith((".", "/", "~"))
    return f"{name}@{path}" if at and local else source


def stamp(source: str) -> list[object]:
    """Changes when a local source may have changed; the hub's are not looked at."""
    found = parse(source)
    path = Path(found[1]).expanduser() if found else Path(source).expanduser()
    if found and not path.exists():
        return [source]
    inside = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [source, *([str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in inside)]


def languages_of(source: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the wanted languages that a corpus by name has; at the hub that is all of them."""
    _, where = parse(source) or ("", source)
    if Path(where).expanduser().is_file():
        table = _with_language(_rows(Path(where).expanduser()), where)
        there: Sequence[str] = pc.unique(table["language"]).to_pylist()
    else:
        there = hub.languages(where) or wanted
    return tuple(x for x in wanted if x in there)


def read(source: str, languages: Sequence[str] | None) -> tuple[pa.Table, tuple[str, ...]]:
    """Rows of a corpus by name, and what a reader should know of them.

    Args:
        source: as `parse` reads it.
        languages: by default the paper's, as far as the source has them.

    Returns:
        A table with `text`, `text_b` (pairs), `label`, `language`, `split` and, where rows of one
        sentence are known, `sentence`.

    Raises:
        InputError: the licence was not accepted, no such source or language, a column is missing.
    """
    found = parse(source)
    assert found is not None  # the caller has asked `parse`
    name, where = found
    licences.check(name)
    wanted = tuple(languages or languages_of(source, PAPER_LANGUAGES[name]))
    if name == "xnli" and (unknown := [x for x in wanted if x not in XNLI_LANGUAGES]):
        raise InputError(
            f"xnli has no language {', '.join(unknown)}; it has {', '.join(XNLI_LANGUAGES)}."
        )
    if not wanted:
        raise InputError(
            f"{source} has none of the languages {', '.join(PAPER_LANGUAGES[name])}; name its own: "
            'languages = ["…"] in the study, or --languages.'
        )
    tables = [_READERS[name](part, where) for part in _parts(name, where, wanted)]
    table = pa.concat_tables(tables, promote_options="permissive")
    table = table.filter(pc.is_in(table["language"], value_set=pa.array(wanted)))
    if missing := sorted(set(wanted) - set(pc.unique(table["language"]).to_pylist())):
        raise InputError(f"{source} has no rows in {', '.join(missing)}.")
    return _shared_pairs(table) if name == "xnli" else (table, ())


def _parts(name: str, where: str, languages: Sequence[str]) -> list[pa.Table]:
    """All rows with their columns as they are, `language` and `split` among them."""
    path = Path(where).expanduser()
    if path.is_file():
        return [_with_language(_rows(path), where)]
    tables: list[pa.Table] = []
    for language in languages:
        if name == "wikipedia":
            tables.append(_constant(_articles(where, language), "language", language))
            continue
        splits, alone = hub.read(where, language)
        named = [_constant(part, "split", split) for split, part in splits.items()]
        every = pa.concat_tables(named, promote_options="permissive")
        if not alone:  # all of it
            return [_with_language(every, where)]
        tables.append(_constant(every, "language", language))
    return tables


def _rows(path: Path) -> pa.Table:
    """A file's rows, without what its name says."""
    source = read_source(path)
    found = rows.table(source)
    return found.select([c for c in found.column_names if c not in OF_NAMES])


def _articles(where: str, language: str) -> pa.Table:
    """Articles drawn by seed, and kept: a stream is slow."""
    configuration = language if hub.is_local(where) else f"{WIKIPEDIA_DUMP}.{language}"
    key = json.dumps([stamp(f"wikipedia@{where}"), configuration, ARTICLES, ARTICLES_SEED])
    path = cache_dir() / "wikipedia" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.parquet"
    if path.exists():
        with suppress(InputError):  # one that does not read is drawn anew
            return _rows(path)
    drawn = hub.sample(where, configuration, ARTICLES, ARTICLES_SEED)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as partial:
        pq.write_table(drawn, partial, compression="zstd")
    return _rows(path)


def _amazon(table: pa.Table, where: str) -> pa.Table:
    """The body of a review, and its stars. The paper does not speak of the title: left out."""
    text = _first(table, ("review_body", "text"), where)
    label = _first(table, ("stars", "label"), where)
    columns = {n: table[n] for n in ("language", "split") if n in table.column_names}
    return pa.table({"text": table[text], "label": _stars(table[label], where), **columns})


def _stars(column: pa.ChunkedArray, where: str) -> pa.Array:
    """1 to 5 as texts; copies that count from 0 are recognised by their 0."""
    try:
        numbers = pc.cast(column, pa.int64())
    except pa.ArrowInvalid as error:
        raise InputError(f"amazon, {where}: stars are no whole numbers ({error}).") from error
    found = set(pc.unique(numbers.drop_null()).to_pylist())
    shift = int(5 not in found)
    if not found <= set(range(1 - shift, 6 - shift)) or not found & {0, 5}:
        raise InputError(
            f"amazon, {where}: stars are {', '.join(map(str, sorted(found, key=str)))}; expected "
            "1 to 5 or, as some copies have them, 0 to 4."
        )
    return pc.cast(pc.add(numbers, shift), pa.string())


def _xnli(table: pa.Table, where: str) -> pa.Table:
    """Premise and hypothesis; labels by name; `pair`, the position in its split where known."""
    label = table[_first(table, ("label",), where)]
    if pa.types.is_integer(label.type) or set(pc.unique(label).to_pylist()) <= {"0", "1", "2"}:
        label = pc.cast(label, pa.int64())
        if wrong := set(pc.unique(label).to_pylist()) - {None, 0, 1, 2}:
            raise InputError(f"xnli, {where}: label has {sorted(wrong)}; expected 0, 1 and 2.")
        label = pc.take(pa.array(XNLI_LABELS), label)
    columns = {"text": table[_first(table, ("premise",), where)],
               "text_b": table[_first(table, ("hypothesis",), where)],
               "label": label}  # fmt: skip
    for name in ("language", "split"):
        if name in table.column_names:
            columns[name] = table[name]
    if "pair_id" in table.column_names:
        columns["pair"] = pc.cast(table["pair_id"], pa.string())
    return pa.table(columns)


def _wikipedia(table: pa.Table, where: str) -> pa.Table:
    """Articles; their language is the label, their title the sentence that folds keep together."""
    columns = {"text": table[_first(table, ("text",), where)], "language": table["language"]}
    columns["label"] = table["language"]
    columns["split"] = pa.array(["test"] * table.num_rows)
    if "title" in table.column_names:
        columns["sentence"] = table["title"]
    return pa.table(columns)


_READERS: dict[str, Callable[[pa.Table, str], pa.Table]] = {
    "amazon": _amazon,
    "xnli": _xnli,
    "wikipedia": _wikipedia,
}


def _shared_pairs(table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """XNLI's rows with `sentence`, and notes.

    A pair and its translations share their position in the split. Where the labels at a position
    differ between languages, they are no translations: a note says so, and that split's pairs stand
    alone.
    """
    frame = table.to_pandas()
    if "split" not in frame:
        frame["split"] = "all"
    if "pair" not in frame:
        frame["pair"] = frame.groupby(["language", "split"]).cumcount().astype(str)
    frame["sentence"] = frame["split"] + "-" + frame.pop("pair")
    notes = []
    labels = frame[["sentence", "label", "split"]].drop_duplicates()
    for split in sorted(labels.loc[labels["sentence"].duplicated(), "split"].unique()):
        notes.append(f"{split}: rows at one position differ in label, taken as no translations")
        frame.loc[frame["split"] == split, "sentence"] += "-" + frame["language"]
    return pa.Table.from_pandas(frame, preserve_index=False), tuple(notes)


def _with_language(table: pa.Table, where: str) -> pa.Table:
    _first(table, ("language",), where)
    return table


def _constant(table: pa.Table, name: str, value: str) -> pa.Table:
    """A table with a column that is the same in every row, in place of one of that name."""
    if name in table.column_names:
        table = table.drop_columns([name])
    return table.append_column(name, pa.array([value] * table.num_rows, pa.string()))


def _first(table: pa.Table, names: Sequence[str], where: str) -> str:
    for name in names:
        if name in table.column_names:
            return name
    raise InputError(
        f"{where} has no column {' or '.join(names)}; it has: {', '.join(table.column_names)}."
    )
