"""Opening pages asks nobody outside, in the browser or in the server, and runs nothing of a corpus.

Both studies are there: one that is explained and mapped, and one whose texts and names are hostile.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.helpers import hostile
from tests.helpers.serving import GUARD, serving

pytestmark = pytest.mark.browser
LOCAL = ("localhost", "127.0.0.1")
CHART = "path[role=graphics-symbol]"
# What HTML and Markdown in a text would make, or a formula; headings have anchors of their own.
MADE = ("img[src=x]", "script", "a[href^=javascript]", "a[href^='http://x']", ".katex")
VIEWS = [
    "?study=hostile",
    "train?begin=hostile",
    "data?study=hostile&containing=img",
    "predictions?study=hostile&part=disagreements",
    "predictions?study=hostile&part=translations",
    "latent?study=hostile",
    "tokens?study=hostile",
    f"tokens?study=hostile&class={quote_plus(hostile.LABELS[1])}",
    "compare?study=hostile",
    "paper?study=hostile",
]


@contextmanager
def recording() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy's address, and the first line of whatever is sent to it."""
    heard: list[bytes] = []

    class Listen(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            heard.append(self.rfile.readline())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Listen) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


@pytest.fixture(scope="module")
def address(hostile_done: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a guard in its process and a proxy for libraries; both heard nothing."""
    place = tmp_path_factory.mktemp("guard")
    (place / "sitecustomize.py").write_text(GUARD)
    heard = place / "heard.txt"
    heard.touch()
    with recording() as (proxy, asked):
        proxies = {f"{name}_PROXY": proxy for name in ("HTTP", "HTTPS", "ALL")}
        proxies |= {name.lower(): proxy for name in proxies} | {"NO_PROXY": "", "no_proxy": ""}
        guard = {"PYTHONPATH": str(place), "LANGSKEW_HEARD": str(heard), "HF_HUB_OFFLINE": "0"}
        with serving(hostile_done, **proxies, **guard) as url:
            yield url
        assert asked == []
        assert heard.read_text() == ""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab from which other hosts are out of reach; it asked for none, and no text was run."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    opened, asked, dialogs = context.new_page(), [], []

    def pass_on(route: Route) -> None:
        if urlsplit(route.request.url).hostname in LOCAL:
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    def sockets(socket: object) -> None:
        if urlsplit(socket.url).hostname not in LOCAL:  # type: ignore[attr-defined]
            asked.append(socket.url)  # type: ignore[attr-defined]

    context.route("**/*", pass_on)
    opened.on("websocket", sockets)
    opened.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield opened
    title = opened.title()
    context.close()
    assert (asked, dialogs) == ([], [])
    assert title != "run"


def test_every_page_opens_without_asking_anybody(page, address) -> None:
    for view in VIEWS:
        page.goto(f"{address}/{view}")
        expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=60_000)
        if not view.startswith("train"):
            page.wait_for_selector(CHART, state="attached", timeout=60_000)
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=60_000)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        main = page.get_by_test_id("stMain")
        for made in MADE:
            expect(main.locator(made)).to_have_count(0)


def test_a_table_leaves_by_the_downloads_below_it_alone(page, address) -> None:
    """Its own toolbar would write a text as it is, which a spreadsheet may run as a formula."""
    page.goto(f"{address}/data?study=hostile")
    tables = page.locator("[data-testid=stDataFrame]:visible")
    expect(tables.first).to_be_visible(timeout=60_000)
    tables.first.hover()
    expect(page.get_by_role("button", name="Search").first).to_be_attached()  # its toolbar
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)
    expect(page.get_by_role("button", name="↓ CSV").first).to_be_visible()


def test_what_would_be_heard_is_heard(tmp_path, monkeypatch) -> None:
    """The guard and the proxy themselves."""
    import subprocess
    import sys

    (tmp_path / "sitecustomize.py").write_text(GUARD)
    with recording() as (proxy, asked):
        code = (
            "import socket, urllib.request\n"
            "try: urllib.request.urlopen('http://x.invalid/', timeout=5)\n"
            "except OSError: pass\n"
            "try: socket.create_connection(('192.0.2.1', 9), 0.1)\n"
            "except OSError: pass\n"
        )
        environment = {"PYTHONPATH": str(tmp_path), "LANGSKEW_HEARD": str(tmp_path / "heard")}
        subprocess.run(
            [sys.executable, "-c", code], env={**environment, "http_proxy": proxy}, check=True
        )
        assert asked == [b"GET http://x.invalid/ HTTP/1.1\r\n"]
    assert "socket.connect 192.0.2.1" in (tmp_path / "heard").read_text()
