"""The report as one HTML file that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from core.figures import export
from core.figures.figure import Figure, Table
from core.progress import Progress
from core.report.contents import Section
from core.storage import places

_TEMPLATE = "report.html.j2"
# Rows from which a table scrolls on a screen; on paper it has them all.
LONG = 14
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")  # to be cut to a hundredth of a pixel
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def html(facts: dict[str, str], sections: Sequence[Section], report: Progress) -> str:
    """The whole file. Texts are data: escaped, never markup.

    Args:
        facts: `study`, `corpus`, `encoder`, `languages`, `labels`, `verdict` (Markdown), `made`
            (date and version).
        sections: from `report_contents.sections`.
        report: called with what is being drawn, and how much of it (0 to 1).
    """
    figures = [b for s in sections for b in s.blocks if isinstance(b, Figure)]
    drawn: dict[int, Markup] = {}
    for i, figure in enumerate(figures):
        report(f"drawing: {figure.title}", i / len(figures))
        drawn[id(figure)] = inline_svg(figure, f"f{i}")
    # How to read figures of one kind is said once.
    firsts = {id(figure) for figure in {f.how: f for f in reversed(figures)}.values()}
    environment = Environment(
        loader=FileSystemLoader(places.CORE / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests |= {
        "figure": lambda block: isinstance(block, Figure),
        "table": lambda block: isinstance(block, Table),
    }
    environment.filters["markdown"] = markdown
    template = environment.get_template(_TEMPLATE)
    return template.render(
        facts=facts,
        sections=sections,
        svg=lambda figure: drawn[id(figure)],
        first_of=lambda figure: id(figure) in firsts,
        cells=cells,
        numeric=_numeric,
        long=LONG,
        fonts=export.FONTS,
    )


def markdown(text: str) -> Markup:
    """Markdown of ours as HTML; HTML in it is text."""
    return Markup(_MARKDOWN.render(text))


def inline_svg(figure: Figure, prefix: str) -> Markup:
    """A figure as an SVG element with ids of its own.

    Labels of single marks are left out: the table below says what they said, and the element as a
    whole has a label.

    Args:
        prefix: of its ids, which are the document's.
    """
    root = ElementTree.fromstring(export.svg(figure.bare()))
    for element in root.iter():
        element.tag = _local(element.tag)
        kept = {_local(name): value for name, value in element.attrib.items()}
        element.attrib.clear()
        for name, value in kept.items():
            if name == "id":
                element.set(name, f"{prefix}-{value}")
            elif name == "href" and value.startswith("#"):
                element.set(name, f"#{prefix}-{value[1:]}")
            elif name != "role" and not name.startswith("aria-"):
                linked = value.replace("url(#", f"url(#{prefix}-")
                element.set(name, _LONG_NUMBER.sub(r"\1", linked))
    root.set("role", "img")
    root.set("aria-label", export.speakable(f"{figure.title}. {figure.caption}"))
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _local(name: str) -> str:
    """A name without its namespace, which HTML knows by itself."""
    return name.rpartition("}")[2]


def cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of a table as a reader sees them."""
    frame = table.frame[list(table.shown)] if table.shown else table.frame
    formats = dict.fromkeys(frame.select_dtypes("float").columns, "%.3f") | dict(table.formats)
    rows = [
        [export.as_text(v, formats.get(str(c))) for c, v in zip(frame, row, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]
    return [str(c) for c in frame], rows


def _numeric(table: Table, column: str) -> bool:
    return bool(pd.api.types.is_numeric_dtype(table.frame[column]))
