"""Signing in with a provider on loopback: who sees what, and who may do what."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.checkpoints import studies
from core.jobs import queue, slots
from tests.helpers.serving import free_port, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:get_jwt_config"),  # of the provider's
]
ACTS, READS, UNVERIFIED = "Acts@example.org", "reads@example.org", "unverified"
OTHER = "other@elsewhere.org"
PEOPLE = [
    User(sub=ACTS, claims={"email": ACTS, "email_verified": True}),
    User(sub=READS, claims={"email": READS, "email_verified": True}),
    User(sub=OTHER, claims={"email": OTHER, "email_verified": True}),
    User(sub=UNVERIFIED, claims={"email": ACTS, "email_verified": False}),
]
SECRETS = """
[auth]
redirect_uri = "{app}/oauth2callback"
cookie_secret = "only for this test, and long enough"
client_id = "langskew"
client_secret = "any"
server_metadata_url = "{provider}/.well-known/openid-configuration"
[access]
may_read = ["EXAMPLE.org"]
may_run = ["acts@Example.org"]
folders = ["{corpora}"]
"""
PAGES = (
    "",
    "train",
    "runs",
    "data",
    "predictions",
    "latent",
    "tokens",
    "sentence",
    "compare",
    "mitigation",
)


@pytest.fixture(scope="module")
def folder(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study with a run that was stopped; nothing is in the queue."""
    folder = tmp_path_factory.mktemp("access") / "checkpoints"
    shutil.copytree(trained, folder)
    shutil.rmtree(folder / "queue")
    run = folder / _stopped(folder)
    (run / "COMPLETE").unlink()
    (run / "status.json").write_text(json.dumps({"state": "cancelled", "message": "by hand"}))
    return folder


def _stopped(folder: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANGSKEW_CHECKPOINTS", str(folder))
        return studies.run_ids("small")[1]


@pytest.fixture(scope="module")
def address(
    folder: Path, study_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app with sign-in. The test holds the workers' slots, so that none is started."""
    secrets = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("LANGSKEW_CHECKPOINTS", str(folder))
        for slot in (slots.FIRST, slots.QUICK):
            held = slots.take(slot)
            assert held is not None
            stack.enter_context(held)
        provider = stack.enter_context(run_server_in_thread(user_claims=PEOPLE))
        port = free_port()
        places = {
            "app": f"http://localhost:{port}",
            "provider": f"http://localhost:{provider.server_port}",
            "corpora": str(study_file.parent),
        }
        secrets.write_text(SECRETS.format(**places))
        yield stack.enter_context(
            serving(folder, "--secrets.files", str(secrets), port=port, NO_PROXY="localhost")
        )


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A browser that knows nobody yet."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.fixture
def signed_in(visitor: Page, address: str) -> Callable[[str], Page]:
    def come(who: str, then: str = "Signed in as") -> Page:
        visitor.goto(address)
        visitor.get_by_role("button", name="Sign in").click()
        visitor.get_by_role("button", name=who, exact=True).click()
        expect(visitor.get_by_text(then)).to_be_visible(timeout=60_000)
        return visitor

    return come


def received(page: Page) -> list[bytes]:
    """What the server will have sent to a page."""
    frames: list[bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda x: frames.append(x)))
    return frames


def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(folder))


def answer(
    address: str, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    """Status and body of an answer, without any cookie but those in the headers."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    connection.request(method, path, body, headers)
    got = connection.getresponse()
    return got.status, got.read()


def test_the_first_visitor_of_a_server_sees_the_sign_in_page_alone(visitor, address) -> None:
    """By a link to a page, which Streamlit then runs without app.py at first."""
    frames = received(visitor)
    visitor.goto(f"{address}/train?begin=small")
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    expect(visitor.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    for private in ("small", "imbalanced", "Queue"):
        assert private not in visitor.locator("body").inner_text()
    assert frames and not [frame for frame in frames if b"imbalanced" in frame]


@pytest.mark.parametrize("page", [*PAGES, "nowhere", "view", "access", "common"])
def test_no_page_is_reached_without_signing_in(visitor, address, page) -> None:
    visitor.goto(f"{address}/{page}?study=small&job=train-0&begin=small&page=train")
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    if page in PAGES:
        expect(visitor.get_by_role("button")).to_have_count(1)
    else:
        expect(visitor.get_by_text("Page not found")).to_be_visible()
        visitor.keyboard.press("Escape")
    expect(visitor.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    expect(visitor.get_by_role("heading")).to_have_text("LangSkew")
    expect(visitor.get_by_text("imbalanced")).to_have_count(0)


def test_no_file_is_had_or_left_without_signing_in(visitor, address) -> None:
    frames = received(visitor)
    visitor.goto(address)
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    for path in ("/media/0.csv", f"/media/{'0' * 56}.csv", "/component/x/index.html"):
        assert answer(address, "GET", path)[0] == 404
    for path in ("/app/static/app.py", "/app.py", "/static/../app.py", "/media/..%2fapp.py"):
        assert b"may_read" not in answer(address, "GET", path)[1]
    # Without the token of the cookie; into a session that is not there; into the visitor's own.
    upload = "/_stcore/upload_file/x/y"
    assert answer(address, "PUT", upload, b"x")[0] == 403
    token = next(c["value"] for c in visitor.context.cookies() if c["name"] == "_streamlit_xsrf")
    cookie = {"X-Xsrftoken": token, "Cookie": f"_streamlit_xsrf={token}"}
    assert answer(address, "PUT", upload, b"x", **cookie)[0] == 403
    began = (ForwardMsg.FromString(frame).new_session.initialize.session_id for frame in frames)
    own = f"/_stcore/upload_file/{next(filter(None, began))}/y"
    assert answer(address, "PUT", own, b"x", **cookie)[0] == 403
    assert answer(address, "POST", "/_stcore/agent/interact", b"{}")[0] in (403, 404)


def test_who_is_not_listed_reads_and_does_not_act(signed_in, address, folder, monkeypatch) -> None:
    page = signed_in(READS)
    expect(page.get_by_text(f"Signed in as {READS}, to read")).to_be_visible()
    for name in PAGES:
        page.goto(f"{address}/{name}?study=small")
        expect(page.get_by_role("link", name="Overview")).to_be_visible(timeout=60_000)
    page.goto(f"{address}/train?begin=small")
    expect(page.get_by_text(f"{READS} may read, but not start")).to_be_visible()
    expect(page.get_by_role("button", name="Check")).to_be_disabled()
    expect(page.get_by_role("button", name="Resume")).to_be_disabled()
    in_folder(folder, monkeypatch)
    assert queue.listing() == []


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (UNVERIFIED, "has not verified that Acts@example.org is yours"),
        (OTHER, f"{OTHER} may not read here"),
    ],
)
def test_who_is_not_listed_or_not_verified_does_not_read(signed_in, address, who, why) -> None:
    page = signed_in(who, why)
    frames = received(page)
    page.goto(f"{address}/train?begin=small")
    expect(page.get_by_text(why)).to_be_visible()
    expect(page.get_by_role("button")).to_have_text("Sign out")
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    assert frames and not [frame for frame in frames if b"imbalanced" in frame]


def test_who_is_listed_acts_by_name_and_leaves(signed_in, address, folder, monkeypatch) -> None:
    page = signed_in(ACTS)
    in_folder(folder, monkeypatch)
    run = _stopped(folder)
    page.goto(f"{address}/train?begin=small")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Planning: waits for its turn")).to_be_visible(timeout=60_000)
    [plan] = queue.listing()
    assert (plan.kind, plan.by) == ("plan", ACTS)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text(f"asked for by {ACTS}")).to_be_visible()
    job = queue.find(f"train-{run}")
    assert job is not None
    assert (job.state, job.by) == ("queued", ACTS)
    status = json.loads((folder / run / "status.json").read_text())
    assert (status["state"], status["by"]) == ("queued", ACTS)
    row = page.get_by_test_id("stHorizontalBlock").filter(has_text=f"asked for by {ACTS}")
    row.get_by_role("button", name="Cancel").click()
    expect(row.locator(".stMarkdownBadge")).to_have_text("cancelled")
    assert json.loads((folder / run / "status.json").read_text())["by"] == ACTS
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session*")  # the provider's own question
    page.goto(f"{address}/train")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Queue")).to_have_count(0)
