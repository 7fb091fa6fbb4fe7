"""Sources by the names that users give: presets, the paper's corpora, saved ones, paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.corpora import guess, identify, mapping, multiemo, paper_corpora, saved, synthetic
from core.corpora.choices import Choices, Mapped
from core.errors import InputError
from core.progress import Progress
from core.sources import downloaded
from core.sources.read import read
from core.sources.source import Options, Source
from core.storage import reading, sql

PRESETS = ("multiemo", "synthetic", *paper_corpora.HUB)
EXTERNAL = ("wikipedia",)  # of these, those without a task to train on
FOUND_OUT = Options()
# Spans of words that carry the label, as the synthetic corpus has them. A user's column may
# have that name and hold something else.
SPANS = "informative"
_KIND_OF_SPANS = re.compile(r'STRUCT\("?start"? \w+, "?end"? \w+\)\[\]')


def is_named(name: str) -> bool:
    """Whether a corpus is asked for by name: no path is read for it but its own."""
    return name in PRESETS or saved.is_saved(name) or paper_corpora.parse(name) is not None


def said(name: str) -> str:
    """What an error calls a corpus: a path by itself, which is looked for."""
    return f"corpus {name:.120}" if is_named(name) else name


def source(
    names: str | Sequence[str],
    options: Options = FOUND_OUT,
    languages: Sequence[str] | None = None,
) -> Source:
    """A source by name, by the hub's id of a data set, or by one or more paths.

    Args:
        options: how files are read.
        languages: of one of the paper's corpora, those that are read; by default the paper's.

    Raises:
        InputError: there is none, or it does not read.
    """
    name = names if isinstance(names, str) else ""
    if name == "multiemo":
        if not (cached := multiemo.corpus_file()).exists():
            raise InputError(
                "the corpus multiemo is not on this machine; run `python -m core fetch` "
                "(358 MB, once)."
            )
        return replace(read(cached), name=name)
    if name == "synthetic":
        return _in_memory(name, synthetic.generate())
    if saved.is_saved(name):
        rows = saved.rows_file(name)
        with reading.reading(rows, "delete the folder of this corpus, and save it again"):
            return replace(read(rows), name=name, notes=())
    if paper_corpora.parse(name):
        return _in_memory(name, *paper_corpora.read(name, languages))
    if name and downloaded.is_id(name):
        return replace(read(downloaded.folder(name), options), name=name)
    for path in [names] if isinstance(names, str) else names:
        _check_there(path)
    return read(names, options)


def mapped(found: Source, choices: Choices, report: Progress | None = None) -> Mapped:
    """A source with its columns mapped; of a saved corpus in the order that it was saved with.

    Args:
        report: told how far the identification of languages is.

    Raises:
        InputError: as `core.corpora.mapping.map_columns`.
    """
    if saved.is_saved(found.name):
        known = saved.read(found.name)
        labels, languages = choices.labels or known.labels, choices.languages or known.languages
        return mapping.map_columns(found, replace(choices, labels=labels, languages=languages))
    if choices.identify and "text" in (columns := guess.columns(found, choices.columns)):
        text = columns["text"].column
        found = identify.identified(found, text, choices.languages, report)
        choices = replace(choices, columns={**choices.columns, "language": identify.COLUMN})
    also = (SPANS,) if _KIND_OF_SPANS.fullmatch(found.columns.get(SPANS, "")) else ()
    return mapping.map_columns(found, choices, also)


def stamp(names: str | Sequence[str]) -> list[Any]:
    """Changes when a source may have changed.

    Raises:
        InputError: it is gone.
    """
    if names == "synthetic":
        return []
    if isinstance(names, str) and paper_corpora.parse(names):
        return paper_corpora.stamp(names)
    if names == "multiemo":
        return _stamp(multiemo.corpus_file(), "`python -m core fetch` brings it back")
    if isinstance(names, str) and saved.is_saved(names):
        return _stamp(saved.rows_file(names))
    if isinstance(names, str) and downloaded.is_id(names):
        return _stamp(downloaded.place(names), "audit it again")
    paths = [names] if isinstance(names, str) else names
    return [part for path in paths for part in _stamp(Path(path).expanduser())]


def _stamp(path: Path, how: str = "bring it back") -> list[Any]:
    if not path.exists():
        raise InputError(f"the corpus is gone: {path} does not exist; {how} to see its texts.")
    inside = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [[str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in inside]


def _in_memory(name: str, table: pa.Table, notes: tuple[str, ...] = ()) -> Source:
    with sql.connection({"source_rows": table}) as connection:
        described = connection.execute("DESCRIBE SELECT * FROM source_rows").fetchall()
    kinds = {column: kind for column, kind, *_ in described}
    select = "SELECT * FROM source_rows"
    return Source(name, select, kinds, (), notes=notes, tables={"source_rows": table})


def _check_there(name: str) -> None:
    try:
        exists = Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, ~nobody, a NUL in it
        raise InputError(f"corpus {name[:60]!r} cannot be the name of a file: {error}") from error
    if not exists:
        raise InputError(
            f"corpus {name!r} is neither a preset ({', '.join(PRESETS)}) nor saved "
            f"({', '.join(saved.names()) or 'none is'}) nor a file that exists, nor the id of a "
            "data set of the hub (owner/name)."
        )
