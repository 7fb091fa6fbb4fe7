"""Take the pictures of docs/pages.md from the demo study: `make screenshots` (needs Chromium)."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PORT = 8599
CHART = "path[role=graphics-symbol], canvas.marks"
# Name of the picture: address, height of the window, and what is there when the page is drawn.
PAGES = {
    "overview": ("/?study=demo", 1180, CHART),
    "train": ("/train?begin=demo", 1180, "h3"),
    "runs": ("/runs?study=demo", 1180, "canvas"),
    "data": ("/data?look=a+corpus&corpus=multiemo", 1540, CHART),
    "data-study": ("/data?study=demo&cells=difference+from+uniform&split=train", 1540, CHART),
    "predictions": ("/predictions?study=demo", 1180, CHART),
    "latent": ("/latent?study=demo", 1180, CHART),
    "tokens": ("/tokens?study=demo", 1540, CHART),
    "sentence": ("/sentence?study=demo", 1540, "table"),
    "paper": ("/paper?study=demo", 1540, CHART),
    "compare": ("/compare?study=demo", 1180, CHART),
    "mitigation": ("/mitigation?study=demo", 1180, CHART),
}
COLOURS = 128  # of a picture: a third of the bytes, and nothing that a reader sees
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main() -> None:
    """Start the app, photograph each page, stop the app."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(PORT)]
    app = subprocess.Popen(command, cwd=root)
    try:
        _wait(f"http://localhost:{PORT}/_stcore/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for name, (path, height, there) in PAGES.items():
                page = browser.new_page(viewport={"width": 1440, "height": height})
                page.goto(f"http://localhost:{PORT}{path}")
                page.wait_for_selector(there, state="attached", timeout=60_000)
                page.wait_for_timeout(2500)
                picture = Image.open(io.BytesIO(page.screenshot()))
                file = root / "docs" / "pictures" / f"{name}.png"
                picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)
                page.close()
            browser.close()
    finally:
        app.terminate()
        app.wait()


def _wait(url: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
