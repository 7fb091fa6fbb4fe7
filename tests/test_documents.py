"""What the documents name is there: files, headings, commands, options, keys, methods."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from core.attribution.explain import BUDGETS
from core.config import Recipe
from core.mitigation.setups import schemes
from docs.tools import commands
from tests import test_architecture as house

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "checkpoints/README.md"])
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
each_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return BLOCK.sub("", path.read_text(encoding="utf-8"))


def code(path: Path) -> list[str]:
    """Lines of code, in blocks and in the text."""
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    words = re.findall(r"`([^`]+)`", prose(path))
    return [*"".join(blocks).splitlines(), *(" ".join(word.split()) for word in words)]


def headings(path: Path) -> set[str]:
    """What a link may have behind `#`, as GitHub makes it of a heading."""
    found = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in found}


def links(path: Path) -> Iterator[tuple[str, Path, str]]:
    """Links and pictures that are no addresses: as written, file, heading."""
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]+`", "", prose(path))):
        if not re.match(r"\w+:", link):
            file, _, heading = link.partition("#")
            yield link, path.parent / file if file else path, heading


@each_document
def test_links_and_pictures_resolve(path) -> None:
    for link, file, heading in links(path):
        assert file.exists(), link
        assert not heading or heading in headings(file), link


def test_every_document_and_picture_is_linked() -> None:
    linked = {file.resolve() for path in DOCUMENTS for _, file, _ in links(path)}
    readme = {file.resolve() for _, file, _ in links(ROOT / "README.md")}
    assert {path for path in DOCUMENTS if path.name != "README.md"} <= readme
    assert set(ROOT.glob("docs/pictures/*")) <= linked


@each_document
def test_files_that_are_named_are_there(path) -> None:
    rooms = "core|pages|tests|benchmarks|docs|docker"
    for line in code(path):
        for named in re.findall(rf"(?:^| )((?:{rooms})/[\w./]*)", line):
            assert (ROOT / named).exists(), named


def test_the_map_has_every_room_in_its_order_and_what_it_imports() -> None:
    ground = {room for room in house.ROOMS if (ROOT / f"core/{room}.py").exists()}
    rooms = [room for room in house.ROOMS if room not in ground]
    arrows = {
        (house.room(house.module(path)), house.room(name))
        for path in house.SOURCES
        if path.parent != ROOT / "core"
        for _, name in house.imports(path)
        if name.startswith("core.")
    }
    rows = {
        room: ", ".join(below for below in rooms if (room, below) in arrows and below != room)
        for room in rooms
    }
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `core/(\w+)/` \| .+ \| (.+) \|$", text, re.MULTILINE)
    assert found == [(room, imports or "–") for room, imports in rows.items()]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `core/(\w+)/` \|", text, re.MULTILINE) == rooms


@cache
def options(verb: str) -> set[str]:
    return {name.split()[0] for name in commands.entries(verb)} | {"--help"}


@each_document
def test_commands_and_their_options_are_there(path) -> None:
    for line in code(path):
        for said in re.findall(r"python -m core (.+)", line):
            verb, *words = shlex.split(said, comments=True)
            if verb in ("COMMAND", "…"):
                continue
            assert verb in commands.entries(), line
            assert {w for w in words if w.startswith("--")} <= options(verb), line
        for said in re.findall(r"python -m (benchmarks\.[a-z]\w+|docs\.\w+\.\w+)", line):
            assert (ROOT / f"{said.replace('.', '/')}.py").is_file(), line
        for target in re.findall(r"^make ([a-z-]+)", line):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line


def test_commands_are_those_of_help() -> None:
    """Stale: run `make commands`."""
    text = commands.FILE.read_text(encoding="utf-8")
    above, _, below = text.partition(commands.BELOW)
    assert below.strip() == commands.options().strip()
    assert set(re.findall(r"^\| `python -m core (\w+)", above, re.MULTILINE)) == set(
        commands.entries()
    )


def test_keys_of_the_recipe_are_listed_with_their_defaults() -> None:
    text = (ROOT / "docs/studies.md").read_text(encoding="utf-8")
    listed = text.partition("## The recipe\n")[2].partition("\n## ")[0]
    found = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", listed, re.MULTILINE))
    assert found == {field.name: json.dumps(field.default) for field in fields(Recipe)}


def test_methods_are_listed_with_their_budgets() -> None:
    text = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"^\| `(\w+)`.* \| (.+) \|$", text, re.MULTILINE))
    assert set(found) == set(BUDGETS)
    assert all(re.search(rf"\b{usual}\b", found[name]) for name, (_, usual) in BUDGETS.items())


def test_mitigations_are_listed_with_their_sources_and_numbers() -> None:
    text = (ROOT / "docs/mitigations.md").read_text(encoding="utf-8")
    sections = re.split(r"^#{2,3} ", text, flags=re.MULTILINE)
    listed = {part.partition("\n")[0]: " ".join(part.split()) for part in sections}
    assert [name for name in listed if name in schemes()] == list(schemes())
    for name, scheme in schemes().items():
        said = listed[name].lower()
        assert scheme.title.lower() in said, name
        assert scheme.evens == ("⚖" in said), name
        assert (scheme.serving == "given") == ("language given." in said), name
        for author in re.findall(r"[A-Z]\w+ (?:et al\.|and \w+) \d{4}", scheme.source):
            assert author.lower() in said, (name, author)
