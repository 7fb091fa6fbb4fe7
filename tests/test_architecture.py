"""Rules of the house that a reader cannot check at a glance."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import core

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "core").rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
# The map at the beginning of the package: a room a line, each importing from those above it only.
ROOMS = [line.split()[0] for line in (core.__doc__ or "").splitlines() if "  " in line]
NOT_FOR_PAGES = {"training", "attribution", "cli"}  # what they do, pages ask the queue for


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path) for path in SOURCES}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of what a file imports, at its start and later."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in MODULES else node.module


def room(name: str) -> str:
    return name.split(".")[1]


def arrow(path: Path, line: int, name: str) -> str:
    return f"{path.relative_to(ROOT)}:{line} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_core_knows_neither_streamlit_nor_pages(path) -> None:
    wrong = [
        arrow(path, line, name)
        for line, name in imports(path)
        if name.split(".")[0] in ("streamlit", "pages", "app", "tests", "benchmarks")
    ]
    assert not wrong


def test_the_map_has_every_room() -> None:
    found = {room(name) for name in MODULES if "." in name} - {"__main__"}
    assert found == set(ROOMS)


def test_rooms_import_from_those_above_them_only() -> None:
    place = {name: i for i, name in enumerate([*ROOMS, "__main__"])}
    wrong = [
        f"{arrow(path, line, name)}: {room(name)} is below {room(module(path))}"
        for path in SOURCES
        if module(path) != "core"
        for line, name in imports(path)
        if name.startswith("core.") and place[room(name)] > place[room(module(path))]
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_import_each_other_one_way() -> None:
    arrows = {
        module(path): {name for _, name in imports(path) if name in MODULES} - {module(path)}
        for path in SOURCES
    }
    order: set[str] = set()
    while free := {m for m, needs in arrows.items() if m not in order and not needs - order}:
        order |= free
    left = {m: sorted(arrows[m] - order) for m in sorted(MODULES - order)}
    assert not left, f"a circle: {left}"


def test_packages_import_nothing() -> None:
    packages = [path for path in SOURCES if path.name == "__init__.py"]
    assert {path.parent for path in packages} == {path.parent for path in SOURCES}
    assert not [arrow(path, *found) for path in packages for found in imports(path)]


@pytest.mark.parametrize("path", PAGES, ids=module)
def test_pages_neither_train_nor_attribute(path) -> None:
    wrong = [
        arrow(path, line, name)
        for line, name in imports(path)
        if name.startswith("core.") and room(name) in NOT_FOR_PAGES
    ]
    assert not wrong


def test_one_file_knows_where_files_are() -> None:
    knowing = [module(path) for path in SOURCES if "__file__" in path.read_text(encoding="utf-8")]
    assert knowing == ["core.storage.places"]
