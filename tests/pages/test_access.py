from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.checkpoints import studies
from core.jobs import queue, slots

from .conftest import APP, ROOT, texts

AUTH = {
    "client_id": "x",
    "cookie_secret": "6b1f0e6a7c9d4e52a83b7f10c2d95e44",
    "redirect_uri": "http://localhost/oauth2callback",
    "server_metadata_url": "https://sso.example.org/.well-known/openid-configuration",
}
PAGES = (
    "overview",
    "train",
    "runs",
    "data",
    "predictions",
    "latent",
    "tokens",
    "sentence",
    "paper",
    "compare",
    "mitigation",
)


@pytest.fixture
def visit(monkeypatch) -> Iterator[Any]:
    """Open a page as a visitor, under some secrets."""
    monkeypatch.setattr(slots, "start", lambda slot="0": None)

    def visit(page: str, secrets: dict[str, Any], **claims: Any) -> AppTest:
        monkeypatch.setattr(st, "user", claims)
        app = AppTest.from_file(APP, default_timeout=60)
        for name, value in secrets.items():
            app.secrets[name] = value
        return app.switch_page(f"pages/{page}.py").run() if page else app.run()

    return visit


def forge(button: Any) -> AppTest:
    """A click that the browser does not allow, sent all the same."""
    button.proto.disabled = False
    return button.click().run()


def listed(*emails: str, **more: Any) -> dict[str, Any]:
    return {"auth": AUTH, "access": {"may_read": ["*"], "may_run": list(emails)} | more}


def read_by(*readers: str, metadata: str = AUTH["server_metadata_url"], **more: Any) -> Any:
    auth = AUTH | {"server_metadata_url": metadata}
    return {"auth": auth, "access": {"may_read": list(readers)} | more}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_runs_without_the_frame_asks_too(visit, done, page) -> None:
    app = visit(page, listed(), is_logged_in=False)
    assert not app.exception
    assert [button.label for button in app.button] == ["Sign in"]
    assert [title.value for title in app.title] == ["LangSkew"]
    assert not app.dataframe and not app.selectbox


def test_each_provider_has_a_button(visit) -> None:
    named = {k: v for k, v in AUTH.items() if k != "client_id"}
    named |= {"one": {"client_id": "x"}, "*two*": {"client_id": "y"}}
    app = visit("overview", listed() | {"auth": named}, is_logged_in=False)
    assert [button.label for button in app.button] == ["Sign in with one", r"Sign in with \*two\*"]


def test_access_without_auth_lets_nobody_in(visit, done) -> None:
    app = visit("overview", {"access": {"may_run": ["a@b.org"]}}, email="a@b.org")
    assert "[access] but no [auth]" in texts(app, "error")
    assert not app.button and not app.selectbox


def test_secrets_that_do_not_read_let_nobody_in(monkeypatch, tmp_path, done) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text("[auth\n")
    kept = st.get_option("secrets.files")
    try:
        st._config.set_option("secrets.files", [str(file)])
        st.secrets._reset()
        app = AppTest.from_file(APP, default_timeout=60).run()
    finally:
        st._config.set_option("secrets.files", kept)
        st.secrets._reset()
    assert not app.exception
    assert "does not read, so nobody may come in" in texts(app, "error")
    assert not app.button and not app.selectbox


VERIFIED = {"email": "a@b.org", "email_verified": True}
# What other providers send, or might.
SAID = (False, "false", None, "no", "yes", 0, 1, "0", "1", "", "True", "TRUE", [], ["true"], {})
# Listed, and the visitor's: mailboxes or domains of two owners.
LOOK_ALIKES = (
    ("boss@b.org", "bo\u017f\u017f@b.org"),
    ("mike@b.org", "mi\u212ae@b.org"),
    ("strasse@b.org", "straße@b.org"),
    ("x@strasse.de", "x@straße.de"),
    ("x@straße.de", "x@strasse.de"),
    ("x@straße.de", "x@xn--strae-oqa.de"),
    ("ÄRZTE@b.org", "ärzte@b.org"),
    ("a@b.org", "a@b\uff0eorg"),
    ("a@b.org", "\u0430@b.org"),
    ("a@b.org", "\u00a0a@b.org"),
    ("i@b.org", "\u0130@b.org"),
)


@pytest.mark.parametrize(
    ("secrets", "claims", "why"),
    [
        (read_by("*"), {"email": "a@b.org"}, "Nobody may start"),
        (listed(), {"email": "a@b.org"}, "Nobody may start"),
        (listed(""), {"email": ""}, "Nobody may start"),
        (listed() | {"access": {"may_read": ["*"], "may_run": "a@b.org"}}, {}, "Nobody may"),
        (listed("*"), VERIFIED, "a@b.org may read, but not"),
        (listed("b.org"), VERIFIED, "a@b.org may read, but not"),
        (listed("a@b.org"), {"email": "a@b.org"}, "not verified"),
        *(
            (listed("a@b.org"), VERIFIED | {"email_verified": said}, "not verified")
            for said in SAID
        ),
        (listed("a@b.org", verified_by=["https://x.org"]), {"email": "a@b.org"}, "not verified"),
        *(
            (listed(there), VERIFIED | {"email": here}, " may read, but not")
            for there, here in LOOK_ALIKES
        ),
        (listed("a@b.org"), VERIFIED | {"email": "c@b.org"}, "c@b.org may read, but not"),
        (listed("a@b.org"), VERIFIED | {"email": "a@b.org.evil"}, "a@b.org.evil may read, but not"),
        (listed("a@b.org"), {"name": "a@b.org"}, "no e-mail address"),
    ],
)
def test_who_may_not_act_is_told_why_and_stopped_at_the_act(
    visit, done, secrets, claims, why
) -> None:
    app = visit("train", secrets, is_logged_in=True, **claims)
    assert not app.exception
    assert why in texts(app, "info")
    check = next(button for button in app.button if button.label == "Check")
    assert check.disabled
    before = queue.listing()
    forge(check)
    assert queue.listing() == before


@pytest.mark.parametrize("email", ["a@b.org", " A@B.ORG "])
@pytest.mark.parametrize(
    "verified", [{"email_verified": True}, {"email_verified": "true"}, {"iss": "https://x.org/v2"}]
)
def test_who_is_listed_acts_by_name(visit, copied, email, verified) -> None:
    """The provider says that the address is theirs, or is named as one whose addresses are."""
    secrets = listed("A@b.org", verified_by=["https://x.org/v2"])
    app = visit("train", secrets, is_logged_in=True, email=email, **verified)
    assert not app.info
    next(button for button in app.button if button.label == "Check").click().run()
    asked = next(job for job in queue.listing() if job.kind == "plan")
    assert asked.by == email


@pytest.mark.parametrize("label", ["Cancel", "Delete for good", "Resume"])
def test_who_is_taken_off_the_list_is_stopped_at_the_act(visit, copied, monkeypatch, label) -> None:
    """The page was drawn when the visitor was on it still, so its buttons can be clicked."""
    run = studies.run_ids("small")[1]
    (copied / run / "COMPLETE").unlink()
    queue.enqueue("train", run, {"study": "small"})
    if label != "Cancel":
        queue.cancel(f"train-{run}")
    before = queue.find(f"train-{run}")
    app = visit("train", listed("a@b.org"), is_logged_in=True, **VERIFIED)
    monkeypatch.setattr(st, "user", {"is_logged_in": True, **VERIFIED, "email": "c@b.org"})
    app = next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    assert "c@b.org may read, but not start, cancel or delete" in texts(app, "error")
    assert (copied / run).is_dir()
    assert queue.find(f"train-{run}") == before


def test_the_visitor_is_named_as_text(visit, done) -> None:
    app = visit("", listed("a@b.org"), is_logged_in=True, email="*a*@[b](c).org")
    assert r"Signed in as \*a\*\@\[b\]\(c\)\.org" in app.sidebar.caption[0].value
    assert "Sign out" in [button.label for button in app.sidebar.button]


def test_without_auth_nobody_is_asked(visit, done) -> None:
    app = visit("train", {}, email="x")
    assert not app.info
    assert "Sign out" not in [button.label for button in app.button]
    assert not next(button for button in app.button if button.label == "Check").disabled


MICROSOFT = "https://login.microsoftonline.com/{}/v2.0/.well-known/openid-configuration"
GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"
SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"auth": AUTH}, "may_read under [access]"),
    ({"auth": AUTH, "access": {"may_run": ["a@b.org"]}}, "may_read under [access]"),
    (read_by(), "may_read under [access]"),
    (read_by("", " ", "@"), "may_read under [access]"),
    ({"auth": AUTH, "access": {"may_read": "*"}}, "may_read under [access]"),
    ({"auth": AUTH, "access": "*"}, "may_read under [access]"),
    (read_by("*", metadata=GOOGLE), "can have an account at accounts.google.com"),
    (read_by("*", "a@b.org", metadata=GOOGLE), "can have an account at accounts.google.com"),
    (read_by("*", metadata=GOOGLE.upper().replace("HTTPS", "https")), "accounts.google.com"),
    *(
        (read_by("*", metadata=MICROSOFT.format(tenant)), "at login.microsoftonline.com")
        for tenant in ("common", "organizations", "consumers", "Common")
    ),
    *(
        (read_by("*", metadata=f"https://{host}/common/v2.0/x"), f"an account at {host}")
        for host in ("sts.windows.net", "login.windows.net", "login.microsoftonline.us")
    ),
    (
        listed() | {"auth": AUTH | {"one": {"client_id": "z", "server_metadata_url": GOOGLE}}},
        "can have an account at accounts.google.com",
    ),
    *(
        (listed() | {"auth": AUTH | {"cookie_secret": secret}}, "cookie_secret under [auth]")
        for secret in (
            "",
            "x",
            AUTH["cookie_secret"][:31],
            "x" * 64,
            "ab" * 32,
            "changeme" * 8,
            "password" * 4 + "1",
            "0123456789" * 4,
            "abcdefghijklmnopqrstuvwxyz012345",
            32,
        )
    ),
    (listed() | {"auth": {k: v for k, v in AUTH.items() if k != "cookie_secret"}}, "cookie_secret"),
]


@pytest.mark.parametrize(("secrets", "why"), SETTINGS)
@pytest.mark.parametrize("signed_in", [False, True])
def test_settings_that_let_in_too_many_let_in_nobody(visit, done, secrets, why, signed_in) -> None:
    app = visit("overview", secrets, is_logged_in=signed_in, **VERIFIED)
    assert not app.exception
    assert why in texts(app, "error")
    assert not app.button and not app.selectbox and not app.dataframe and not app.sidebar.caption


@pytest.mark.parametrize(
    ("secrets", "claims"),
    [
        (read_by("a@b.org"), {}),
        (read_by(" A@B.ORG "), {}),
        (read_by("b.org"), {}),
        (read_by("@B.org", metadata=GOOGLE), {}),
        (read_by("x.org", may_run=["a@b.org"]), {}),
        (read_by("*"), {"email": "c@d.org", "email_verified": False}),
        (read_by("*", metadata=MICROSOFT.format("5d471751-9675-428d-917b-70f44f9630b0")), {}),
        (read_by("b.org", verified_by=["https://x.org"]), {"iss": "https://x.org"}),
    ],
)
def test_who_is_named_reads(visit, done, secrets, claims) -> None:
    user = {"email": "a@b.org"} if "iss" in claims else VERIFIED  # who does not say
    app = visit("overview", secrets, is_logged_in=True, **(user | claims))
    assert not app.exception and not app.error
    assert app.selectbox


@pytest.mark.parametrize(
    ("secrets", "claims", "why"),
    [
        (read_by("c@b.org"), {}, "a@b.org may not read here"),
        (read_by("x.org"), {"email": "a@sub.x.org"}, "a@sub.x.org may not read here"),
        (read_by("b.org"), {"email": "a@evil-b.org"}, "a@evil-b.org may not read here"),
        (read_by("b.org"), {"email": "a@evil@b.org"}, "a@evil@b.org may not read here"),
        (read_by("b.org"), {"email": "b.org"}, "b.org may not read here"),
        (read_by("strasse.de"), {"email": "x@straße.de"}, "x@straße.de may not read here"),
        (read_by("b.org"), {"email_verified": False}, "has not verified that a@b.org is yours"),
        (read_by("a@b.org"), {"email_verified": None}, "has not verified that a@b.org is yours"),
        (read_by("x.org", may_run=["b.org"]), {}, "a@b.org may not read here"),
        (read_by("x.org", may_run=["*"]), {}, "a@b.org may not read here"),
        (read_by("b.org"), {"email": ""}, "Your account has no e-mail address"),
    ],
)
@pytest.mark.parametrize("page", ["overview", "train"])
def test_who_is_not_named_sees_why_and_nothing_else(
    visit, done, secrets, claims, why, page
) -> None:
    app = visit(page, secrets, is_logged_in=True, **(VERIFIED | claims))
    assert not app.exception
    assert why in texts(app, "error")
    assert [button.label for button in app.button] == ["Sign out"]
    assert not app.selectbox and not app.dataframe and not app.sidebar.caption


@pytest.mark.parametrize(
    ("secrets", "refused"),
    [
        ({}, False),
        (listed("a@b.org"), True),
        (listed("a@b.org", folders=["/nowhere"]), True),
        (listed("a@b.org", folders="/"), True),
        (listed("a@b.org", folders=["/"]), False),
    ],
)
def test_paths_are_read_from_named_folders_once_people_sign_in(
    visit, copied, tmp_path, secrets, refused
) -> None:
    app = visit("train", secrets, is_logged_in=True, **VERIFIED)
    external = next(field for field in app.text_input if field.label == "External corpus")
    app = external.set_value(str(tmp_path / "x.csv")).run()
    assert not app.exception
    assert ("which may not be read here" in texts(app, "error")) == refused
    assert ("Check" in [button.label for button in app.button]) != refused


ACTS = {"ask", "ask_study", "ask_plan", "again", "enqueue", "cancel", "forget", "remove", "start"}
SOURCES = sorted((ROOT / "pages").rglob("*.py"))


def jobs_of(tree: ast.Module) -> set[str]:
    """What a page calls the modules of core.jobs."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "core.jobs"
        for alias in node.names
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_whatever_acts_asks_first(path) -> None:
    """In a function that calls core to act, or hands core's function on, access.acting is called.

    train_queue hands them to its own _act, which calls it.
    """
    tree = ast.parse(path.read_text())
    modules = jobs_of(tree)
    for function in [tree, *(x for x in ast.walk(tree) if isinstance(x, ast.FunctionDef))]:
        within = [f for f in ast.walk(function) if isinstance(f, ast.FunctionDef)]
        inner = {n for f in within if f is not function for n in ast.walk(f)}
        own = [n for n in ast.walk(function) if n not in inner]
        attributes = [n for n in own if isinstance(n, ast.Attribute)]
        named = {(n.value.id, n.attr) for n in attributes if isinstance(n.value, ast.Name)}
        acts = {a for m, a in named if m in modules and a in ACTS}
        called = {n.id for n in own if isinstance(n, ast.Name)}
        if acts:
            assert ("access", "acting") in named or called & {"_act", "_button"}, acts


def test_the_pages_that_act_are_found() -> None:
    """Else the test above would pass for want of anything to look at, by module and name."""
    acting = set()
    for path in SOURCES:
        text = path.read_text()
        modules = jobs_of(ast.parse(text))
        acting |= {f"{path.stem}.{a}" for m in modules for a in ACTS if f"{m}.{a}" in text}
        assert not re.search(rf"from core\.jobs\.\w+ import .*\b({'|'.join(ACTS)})\b", text)
    assert {
        "train.ask_study",
        "train_queue.cancel",
        "train_queue.remove",
        "job_button.ask",
    } <= acting


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda p: p.stem)
def test_no_file_of_the_folder_is_a_page_by_itself(path) -> None:
    """Streamlit may run any of them on a first visit by a link; see pages/__init__.py."""
    tree = ast.parse(path.read_text())
    if path.name == "__init__.py":
        drawn = [n for n in tree.body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call)]
        assert not drawn
        return
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {n.module for n in imports if isinstance(n, ast.ImportFrom)}
    assert "pages.shared" in modules
    first = next(n for n in tree.body[1:] if not isinstance(n, ast.Import | ast.ImportFrom))
    assert ast.unparse(first) == "access.gate()"


def test_who_may_not_act_deletes_no_runs(visit, copied, monkeypatch) -> None:
    ids = studies.run_ids("small")
    monkeypatch.setattr(st, "user", {"is_logged_in": True, **VERIFIED})
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in listed("other@b.org").items():
        app.secrets[name] = value
    app.query_params["run"] = [f"small/{run}" for run in ids]
    app = app.switch_page("pages/runs.py").run()
    assert not app.exception
    button = next(b for b in app.button if b.label == "Delete for good")
    assert button.disabled
    app = forge(button)
    assert all((copied / run).exists() for run in ids)


def test_who_may_not_act_clears_and_resumes_no_jobs(visit, copied) -> None:
    app = visit("train", listed("other@b.org"), is_logged_in=True, **VERIFIED)
    before = [job.id for job in queue.listing()]
    button = next(b for b in app.button if b.label == "Clear them")
    assert button.disabled and len(before) > 1
    forge(button)
    assert [job.id for job in queue.listing()] == before
