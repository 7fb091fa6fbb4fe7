"""Headless Chromium, and the app over a checkpoints folder. Skips where Chromium is missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from docs.tools.screenshots import FLAGS
from tests.helpers.needs import missing

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=60_000)  # a busy machine draws a page in tens of seconds


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("Chromium is not installed; .ci/run installs it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(trained: Path) -> Iterator[str]:
    """The app over the small study."""
    with serving(trained) as url:
        yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    checkpoints: Path, *options: str, port: int | None = None, **environment: str
) -> Iterator[str]:
    """The app over a checkpoints folder, by default on a free port.

    Args:
        options: for `streamlit run`.
        environment: what it has besides the tests' own.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "LANGSKEW_CHECKPOINTS": str(checkpoints), **environment}
    app = subprocess.Popen([*command, *options], cwd=ROOT, env=environment)
    url = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                assert app.poll() is None
                time.sleep(0.2)
        yield url
    finally:
        app.terminate()
        app.wait()
