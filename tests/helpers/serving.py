"""The app as a server of its own, for tests that ask it over the network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Every connection of the server's process to another machine, and every name it looks up.
GUARD = """
import os, socket, sys
LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", None}
def heard(event, arguments):
    if event == "socket.connect" and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        host = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in LOCAL:
        with open(os.environ["LANGSKEW_HEARD"], "a") as file:
            print(event, host, file=file)
sys.addaudithook(heard)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    checkpoints: Path, *options: str, port: int | None = None, path: str = "", **environment: str
) -> Iterator[str]:
    """The app over a checkpoints folder, by default on a free port.

    Args:
        options: for `streamlit run`.
        path: under which it answers.
        environment: what it has besides the tests' own.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "LANGSKEW_CHECKPOINTS": str(checkpoints), **environment}
    app = subprocess.Popen([*command, *options], cwd=ROOT, env=environment)
    url = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/{path}_stcore/health", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                assert app.poll() is None
                time.sleep(0.2)
        yield url
    finally:
        app.terminate()
        app.wait()
