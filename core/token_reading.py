"""What the attributions of a study say, in words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.words import escaped, signed

FEW = 15  # sentences; a bootstrap over fewer gives intervals that are clearly too narrow


def amount(document: dict[str, Any], label: str, setup: str, seed: int) -> str:
    """n of the attributions, in all and a language; a warning where intervals cannot be trusted.

    Args:
        document: of `attributed.attributions`.
    """
    cell = (label, setup, seed, "base")
    counts = [
        r["n_texts"]
        for r in document["rows"]
        if (r["label"], r["setup"], r["seed"], r["group"]) == cell
    ]
    each = "–".join(map(str, dict.fromkeys((min(counts), max(counts)))))
    text = (
        f"n = {sum(counts)} texts, {each} a language, "
        f"{document['cost']['tokens']:.0f} tokens a text on average"
    )
    if min(counts) < FEW:
        text += f"; from fewer than {FEW} texts a language intervals come out too narrow"
    return f"{text}."


def spread(frame: pd.DataFrame) -> str:
    """Mean standard error of the tokens of one text, as a sentence; empty where there is none.

    Args:
        frame: of `one_text` or `typed`.
    """
    errors = frame[["reference error", "other error"]].astype(float).stack().dropna()
    return f" Standard error of a value: {errors.mean():.2g}." if len(errors) else ""


def reading(document: dict[str, Any], label: str, setup: str, seed: int) -> str:
    """What the neutral tokens and the parts of the uptake say, from the numbers; may be empty."""
    cells = {
        (r["label"], r["group"], r["side"]): r
        for r in document["sides"]
        if r["setup"] == setup and r["seed"] == seed
    }
    row = cells.get((label, "neutral", "over - under"))
    if row is None or row["mean"] is None:
        return ""
    over, under = (cells[label, "neutral", side]["mean"] for side in ("over", "under"))
    direction = "more" if row["mean"] > 0 else "less"
    text = (
        f"Neutral tokens push **{escaped(label)}** by {signed(abs(row['mean']), 3)} {direction} "
        f"where it was over-represented in training ({signed(over, 3)} a text) than "
        f"where it was under-represented ({signed(under, 3)})"
    )
    place = (setup, label, "neutral", "over - under")
    seeds = [
        r
        for r in document["over_seeds"]["sides"]
        if (r["setup"], r["label"], r["group"], r["side"]) == place and r["minus_null_ci"]
    ]
    if seeds:
        found = _interval(seeds[0]["minus_null"], seeds[0]["minus_null_ci"])
        text += f". Over {seeds[0]['n_seeds']} seeds, minus the null: {found}"
    elif row["minus_null_ci"]:
        found = _interval(row["minus_null"], row["minus_null_ci"])
        text += f". Minus the null, over test sentences: {found}; other seeds may differ by more"
    parts = {
        r["part"]: r for r in document["decomposition"] if r["setup"] == setup and r["seed"] == seed
    }
    if {"total", "language_reliance"} <= set(parts) and parts["total"]["mean"] is not None:
        text += (
            f". Of the change of the soft uptake, {signed(parts['total']['mean'])}, neutral tokens "
            f"and the base value carry {signed(parts['language_reliance']['mean'])} (language "
            "reliance)"
        )
    return text + "."


def _interval(value: float, ends: list[float]) -> str:
    low, high = ends
    apart = "apart from 0" if low > 0 or high < 0 else "not apart from 0"
    return f"{signed(value, 3)} [{signed(low, 3)}, {signed(high, 3)}], {apart}"
