"""Rules of the house that a reader cannot check at a glance."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "core").rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_core_knows_neither_streamlit_nor_pages(path) -> None:
    assert not {n for n in imported(path) if n.split(".")[0] in ("streamlit", "pages", "app")}


def test_modules_of_core_import_each_other_one_way() -> None:
    def module(path: Path) -> str:
        return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    arrows = {module(p): imported(p) for p in SOURCES}
    order: list[str] = []
    while len(order) < len(arrows):
        free = [
            m
            for m, needs in arrows.items()
            if m not in order and not (needs & set(arrows)) - set(order) - {m, "core"}
        ]
        assert free, f"a circle among {sorted(set(arrows) - set(order))}"
        order += free
