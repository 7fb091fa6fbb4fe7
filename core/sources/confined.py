"""A data set reads its own files: what its README.md or its own lists name elsewhere is refused.

A card of somebody's could else have any file of this machine read as texts, or have other machines
asked. Formats are those of tables: some others that the library `datasets` reads hold code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.storage.places import is_inside

_FORMATS = ("arrow", "csv", "json", "parquet")
_FOLDER_NAME = re.compile(r"\w[\w.-]*")


def check_language(source: str, language: str) -> None:
    """Refuse a language that would lead out of the folders that `{language}` stands for.

    Raises:
        InputError: it is not a plain name.
    """
    if not _FOLDER_NAME.fullmatch(language):
        raise InputError(
            f"language {language!r} cannot stand in {source}; expected letters and digits, such as "
            "fr or zh-CN."
        )


def check_folder(where: Path, folder: Path) -> None:
    """Refuse a part of a data set's folder that is a link to elsewhere.

    Raises:
        InputError: names it.
    """
    if not is_inside(where, folder):
        raise _outside(str(folder), str(where))


def check_card(folder: Path) -> None:
    """Refuse a local data set whose card names other machines: looking its files up would ask them.

    Raises:
        InputError: names the address.
    """
    left: list[Any] = [_configs(folder / "README.md"), _configs(folder / ".huggingface.yaml")]
    while left:
        value = left.pop()
        if isinstance(value, str) and "://" in value:
            raise _outside(str(folder), value)
        left += value.values() if isinstance(value, dict) else []
        left += value if isinstance(value, list) else []


def has_configurations(folder: Path) -> bool:
    """Whether a folder's card names configurations and their files."""
    card = folder / "README.md"
    try:
        with card.open(encoding="utf-8") as file:
            has_head = file.read(4).startswith("---")
    except (OSError, ValueError):  # no card
        return False
    return has_head and bool(_configs(card))


def _configs(path: Path) -> Any:
    """What a card says of its configurations and their files, as the library reads it."""
    import yaml
    from huggingface_hub.repocard import RepoCard

    try:
        if path.suffix == ".md":
            card = RepoCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=True)
            return card.data.to_dict().get("configs")
        return yaml.safe_load(path.read_text(encoding="utf-8")).get("configs")
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, yaml.YAMLError):
        return None  # for the library to say


def check_files(builder: Any, where: str, folder: Path | None) -> None:
    """Refuse a data set whose files are elsewhere, or no tables, before one of them is opened.

    Args:
        builder: of `datasets.load_dataset_builder`.
        folder: of a local data set; None for one of the hub.

    Raises:
        InputError: names the file or the format.
    """
    kind = type(builder).__module__.rpartition(".")[2]
    if kind not in _FORMATS:
        raise InputError(
            f"data set {where!r} is of the format {kind}; expected {', '.join(_FORMATS)}."
        )
    for files in (builder.config.data_files or {}).values():
        for name in map(str, files):
            if folder is None:
                if not name.startswith("hf://"):
                    raise _outside(where, name)
            elif "://" in name or not is_inside(Path(name), folder):
                raise _outside(where, name)


def check_saved(where: Path, folder: Path) -> None:
    """Refuse what `save_to_disk` wrote where its lists name files elsewhere, before any is opened.

    Raises:
        InputError: names the file.
    """
    for part in (where, *(where / str(n) for n in _listed(where, "dataset_dict.json", "splits"))):
        for entry in _listed(part, "state.json", "_data_files"):
            name = str(entry.get("filename", "") if isinstance(entry, dict) else entry)
            if not is_inside(part / name, folder):
                raise _outside(str(where), name)


def _listed(part: Path, file: str, key: str) -> Iterator[Any]:
    try:
        yield from json.loads((part / file).read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # the library will say so
        return


def _outside(where: str, name: str) -> InputError:
    return InputError(
        f"data set {where!r} names a file outside its own folder: {name}. Nothing of it was read; "
        "put a copy of the file into the folder, and name that."
    )
