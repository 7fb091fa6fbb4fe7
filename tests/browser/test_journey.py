"""The main journey in headless Chromium. Skips where Chromium is not installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.serving import serving

pytestmark = pytest.mark.browser
PAGES = ["", "data", "predictions", "compare"]
FITS = (
    "() => { const m = document.querySelector('[data-testid=stMain]');"
    " return m.scrollWidth <= m.clientWidth }"
)


@pytest.fixture(scope="module")
def address(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app over the small study under two names."""
    folder = tmp_path_factory.mktemp("two") / "checkpoints"
    shutil.copytree(trained, folder)
    shutil.copytree(folder / "studies" / "small", folder / "studies" / "another")
    with serving(folder) as url:
        yield url


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A tab that fails the test when it asks for anything outside."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    opened.close()
    local = ("http://localhost:", "ws://localhost:", "data:", "blob:")
    assert not [url for url in asked if not url.startswith(local)]


def view(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def drawn(page: Page) -> None:
    """Wait until charts are drawn and the script has ended."""
    page.wait_for_selector("path[role=graphics-symbol]", timeout=60_000)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=60_000)


def pick(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).first.click()
    page.get_by_role("option", name=option, exact=True).click()


def download(page: Page, kind: str) -> bytes:
    with page.expect_download(timeout=120_000) as found:
        page.get_by_role("button", name=f"↓ {kind}").first.click()
    return Path(found.value.path()).read_bytes()


def test_the_first_visitor_of_a_server_may_come_by_a_link_to_a_page(trained, page) -> None:
    with serving(trained) as url:
        page.goto(f"{url}/compare?study=small&a=balanced+%28null%29&b=balanced")
        drawn(page)
        expect(page.get_by_role("heading", name="Compare")).to_be_visible()
        expect(page.get_by_role("link", name="Overview")).to_be_visible()
        assert page.get_by_role("link", name="common").count() == 0
        assert view(page)["a"] == ["balanced (null)"]


def test_a_reader_chooses_a_study_reads_downloads_and_comes_back(address, page) -> None:
    page.goto(address)
    drawn(page)
    assert view(page) == {"study": ["another"]}
    pick(page, "Study", "small")
    expect(page.get_by_text("Study small: corpus")).to_be_visible()
    assert view(page) == {"study": ["small"]}
    drawn(page)
    for card in ("Accuracy on", "How much of", "Language identification", "Language effect"):
        expect(page.get_by_role("heading", name=card)).to_be_visible()
    expect(page.get_by_text("the truth is 33")).to_be_visible()
    assert download(page, "PNG").startswith(b"\x89PNG")
    assert download(page, "SVG").startswith(b"<svg")
    page.get_by_role("button", name="How to read this").first.click()
    expect(page.get_by_text("its Table 2 gives")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    page.get_by_text("the sets of a study", exact=True).click()  # it begins with a corpus
    expect(page.get_by_role("heading", name="in the corpus, all splits: counts")).to_be_visible()
    drawn(page)
    page.get_by_role("radio", name="shares").or_(
        page.get_by_role("button", name="shares")
    ).first.click()
    expect(page.get_by_role("heading", name="in the corpus, all splits: shares")).to_be_visible()
    assert view(page)["study"] == ["small"] and view(page)["cells"] == ["shares"]
    assert view(page)["look"] == ["the sets of a study"]

    page.get_by_role("link", name="Predictions").click()
    expect(page.get_by_role("heading", name="Predictions")).to_be_visible()
    drawn(page)
    assert view(page) == {"study": ["small"]}
    labels = [e.get_attribute("aria-label") for e in page.query_selector_all("path[role]")]
    assert any("setup: imbalanced+cw" in (label or "") for label in labels)
    page.get_by_text("As a table, one run a row").click()
    # The table opens above its downloads, which move until it stands.
    expect(page.get_by_test_id("stDataFrame").filter(visible=True).first).to_be_visible()
    drawn(page)
    table = download(page, "CSV").decode("utf-8-sig").splitlines()
    assert table[0].startswith("setup,seed,accuracy,accuracy from,accuracy to")
    assert len(table) == 5
    assert b"\\toprule" in download(page, "LaTeX")
    page.get_by_text("confusion", exact=True).click()
    expect(page.get_by_role("heading", name="What imbalanced, seed 0 predicts")).to_be_visible()

    page.get_by_role("link", name="Data").click()  # the view is kept
    expect(page.get_by_role("heading", name="in the corpus, all splits: shares")).to_be_visible()
    assert view(page)["cells"] == ["shares"]
    page.get_by_role("link", name="Predictions").click()
    expect(page.get_by_role("heading", name="What imbalanced, seed 0 predicts")).to_be_visible()

    page.reload()
    drawn(page)
    expect(page.get_by_role("heading", name="What imbalanced, seed 0 predicts")).to_be_visible()
    assert view(page) == {"study": ["small"], "part": ["confusion"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page(address, browser, scheme) -> None:
    page = browser.new_page(viewport={"width": 1024, "height": 900}, color_scheme=scheme)
    for path in PAGES:
        page.goto(f"{address}/{path}?study=small")
        drawn(page)
        assert page.evaluate(FITS), path
        for chart in page.query_selector_all("[data-testid=stVegaLiteChart]"):
            box = chart.bounding_box()
            assert box is None or box["x"] + box["width"] <= 1024
    page.close()
