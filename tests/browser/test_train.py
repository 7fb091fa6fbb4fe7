"""Training from the page, in headless Chromium: the jobs outlive it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.cli.main import main

from .conftest import with_workers

pytestmark = pytest.mark.browser
SLOW = 120_000  # milliseconds: two processes load the libraries


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with with_workers(folder) as url:
        yield url


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    """The Train page with the synthetic study."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1100})
    opened.goto(f"{address}/train?begin=synthetic")
    expect(opened.get_by_label("Name")).to_have_value("synthetic", timeout=60_000)
    yield opened
    opened.close()


def share(page: Page) -> int:
    """Per cent of the running run's training that is done."""
    text = page.get_by_text(re.compile(r"training \d+%")).first.inner_text(timeout=SLOW)
    return int(re.findall(r"training (\d+)%", text)[0])


def look(page: Page, seen: set[str]) -> int:
    """Add what the page shows of training now; how many places were seen so far."""
    seen.update(page.get_by_text(re.compile(r"training \d+%")).all_inner_texts())
    return len(seen)


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def states(page: Page) -> list[str]:
    return page.locator(".stMarkdownBadge").all_inner_texts()


def check_and_start(page: Page, runs: int) -> None:
    page.get_by_role("button", name="Check").click()
    metric = page.get_by_test_id("stMetric").filter(has_text="Runs to train")
    expect(metric.get_by_test_id("stMetricValue")).to_have_text(str(runs), timeout=SLOW)
    page.get_by_text("Explain and map when trained").click()  # it compiles for half a minute
    expect(page.get_by_role("checkbox", name="Explain and map when trained")).not_to_be_checked()
    page.get_by_role("button", name="Start", exact=True).click()


def test_a_study_is_started_watched_left_and_found_done(page, folder) -> None:
    page.get_by_role("button", name="Remove balanced", exact=True).click()
    page.get_by_text("More: sizes").click()
    page.get_by_label("Rows a language, train").fill("120")
    page.get_by_label("Rows a language, train").press("Enter")
    page.get_by_label("Epochs").fill("6")
    page.get_by_label("Epochs").press("Enter")
    check_and_start(page, 2)
    # One of the two runs is seen at two places, however fast they are.
    seen: set[str] = set()
    wait_until(lambda: look(page, seen) >= 2, 200)
    before = states(page).count("done")
    page.reload()
    wait_until(lambda: len(states(page)) == 3)
    # Between two runs none is running for a moment.
    wait_until(lambda: "running" in states(page) or states(page) == ["done"] * 3)
    assert states(page).count("done") >= before
    expect(page.get_by_text("optimiser step").first).to_be_visible(timeout=SLOW)
    wait_until(lambda: states(page) == ["done"] * 3, 200)
    page.get_by_role("link", name="Predictions", exact=True).last.click()
    page.wait_for_url("**/predictions?study=synthetic")
    expect(page.get_by_role("heading", name="Predictions").first).to_be_visible()
    page.wait_for_selector("path[role=graphics-symbol]", timeout=60_000)


def test_a_cancelled_run_goes_on_to_the_metrics_of_an_uninterrupted_one(
    page, folder, tmp_path, monkeypatch
) -> None:
    page.get_by_label("Name").fill("cancelled")
    for setup in ("balanced", "imbalanced+cw"):
        page.get_by_role("button", name=f"Remove {setup}", exact=True).click()
    check_and_start(page, 1)
    wait_until(lambda: share(page) > 3, 120)
    page.get_by_role("button", name="Cancel").first.click()
    row = page.get_by_test_id("stHorizontalBlock").filter(has_text="cancelled: imbalanced, seed 0")
    expect(row.locator(".stMarkdownBadge")).to_have_text("cancelled", timeout=10_000)
    run_id = next(
        p.parent.name for p in folder.glob("*/status.json") if "cancelled" in p.read_text()
    )
    assert not (folder / run_id / "COMPLETE").exists()
    row.get_by_role("button", name="Resume").click()
    expect(row.locator(".stMarkdownBadge")).to_have_text("done", timeout=SLOW)
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path))
    (tmp_path / run_id).mkdir()
    (tmp_path / run_id / "config.json").write_text((folder / run_id / "config.json").read_text())
    assert main(["train", run_id]) == 0
    resumed, uninterrupted = (
        json.loads((where / run_id / "metrics.json").read_text()) for where in (folder, tmp_path)
    )
    for key in ("accuracy", "test_loss", "accuracy_by_language"):
        assert resumed[key] == uninterrupted[key]
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    wait_until(lambda: not (folder / run_id).exists())
