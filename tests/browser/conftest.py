"""Headless Chromium, and the app over a checkpoints folder. Skips where Chromium is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from docs.tools.screenshots import FLAGS
from tests.helpers.needs import missing
from tests.helpers.serving import serving

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
