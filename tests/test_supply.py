"""What LangSkew depends on: exactly named, with a licence, and telling nobody anything."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RANGES = {"torch"}  # a CPU build or a CUDA build by the same line; requirements.txt says so


def requirements(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    named = [line for line in lines if line and not line.startswith(("#", "-r"))]
    found = (re.fullmatch(r"([\w.-]+)(?:\[\w+\])?(\S+)", line) for line in named)
    return {match[1]: match[2] for match in found if match}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_versions_are_exact_and_installed(file) -> None:
    found = requirements(file)
    assert len(found) > 5
    assert {name for name, wanted in found.items() if not wanted.startswith("==")} <= RANGES
    for name, wanted in found.items():
        if name not in RANGES:
            assert wanted == f"=={version(name)}"


def test_licences_are_listed_for_these_versions() -> None:
    """Stale: run `make licences`."""
    text = (ROOT / "docs/licences.md").read_text()
    rows = re.findall(r"^\| (\S+) +\| (\S+) +\| (.*?) +\|$", text, re.M)
    listed = {normal(name): (number, licence) for name, number, licence in rows[1:]}
    for name, wanted in requirements("requirements.txt").items():
        number, licence = listed[normal(name)]
        assert licence not in ("", "UNKNOWN")
        if name not in RANGES:
            assert wanted == f"=={number}"
    assert len(listed) > 50


def test_the_server_tells_nobody_and_takes_nothing() -> None:
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    server, client = config["server"], config["client"]
    assert config["browser"]["gatherUsageStats"] is False
    assert server["address"] == "localhost"
    assert server["enableCORS"] is server["enableXsrfProtection"] is True
    assert server["maxUploadSize"] == 0
    assert not server["enableStaticServing"] and not server["enableAgentApi"]
    assert client["disableDataExport"] is True
    assert (client["showErrorDetails"], client["showErrorLinks"]) == ("none", False)
