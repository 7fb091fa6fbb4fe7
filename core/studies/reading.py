"""What a study reads from this machine's disk by path, kept to some folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from core.corpora import find, paper_corpora
from core.errors import InputError
from core.models import hub
from core.sources import hub as corpus_hub
from core.storage.places import is_inside
from core.studies.study import Study


def check(study: Study, folders: Sequence[str]) -> None:
    """Refuse a study that names a file or folder outside some folders, whether it is there or not.

    Corpora and encoders by name and of the hub are no paths. `..` and links are followed; data sets
    are besides kept to their own folder (core/sources/confined.py).

    Args:
        folders: absolute paths; none: nothing is read by path.

    Raises:
        InputError: names what the study names.
    """
    for key, path in _paths(study):
        _check(key, getattr(study, key), path, folders)


def check_corpus(source: str, folders: Sequence[str]) -> None:
    """Refuse a corpus by path as `check` does.

    Raises:
        InputError: names it.
    """
    for path in _of_corpus("corpus", source):
        _check("corpus", source, path, folders)


def _check(key: str, name: str, path: Path, folders: Sequence[str]) -> None:
    allowed = [Path(folder) for folder in folders if Path(folder).is_absolute()]
    if not any(_is_inside(path, folder) for folder in allowed):
        there = f"folders for that are {', '.join(folders)}" if folders else "there is no folder"
        raise InputError(
            f"{key} is {name!r}, which may not be read here; {there}. Name a corpus or an encoder "
            "by its name or of the hub, or ask whoever runs this server (folders under [access] in "
            "Streamlit's secrets)."
        )


def _of_corpus(key: str, source: str) -> Iterator[Path]:
    found = paper_corpora.parse(source)
    if found and not (corpus_hub.is_local(found[1]) or _looks_local(found[1])):
        return
    if found or (source and not find.is_named(source)):
        yield _path(key, found[1] if found else source)


def _paths(study: Study) -> Iterator[tuple[str, Path]]:
    for key in ("corpus", "external"):
        yield from ((key, path) for path in _of_corpus(key, getattr(study, key)))
    if study.encoder not in (*hub.HUB, hub.TINY) and _looks_local(study.encoder):
        yield "encoder", _path("encoder", study.encoder)


def _looks_local(name: str) -> bool:
    return name.startswith(("/", ".", "~")) or _path("path", name).exists()


def _path(key: str, name: str) -> Path:
    """As readers find it; a language stands for one folder, so any word does."""
    try:
        path = Path(name.replace("{language}", "xx")).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, ~nobody, a NUL in it
        raise InputError(f"{key} {name[:60]!r} cannot be the name of a file: {error}") from error
    return path


def _is_inside(path: Path, folder: Path) -> bool:
    """Of a model's folder each file, which may be a link."""
    files = list(path.iterdir()) if path.is_dir() else []
    return all(is_inside(place, folder) for place in (path, *files))
