"""The main journey in headless Chromium. Skips where Chromium is not installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from docs.screenshots import FLAGS

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed; .ci/run installs it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(trained: Path) -> Iterator[str]:
    """The app over the small study, on a free port."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "LANGSKEW_CHECKPOINTS": str(trained)}
    app = subprocess.Popen(command, cwd=ROOT, env=environment)
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


@pytest.mark.parametrize("width", [1440, 1024])
def test_a_reader_opens_the_study_and_downloads_a_table(browser, address, width) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    outside: list[str] = []
    page.on("request", lambda r: None if r.url.startswith(address) else outside.append(r.url))
    page.goto(address)
    page.wait_for_selector("path[role=graphics-symbol]", timeout=60_000)
    assert "study=small" in page.url
    labels = [e.get_attribute("aria-label") for e in page.query_selector_all("path[role]")]
    assert any("setup: imbalanced+cw" in (label or "") for label in labels)
    # Nothing is wider than the page.
    assert page.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]');"
        " return m.scrollWidth <= m.clientWidth }"
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").first.click()
    table = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert table[0].startswith("setup,seed,accuracy,accuracy from,accuracy to")
    assert len(table) == 5
    assert not [url for url in outside if not url.startswith(("ws:", "data:", "blob:"))]
    page.close()
