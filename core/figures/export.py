"""What a page shows as files: charts as PNG and SVG, tables as CSV and LaTeX.

Nothing here is done before somebody asks for the file.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import INK, AnyChart, looks
from core.text import percent, printable

# CJK and other scripts come from whatever font of the machine has them.
FONTS = "Helvetica, Arial, Liberation Sans, DejaVu Sans, WenQuanYi Micro Hei, sans-serif"
_LOOKS = looks(INK)
_CONFIG: dict[str, Any] = {
    **_LOOKS,
    "font": FONTS,
    "background": "white",
    "view": {"continuousHeight": 260, "discreteWidth": {"step": 58}, "stroke": None},
    "axis": {**_LOOKS["axis"], "labelFontSize": 11, "titleFontSize": 11},
}
# XML 1.0, section 2.2.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Of one panel by the number side by side, so that a figure fits a page with letters to be read.
_PANEL_WIDTHS = {1: 440, 2: 320, 3: 230}
_NARROWEST = 150
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # Behind the end of a row, \\[2cm] and \\* are read together.
    "[": "{[}",
    "*": "{*}",
    "\u2212": r"\textminus{}",
}


def specification(
    charts: Sequence[AnyChart],
    title: str,
    caption: str = "",
    columns: int = 3,
    above: Sequence[AnyChart] = (),
) -> dict[str, Any]:
    """One Vega-Lite document of a figure's charts, with the title above and the caption in it.

    Args:
        charts: the panels of the figure; one that stands alone is a figure of one panel.
        columns: panels side by side.
        above: charts above the panels, such as their legend.
    """
    datasets: dict[str, Any] = {}
    params: dict[str, dict[str, Any]] = {}

    def part(chart: AnyChart) -> dict[str, Any]:
        """One chart's document; its data and selections go to the whole."""
        found: dict[str, Any] = chart.to_dict(validate=False)
        datasets.update(found.pop("datasets", {}))
        for param in found.pop("params", ()):
            if "views" not in param:  # of a chart without a name: its own
                found.setdefault("params", []).append(param)
                continue
            views = params.setdefault(param["name"], {**param, "views": []})["views"]
            views += [view for view in param["views"] if view not in views]
        return {key: value for key, value in found.items() if key not in ("$schema", "config")}

    # Altair's own concat copies each chart, data and all, several times over.
    parts = [part(chart) for chart in charts]
    starts = range(0, len(charts), columns)
    heading = alt.TitleParams(
        title, subtitle=textwrap.wrap(caption, 110), anchor="start", fontSize=14, offset=14
    )
    side = min(columns, len(charts))
    width = _PANEL_WIDTHS.get(side, _NARROWEST)
    rows = [{"hconcat": parts[start : start + columns], "spacing": 30} for start in starts]
    document: dict[str, Any] = {
        "$schema": alt.SCHEMA_URL,
        "title": heading.to_dict(),
        "vconcat": [*map(part, above), *rows],
        "datasets": datasets,
        "params": list(params.values()),
    }
    # The pages' theme is the browser's; a file has its own, on white.
    # Letters of another font than the one that was measured with may be wider.
    document["padding"] = {"left": 24, "right": 10, "top": 5, "bottom": 5}
    view = _CONFIG["view"] | {"continuousWidth": width}
    return {**document, "config": {**_CONFIG, "view": view}}


def speakable(value: Any) -> Any:
    """A document without characters that XML cannot hold: vl-convert ends the process at one."""
    if isinstance(value, str):
        return _NOT_XML.sub("\ufffd", value)
    if isinstance(value, dict):
        return {speakable(key): speakable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [speakable(item) for item in value]
    return value


def png(document: dict[str, Any], scale: float = 2.0) -> bytes:
    """A Vega-Lite document as a PNG image; `scale` is in pixels a unit."""
    import vl_convert  # 60 MB, for those who ask for a picture

    image: bytes = vl_convert.vegalite_to_png(speakable(document), scale=scale)
    return image


def svg(document: dict[str, Any]) -> str:
    """A Vega-Lite document as SVG."""
    import vl_convert

    image: str = vl_convert.vegalite_to_svg(speakable(document))
    return image


_FORM = re.compile(r"%(\+?)(?:\.(\d+))?([dfg])")  # printf
# OWASP, CSV injection; the wide ones are taken for the narrow ones in some languages.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv(frame: pd.DataFrame) -> bytes:
    """A table as CSV, UTF-8 with the mark that spreadsheets look for; numbers unrounded.

    A text that a spreadsheet would take for a formula is preceded by an apostrophe (OWASP, CSV
    injection); numbers, negative ones too, stay numbers.
    """
    safe = frame.rename(columns=lambda name: _not_a_formula(str(name)))
    safe = safe.apply(lambda column: column.map(_not_a_formula))
    # RFC 4180; a lone carriage return in a text would else end a line.
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def _not_a_formula(value: Any) -> Any:
    risky = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if risky else value


def latex(frame: pd.DataFrame, formats: Mapping[str, str] | None = None) -> str:
    r"""A table as LaTeX's `tabular` with booktabs' rules; special characters escaped.

    Args:
        formats: how a column's numbers are shown, `percent` or a printf format such as `%.3f`;
            by default whole numbers whole and others with three decimals.
    """
    formats = formats or {}
    numeric = [pd.api.types.is_numeric_dtype(frame[c]) for c in frame]
    lines = [
        r"% \usepackage{booktabs}; texts that are not in Latin script need XeLaTeX or LuaLaTeX",
        rf"\begin{{tabular}}{{{''.join('r' if n else 'l' for n in numeric)}}}",
        r"\toprule",
        _latex_row([str(c) for c in frame]),
        r"\midrule",
        *(
            _latex_row([as_text(v, formats.get(str(c))) for c, v in zip(frame, row, strict=True)])
            for row in frame.itertuples(index=False, name=None)
        ),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: list[str]) -> str:
    shown = (printable(" ".join(cell.split())) for cell in cells)
    escaped = ("".join(_LATEX.get(c, c) for c in cell) for cell in shown)
    return " & ".join(escaped) + r" \\"


def as_text(value: Any, form: str | None = None) -> str:
    """A cell as printed: one sign for minus, commas between thousands; `form` as in `latex`."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return "–"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        return str(value)
    if form == "percent":
        return percent(float(value), 1)
    if found := _FORM.fullmatch(form or ("%d" if isinstance(value, Integral) else "%.3f")):
        sign, digits, kind = found.groups()
        kind = {"d": ",d", "f": f",.{digits or 6}f", "g": f".{digits or 6}g"}[kind]
        number = round(float(value)) if kind == ",d" else float(value)
        text = f"{number:{sign}{kind}}"
        return (text if any(c in "123456789" for c in text) else text.lstrip("+-")).replace(
            "-", "\u2212"
        )
    return (form or "%s") % value
