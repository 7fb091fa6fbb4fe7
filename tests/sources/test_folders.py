"""Folders, archives, several files, texts beside their labels: one source, each row once."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import InputError
from core.sources.read import read
from core.sources.source import NAME_FILE, NAME_LANGUAGE, NAME_SPLIT
from core.storage import sql
from tests.helpers import layouts
from tests.helpers.sources import rows_of, written

TSV = 'tweet\tlabel\n"raw {0}\tpos\nmore {0}\tneg\n'


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder a language and a file a split, as AfriSenti has it; one with a header alone."""
    place = tmp_path / "data"
    for language in ("amharic", "orm", "swa"):
        for split in ("train", "dev", "test"):
            written(place / language / f"{split}.tsv", TSV.format(f"{language} {split}"))
    written(place / "orm" / "train.tsv", "tweet\tlabel\n")
    written(place / "README.md", "# Tweets\n")
    written(place / "LICENSE.txt", "yours")
    written(place / "make.py", "print()")
    written(place / ".hidden.tsv", "a\tb\n1\t2\n")
    written(place / "__MACOSX" / "x.tsv", "a\tb\n1\t2\n")
    return place


def cells(source) -> list[tuple]:
    names = list(source.columns)
    wanted = [names.index(n) for n in ("tweet", NAME_LANGUAGE, NAME_SPLIT)]
    return [tuple(row[i] for i in wanted) for row in rows_of(source)]


def expected() -> list[tuple]:
    found = []
    for folder, language in (("amharic", "am"), ("orm", "om"), ("swa", "sw")):
        for name, split in (("dev", "validation"), ("test", "test"), ("train", "train")):
            if (folder, name) != ("orm", "train"):
                found += [(f'"raw {folder} {name}', language, split)]
                found += [(f"more {folder} {name}", language, split)]
    return found


def test_a_folder_a_language_and_a_file_a_split(folder) -> None:
    source = read(folder)
    assert cells(source) == expected() == cells(read(folder))
    assert [(p.language, p.split) for p in source.parts][:2] == [
        ("am", "validation"),
        ("am", "test"),
    ]
    assert source.notes[0] == "no table, left out: LICENSE.txt, README.md, make.py"
    assert "no rows, left out: orm/train.tsv" in source.notes
    # Asked of all in one question too, as the corpus does.
    counted = sql.query(f"SELECT {sql.name(NAME_FILE)} AS f, count(*) n FROM ({source.select}) "
                        "GROUP BY f")  # fmt: skip
    assert set(counted["n"]) == {2} and len(counted) == 8


def test_several_files_are_one_source(folder) -> None:
    paths = sorted(folder.glob("*/dev.tsv"))
    assert cells(read(paths)) == [row for row in expected() if row[2] == "validation"]
    assert cells(read([folder / "amharic", folder / "swa"]))[0] == expected()[0]
    with pytest.raises(InputError, match="names a file twice"):
        read([paths[0], paths[0]])
    with pytest.raises(InputError, match="has a header"):
        read(folder / "orm" / "train.tsv")
    with pytest.raises(InputError, match=r"nowhere\.tsv does not exist"):
        read([paths[0], folder / "nowhere.tsv"])


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        for file in sorted(folder.rglob("*")):
            parts.write(file, file.relative_to(folder))
    return path


def test_archives_are_read_like_folders(folder, tmp_path) -> None:
    paths = [zipped(folder, tmp_path / "x.zip")]
    for ending in ("", ":gz", ":bz2", ":xz"):
        paths.append(tmp_path / f"x.tar{ending.replace(':', '.')}")
        with tarfile.open(paths[-1], f"w{ending}") as archive:
            archive.add(folder, ".")
    for path in paths:
        source = read(path)
        assert cells(source) == expected()
        assert source.parts[0].path == f"{path}/amharic/dev.tsv"
        assert any("README.md" in note for note in source.notes)
    # A folder with an archive alone.
    alone = tmp_path / "alone"
    alone.mkdir()
    paths[0].rename(alone / "x.zip")
    assert cells(read(alone)) == expected()


def test_compressed_files_alone_and_in_a_folder(tmp_path) -> None:
    content = TSV.format("x").encode()
    rows = [('"raw x', "pos"), ("more x", "neg")]
    packed = {
        "x.tsv.gz": gzip.compress(content),
        "x.tsv.bz2": bz2.compress(content),
        "x.tsv.xz": lzma.compress(content),
        "x.csv": gzip.compress(content),  # whatever its name says
    }
    for name, data in packed.items():
        assert rows_of(read(written(tmp_path / name, data))) == rows
    with pa.CompressedOutputStream(pa.OSFile(str(tmp_path / "x.tsv.zst"), "wb"), "zstd") as out:
        out.write(content)
    assert rows_of(read(tmp_path / "x.tsv.zst")) == rows
    written(tmp_path / "many" / "de.tsv.gz", packed["x.tsv.gz"])
    written(tmp_path / "many" / "fr.tsv", content)
    source = read(tmp_path / "many")
    assert [p.language for p in source.parts] == ["de", "fr"]
    with pytest.raises(InputError, match=r"y\.tsv\.gz does not unpack .* unpack it"):
        read(written(tmp_path / "y.tsv.gz", packed["x.tsv.gz"][:-9]))


@pytest.mark.parametrize("name", ["../x.csv", "/tmp/x.csv", "a/../../x.csv", "..\\x.csv"])
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path, name) -> None:
    content = b"text,label\na,x\n"
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("ok.csv", content)
        archive.writestr(name, content)
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        part = tarfile.TarInfo(name)
        part.size = len(content)
        archive.addfile(part, io.BytesIO(content))
    for path in (tmp_path / "x.zip", tmp_path / "x.tar"):
        with pytest.raises(InputError, match="member that leads out of it"):
            read(path)
    assert not (tmp_path.parent / "x.csv").exists()


def test_links_in_archives_and_out_of_folders_are_refused(tmp_path, folder) -> None:
    secret = written(tmp_path / "secret.tsv", TSV.format("secret"))
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        part = tarfile.TarInfo("x.tsv")
        part.type, part.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(part)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("x.tsv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, str(secret))
    for path in (tmp_path / "x.tar", tmp_path / "x.zip"):
        with pytest.raises(InputError, match="a link or a device as a member"):
            read(path)
    (folder / "inside.tsv").symlink_to(folder / "swa" / "dev.tsv")
    assert len(read(folder).parts) == 9
    (folder / "outside.tsv").symlink_to(secret)
    with pytest.raises(InputError, match="is a link to a place outside"):
        read(folder)
    (folder / "outside.tsv").unlink()
    (folder / "outside").symlink_to(tmp_path)
    with pytest.raises(InputError, match="is a link to a place outside"):
        read(folder)


def test_pipes_and_devices_are_not_waited_for(tmp_path, folder) -> None:
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(InputError, match="is no file but a pipe"):
        read(tmp_path / "x.csv")
    os.mkfifo(folder / "swa" / "pipe.tsv")
    with pytest.raises(InputError, match="is no file but a pipe"):
        read(folder)
    with pytest.raises(InputError, match="is no file but a pipe"):
        read("/dev/zero")


@pytest.mark.parametrize("kind", ["gz", "zip", "tar.gz", "xlsx"])
def test_a_bomb_fills_neither_disk_nor_memory(tmp_path, cache, monkeypatch, kind) -> None:
    zeros = b"text,label\n" + b"a,x\n" * 20_000_000
    path = tmp_path / f"x.csv.{kind}"
    if kind == "gz":
        written(path, gzip.compress(zeros, 1))
    elif kind == "tar.gz":
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            part = tarfile.TarInfo("x.csv")
            part.size = len(zeros)
            archive.addfile(part, io.BytesIO(zeros))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("xl/workbook.xml" if kind == "xlsx" else "x.csv", zeros)
    monkeypatch.setenv("LANGSKEW_TABLE_GB", "0.01")
    with pytest.raises(InputError, match=r"unpacks to more than 0\.01 GB"):
        read(path)
    assert sum(p.stat().st_size for p in cache.rglob("*") if p.is_file()) < 1e6


def test_no_member_of_a_damaged_tar_is_lost_unseen(tmp_path) -> None:
    path = tmp_path / "x.tar"
    content = b"text,label\na,x\n"
    with tarfile.open(path, "w") as archive:
        for name in ("de.csv", "en.csv", "fr.csv"):
            part = tarfile.TarInfo(name)
            part.size = len(content)
            archive.addfile(part, io.BytesIO(content))
    whole = path.read_bytes()
    assert len(read(path).parts) == 3
    for damaged in (
        whole[:1024] + b"\xff" * 9 + whole[1033:],  # the head of the second member
        whole[:1024] + bytes(512) + whole[1536:],
        whole[:1024],
        whole[:1100],
    ):
        with pytest.raises(InputError, match=r"x\.tar does not unpack"):
            read(written(path, damaged))


def test_an_archive_with_a_password_is_refused(tmp_path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.csv", "text,label\na,x\n")
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputError, match="needs a password"):
        read(written(path, bytes(data)))


def test_files_with_other_columns_are_said(tmp_path) -> None:
    for name, content in {
        "de": "text,label\na,x\n",
        "fr": "label,text\ny,b\n",
        "en": "text,label,stars\nc,z,5\n",
        "codes": "code,name\nde,German\n",
    }.items():
        written(tmp_path / "d" / f"{name}.csv", content)
    source = read(tmp_path / "d")
    names = list(source.columns)
    assert names[:3] == ["text", "label", "stars"]
    found = {row[:4] for row in rows_of(source)}
    assert found == {("a", "x", None, "de"), ("b", "y", None, "fr"), ("c", "z", "5", "en")}
    assert any("en.csv has further columns: stars" in note for note in source.notes)
    assert any("codes.csv has other columns and is left out" in note for note in source.notes)
    with pytest.raises(InputError, match="have different columns"):
        read([tmp_path / "d" / "de.csv", tmp_path / "d" / "codes.csv"])


def test_types_and_classes_that_differ(tmp_path) -> None:
    pq.write_table(pa.table({"text": ["a"], "label": [1]}), tmp_path / "de.parquet")
    pq.write_table(pa.table({"text": ["b"], "label": [1.5]}), tmp_path / "en.parquet")
    written(tmp_path / "fr.jsonl", '{"text": "c", "label": "x"}\n')
    assert [row[1] for row in rows_of(read(tmp_path))] == ["1", "1.5", "x"]
    (tmp_path / "fr.jsonl").unlink()
    assert [row[1] for row in rows_of(read(tmp_path))] == [1.0, 1.5]
    for language, names in (("de", ["bad", "good"]), ("en", ["good", "bad"])):
        card = json.dumps(
            {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        )
        table = pa.table({"text": ["a", "b"], "label": [0, -1]})
        pq.write_table(table.replace_schema_metadata({"huggingface": card}),
                       tmp_path / f"{language}.parquet")  # fmt: skip
    source = read(tmp_path)
    assert [row[1] for row in rows_of(source)] == ["bad", None, "good", None]
    assert source.classes == {}


def test_a_column_called_file_keeps_its_values(tmp_path) -> None:
    for language in ("de", "fr"):
        written(tmp_path / f"{language}.csv", f"text,File\na,own {language}\n")
    source = read(tmp_path)
    assert list(source.columns) == ["text", "File (2)", NAME_LANGUAGE, NAME_FILE]
    assert [row[1] for row in rows_of(source)] == ["own de", "own fr"]


def test_parts_are_in_natural_order(tmp_path) -> None:
    for part in (10, 2, 1):
        written(tmp_path / f"part{part}.csv", f"text,label\n{part},x\n")
    assert [row[0] for row in rows_of(read(tmp_path))] == ["1", "2", "10"]


def test_files_without_a_header_are_all_read_so(tmp_path) -> None:
    """XED's have none; in one of them the first row could be one."""
    for language in ("de", "en", "fi"):
        rows = "".join(f"{language} text {i}\t{i % 3}\n" for i in range(6))
        written(tmp_path / f"{language}-projections.tsv", rows)
    written(tmp_path / "it-projections.tsv", "it text\t1, 4\nit text 2\t2\nit text 3\t3, 5\n")
    source = read(tmp_path)
    assert list(source.columns)[:2] == ["column 1", "column 2"]
    assert len(rows_of(source)) == 21
    assert [p.language for p in source.parts] == ["de", "en", "fi", "it"]


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        ("train.text", "train.labels"),
        ("train_text.txt", "train_labels.txt"),
        ("en_train.txt", "en_train.labels"),
        ("train.de.text", "train.de.label"),
        ("train.txt", "train_labels.txt"),
    ],
)
def test_texts_and_labels_in_parallel_files(tmp_path, texts, labels) -> None:
    written(tmp_path / texts, 'a, "b\n\n c\td \n')
    written(tmp_path / labels, "1\n0\n1")
    source = read(tmp_path)
    assert [row[:2] for row in rows_of(source)] == [('a, "b', 1), ("", 0), (" c\td ", 1)]
    assert source.parts[0].split == "train"
    assert dict(source.columns)["label"] == "BIGINT" and not source.classes
    written(tmp_path / "mapping.txt", "0\tnegative\n1\tpositive\n")
    assert read(tmp_path).classes == {"label": ("negative", "positive")}
    written(tmp_path / labels, "1\n0\n")
    with pytest.raises(InputError, match=f"{texts} has 3 lines and .*{labels} has 2"):
        read(tmp_path)
    both = [tmp_path / texts, tmp_path / labels]
    written(tmp_path / labels, "x\n0\n\n")
    assert [row[1] for row in rows_of(read(both))] == ["x", "0", ""]


def test_the_layouts_of_the_hub(tmp_path) -> None:
    source = read(layouts.xnli(tmp_path / "xnli"))
    assert {(p.language, p.split) for p in source.parts} == {
        (lang, split) for lang in ("en", "fr") for split in ("train", "validation", "test")
    }
    assert len(rows_of(source)) == 2 * sum(layouts.SPLITS.values())
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    saved = datasets.Dataset.from_list(rows, features=features)
    datasets.DatasetDict({"train": saved, "test": saved}).save_to_disk(tmp_path / "saved")
    source = read(tmp_path / "saved")
    assert {row[:2] for row in rows_of(source)} == {("a", "pos"), ("b", "neg")}
    assert {p.split for p in source.parts} == {"train", "test"}
    (tmp_path / "xnli" / "README.md").unlink()
    source = read(tmp_path / "xnli")
    assert source.classes == {"label": layouts.LABELS} and len(source.parts) == 6


def test_a_folder_without_tables_is_refused(tmp_path) -> None:
    written(tmp_path / "README.md", "x")
    with pytest.raises(InputError, match=r"has no table in it \(but README.md\)"):
        read(tmp_path)
    with pytest.raises(InputError, match="no file is named"):
        read([])


def test_a_file_that_changes_is_read_anew(tmp_path) -> None:
    path = written(tmp_path / "x.json", json.dumps([{"text": "a"}, {"text": "b"}]))
    assert rows_of(read(path)) == [("a",), ("b",)]
    written(path, json.dumps([{"text": "c"}, {"text": "d"}]))
    assert rows_of(read(path)) == [("c",), ("d",)]


def test_what_is_loaded_to_read_a_file_is_little() -> None:
    """A page asks for a source each time: no library that takes seconds."""
    code = "import sys, core.sources.read; print([m for m in ('datasets', 'torch', "
    code += "'charset_normalizer', 'langcodes') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
