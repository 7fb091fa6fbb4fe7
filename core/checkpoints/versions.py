"""Versions of LangSkew and of the libraries that results depend on."""

from __future__ import annotations

import platform
import subprocess
import tomllib
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from core.errors import InputError
from core.storage import places, reading

PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "tokenizers",
    "safetensors",
    "numpy",
    "pandas",
    "pyarrow",
    "duckdb",
    "scipy",
    "scikit-learn",
    "shap",
    "umap-learn",
    "altair",
)


def installed() -> dict[str, str]:
    """What runs here, by name: `langskew` (with the commit, where git knows it), Python, packages.

    Nothing is imported; a package that is not installed is left out.
    """
    found = {"langskew": _langskew(), "Python": platform.python_version()}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def of_run(folder: Path) -> dict[str, str]:
    """What a finished run was made with; empty where it was not recorded."""
    with suppress(InputError):  # said where the run's measures are read
        document = reading.json_object(folder / "metrics.json", "train the run again")
        versions = document.get("versions")
        if isinstance(versions, dict):
            return {str(k): str(v) for k, v in versions.items()}
    return {}


def _langskew() -> str:
    version = "unknown"
    with suppress(OSError, KeyError, tomllib.TOMLDecodeError):
        document = tomllib.loads((places.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        version = str(document["project"]["version"])
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["git", "-C", str(places.ROOT), "rev-parse", "--short=12", "HEAD"]
        said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10)
        version += f" ({said.stdout.strip()})"
    return version
