"""The page Try a sentence in headless Chromium: an example, an edit, the tokens, the link."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import with_workers
from .test_journey import FITS, view

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app over a copy of the small study, in which jobs are done."""
    folder = tmp_path_factory.mktemp("sentences") / "checkpoints"
    shutil.copytree(trained, folder)
    with with_workers(folder) as url:
        yield url


def cells(page: Page) -> Locator:
    return page.get_by_role("region", name="What each model predicts").locator("td")


def still(page: Page) -> None:
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def test_a_reader_edits_an_example_explains_it_and_sends_the_link(address, browser) -> None:
    page = browser.new_page(viewport={"width": 1024, "height": 900})
    page.goto(f"{address}/sentence?study=small")
    expect(cells(page)).to_have_count(6 * 4)  # translations and models, all of them stored
    expect(page.get_by_text("all stored: these are texts of the test set")).to_be_visible()
    assert page.evaluate(FITS)
    still(page)
    cells(page).first.locator("summary").click()  # the other classes
    expect(cells(page).first.locator("details div")).to_be_visible()
    spoken = page.locator("table [lang]").evaluate_all("all => all.map(x => x.lang)")
    assert sorted(spoken) == ["de", "en", "es", "fr", "ja", "zh"]

    page.get_by_role("textbox", name="Text 1").fill("The room was awful, quiet.")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text("The edit of")).to_be_visible(timeout=120_000)
    expect(cells(page)).to_have_count(7 * 4)
    expect(page.locator("tr", has_text="before")).to_have_count(1)
    still(page)
    page.get_by_role("button", name="Explain these").click()
    expect(page.get_by_text("base value").first).to_be_visible(timeout=120_000)
    expect(page.get_by_role("heading", name="What each of the subwords does")).to_be_visible()
    still(page)
    assert page.evaluate(FITS)
    shown = page.locator("table").first.inner_text()
    linked = view(page)
    assert len(linked["answers"]) == 2 and len(linked["before"]) == 1

    other = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    other.goto(page.url)
    expect(other.locator("table").first).to_be_visible()
    expect(other.get_by_text("base value").first).to_be_visible()
    still(other)
    assert other.locator("table").first.inner_text().split() == shown.split()
    assert other.evaluate(FITS)
    expect(other.get_by_test_id("stAlert")).to_have_count(0)
    other.close()
    page.close()
