"""What a source is: the rows of some files, in SQL, and how they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

# Columns that stand in no file: what the names of the files and folders say.
NAME_LANGUAGE = "language (file name)"
NAME_SPLIT = "split (file name)"
NAME_FILE = "file"
OF_NAMES = (NAME_FILE, NAME_LANGUAGE, NAME_SPLIT)


@dataclass(frozen=True)
class Options:
    """How files are read, where that is not to be found out.

    Attributes:
        delimiter: one character between two fields; None: found out.
        encoding: a name that Python knows, such as `latin-1`; None: found out.
        quoting: whether a double quote encloses a field; None: found out.
        header: whether the first row holds names; None: found out.
        sheet: name of the sheet of a workbook; None: the first that has rows.
    """

    delimiter: str | None = None
    encoding: str | None = None
    quoting: bool | None = None
    header: bool | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Part:
    """One file of a source.

    Attributes:
        path: of the file; of one in an archive the archive's, with the member behind it.
        read_as: for a reader: "CSV with ';', latin-1, quotes are letters".
        language, split: as its name or its folder's name says; empty where it says nothing.
    """

    path: str
    read_as: str
    language: str = ""
    split: str = ""


@dataclass(frozen=True)
class Source:
    """Rows of one or more files, not yet read.

    Attributes:
        name: as it was asked for.
        select: SQL of `core.storage.sql` that gives the rows in their order, with the files'
            columns, typed as the files have them (CSV: all VARCHAR). Files that SQL does not read
            have been written as Parquet into the cache, so asking twice is safe.
        columns: name -> DuckDB type, in their order; NAME_LANGUAGE and NAME_SPLIT among them where
            any part has such a name, NAME_FILE where there is more than one part.
        parts: the files, in their order.
        classes: column of whole numbers -> the names of its classes, in their order (ClassLabel).
        refused: why -> lines of the files that are not among the rows, such as "more fields than
            the header"; where any is, `notes` names the first lines.
        notes: what a reader should know of how the files were read.
        tables: Arrow tables by the names that `select` uses, of what lies in no file.
    """

    name: str
    select: str
    columns: Mapping[str, str]
    parts: tuple[Part, ...]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    @property
    def paths(self) -> list[Path]:
        """Of the files on the disk, for an error that names them."""
        return [Path(part.path) for part in self.parts]
