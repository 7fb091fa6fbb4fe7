"""From a file as people have it to a verdict and a finished study, in headless Chromium."""

from __future__ import annotations

import json
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import with_workers

pytestmark = pytest.mark.browser
SLOW = 240_000  # milliseconds: two processes load the libraries, and six models are trained
GOOD = {"de": "gut schön fein", "en": "good nice fine", "fr": "bon beau fin"}
BAD = {"de": "schlecht kaputt spät", "en": "bad broken late", "fr": "mauvais cassé tard"}


def rows(n: int = 120) -> list[tuple[str, str, str]]:
    """Text, label, language; German is mostly bad, French mostly good."""
    made, at = [], random.Random(0)
    for i in range(n):
        for language, share in (("de", 0.25), ("en", 0.5), ("fr", 0.75)):
            good = at.random() < share
            words = [*(GOOD if good else BAD)[language].split(), "paket", "box", "colis"]
            text = " ".join(at.choices(words, k=6)) + f" {i}"
            made.append((text, "good" if good else "bad", language))
    return made


def one_csv(folder: Path) -> list[Path]:
    """Columns of other names, no split."""
    lines = ["review,stars,lang", *(f"{t},{5 if x == 'good' else 1},{y}" for t, x, y in rows())]
    (folder / "my reviews.csv").write_text("\n".join(lines), encoding="utf-8")
    return [folder / "my reviews.csv"]


def a_file_a_language(folder: Path) -> list[Path]:
    """Tab-separated files with raw quotes, the language in their names alone."""
    for language in GOOD:
        lines = [f'"{t}\t{x}' if i % 9 == 0 else f"{t}\t{x}"
                 for i, (t, x, y) in enumerate(rows()) if y == language]  # fmt: skip
        (folder / f"{language}.tsv").write_text(
            "\n".join(["text\tlabel", *lines]), encoding="utf-8"
        )
    return sorted(folder.glob("*.tsv"))


def zipped_json(folder: Path) -> list[Path]:
    """An archive with a file a split, arrays of objects."""
    every = [{"content": t, "sentiment": x, "locale": f"{y}-XX"} for t, x, y in rows()]
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        for split, part in (("train", every[:216]), ("dev", every[216:288]), ("test", every[288:])):
            archive.writestr(f"data/{split}.json", json.dumps(part))
    return [folder / "data.zip"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with with_workers(folder) as url:
        yield url


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1400})
    opened.goto(f"{address}/data?look=a+corpus")
    expect(opened.get_by_text("Or bring your own")).to_be_visible(timeout=SLOW)
    yield opened
    opened.close()


def choose(page: Page, label: str, option: str) -> None:
    """An option of a select box, typed."""
    box = page.get_by_role("combobox", name=re.compile(f"{label}"))
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def write(page: Page, label: str, value: str) -> None:
    """A value into a field of text or of a number."""
    field = page.locator(f"input[aria-label='{label}']")
    field.fill(value)
    field.press("Enter")


@pytest.mark.parametrize("bring", [one_csv, a_file_a_language, zipped_json])
def test_a_file_becomes_a_verdict_and_a_study(page, bring, tmp_path, folder) -> None:
    page.locator("input[type=file]").set_input_files(bring(tmp_path))
    verdict = page.get_by_text("Language and label are skewed: Cramér")
    expect(verdict).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("rows of 360 that were read; none is left out")).to_be_visible()
    name = f"own-{bring.__name__.replace('_', '-')}"
    write(page, "Name", name)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Train on this").click(timeout=SLOW)

    expect(page.get_by_label("Name", exact=True)).to_have_value(name, timeout=SLOW)
    choose(page, "Encoder", "tiny")
    write(page, "Seeds", "0")
    write(page, "Frozen layers", "0")
    write(page, "Epochs", "1")
    page.get_by_role("button", name="Check", exact=True).click()
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_enabled(timeout=SLOW)
    page.get_by_text(re.compile("^Explain and map")).click()  # another test explains
    start.click()
    study = folder / "studies" / name / "study.toml"
    page.wait_for_timeout(1000)
    for _ in range(240):
        runs = re.findall(r'run = "(\w+)"', study.read_text()) if study.exists() else []
        if runs and all((folder / run / "COMPLETE").exists() for run in runs):
            break
        page.wait_for_timeout(1000)
    else:
        pytest.fail(f"{name} was not finished: {page.get_by_role('alert').all_inner_texts()}")
    page.goto(f"{page.url.partition('/train')[0]}/predictions?study={name}")
    expect(page.get_by_text(re.compile("accuracy", re.IGNORECASE)).first).to_be_visible(
        timeout=SLOW
    )
