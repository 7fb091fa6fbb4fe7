"""A data set of the hub as a folder of its tables, by its id: downloaded, or out of its cache."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.sources.found import ENDINGS
from core.storage import atomic
from core.storage.download import hub_answers
from core.storage.places import cache_dir

# owner/name, and @ a revision.
_ID = re.compile(r"(?P<id>[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95})(@(?P<revision>[\w.-]{1,100}))?")
_FILES = ["README.md", *(f"*{ending}" for ending in sorted(ENDINGS))]
MOST = 20e9  # bytes: larger ones are read in parts that a user chooses


def is_id(name: str) -> bool:
    """Whether a name can be the id of a data set, and is no file or folder."""
    return _ID.fullmatch(name) is not None and not Path(name).exists()


def place(name: str) -> Path:
    """Where its tables are, once they are here."""
    return cache_dir() / "hub" / name.replace("/", "--")


def folder(name: str) -> Path:
    """Its tables on this machine, as files of their own.

    Args:
        name: owner/name, or owner/name@revision; without one it stays at the one first read.

    Raises:
        InputError: the hub does not answer, refuses it, or it is too large.
    """
    asked = _ID.fullmatch(name)
    assert asked is not None  # `is_id`
    if (there := place(name)).exists():
        return there
    found = _cached(asked["id"], asked["revision"])
    atomic.make_folder(there.parent)
    with atomic.replacing(there) as partial:
        if found is None:
            _download(asked["id"], asked["revision"], partial)
        else:  # its cache has links to elsewhere, which are followed here
            shutil.copytree(found, partial)
    return there


def _cached(hub_id: str, revision: str | None) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(hub_id, repo_type="dataset", revision=revision, local_files_only=True)
        )
    except LocalEntryNotFoundError:
        return None


def _download(hub_id: str, revision: str | None, target: Path) -> None:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    if not hub_answers():
        raise InputError(
            f"data set {hub_id}: there is no such file or folder, and the hub does not answer. "
            "Name a folder with its files."
        )
    more: dict[str, Any] = {"repo_type": "dataset", "revision": revision}
    try:
        told = HfApi().dataset_info(hub_id, revision=revision, files_metadata=True)
        size = sum(file.size or 0 for file in told.siblings or () if _is_table(file.rfilename))
        if size > MOST:
            raise InputError(
                f"data set {hub_id} has {size / 1e9:.0f} GB of tables; at most {MOST / 1e9:.0f} GB "
                "are downloaded here. Download the files of your languages, and name their folder."
            )
        snapshot_download(hub_id, allow_patterns=_FILES, local_dir=target, **more)
    except HfHubHTTPError as error:
        raise InputError(
            f"data set {hub_id}: the hub refuses it ({error}). Check the id, the revision and your "
            "access."
        ) from error
    shutil.rmtree(target / ".cache", ignore_errors=True)  # the client's own notes


def _is_table(name: str) -> bool:
    return name.lower().endswith(tuple(ENDINGS))
