"""Sources by the names that users give: data sets of the hub by their ids."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from core.cli.main import main
from core.corpora import find
from core.errors import InputError
from core.sources import downloaded

REVISION = "0" * 40
ROWS = pd.DataFrame(
    {
        "text": [f"text {i} of the language" for i in range(40)],
        "label": [i % 2 for i in range(40)],
        "language": ["de", "en"] * 20,
    }
)


def write(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    ROWS[:30].to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    ROWS[30:].to_csv(folder / "data" / "test.csv", index=False)
    (folder / "README.md").write_text("A data set.\n")
    (folder / "weights.bin").write_bytes(b"0" * 10)


@pytest.fixture
def in_cache(tmp_path, monkeypatch) -> Path:
    """A data set in the hub client's cache, whose files are links to blobs."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))
    own = tmp_path / "hub" / "datasets--team--reviews"
    write(own / "plain")
    for file in [p for p in (own / "plain").rglob("*") if p.is_file()]:
        link = own / "snapshots" / REVISION / file.relative_to(own / "plain")
        link.parent.mkdir(parents=True, exist_ok=True)
        blob = own / "blobs" / file.name
        blob.parent.mkdir(exist_ok=True)
        file.rename(blob)
        link.symlink_to(blob)
    (own / "refs").mkdir()
    (own / "refs" / "main").write_text(REVISION)
    return own


def test_a_data_set_of_the_hub_is_audited_by_its_id(in_cache, capsys) -> None:
    assert main(["audit", "team/reviews", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["corpus"] == "team/reviews" and told["read"] == told["rows"] == 40
    source = find.source("team/reviews")
    assert source.name == "team/reviews"
    assert find.stamp("team/reviews") == find.stamp("team/reviews") != []


def test_it_stays_the_one_that_was_first_read(in_cache) -> None:
    place = downloaded.folder("team/reviews")
    assert not any(path.is_symlink() for path in place.rglob("*"))
    import shutil

    shutil.rmtree(in_cache)
    assert downloaded.folder("team/reviews") == place


def test_without_hub_and_copy_it_says_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="the hub does not answer. Name a folder"):
        find.source("nobody/nothing")
    assert not downloaded.place("nobody/nothing").exists()


def test_a_path_is_no_id(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    write(tmp_path / "a" / "b")
    assert not downloaded.is_id("a/b")
    assert not downloaded.is_id("../b/c") and not downloaded.is_id("a/b/c")
    assert not downloaded.is_id("a/../b") and not downloaded.is_id("/etc/passwd")


class Hub(BaseHTTPRequestHandler):
    """What the hub answers of a data set, from a folder: its list of files, and these."""

    def __init__(self, folder: Path, size: int | None, *more: object) -> None:
        self.folder, self.size = folder, size
        super().__init__(*more)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        files = [p for p in self.folder.rglob("*") if p.is_file()]
        if path.startswith("/api/datasets/team/reviews"):
            listed = [
                {
                    "rfilename": p.relative_to(self.folder).as_posix(),
                    "size": self.size or p.stat().st_size,
                }
                for p in files
            ]
            found: object = {"id": "team/reviews", "sha": REVISION, "siblings": listed}
            if "/tree/" in path:
                found = [
                    {"type": "file", "path": f["rfilename"], "size": f["size"], "oid": "0" * 40}
                    for f in listed
                ]
            content, kind = json.dumps(found).encode(), "application/json"
        elif "/resolve/" in path:
            content = (self.folder / path.partition(f"{REVISION}/")[2]).read_bytes()
            kind = "application/octet-stream"
        elif path == "/":
            content, kind = b"", "text/html"
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hash(path) & 0xFFFFFFFF:08x}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def hub(tmp_path, monkeypatch, request) -> Iterator[Path]:
    """A hub on this machine; its parameter is the size that it says each file has."""
    from huggingface_hub import constants

    write(tmp_path / "there")
    serve = partial(Hub, tmp_path / "there", getattr(request, "param", None))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("LANGSKEW_CACHE", str(tmp_path / "cache"))
    yield tmp_path / "there"
    server.shutdown()


def test_the_tables_of_a_data_set_are_downloaded_and_nothing_else(hub) -> None:
    place = downloaded.folder("team/reviews")
    found = sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())
    assert found == ["README.md", "data/test.csv", "data/train-00000-of-00001.parquet"]
    assert len(pd.read_parquet(place / "data" / "train-00000-of-00001.parquet")) == 30


@pytest.mark.parametrize("hub", [10**11], indirect=True)
def test_one_that_is_too_large_is_refused_before_a_byte_of_it_is_read(hub) -> None:
    with pytest.raises(InputError, match="200 GB of tables; at most 20 GB"):
        downloaded.folder("team/reviews")
    assert not downloaded.place("team/reviews").exists()
