"""Tables of the audit of a corpus."""

from __future__ import annotations

import pandas as pd

from core.audit.audit import Audit
from core.figures.figure import Table
from core.text import file_name, short


def cells(document: Audit) -> Table:
    """The cells that hold the most of the dependence, the strongest first."""
    rows = [
        {
            "language": cell["language"],
            "label": cell["label"],
            "n": cell["n"],
            "share minus share in all": cell["deviation"],
            "from": cell["low"],
            "to": cell["high"],
            "share of the mutual information": cell["share"],
        }
        for cell in document["verdict"]["cells"]
    ]
    formats = {column: "percent" for column in rows[0] if column not in ("language", "label", "n")}
    return Table(
        f"{name(document)}-cells",
        "Cells that drive it",
        pd.DataFrame(rows),
        formats,
        caption="Share of a label in its language minus its share in all rows, with a 95 % "
        "interval that holds for all cells together.",
    )


def splits(document: Audit) -> Table:
    """Measures of skew of all rows, and of each split of the source."""
    of_all = {"rows of": "all splits", "n": document["rows"]}
    keys = {
        "mutual information (bits)": "mutual_information_bits",
        "Cramér's V": "cramers_v",
        "accuracy from the language alone": "language_only_accuracy",
    }
    rows = [{**of_all, **{says: document[key] for says, key in keys.items()}}]  # type: ignore[literal-required]
    for split, of in document["splits"].items():
        rows.append({"rows of": split, "n": of["rows"], **{k: of.get(v) for k, v in keys.items()}})
    return Table(
        f"{name(document)}-splits",
        "How skewed each split is",
        pd.DataFrame(rows),
        caption="Cramér's V is 0 where language and label are independent, here without a "
        "correction for its bias; a small split has more of it by chance.",
    )


def name(document: Audit) -> str:
    """Of its files."""
    return file_name(short(document["corpus"]))
