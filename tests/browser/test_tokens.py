"""The page Tokens in headless Chromium: threshold, groups, one text, and the address bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from tests.helpers.serving import serving

from .test_journey import FITS, download, drawn, pick, view

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(explained: Path) -> Iterator[str]:
    """The app over the small study with attributions."""
    with serving(explained) as url:
        yield url


def opened_text(page: Page) -> Locator:
    """The text whose tokens are coloured, by the reference."""
    return page.get_by_test_id("stHtml").first


def settled(page: Page, place: Locator) -> dict[str, float]:
    """Where an element is, once the page around it no longer moves."""
    before, box = None, None
    for _ in range(60):
        with suppress(Error):  # drawn anew meanwhile
            place.scroll_into_view_if_needed()
            page.wait_for_timeout(500)
            before, box = box, place.bounding_box()
        if box and box == before:
            return dict(box)
    raise AssertionError("the page moves on and on")


def test_a_reader_moves_the_threshold_opens_a_text_and_comes_back(address, browser) -> None:
    page = browser.new_page(viewport={"width": 1024, "height": 1000})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/tokens?study=small")
    drawn(page)
    assert page.evaluate(FITS)
    pick(page, "Class", "positive")
    expect(page.get_by_role("heading", name="attributions to positive")).to_be_visible()
    drawn(page)

    expect(page.get_by_text("Threshold 0.01, method").first).to_be_visible()
    bars = page.locator("path[aria-roledescription=bar][aria-label*='side: ']")
    assert bars.count() >= 4 * 6  # parts and languages
    page.get_by_role("slider").press("Home")
    page.wait_for_url("**threshold=0.001**")
    expect(page.get_by_text("Threshold 0.001, method").first).to_be_visible()
    expect(page.get_by_text("chosen by the balanced model of another seed").first).to_be_visible()
    page.get_by_role("radio", name="As in the paper", exact=True).click()
    expect(page.get_by_text("fall and opposing ones rise by selection").first).to_be_visible()
    drawn(page)

    first = opened_text(page).inner_text()
    for row in (4, 5):  # of texts; the page may have moved under the first click
        box = settled(page, page.locator("[data-testid=stDataFrame]:visible").first)
        x, y = box["x"] + 0.7 * box["width"], box["y"] + (row + 0.5) * 35  # its text
        page.mouse.move(x, y - 3)
        page.wait_for_timeout(500)
        page.mouse.click(x, y, delay=150)  # a hand takes that long; the grid misses quicker ones
        page.wait_for_url("**row=**")
        drawn(page)
        if opened_text(page).inner_text() != first:
            break
    expect(opened_text(page)).not_to_have_text(first)
    second = opened_text(page).inner_text()
    page.get_by_role("radio", name="words", exact=True).click()
    expect(page.get_by_role("heading", name="What each of the text's words does")).to_be_visible()
    drawn(page)
    tokens = page.locator("[data-testid=stHtml] span").count()
    assert tokens > 3 and tokens % 3 == 0  # two runs and their difference

    page.reload()
    drawn(page)
    expect(opened_text(page)).to_have_text(second)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    shown = view(page)
    row = shown.pop("row")
    assert shown == {
        "study": ["small"],
        "class": ["positive"],
        "threshold": ["0.001"],
        "groups": ["paper"],
        "by": ["words"],
    }
    pick(page, "Class", "negative")  # another class of the same text
    expect(page.get_by_role("heading", name="One text in")).to_contain_text("of negative")
    assert view(page)["row"] == row
    assert download(page, "SVG").startswith(b"<svg")
    local = ("http://localhost:", "ws://localhost:", "data:", "blob:")
    assert not [url for url in asked if not url.startswith(local)]
    page.close()


def test_the_tab_key_stops_at_nothing_that_is_not_seen(address, browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/tokens?study=small")
    drawn(page)
    place = """() => {
        const e = document.activeElement, look = getComputedStyle(e);
        const toolbar = e.closest('[data-testid=stElementToolbar]');
        return [e.tagName, look.visibility, toolbar && getComputedStyle(toolbar).opacity,
                look.outlineStyle + look.boxShadow];
    }"""
    stops = []
    for _ in range(120):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(place))
        if stops[-1][0] == "BODY" and len(stops) > 1:
            break
    else:
        raise AssertionError("the Tab key goes round and round")
    stops = [stop for stop in stops if stop[0] != "BODY"]
    assert len(stops) > 20
    assert not [stop for stop in stops if stop[1] != "visible" or stop[2] not in (None, "1")]
    assert not [stop for stop in stops if stop[3] == "nonenone"]  # an outline, or a ring
    page.close()


def test_a_toolbar_covers_no_chart(address, browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/tokens?study=small")
    drawn(page)
    chart = page.get_by_test_id("stVegaLiteChart").nth(1)
    box = settled(page, chart)
    toolbar = page.get_by_test_id("stElementToolbar").nth(1)
    expect(toolbar).not_to_be_visible()
    chart.hover(position={"x": 5, "y": box["height"] - 5})
    expect(toolbar).to_be_visible()
    page.wait_for_timeout(500)
    shown = toolbar.bounding_box()
    assert shown is not None and shown["y"] >= box["y"] + box["height"] - 1
    toolbar.get_by_role("button", name="Fullscreen").click()
    close = page.get_by_role("button", name="Close fullscreen")
    expect(close).to_be_visible()
    close.click()
    page.close()
