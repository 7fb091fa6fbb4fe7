"""Figures and tables of how languages and labels are spread."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.charts import data as charts
from core.figures.figure import Figure, Table
from core.results import tables
from core.results.schema import StudyResults

HOW = (
    "A cell is one language and class; the grey numbers are the marginals, which can be even while "
    "the cells are not: that is the skew. In the difference from uniform, red cells are "
    "under-represented and turquoise ones over-represented. (Paper, sections 2.1 and 3, Table 1.)"
)


def corpus(name: str, split: str, counts: pd.DataFrame, way: str) -> Figure:
    """Language and label in one split of a corpus.

    Args:
        name: of the study.
        counts: rows by language and label.
        way: of `charts.data.SHOWN`.
    """
    return Figure(
        f"{name}-corpus",
        f"Language and label in the corpus, {split}: {way}",
        [charts.joint(counts, way)],
        f"n = {counts.to_numpy().sum():,} texts.",
        HOW,
    )


def designs(name: str, tables_of: Mapping[str, pd.DataFrame], way: str) -> Figure:
    """Language and label in the sets that a study trains on, a panel a set.

    Args:
        name: of the study.
        tables_of: rows by language and label, from `overlap.designs`.
        way: of `charts.data.SHOWN`.
    """
    return Figure(
        f"{name}-designs",
        f"Language and label in the sets that the study trains on: {way}",
        [charts.joint(table, way, title) for title, table in tables_of.items()],
        "; ".join(f"{x}: n = {t.to_numpy().sum():,}" for x, t in tables_of.items()) + ".",
        f"{HOW} All setups of a study get sets of the same size.",
        columns=2,
    )


def designs_table(name: str, tables_of: Mapping[str, pd.DataFrame]) -> Table:
    """Rows of each cell of the sets that a study trains on."""
    frames = [t.rename_axis("language").reset_index() for t in tables_of.values()]
    named = [f.assign(set=title) for title, f in zip(tables_of, frames, strict=True)]
    frame = pd.concat(named, ignore_index=True)
    return Table(
        f"{name}-cells",
        "Rows of each language and label",
        frame[["set", *(c for c in frame if c != "set")]],
    )


def skew_table(name: str, tables_of: Mapping[str, pd.DataFrame]) -> Table:
    """How skewed each of some joint distributions is."""
    return Table(
        f"{name}-skew",
        "How skewed each of them is",
        tables.skew_measures(dict(tables_of)),
        caption=". ".join(f"{measure}: {says}" for measure, says in tables.SKEW_SAYS.items()) + ".",
    )


def label_errors(name: str, shares: pd.DataFrame, runs: int) -> Table:
    """Likely label errors by language and label.

    Args:
        name: of the study.
        shares: from `core.results.label_errors.of_study`, as runs.
    """
    return Table(
        f"{name}-label-errors",
        "Likely label errors in the test set",
        shares,
        {"share": "percent", "low": "percent", "high": "percent"},
        caption="Rows whose label confident learning (cleanlab; Northcutt et al. 2021) takes for "
        "wrong, each language judged by itself, by the mean probabilities of "
        f"{runs} balanced run{'s' * (runs != 1)}; 95 % intervals of the share that is flagged. A "
        "row that is flagged may be right, and a weak model flags more. Noise that differs by "
        "language looks like skew.",
    )


def shared_rows(document: StudyResults, shared: pd.DataFrame, split: str) -> Figure:
    """Rows that two runs share.

    Args:
        shared: from `overlap.shared_rows`.
    """
    return Figure(
        f"{document['study']}-shared-rows",
        f"Rows of the {split} sets that two runs share",
        [charts.shared_rows(shared, document["runs"])],
        "Number of rows; on the diagonal the size of a run's set.",
        "Runs of one seed share as many rows as their designs allow, so that what differs "
        "between two models is the skew and not the texts; another seed draws anew. (Paper, "
        "section 2.1: the largest overlap.)",
    )
