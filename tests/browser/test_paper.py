"""The page Paper in headless Chromium: tables, figures, thresholds, and the address bar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.helpers.serving import serving

from .test_journey import FITS, download, drawn, view

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(explained: Path) -> Iterator[str]:
    """The app over the small study with attributions."""
    with serving(explained) as url:
        yield url


def test_a_reader_compares_tables_then_figures(address, browser) -> None:
    page = browser.new_page(viewport={"width": 1024, "height": 1000})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/paper?study=small")
    drawn(page)
    assert page.evaluate(FITS)
    expect(page.get_by_role("heading", name="Table 3: accuracy on the test set")).to_be_visible()
    assert download(page, "LaTeX").startswith(b"% ")
    page.goto(f"{address}/paper?study=small&corpus=xnli")
    expect(page.get_by_role("heading", name="Table 4: language")).to_contain_text("xnli, mBERT")
    drawn(page)
    page.get_by_role("radio", name="figures").or_(
        page.get_by_role("button", name="figures")
    ).first.click()
    expect(page.get_by_role("heading", name="What figure 1 says").first).to_be_visible()
    bars = page.locator("path[aria-roledescription=bar][aria-label*='side: ']")
    bars.nth(4 * 4 * 6 - 1).wait_for(state="attached")  # figures, parts, languages
    assert page.evaluate(FITS)
    assert view(page) == {"study": ["small"], "corpus": ["xnli"], "show": ["figures"]}
    local = ("http://localhost:", "ws://localhost:", "data:", "blob:")
    assert not [url for url in asked if not url.startswith(local)]
    page.close()
