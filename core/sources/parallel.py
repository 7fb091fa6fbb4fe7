"""Texts and labels in files of their own, one a line: joined as the columns `text` and `label`."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pyarrow as pa

from core.errors import InputError
from core.sources import columnar
from core.sources.found import File
from core.sources.kept import kept
from core.sources.source import Options
from core.sources.table import Table
from core.sources.text import open_text
from core.storage import memory

_TEXTS = {"text", "texts", "txt", "sentence", "sentences", "tweet", "tweets", "input", "inputs"}
_LABELS = {"label", "labels", "lab", "labs", "target", "targets", "gold", "tag", "tags"}
_ENDINGS = (".txt", ".text", ".texts", ".label", ".labels", ".lab", ".tags", ".gold")
_MAPPING = re.compile(r"(?i)(.*[._-])?(mapping|label_?names|class_?names)\.txt")


def pairs(files: list[File]) -> tuple[list[tuple[File, File]], list[File]]:
    """Files of texts with those of their labels, and the files that are left."""
    texts: dict[tuple[str, ...], list[File]] = defaultdict(list)
    labels: dict[tuple[str, ...], list[File]] = defaultdict(list)
    for file in files:
        path = PurePosixPath(file.name)
        if path.suffix.casefold() not in _ENDINGS or _MAPPING.fullmatch(path.name):
            continue
        words = re.findall(r"[^\W_]+", path.name.casefold())
        key = (str(path.parent), *(w for w in words if w not in _TEXTS | _LABELS))
        (labels if _LABELS & set(words) else texts)[key].append(file)
    found = [
        (texts[key][0], labels[key][0])
        for key in texts
        if len(texts[key]) == 1 and len(labels.get(key, [])) == 1
    ]
    taken = {file for pair in found for file in pair}
    left = [file for file in files if file not in taken]
    if found:
        left = [file for file in left if not _MAPPING.fullmatch(PurePosixPath(file.name).name)]
    return found, left


def mapping_of(text: File, files: list[File]) -> File | None:
    """The file that names the classes of a pair: in its folder, or in one above."""
    named = {
        str(PurePosixPath(f.name).parent): f
        for f in files
        if _MAPPING.fullmatch(PurePosixPath(f.name).name)
    }
    for folder in PurePosixPath(text.name).parents:
        if (found := named.get(str(folder))) is not None:
            return found
    return None


def read(text: File, label: File, mapping: File | None, options: Options) -> Table:
    """A pair of files as a table.

    Raises:
        InputError: they have different numbers of lines, or one does not read.
    """
    texts, labels = _lines(text, options), _lines(label, options)
    if len(texts) != len(labels):
        raise InputError(
            f"{text.shown} has {len(texts):,} lines and {label.shown} has {len(labels):,}; they "
            "should have one each for each row. Mend the one that has too many or too few."
        )
    whole = all(re.fullmatch(rb"\d{1,9}", value) for value in labels)
    names = _names(mapping, options) if mapping is not None and whole else ()
    there = label.path.stat()
    what = repr(("labels", str(label.path.resolve()), there.st_size, there.st_mtime_ns, options))

    def write(target: Path) -> None:
        values = pa.array(labels, pa.binary()).cast(pa.string())
        columns = {
            "text": pa.array(texts, pa.binary()).cast(pa.string()),
            "label": values.cast(pa.int64()) if whole else values,
        }
        columnar.write_rows(pa.table(columns), target)

    table = columnar.read_parquet(kept(text.path, what, ".parquet", write), text.shown)
    return replace(
        table,
        read_as=f"texts, and labels of {PurePosixPath(label.name).name}, one a line",
        classes={"label": names} if names else {},
    )


def _lines(file: File, options: Options) -> list[bytes]:
    """Lines without their breaks; the last may have none."""
    memory.check_texts(file.path)
    lines = open_text(file.path, options).data.tobytes().split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


def _names(mapping: File, options: Options) -> tuple[str, ...]:
    """Names of classes of a file with a number and a name a line; none where it is another."""
    rows = [line.decode().split("\t") for line in _lines(mapping, options) if line.strip()]
    numbers = [row[0].strip() for row in rows]
    if any(len(row) < 2 for row in rows) or numbers != [str(i) for i in range(len(rows))]:
        return ()
    return tuple(row[1].strip() for row in rows)
