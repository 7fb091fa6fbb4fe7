"""Whether a corpus is skewed, how much, and why one should think so: numbers and sentences.

Names of languages and labels stand in the sentences as they are in the corpus; whoever shows them
as Markdown or HTML escapes them.
"""

from __future__ import annotations

from typing import Literal, TypedDict

import pandas as pd

from core.audit.cells import cells
from core.audit.independence import (
    ALPHA,
    COHEN,
    POWER,
    Association,
    Independence,
    association,
    convention,
    detectable,
    of_linear,
    permutation_test,
    used,
)
from core.audit.language_only import LanguageOnly, language_only
from core.text import percent, signed

STRONGEST = 3  # cells that are named
Kind = Literal["skewed", "measurable but small", "no evidence", "cannot tell", "cannot be"]


class Cell(TypedDict):
    """A cell of the table: see `core.audit.cells`."""

    language: str
    label: str
    n: int
    share: float  # of the mutual information
    deviation: float  # p(label | language) - p(label)
    low: float | None  # 95 % interval of it, of all cells together
    high: float | None


class Verdict(TypedDict):
    """What a table of languages and labels says of skew."""

    kind: Kind
    sentence: str
    reasons: list[str]
    n: int
    languages: list[str]  # with a row
    labels: list[str]
    without_rows: list[str]  # languages and labels that have none
    empty_cells: list[tuple[str, str]]  # of those that have
    p: float  # of independence, by permutation
    draws: int
    mutual_information_bits: float
    chance_bits: float  # what independent tables of these marginals have on average
    cramers_v: float  # without its bias
    cramers_v_ci: tuple[float, float]
    size: str  # of the interval, by Cohen's convention, such as "small to medium"
    convention: dict[str, float]  # from which V what is called so
    of_linear: float  # V of the paper's design in a table of this size
    detectable_v: float | None  # with 80 % power; None where no skew would be found
    language_only_accuracy: float
    of_nothing_accuracy: float  # of the commonest label
    language_only_gain: float
    language_only_gain_ci: tuple[float, float]
    cells: list[Cell]  # the largest part of the mutual information first


def verdict(counts: pd.DataFrame, *, draws: int = 999, seed: int = 0) -> Verdict:
    """One sentence on whether language and label are skewed, with its reasons and their numbers.

    Args:
        counts: rows by language (down) and label (across), as of `core.sampling.joint.count`.
        draws: tables of the permutation test; the smallest p is 1 / (draws + 1).
        seed: of what is drawn; the same table gives the same verdict.

    Raises:
        InputError: the table has no row.
    """
    table = used(counts)
    n = int(table.to_numpy().sum())
    test, v = permutation_test(table, draws, seed), association(table)
    alone, ranked = language_only(table, seed), cells(table)
    seen = detectable(n, *table.shape)
    kind = _kind(test, v, seen, table)
    size = _size(v, table)
    empty = [
        (str(language), str(label))
        for language in table.index
        for label in table.columns
        if not table.loc[language, label]
    ]
    missing = [str(x) for x in counts.index if x not in table.index]
    missing += [str(x) for x in counts.columns if x not in table.columns]
    reasons = []
    if kind != "cannot be":
        reasons += [_test(test), _effect(v, size, table)]
        reasons += [_alone(alone, table), *_cells(ranked, kind)]
    if empty:
        reasons.append(_empty(empty))
    if missing:
        reasons.append(f"{', '.join(missing)}: no row, and left out of all this.")
    return {
        "kind": kind,
        "sentence": _sentence(kind, test, v, size, seen, n, table),
        "reasons": reasons,
        "n": n,
        "languages": [str(x) for x in table.index],
        "labels": [str(x) for x in table.columns],
        "without_rows": missing,
        "empty_cells": empty,
        "p": test.p,
        "draws": test.draws,
        "mutual_information_bits": test.bits,
        "chance_bits": test.chance,
        "cramers_v": v.v,
        "cramers_v_ci": (v.low, v.high),
        "size": size,
        "convention": convention(*table.shape),
        "of_linear": of_linear(*table.shape),
        "detectable_v": seen if seen <= 1 else None,
        "language_only_accuracy": alone.accuracy,
        "of_nothing_accuracy": alone.of_nothing,
        "language_only_gain": alone.gain,
        "language_only_gain_ci": (alone.low, alone.high),
        "cells": [
            {
                "language": str(row.language),
                "label": str(row.label),
                "n": int(row.n),
                "share": float(row.share),
                "deviation": float(row.deviation),
                "low": None if row.low != row.low else float(row.low),
                "high": None if row.high != row.high else float(row.high),
            }
            for row in ranked.itertuples()
        ],
    }


def _kind(test: Independence, v: Association, seen: float, table: pd.DataFrame) -> Kind:
    if min(table.shape) < 2:
        return "cannot be"
    if test.p <= ALPHA:
        return "measurable but small" if _size(v, table) == "negligible" else "skewed"
    return "cannot tell" if seen > convention(*table.shape)["large"] else "no evidence"


def _size(v: Association, table: pd.DataFrame) -> str:
    """Cohen's word for the lower end of V and, where it is another, for the upper end."""
    low, high = (_word(x, table) for x in (v.low, v.high))
    return low if low == high else f"{low} to {high}"


def _word(v: float, table: pd.DataFrame) -> str:
    reached = [word for word, least in convention(*table.shape).items() if v >= least]
    return reached[-1] if reached else "negligible"


def _sentence(
    kind: Kind,
    test: Independence,
    v: Association,
    size: str,
    seen: float,
    n: int,
    table: pd.DataFrame,
) -> str:
    if kind == "cannot be":
        what = "language" if len(table) < 2 else "label"
        name = str((table.index if len(table) < 2 else table.columns)[0])
        return (
            f"There can be no skew: all {n:,} rows have one {what}, {name}, and skew is between "
            "two or more languages and two or more labels."
        )
    if kind == "skewed":
        return (
            f"Language and label are skewed: Cramér's V = {_with_interval(v)}, {size} by Cohen's "
            f"convention; p {_p(test)}, n = {n:,} rows."
        )
    if kind == "measurable but small":
        return (
            f"The skew is measurable but small: Cramér's V = {_with_interval(v)}, negligible by "
            f"Cohen's convention; that p {_p(test)} owes to n = {n:,} rows."
        )
    power = f"a skew of V = {seen:.3f}"
    if kind == "cannot tell":
        power = f"only a large skew, V = {seen:.2f} or more,"
        if seen > 1:
            power = "not even the largest skew there can be"
        return (
            f"Whether language and label are skewed, so few rows cannot tell: p {_p(test)}, and "
            f"with n = {n:,} rows {power} would have been seen with {percent(POWER)} power."
        )
    return (
        f"No evidence of skew between language and label (p {_p(test)}); with n = {n:,} rows "
        f"{power} would have been seen with {percent(POWER)} power, and one above V = {v.high:.3f} "
        f"is ruled out at {percent(0.95)}."
    )


def _test(test: Independence) -> str:
    if test.bits < 1e-9:
        return (
            "Every language has the same shares of the labels, as translations of the same "
            "sentences have: the mutual information of language and label is 0 bits."
        )
    many = f"{test.as_large:,}" if test.as_large else "none"
    beyond = test.bits - test.chance
    said = f"{beyond:.4f} bits are beyond it" if beyond > 0 else "nothing is beyond it"
    return (
        f"Mutual information of language and label: {test.bits:.4f} bits. Of {test.draws:,} tables "
        "with the same rows a language and a label, in which the two are independent, "
        f"{many} {'have' if test.as_large > 1 else 'has'} as much (p {_p(test)}); chance alone "
        f"gives {test.chance:.4f}, so that {said}."
    )


def _effect(v: Association, size: str, table: pd.DataFrame) -> str:
    from_ = ", ".join(f"{word} from {x:.2f}" for word, x in convention(*table.shape).items())
    return (
        f"Cramér's V, corrected for its bias, is {_with_interval(v)}: 0 is independent, 1 is a "
        f"label told by the language. Cohen's convention calls it {size} (in a table of "
        f"{table.shape[0]} languages and {table.shape[1]} labels {from_}: w of "
        f"{', '.join(f'{w:g}' for _, w in COHEN)}); the paper's design, shares of 1 to "
        f"{table.shape[1]} against {table.shape[1]} to 1, would have {of_linear(*table.shape):.2f}."
    )


def _alone(alone: LanguageOnly, table: pd.DataFrame) -> str:
    said = (
        f"A classifier that sees only the language would be right in {percent(alone.accuracy, 1)} "
        f"of other rows, one that sees nothing (always the commonest label) in "
        f"{percent(alone.of_nothing, 1)}: {_points(alone.gain)} [{_points(alone.low)}, "
        f"{_points(alone.high)}] points more."
    )
    commonest = table.columns[table.eq(table.max(axis=1), axis=0).all()]
    if len(commonest):
        return (
            f"{said} {commonest[0]} is the commonest label of every language, so that guessing "
            "gains nothing by the language; the shares can differ all the same."
        )
    return said if alone.low > 0 else f"{said} The rows do not tell that from no gain."


def _cells(ranked: pd.DataFrame, kind: Kind) -> list[str]:
    """The strongest cells whose deviation is beyond chance; none where there is no skew to find."""
    beyond = ranked[(ranked["low"] > 0) | (ranked["high"] < 0)].head(STRONGEST)
    if kind in ("no evidence", "cannot tell") or not len(beyond):
        return []
    named = [
        f"{row.label} in {row.language} is {percent(row.p_label + row.deviation, 1)} of "
        f"{row.n_language:,} rows, {_points(row.deviation)} [{_points(row.low)}, "
        f"{_points(row.high)}] points from the {percent(row.p_label, 1)} of all "
        f"({row.n:,} rows, {percent(row.share)} of the mutual information)"
        for row in beyond.itertuples()
    ]
    return [f"It lies most in: {'; '.join(named)}. The intervals hold for all cells together."]


def _empty(empty: list[tuple[str, str]]) -> str:
    named = ", ".join(f"({language}, {label})" for language, label in empty[:5])
    more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
    return (
        f"No row at all in {named}{more}: a model can learn there that the label does not occur, "
        "no weight makes up for it, and no test set shows it."
    )


def _with_interval(v: Association) -> str:
    digits = 3 if v.v < 0.1 else 2
    return f"{v.v:.{digits}f} [{v.low:.{digits}f}, {v.high:.{digits}f}]"


def _points(difference: float) -> str:
    return ("+" if round(100 * difference, 1) > 0 else "") + signed(100 * difference, 1)


def _p(test: Independence) -> str:
    return f"≤ {test.p:.3g}" if not test.as_large else f"= {test.p:.2g}"
