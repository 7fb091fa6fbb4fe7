"""What a study may read from the disk by path where visitors sign in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.errors import InputError
from core.sources import hub
from core.studies import reading
from core.studies.study import from_document


def check(tmp_path: Path, folders: list[Path], **asked: str) -> None:
    document = {"corpus": "synthetic", "setups": ["balanced"], **asked}
    reading.check(from_document(document, tmp_path / "study.toml"), [str(f) for f in folders])


@pytest.fixture
def places(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """A folder that may be read, and one beside it whose name begins alike."""
    data, other = tmp_path / "data", tmp_path / "data-of-others"
    for folder in (data, other):
        (folder / "set" / "fr").mkdir(parents=True)
        (folder / "model").mkdir()
        (folder / "model" / "config.json").write_text("{}")
        (folder / "x.csv").write_text("text,label,language\n")
    (data / "link.csv").symlink_to(other / "x.csv")
    (data / "linked").symlink_to(other)
    shutil.copytree(data / "model", data / "half")
    (data / "half" / "tokenizer.json").symlink_to(other / "model" / "config.json")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return data, other


INSIDE = [
    {"corpus": "{data}/x.csv"},
    {"corpus": "{data}/set/../x.csv"},
    {"corpus": "../data/x.csv"},
    {"corpus": "xnli@{data}/set"},
    {"corpus": "amazon@{data}/set/{language}"},
    {"external": "wikipedia@{data}/set"},
    {"external": "{data}/x.csv"},
    {"encoder": "{data}/model"},
]
ANYWHERE = [
    {},
    {"corpus": "xnli", "external": "wikipedia"},
    {"corpus": "amazon@mteb/AmazonReviewsClassification"},
    {"corpus": "amazon@somebody/reviews_{language}"},
    {"encoder": "tiny"},
    {"encoder": "xlm-roberta-base"},
    {"encoder": "google-bert/bert-base-multilingual-cased@main"},
]
OUTSIDE = [
    {"corpus": "{other}/x.csv"},
    {"corpus": "{other}/missing.csv"},
    {"corpus": "{data}/../data-of-others/x.csv"},
    {"corpus": "{data}/link.csv"},
    {"corpus": "{data}/linked/x.csv"},
    {"corpus": "/etc/passwd"},
    {"corpus": "~/x.csv"},
    {"corpus": "../data-of-others/x.csv"},
    {"corpus": "xnli@{other}/set"},
    {"corpus": "xnli@../data-of-others/set"},
    {"corpus": "xnli@../data-of-others/x.csv"},
    {"corpus": "amazon@{other}/set/{language}"},
    {"corpus": "amazon@{data}/set/{language}/../../../data-of-others"},
    {"corpus": "amazon@../data-of-others/{language}"},
    {"corpus": "xnli@/etc/missing"},
    {"external": "wikipedia@{other}/set"},
    {"external": "{other}/x.csv"},
    {"encoder": "{other}/model"},
    {"encoder": "{other}/missing"},
    {"encoder": "../data-of-others/model"},
    {"encoder": "~/model"},
    {"encoder": "{data}/linked/model"},
    {"encoder": "{data}/half"},
]


def filled(asked: dict[str, str], places: tuple[Path, Path]) -> dict[str, str]:
    data, other = map(str, places)
    return {k: v.replace("{data}", data).replace("{other}", other) for k, v in asked.items()}


@pytest.mark.parametrize("asked", INSIDE + ANYWHERE)
def test_what_is_inside_or_no_path_may_be_read(tmp_path, places, asked) -> None:
    check(tmp_path / "work", [places[0]], **filled(asked, places))


@pytest.mark.parametrize("asked", OUTSIDE)
def test_what_is_elsewhere_may_not(tmp_path, places, asked) -> None:
    with pytest.raises(InputError, match="may not be read here; folders for that are"):
        check(tmp_path / "work", [places[0]], **filled(asked, places))


@pytest.mark.parametrize("asked", INSIDE + OUTSIDE)
def test_without_folders_nothing_is_read_by_path(tmp_path, places, asked) -> None:
    with pytest.raises(InputError, match="may not be read here; there is no folder"):
        check(tmp_path / "work", [], **filled(asked, places))


@pytest.mark.parametrize("asked", ANYWHERE)
def test_without_folders_names_are_as_before(tmp_path, places, asked) -> None:
    check(tmp_path / "work", [], **filled(asked, places))


def test_a_relative_pattern_is_local_where_its_folder_is_here(
    tmp_path, places, monkeypatch
) -> None:
    """Readers find it from where the server was started."""
    monkeypatch.chdir(places[1])
    assert hub.is_local("set/{language}")
    with pytest.raises(InputError, match="may not be read here"):
        check(tmp_path / "work", [places[0]], corpus="amazon@set/{language}")
