"""Mitigations as text for a terminal: those there are, and a study's setups beside balanced."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from core.figures import mitigation_tables
from core.figures import mitigations as figures
from core.results.comparison_tables import verdict
from core.results.schema import ComparisonResults, MitigationResults, SchemeOf
from core.terminal import interval, number, table


def study(document: MitigationResults) -> str:
    """What `python -m core mitigations STUDY` prints."""
    columns = ["setup", "seeds", "accuracy", "accuracy − balanced", "", "skew uptake − balanced"]
    columns += ["", "equivalent", "worst cell", "right", "seconds", "language"]
    rows = []
    for row in document["rows"]:
        apart, cell = row["minus_balanced"], row["worst_cell"]
        rows.append(
            [
                row["setup"],
                row["seeds"],
                number(row["accuracy"]["value"], 3),
                *_minus(apart.get("accuracy")),
                *_minus(apart.get("skew_uptake")),
                mitigation_tables.equivalent(row),
                f"{cell['language']}, {cell['label']}",
                number(cell["value"], 3),
                number(row["cost"]["seconds"], 1),
                figures.SERVING[row["serving"]],
            ]
        )
    lines = [f"study {document['study']}: every setup beside balanced training", ""]
    said = re.sub(r"\\\\(.)|\*\*", r"\1", figures.reading(document))  # it is Markdown
    lines += [table(columns, rows), ""]
    lines += [*textwrap.wrap(figures.SORTED, 96), "", *textwrap.wrap(said, 96)]
    return "\n".join(lines)


def schemes(rows: Sequence[SchemeOf]) -> str:
    """What `python -m core mitigations` prints."""
    lines = []
    for row in rows:
        settings = ", ".join(f"{name} = {value:g}" for name, value in row["settings"].items())
        told = figures.SERVING[row["serving"]]
        lines += [
            f"+{row['name']}  {row['title']}",
            f"    {row['about']}",
            f"    {row['source']}",
            f"    acts on: {figures.STAGES[row['stage']]}; language at serving: {told}"
            + (f"; {settings}" if settings else ""),
            "",
        ]
    return "\n".join([*lines, "In a setup: imbalanced+cw, imbalanced+cw+entropy."])


def _minus(c: ComparisonResults | None) -> list[str]:
    return [interval(c["difference"], c["ci"]), verdict(c)] if c else ["–", ""]
