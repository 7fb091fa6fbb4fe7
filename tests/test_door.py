"""Who the server lets in before any page runs, asked over the network as it is shipped."""

from __future__ import annotations

import base64
import http.client
import os
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.serving import GUARD, ROOT, serving

PUBLIC, FRONT = "skew.example.org", "https://front.example.org"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What has a server write down whom it asks; it asked nobody."""
    place = tmp_path_factory.mktemp("guard")
    (place / "sitecustomize.py").write_text(GUARD)
    heard = place / "heard.txt"
    heard.touch()
    yield {"PYTHONPATH": str(place), "LANGSKEW_HEARD": str(heard)}
    assert heard.read_text() == ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("door")


@pytest.fixture(scope="module")
def shipped(guarded, folder) -> Iterator[str]:
    """The server as it is shipped."""
    with serving(folder, **guarded) as url:
        yield urlsplit(url).netloc


@pytest.fixture(scope="module")
def public(guarded, folder) -> Iterator[str]:
    """The server under a public name, and behind a proxy that does not hand on the name."""
    named = {
        "STREAMLIT_SERVER_ALLOWED_HOSTS": f"localhost {PUBLIC}",
        "STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS": FRONT,
        "STREAMLIT_SERVER_BASE_URL_PATH": "langskew",
    }
    with serving(folder, path="langskew/", **named, **guarded) as url:
        yield urlsplit(url).netloc


def connect(address: str, *headers: tuple[str, str], path: str = "") -> int:
    """Status of the answer to the opening of a WebSocket: 101 where it is let in."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.putrequest("GET", f"{path}/_stcore/stream", skip_host=True)
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    for name, value in [*upgrade.items(), ("Sec-WebSocket-Key", key), *headers]:
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def get(address: str, path: str, host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", path, headers={"Host": host or address})
    return connection.getresponse()


def test_pages_of_other_sites_open_no_connection_and_stall_nobody(shipped) -> None:
    """The first connections of all come before a page has run."""
    port = shipped.partition(":")[2]
    began = time.monotonic()
    for _ in range(8):
        for origin in (
            f"http://evil.example:{port}",
            "http://evil.example",
            f"http://localhost.evil.example:{port}",
            f"http://localhost@evil.example:{port}",
            "http://127.0.0.1:9999",  # another server of this machine
            "http://localhost",
            "null",
            "",
        ):
            assert connect(shipped, ("Host", shipped), ("Origin", origin)) == 403
    # Streamlit alone asks for two seconds at each of the 64, as long as nobody answers.
    assert time.monotonic() - began < 20


def test_another_name_of_this_server_is_refused(shipped) -> None:
    """What a name server of somebody's says leads here (DNS rebinding)."""
    port = shipped.partition(":")[2]
    for host in (
        f"evil.example:{port}",
        "evil.example",
        f"localhost.evil.example:{port}",
        f"localhost:{port}@evil.example",
        f"evil.example:{port}/localhost",
        PUBLIC,
        "",
    ):
        assert connect(shipped, ("Host", host), ("Origin", f"http://{host}")) == 403
        assert connect(shipped, ("Host", host)) == 403
        assert get(shipped, "/", host or "-").status == 403


def test_a_header_given_twice_is_refused(shipped) -> None:
    origin = ("Origin", f"http://{shipped}")
    twice = (("Host", shipped), origin, ("Origin", "http://evil.example"))
    assert connect(shipped, *twice) in (400, 403)
    assert connect(shipped, ("Host", shipped), ("Host", "evil.example"), origin) in (400, 403)


def test_the_own_page_is_let_in(shipped) -> None:
    port = shipped.partition(":")[2]
    for host in (shipped, f"127.0.0.1:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert connect(shipped, ("Host", host), ("Origin", f"http://{host}")) == 101
    assert connect(shipped, ("Host", "localhost:9000"), ("Origin", "http://localhost:9000")) == 101
    assert connect(shipped, ("Host", shipped)) == 101  # no browser: those always name a page
    assert get(shipped, "/").status == 200


def test_a_public_name_and_a_proxy_are_let_in_where_they_are_named(public) -> None:
    def opened(host: str, origin: str) -> int:
        return connect(public, ("Host", host), ("Origin", origin), path="/langskew")

    assert opened(PUBLIC, f"https://{PUBLIC}") == 101
    assert opened(public, FRONT) == 101
    assert opened(public, f"http://{public}") == 101
    assert opened(PUBLIC, "https://evil.example") == 403
    assert opened(f"sub.{PUBLIC}", f"https://sub.{PUBLIC}") == 403
    assert opened("front.example.org", FRONT) == 403
    assert get(public, "/langskew/_stcore/metrics").status == 404


@pytest.mark.parametrize("path", ["/", "/train", "/_stcore/health", "/nowhere.js", "/media/x"])
def test_no_site_may_frame_an_answer_or_guess_its_type(shipped, path) -> None:
    answer = get(shipped, path)
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/_stcore/metrics", "//_stcore/metrics", "/_stcore/%6Detrics"])
def test_what_the_server_holds_is_not_told(shipped, path) -> None:
    assert b"cache_memory_bytes" not in get(shipped, path).read()


def test_the_container_is_told_its_public_name() -> None:
    compose = (ROOT / "compose.yaml").read_text()
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert config["server"]["allowedHosts"] == ["localhost", "127.0.0.1", "::1"]
    assert 'STREAMLIT_SERVER_ALLOWED_HOSTS: "localhost 127.0.0.1 ${LANGSKEW_HOST:-}"' in compose


def test_the_server_listening_to_all_asks_nobody_for_its_address(guarded, folder) -> None:
    with serving(folder, STREAMLIT_SERVER_ADDRESS="0.0.0.0", **guarded) as url:
        assert connect(urlsplit(url).netloc, ("Host", urlsplit(url).netloc)) == 101
    assert Path(guarded["LANGSKEW_HEARD"]).read_text() == ""
