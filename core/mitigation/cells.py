"""Shares of cells that several mitigations start from. Tables: languages down, labels across."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.errors import InputError


def label_given_language(counts: pd.DataFrame) -> pd.DataFrame:
    """p(label | language): rows of the table sum to 1."""
    return counts.div(counts.sum(axis=1), axis=0)


def label_shares(counts: pd.DataFrame) -> pd.Series:
    """p(label)."""
    return counts.sum(axis=0) / counts.to_numpy().sum()


def need_rows(counts: pd.DataFrame, what: str) -> None:
    """Refuse empty cells.

    Args:
        what: the mitigation, as in a setup.

    Raises:
        InputError: names them.
    """
    empty = [f"({lang}, {c})" for lang in counts.index for c in counts if not counts.loc[lang, c]]
    if empty:
        raise InputError(
            f"{what} needs rows in every cell; none in {', '.join(empty)}. Choose a design that "
            f"fills it, or a setup without {what}, such as +smooth-cw, which takes empty cells."
        )


def to_independence(counts: pd.DataFrame, what: str) -> pd.DataFrame:
    """p(language) p(label) / p(language, label): weights that leave the marginals and no skew.

    Raises:
        InputError: an empty cell.
    """
    need_rows(counts, what)
    joint = counts / counts.to_numpy().sum()
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return product / joint


def numbers(table: pd.DataFrame, languages: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The values of a table at rows' cells (rows).

    Args:
        languages, labels: numbers of the rows, in the table's order.
    """
    found: np.ndarray = table.to_numpy()[languages, labels]
    return found
