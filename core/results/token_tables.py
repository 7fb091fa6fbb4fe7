"""Rows of a document of attributions as pages, charts and the report ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import pandas as pd

from core.results.names import PART_NAMES
from core.results.schema import Attributions, ChosenCell, ChosenPart, ChosenSide, RelianceRow

Kind = Literal["rows", "sides", "decomposition"]


def can_cross(document: Attributions, setup: str) -> bool:
    """Whether another balanced run can choose a setup's token groups."""
    return setup in document["cross_fitted"]


def seeds_of(document: Attributions, setup: str) -> list[int | None]:
    """Seeds of a setup; before them None, their mean, where there are three or more."""
    seeds = sorted({r["seed"] for r in document["rows"] if r["setup"] == setup})
    mean = any(r["setup"] == setup for r in document["over_seeds"]["rows"])
    return [None, *seeds] if mean else list(seeds)


@overload
def chosen(
    document: Attributions, kind: Literal["rows"], setup: str, seed: int | None, *, crossed: bool
) -> list[ChosenCell]: ...
@overload
def chosen(
    document: Attributions, kind: Literal["sides"], setup: str, seed: int | None, *, crossed: bool
) -> list[ChosenSide]: ...
@overload
def chosen(
    document: Attributions,
    kind: Literal["decomposition"],
    setup: str,
    seed: int | None,
    *,
    crossed: bool,
) -> list[ChosenPart]: ...
def chosen(
    document: Attributions, kind: Kind, setup: str, seed: int | None, *, crossed: bool
) -> Any:
    """Rows of a setup with `value`, `low`, `high` (None without an interval), and in `rows` the
    `tokens` in the group and the mean of `each`.

    Args:
        seed: None for the mean over seeds.
        crossed: cross-fitted, else as in the paper.
    """
    names = ("crossed", "crossed_ci", "crossed_tokens", "crossed_per_token")
    names = names if crossed else ("mean", "ci", "n_tokens", "per_token")
    value, ends, tokens, each = names
    rows: Sequence[Any] = document[kind] if seed is not None else document["over_seeds"][kind]
    found = []
    for r in rows:
        if r["setup"] == setup and (seed is None or r["seed"] == seed):
            low, high = r[ends] or (None, None)
            more = {"tokens": r[tokens], "each": r[each]} if tokens in r else {}
            found.append({**r, "value": r[value], "low": low, "high": high, **more})
    return found


def cells(
    document: Attributions, label: str, setup: str, seed: int | None, *, crossed: bool
) -> pd.DataFrame:
    """Cumulative differences of a class, a language and part a row."""
    return pd.DataFrame(
        [
            {
                "language": r["language"],
                "side": r["side"],
                "part": PART_NAMES[r["group"]],
                "difference": r["value"],
                "from": r["low"],
                "to": r["high"],
                "between balanced": r["between_balanced"],
                "texts": r["n_texts"],
                "tokens": r["tokens"],
            }
            for r in chosen(document, "rows", setup, seed, crossed=crossed)
            if r["label"] == label
        ]
    )


def per_text(
    document: Attributions, label: str, setup: str, seed: int | None, *, crossed: bool
) -> pd.DataFrame:
    """Tokens a text and means a token, by language and group, since languages differ in length."""
    return pd.DataFrame(
        [
            {
                "language": r["language"],
                "group": PART_NAMES[r["group"]],
                "tokens a text": r["tokens"] / r["n_texts"]
                if r["tokens"] is not None and r["n_texts"]
                else None,
                "difference a token": r["each"],
                "difference a text": r["value"],
                "texts": r["n_texts"],
                "tokens": tokens,
            }
            for r in chosen(document, "rows", setup, seed, crossed=crossed)
            if r["label"] == label and (tokens := r["tokens"]) is not None
        ]
    )


def shares(document: Attributions) -> pd.DataFrame:
    """Share of tokens in each group of the reference, a class and seed a row."""
    columns = {"label": "class", "seed": "seed"}
    columns |= {group: PART_NAMES[group] for group in ("negative", "neutral", "positive")}
    columns |= {"n": "tokens"}
    frame = pd.DataFrame(document["token_shares"]).rename(columns=columns)
    return frame[list(columns.values())]


def curve(rows: Sequence[RelianceRow]) -> pd.DataFrame:
    """Language reliance with its intervals, a setup and threshold a row."""
    made = []
    for r in rows:
        low, high = r["share_ci"] or (None, None)
        made.append(
            {
                "setup": r["setup"],
                "threshold": r["threshold"],
                "neutral tokens carry": r["value"],
                "from": r["ci"][0],
                "to": r["ci"][1],
                "share of the change": r["share"],
                "share from": low,
                "share to": high,
                "share of tokens": r["neutral_share_of_tokens"],
                "all tokens": r["tokens"],
                "base value": r["base"],
                "total": r["total"],
                "texts": r["n_texts"],
                "seeds": r["n_seeds"],
            }
        )
    return pd.DataFrame(made)
