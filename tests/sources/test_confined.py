"""A data set in a folder reads what is in that folder, whatever its lists and links say."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import datasets
import pytest

from core.corpora import corpus
from core.errors import InputError
from core.sources import hub
from tests.helpers import layouts

SECRET = {"text": "nobody may read this", "label": "1"}
OUTSIDE = "names a file outside its own folder"


@pytest.fixture
def secret(tmp_path) -> Path:
    path = tmp_path / "elsewhere" / "secret.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps(SECRET) + "\n")
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """A data set with a file of its own."""
    (tmp_path / "set" / "fr").mkdir(parents=True)
    (tmp_path / "set" / "fr" / "train.jsonl").write_text('{"text": "x", "label": "0"}\n')
    return tmp_path / "set"


def card(folder: Path, files: str) -> None:
    text = f"---\nconfigs:\n- config_name: fr\n  data_files: {files}\n---\n# Invented\n"
    (folder / "README.md").write_text(text)


@pytest.mark.parametrize("read", [hub.read, lambda s, lang: hub.sample(s, lang, 1, 0)])
@pytest.mark.parametrize(
    "files",
    [
        "{secret}",
        "{outside}/*.jsonl",
        "../elsewhere/*.jsonl",
        "fr/../../elsewhere/secret.jsonl",
        "[fr/train.jsonl, {secret}]",
        "[{{split: train, path: {secret}}}]",
        "[{{split: train, path: [fr/train.jsonl, ../elsewhere/secret.jsonl]}}]",
        "file://{secret}",
        "http://192.0.2.1/secret.jsonl",
        "fr/link.jsonl",
        "fr/linked/secret.jsonl",
    ],
)
def test_a_card_names_no_file_elsewhere(folder, secret, files, read) -> None:
    (folder / "fr" / "link.jsonl").symlink_to(secret)
    (folder / "fr" / "linked").symlink_to(secret.parent)
    card(folder, files.format(secret=secret, outside=secret.parent))
    with pytest.raises(InputError, match=OUTSIDE):
        read(str(folder), "fr")


def test_the_other_file_of_settings_neither(folder, secret) -> None:
    text = f"configs:\n- config_name: default\n  data_files: {secret}\n"
    (folder / "fr" / ".huggingface.yaml").write_text(text)
    with pytest.raises(InputError, match=OUTSIDE):
        hub.read(str(folder), "fr")


def test_a_link_to_a_file_or_folder_elsewhere_is_refused(folder, secret) -> None:
    assert hub.read(str(folder), "fr")[0]["train"].num_rows == 1
    (folder / "de").symlink_to(secret.parent)
    with pytest.raises(InputError, match=OUTSIDE):
        hub.read(str(folder), "de")
    with pytest.raises(InputError, match=OUTSIDE):
        hub.read(str(folder.parent / "set") + "/{language}", "de")
    (folder / "fr" / "train.jsonl").unlink()
    (folder / "fr" / "train.jsonl").symlink_to(secret)
    with pytest.raises(InputError, match=OUTSIDE):
        hub.read(str(folder), "fr")


def test_what_was_saved_lists_no_file_elsewhere(tmp_path) -> None:
    rows = datasets.Dataset.from_list([SECRET])
    rows.save_to_disk(tmp_path / "elsewhere")
    datasets.DatasetDict({"train": rows}).save_to_disk(tmp_path / "saved")
    assert hub.read(str(tmp_path / "saved"), "fr")[0]["train"].num_rows == 1
    there = tmp_path / "saved" / "train" / "state.json"
    state = json.loads(there.read_text())
    for name in ("../../elsewhere/data-00000-of-00001.arrow", str(tmp_path / "elsewhere/x.arrow")):
        there.write_text(json.dumps(state | {"_data_files": [{"filename": name}]}))
        with pytest.raises(InputError, match=OUTSIDE):
            hub.read(str(tmp_path / "saved"), "fr")
    there.write_text(json.dumps(state))
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["../elsewhere"]}')
    with pytest.raises(InputError, match=OUTSIDE):
        hub.read(str(tmp_path / "saved"), "fr")


@pytest.mark.parametrize("language", ["../elsewhere", "..", ".", "fr/../../elsewhere", "/etc", ""])
def test_a_language_leads_nowhere_else(folder, secret, language) -> None:
    with pytest.raises(InputError, match="cannot stand in"):
        hub.read(f"{folder}/{{language}}", language)


def test_formats_that_can_hold_code_are_no_tables(folder) -> None:
    (folder / "fr" / "train.jsonl").rename(folder / "fr" / "train.txt")
    with pytest.raises(InputError, match="is of the format text; expected arrow, csv, json, parq"):
        hub.read(str(folder), "fr")


def test_a_snapshot_of_the_hubs_cache_reads_through_its_links(tmp_path) -> None:
    """There every file is a link to `blobs`, out of the snapshot's own folder."""
    made = layouts.xnli(tmp_path / "made")
    repository = tmp_path / "datasets--facebook--xnli"
    snapshot, blobs = repository / "snapshots" / "0123", repository / "blobs"
    shutil.copytree(made, snapshot)
    blobs.mkdir()
    for i, path in enumerate([p for p in snapshot.rglob("*") if p.is_file()]):
        path.rename(blobs / str(i))
        path.symlink_to(os.path.relpath(blobs / str(i), path.parent))
    read = corpus.load(f"xnli@{snapshot}")
    assert read.content_hash == corpus.load(f"xnli@{made}").content_hash
