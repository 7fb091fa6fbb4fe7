"""Folders in the hub's layout: configurations named in a card, or what `save_to_disk` wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.sources import columnar, confined, hub
from core.sources.kept import kept
from core.sources.names import language_of, split_of
from core.sources.table import Table


def is_hubs(folder: Path) -> bool:
    """Whether a folder says itself which files it has, as data sets of the hub do."""
    return hub.is_saved(folder) or confined.has_configurations(folder)


def read(folder: Path) -> tuple[list[tuple[str, Table]], list[str]]:
    """The tables of a folder, each with a name for a reader, and notes.

    A configuration that is named after a language has the rows of that; where some are, those that
    are named otherwise (such as `all_languages`) are left out.

    Raises:
        InputError: it does not read, or names files outside it.
    """
    names = hub.languages(str(folder)) or [""]
    languages = [name for name in names if language_of(name)]
    notes = []
    if languages and (others := sorted(set(names) - set(languages))):
        notes.append(f"configurations left out, which name no language: {', '.join(others)}")
    found = []
    for name in languages or names:
        splits, _ = hub.read(str(folder), name)
        for split, rows in splits.items():
            if rows.num_rows == 0:
                notes.append(f"{name} {split} has no rows and is left out".lstrip())
                continue
            state = repr((name, split, [(str(p), p.stat().st_size, p.stat().st_mtime_ns)
                          for p in sorted(folder.rglob("*")) if p.is_file()]))  # fmt: skip
            copy = kept(folder, state, ".parquet",
                        lambda target, rows=rows: columnar.write_rows(rows, target))  # type: ignore[misc]  # fmt: skip
            table = columnar.read_parquet(copy, f"{folder} {name} {split}")
            shown = " ".join(filter(None, (name, split)))
            table = replace(table, read_as=f"data set, {shown}", language=language_of(name),
                            split=split_of(split) or split)  # fmt: skip
            found.append((shown, table))
    return found, notes
