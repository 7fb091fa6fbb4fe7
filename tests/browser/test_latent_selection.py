"""The map of the page Latent space by mouse and by keyboard: a selection stays, and is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core.results import projection
from core.results.selection import Area, Selection, stands_out
from tests.helpers.serving import serving
from tests.helpers.started import small_study

pytestmark = pytest.mark.browser

FITS = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    return main.scrollWidth <= main.clientWidth;
}"""
CHARTS = '[data-testid="stVegaLiteChart"]'


@pytest.fixture(scope="module")
def map_address(projected: Path) -> Iterator[str]:
    with serving(projected) as url:
        yield url


@pytest.fixture
def found(projected, monkeypatch) -> projection.Projection:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(projected))
    return projection.read(small_study())


def opened(browser, address: str, width: int, **view: str) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 1600})
    query = "&".join(f"{key}={value}" for key, value in view.items())
    page.goto(f"{address}/latent?{query}")
    drawn(page)
    return page


def drawn(page: Page) -> Locator:
    """The large panel once nothing moves any more."""
    expect(page.get_by_text("Language identification, test set")).to_be_visible()
    marks = page.locator(CHARTS).first.locator("canvas, svg.marks").first
    expect(marks).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    return marks


def in_link(page: Page, name: str) -> list[str]:
    return parse_qs(urlsplit(page.url).query).get(name, [])


def told(page: Page) -> int:
    said = page.get_by_text(re.compile("of 144 texts stand out")).inner_text()
    return int(re.match(r"(\d+) of", said)[1])


@pytest.mark.parametrize("width", [1440, 1024])
def test_a_rectangle_selects_texts_and_outlives_the_colour(
    browser, map_address, found, width
) -> None:
    page = opened(browser, map_address, width, study="small", panel=found.runs[1])
    assert page.evaluate(FITS)
    panel = drawn(page).bounding_box()
    page.mouse.move(panel["x"] + 4, panel["y"] + 4)
    page.mouse.down()
    page.mouse.move(panel["x"] + 60, panel["y"] + 60)
    page.mouse.move(panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] - 4, steps=4)
    page.mouse.up()
    expect(page.get_by_text("Predicted right")).to_be_visible()
    (link,) = in_link(page, "area")
    area = Area.read(link)
    assert area.panel == found.runs[1]
    out = stands_out(found.texts.assign(text=""), Selection(area=area))
    ids = found.texts["row"][out].tolist()
    assert 0 < len(ids) < 144 and told(page) == len(ids)
    xs = np.concatenate([found.places(panel)[:, 0] for panel in found.panels])
    left = found.places(found.runs[1])[:, 0] < (xs.min() + xs.max()) / 2
    assert len(ids) == pytest.approx(left.sum(), abs=4)  # points on the very edge

    page.get_by_role("radio", name="label", exact=True).click(force=True)
    expect(page.get_by_text("144 texts by label")).to_be_visible()
    assert in_link(page, "area") == [link] and told(page) == len(ids)

    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name="↓ CSV").first.click()
    table = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert table[0].startswith("language,label,text,")
    assert len(table) == len(ids) + 1

    again = opened(browser, map_address, width, study="small", area=link)  # the link alone
    assert told(again) == len(ids)
    again.close()
    page.get_by_role("button", name="Let go of the rectangle").click()
    expect(page.get_by_text("Drag a rectangle")).to_be_visible()
    assert in_link(page, "area") == []
    page.close()


def test_a_small_panel_that_is_clicked_becomes_large(browser, map_address, found) -> None:
    page = opened(browser, map_address, 1440, study="small")
    small = page.locator(CHARTS).nth(1).locator("canvas, svg.marks").first
    small.click(position={"x": 60, "y": 100})  # the first
    expect(page.get_by_text("before fine-tuning: 144 texts")).to_be_visible()
    assert in_link(page, "panel") == ["before"]
    page.close()


def test_the_map_by_keyboard_alone(browser, map_address, found) -> None:
    page = opened(browser, map_address, 1440, study="small")

    def reach(label: str, of: str) -> None:
        """Press Tab until what has the focus is called so."""
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(of) == label:
                return
        raise AssertionError(f"no way by Tab to {label}")

    named = """() => {
        const e = document.activeElement;
        const by = e.getAttribute('aria-labelledby');
        const labels = by ? by.split(' ').map(i => document.getElementById(i)?.innerText) : [];
        const own = e.labels ? [...e.labels].map(l => l.innerText) : [];
        const said = e.getAttribute('aria-label') || [...labels, ...own].filter(x => x)[0] || '';
        return (said || e.innerText || '').trim().split('\\n')[0];
    }"""
    reach("Large panel", named)
    page.keyboard.type("before")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("before fine-tuning: 144 texts")).to_be_visible()
    drawn(page)
    reach("es", named)  # the first of the key, which isolates; arrows lead to the others
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("24 of 144 texts stand out: in de.")).to_be_visible()
    drawn(page)
    word = "e"
    reach("Texts containing", named)
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"containing “{word}”")).to_be_visible()
    drawn(page)
    reach("Text", named)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("nearest neighbours are in its own language")).to_be_visible()
    (row,) = in_link(page, "row")
    assert found.texts.set_index("row").loc[row, "language"] == "de"
    assert in_link(page, "isolate") == ["de"] and in_link(page, "panel") == ["before"]
    page.close()


@pytest.mark.parametrize("colour", ["language", "group"])
def test_nothing_scrolls_sideways_on_a_phone(browser, map_address, colour, found) -> None:
    row = found.texts["row"][0]
    page = opened(browser, map_address, 390, study="small", colour=colour, row=row, isolate="de")
    assert page.evaluate(FITS)
    page.close()
