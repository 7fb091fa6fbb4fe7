"""Workbooks of Excel written by hand, for tests: no library that is installed writes them."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """Sheets by name, each as rows of texts, numbers, booleans, dates or None."""
    types = f'<Types xmlns="{_PACKAGE}/content-types">' + "".join(
        f'<Default Extension="{e}" ContentType="application/{t}"/>'
        for e, t in (("xml", "xml"), ("rels", "vnd.openxmlformats-package.relationships+xml"))
    )
    types += '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
    types += 'officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    listed, related = "", ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        for i, (name, rows) in enumerate(sheets.items(), start=1):
            listed += f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>'
            related += (
                f'<Relationship Id="rId{i}" Type="{_RELATIONS}/worksheet" '
                f'Target="worksheets/sheet{i}.xml"/>'
            )
            parts.writestr(f"xl/worksheets/sheet{i}.xml", _sheet(rows))
        related += f'<Relationship Id="rId99" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
        parts.writestr("[Content_Types].xml", types)
        parts.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        parts.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
        )
        parts.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets>'
            "</workbook>",
        )
        # Format 14 is a date.
        parts.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="14"/></cellXfs></styleSheet>',
        )
    return path


def _sheet(rows: Sequence[Sequence[Any]]) -> str:
    lines = []
    for r, row in enumerate(rows, start=1):
        cells = (_cell(f"{chr(65 + c)}{r}", value) for c, value in enumerate(row))
        lines.append(f'<row r="{r}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime.date):
        days = (value - datetime.date(1899, 12, 30)).days
        return f'<c r="{place}" s="1"><v>{days}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    text = escape(value)
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
