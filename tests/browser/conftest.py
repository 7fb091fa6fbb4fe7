"""Headless Chromium, and the app over a checkpoints folder. Skips where Chromium is missing."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from docs.tools.screenshots import FLAGS
from tests.helpers.needs import missing
from tests.helpers.serving import serving

expect.set_options(timeout=60_000)  # a busy machine draws a page in tens of seconds


@contextmanager
def with_workers(folder: Path) -> Iterator[str]:
    """The app over a folder in which jobs are done: their workers end with it."""
    with serving(folder) as url:
        yield url
    for lock in folder.glob("queue/worker-*.lock"):
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(lock.read_text()), signal.SIGTERM)


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
