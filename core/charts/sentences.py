"""Sentences and runs: their table as HTML, and the tokens of a sentence as bars."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from core.charts import tokens as token_charts
from core.charts.chart import AnyChart
from core.charts.palette import AWAY, TOWARDS, TRUTH, change_axis, names_axis, tips
from core.corpora.languages import canonical
from core.results import sentences
from core.results.sentences import Cell, Row
from core.text import printable

DIFFERS = "≠"
_CUT = 70  # characters of a text in the table
_PLACE = "padding:.3rem .4rem;text-align:left;border-bottom:1px solid rgba(128,128,128,.35)"
_CELL = f'style="{_PLACE};vertical-align:top;min-width:4.8rem"'
_HEAD = f'style="{_PLACE};vertical-align:bottom"'
_TEXT = f'style="{_PLACE};font-weight:400;min-width:9rem"'
_ODD = ' style="border:2px dashed currentColor;border-radius:4px;padding:0 .3rem;width:fit-content"'
_ZERO = alt.InlineData(values=[{"value": 0}])


def spoken(text: str, language: str | None) -> str:
    """A text as HTML that a screen reader speaks in its language; it finds its own direction.

    Args:
        language: as the corpus calls it; None where it is not known.
    """
    return f'<span{_lang(language)} dir="auto">{_plain(text)}</span>'


def _plain(text: str) -> str:
    """A text in HTML as it is, with its control characters shown."""
    return html.escape(printable(text, keep="\n"))


def _lang(language: str | None) -> str:
    code = canonical(language) if language else None
    return f' lang="{html.escape(code)}"' if code else ""


def marked(
    frame: pd.DataFrame, language: str | None, largest: float, values: Sequence[float] | None = None
) -> str:
    """Tokens coloured by what they do, spoken in their language.

    Args:
        frame: from `sentences.frame`.
        largest: value of the strongest colour.
        values: in place of the frame's.
    """
    shown = frame["value"] if values is None else values
    code = canonical(language) if language else None
    return token_charts.marked(frame["token"], shown, largest, code or "")


def table(
    rows: Sequence[Row],
    headings: Sequence[str],
    runs: Mapping[str, str],
    labels: Sequence[str],
) -> str:
    """The table of sentences and runs as HTML: each cell has the class predicted and its
    probability, and opens to the others'.

    Where a run predicts different classes of translations, its heading says so, and each cell that
    is not of its commonest class has a sign and a dashed border.

    Args:
        headings: of the rows.
        runs: their names by id.
        labels: the classes.
    """
    apart = {run: sentences.apart(rows, run) for run in runs}
    heads = "".join(_head(name, bool(apart[run])) for run, name in runs.items())
    lines = []
    for row, heading in zip(rows, headings, strict=True):
        cells = (_cell(row, row.cells.get(run), apart[run], labels) for run in runs)
        lines.append(f"<tr>{_sentence(row, heading)}{''.join(cells)}</tr>")
    return (
        '<div style="overflow-x:auto" tabindex="0" role="region" '
        'aria-label="What each model predicts of each text">'
        '<table style="border-collapse:collapse;font-size:.87rem;width:100%">'
        f'<thead><tr><th scope="col" {_HEAD}>Text</th>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _head(name: str, differs: bool) -> str:
    said = f"<br><small>{DIFFERS} languages differ</small>" if differs else ""
    broken = _plain(name).replace("+", "+<wbr>")
    return f'<th scope="col" {_HEAD}>{broken}{said}</th>'


def _sentence(row: Row, heading: str) -> str:
    second = "" if row.sentence.text_b is None else f" / {row.sentence.text_b}"
    text = f"{row.sentence.text}{second}"
    short = text if len(text) <= _CUT else f"{text[:_CUT]}…"
    label = f", labelled {_plain(row.label)}" if row.label is not None else ""
    return (
        f'<th scope="row" {_TEXT}><b>{_plain(heading)}</b>{label}<br>'
        f"{spoken(short, row.sentence.language)}</th>"
    )


def _cell(
    row: Row, cell: Cell | None, apart: Mapping[int, Sequence[Row]], labels: Sequence[str]
) -> str:
    if cell is None:
        return f"<td {_CELL}>not asked yet</td>"
    odd = not row.before and bool(apart) and cell.predicted in _uncommon(apart)
    frame, sign = (_ODD, f'<span aria-label="differs: ">{DIFFERS} </span>') if odd else ("", "")
    said = f"{sign}<b>{_plain(labels[cell.predicted])}</b> {cell.output[cell.predicted]:.2f}"
    others = "<br>".join(
        f"{_plain(label)} {p:.2f}"
        for c, (label, p) in enumerate(zip(labels, cell.output, strict=True))
        if c != cell.predicted
    )
    summary = f"<summary{frame}>{said}</summary>"
    return f"<td {_CELL}><details>{summary}<div>{others}</div></details></td>"


def _uncommon(apart: Mapping[int, Sequence[Row]]) -> set[int]:
    """Classes other than the commonest; all of them where two are as common."""
    sizes = [len(rows) for rows in apart.values()]
    return set(apart) if sizes[0] == sizes[1] else set(list(apart)[1:])


def bars(frame: pd.DataFrame, title: str, reach: float) -> AnyChart:
    """A bar a token in the text's order, to the right towards the class, to the left away from it.

    Args:
        frame: from `sentences.frame`.
        title: of the panel.
        reach: end of the axis on both sides, the same for panels that are compared.
    """
    given = frame.assign(
        name=[
            f"{p:>3} {t.strip() or '␣'}"
            for p, t in zip(frame["position"], frame["token"], strict=True)
        ],
        towards=frame["value"] > 0,
    )
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    x = alt.X(
        "value:Q", title="SHAP value (probability)", scale=scale, axis=change_axis(tickCount=4)
    )
    y = alt.Y("name:N", sort=None, title=None, axis=names_axis(labelOverlap=False))
    colours = alt.Scale(domain=[True, False], range=[TOWARDS, AWAY])
    colour = alt.Color("towards:N", scale=colours, legend=None)
    tooltip = tips("token", value="+.4f")
    layers = [
        alt.Chart(given).mark_bar(size=12).encode(x=x, y=y, color=colour, tooltip=tooltip),
        alt.Chart(_ZERO).mark_rule(color=TRUTH).encode(x=x),
    ]
    heading = alt.TitleParams(title, fontSize=13, limit=420)
    return alt.layer(*layers).properties(title=heading, height=18 * len(given) + 90)
