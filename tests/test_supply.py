"""What LangSkew depends on: exactly named, with a licence, and telling nobody anything."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions, version
from pathlib import Path

import pytest

from docs.tools import audit

ROOT = Path(__file__).parent.parent
RANGES = {"torch"}  # a CPU build or a CUDA build by the same line; requirements.txt says so


def requirements(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    named = [line for line in lines if line and not line.startswith(("#", "-r"))]
    found = (re.fullmatch(r"([\w.-]+)(?:\[\w+\])?(\S+)", line) for line in named)
    return {match[1]: match[2] for match in found if match}


def locked(file: str) -> dict[str, set[str]]:
    """Versions by package; several where they depend on the platform or on Python."""
    found: dict[str, set[str]] = {}
    for entry in re.split(r"\n(?=\w)", (ROOT / file).read_text())[1:]:
        match = re.match(r"([\w.-]+)==([^\s;]+)", entry)
        assert match, entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
        found.setdefault(match[1], set()).add(match[2])
    return found


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


def test_everything_installed_is_in_the_lock_with_its_hashes() -> None:
    """But for torch with its CUDA libraries, and what installs. Stale: run `make lock`."""
    product, everything = locked("requirements.lock"), locked("requirements-dev.lock")
    for name, wanted in requirements("requirements.txt").items():
        if name not in RANGES:
            assert product[normal(name)] == {wanted[2:]}
    assert {name: everything.get(name) for name in product} == product
    free = re.compile(r"torch|triton|nvidia-.*|cuda-.*|pip|uv")
    for found in distributions():
        if not free.fullmatch(name := normal(found.name)):
            assert found.version in everything[name], name


def test_an_audit_that_asked_nobody_is_none() -> None:
    asked = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    skipped = {"name": "b", "skip_reason": "Dependency not found on PyPI"}
    lines, audited, vulnerabilities = audit.summary({"dependencies": [asked, skipped]})
    assert lines[0] == "a 1: CVE-1, mended in 2"
    assert "1 of 2 packages looked up, 1 vulnerabilities" in lines
    assert (audited, vulnerabilities) == (1, 1)
    lines, audited, vulnerabilities = audit.summary({"dependencies": [skipped]})
    assert (audited, vulnerabilities) == (0, 0)
    assert "Nothing was audited" in lines[-1]


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
    assert server["maxUploadSize"] == 200
    assert not server["enableStaticServing"] and not server["enableAgentApi"]
    assert client["disableDataExport"] is True
    assert (client["showErrorDetails"], client["showErrorLinks"]) == ("none", False)
