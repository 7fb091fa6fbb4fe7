from __future__ import annotations

import pytest

from core.corpora import uploads
from core.errors import InputError


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path))


def test_one_file_is_kept_once_under_its_name() -> None:
    path = uploads.keep({"my reviews.csv": b"a,b\n1,2\n"})
    assert path.name == "my-reviews.csv" and path.read_bytes() == b"a,b\n1,2\n"
    assert uploads.keep({"my reviews.csv": b"a,b\n1,2\n"}) == path
    assert uploads.keep({"my reviews.csv": b"another"}) != path
    assert uploads.shown(path) == "upload: my-reviews.csv"
    assert path in uploads.kept() and len(uploads.kept()) == 2


def test_several_files_are_a_folder() -> None:
    path = uploads.keep({f"{x}.csv": b"text,label\n" for x in ("de", "en", "fr", "es")})
    assert sorted(p.name for p in path.iterdir()) == ["de.csv", "en.csv", "es.csv", "fr.csv"]
    assert uploads.shown(path) == "upload: de.csv, en.csv, es.csv and 1 more"
    assert uploads.kept() == [path]


@pytest.mark.parametrize("name", ["../../x.csv", "/etc/passwd", "a/../../b.csv", "..", "\x00"])
def test_a_name_leads_nowhere_else(name, tmp_path) -> None:
    path = uploads.keep({name: b"x"})
    assert path.resolve().parent.parent == (tmp_path / "uploads").resolve()


def test_nothing_and_names_that_become_one_are_refused() -> None:
    with pytest.raises(InputError, match="uploaded files are none"):
        uploads.keep({})
    with pytest.raises(InputError, match="a name of its own"):
        uploads.keep({"a b.csv": b"1", "a?b.csv": b"2"})
