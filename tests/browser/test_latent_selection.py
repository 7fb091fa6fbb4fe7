"""A rectangle drawn on one panel of the map marks its texts in all, and lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.results import projection
from tests.helpers.serving import serving
from tests.helpers.started import small_study

pytestmark = pytest.mark.browser

# How many points of each panel stand out.
BRIGHT = """() => [...document.querySelectorAll('svg.marks g.mark-symbol')]
    .map(panel => [...panel.querySelectorAll('path[aria-label*="predicted"]')])
    .filter(points => points.length)
    .map(points => points.filter(p => Number(getComputedStyle(p).opacity) > 0.5).length)"""
FITS = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    return main.scrollWidth <= main.clientWidth;
}"""


@pytest.fixture(scope="module")
def map_address(projected: Path) -> Iterator[str]:
    with serving(projected) as url:
        yield url


def opened(browser, address: str, width: int) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 1400})
    page.goto(address)
    page.get_by_role("link", name="Latent space").click()
    page.wait_for_selector('path[aria-label*="predicted"]', timeout=60_000)
    # Below the panels; where it stands, nothing moves them any more.
    expect(page.get_by_text("Drag a rectangle").first).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    return page


@pytest.mark.parametrize("width", [1440, 1024])
def test_a_rectangle_selects_the_same_texts_in_all_panels(
    browser, map_address, projected, monkeypatch, width
) -> None:
    page = opened(browser, map_address, width)
    assert page.evaluate(FITS)
    assert page.evaluate(BRIGHT) == [144] * 4

    # The left half of the second panel.
    panel = page.locator("svg.marks path.background[stroke='#888888']").nth(1).bounding_box()
    page.mouse.move(panel["x"] + 4, panel["y"] + 4)
    page.mouse.down()
    page.mouse.move(panel["x"] + 60, panel["y"] + 60)
    page.mouse.move(panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] - 4, steps=4)
    page.mouse.up()
    page.get_by_text("Predicted right").wait_for(timeout=60_000)
    told = int(re.match(r"(\d+) texts", page.get_by_text("Predicted right").inner_text())[1])
    assert 0 < told < 144
    assert page.evaluate(BRIGHT) == [told] * 4

    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(projected))
    found = projection.read(small_study())
    xs = [found.places(run_id)[:, 0] for run_id in found.runs]
    middle = (np.min(xs) + np.max(xs)) / 2
    assert told == pytest.approx((xs[1] < middle).sum(), abs=4)  # points on the very edge

    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name="↓ CSV").last.click()
    table = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert table[0].startswith("language,label,text,")
    assert len(table) == told + 1
    page.close()
