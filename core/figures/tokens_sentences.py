"""What the attributions of a study say, in words."""

from __future__ import annotations

import pandas as pd

from core.measures.intervals import FEWEST_SEEDS
from core.results.names import PART_NAMES
from core.results.schema import Attributions, RelianceRow
from core.results.token_tables import chosen
from core.text import escaped, percent, signed

FEW = 15  # sentences; a bootstrap over fewer gives intervals that are clearly too narrow


def amount(document: Attributions, label: str, setup: str, seed: int | None) -> str:
    """n of the attributions, in all and a language; a warning where intervals cannot be trusted.

    Args:
        seed: None for the mean over seeds.
    """
    counts = [
        round(r["n_texts"])
        for r in chosen(document, "rows", setup, seed, crossed=False)
        if (r["label"], r["group"]) == (label, "base")
    ]
    each = "–".join(map(str, dict.fromkeys((min(counts), max(counts)))))
    which = "texts" if document["counted"] == "all" else f"texts labelled {label}"
    text = (
        f"n = {sum(counts)} {which}, {each} a language, "
        f"{document['cost']['tokens']:.0f} tokens a text on average"
    )
    if min(counts) < FEW:
        text += f"; from fewer than {FEW} texts a language intervals come out too narrow"
    return f"{text}."


def compared(document: Attributions, setup: str, seed: int | None, *, crossed: bool) -> str:
    """What is compared with what, and what the intervals cover, in one sentence."""
    reference = document["reference"]
    if crossed:
        of = document["cross_fitted"][setup]
        pairs = of["pairs"] if seed is None else of["pairs"] // len(of["seeds"])
        count = "one pair of seeds" if pairs == 1 else f"mean over {pairs} pairs of seeds"
        text = (
            f"Groups chosen by the {reference} model of another seed; differences between models "
            f"of the same seed; {count}"
        )
    else:
        text = (
            f"As in the paper, groups chosen by the same {reference} model that differences are "
            "taken against: supporting tokens fall and opposing ones rise by selection alone"
        )
    over = (
        "over seeds and test sentences"
        if seed is None
        else ("over test sentences alone, and other seeds may differ by more")
    )
    return f"{text}; 95 % intervals {over}."


def spread(frame: pd.DataFrame) -> str:
    """Mean standard error of the tokens of one text, as a sentence; empty where there is none.

    Args:
        frame: of `one_text` or `typed`.
    """
    errors = frame[["reference error", "other error"]].astype(float).stack().dropna()
    return f" Standard error of a value: {errors.mean():.2g}." if len(errors) else ""


def reading(
    document: Attributions, label: str, setup: str, seed: int | None, *, crossed: bool
) -> str:
    """What the neutral tokens say on both sides of a class, from the numbers; may be empty."""
    cells = {
        r["side"]: r
        for r in chosen(document, "sides", setup, seed, crossed=crossed)
        if (r["label"], r["group"]) == (label, "neutral")
    }
    if "over - under" not in cells:
        return ""
    row = cells["over - under"]
    over, under, difference = (cells[x]["value"] for x in ("over", "under", "over - under"))
    if over is None or under is None or difference is None:
        return ""
    low, high = row["low"], row["high"]
    text = (
        f"Neutral tokens move **{escaped(label)}** by {signed(over, 3)} a text where it was "
        f"over-represented in training and by {signed(under, 3)} where it was under-represented: a "
        f"difference of {signed(difference, 3)}"
    )
    if low is not None and high is not None:
        text += f" [{signed(low, 3)}, {signed(high, 3)}]"
    if not crossed:
        return f"{text}, as in the paper."
    if seed is not None:
        return f"{text}, over test sentences alone: with one seed there is no verdict."
    apart = low is not None and high is not None and (low > 0 or high < 0)
    said = "apart from 0" if apart else "these seeds cannot tell it from 0"
    return f"{text} over {row['n_seeds']} seeds, {said}."


def noise(
    document: Attributions, label: str, setup: str, seed: int | None, *, crossed: bool
) -> str:
    """How many bars are within what balanced models differ by, as a sentence; may be empty."""
    bars = [
        (r["group"], r["language"], abs(value) > between)
        for r in chosen(document, "rows", setup, seed, crossed=crossed)
        if r["label"] == label
        and (between := r["between_balanced"]) is not None
        and (value := r["value"]) is not None
    ]
    within = sum(not longer for _, _, longer in bars)
    if not within:
        return ""
    if within == len(bars):
        return (
            f"None of the {len(bars)} bars is longer than its grey one: two balanced models differ "
            "by as much."
        )
    beyond: dict[str, list[str]] = {}
    for part, language, longer in bars:
        if longer:
            beyond.setdefault(PART_NAMES[part], []).append(language)
    named = "; ".join(f"{part}: {', '.join(map(escaped, x))}" for part, x in beyond.items())
    return (
        f"**{within} of {len(bars)}** bars are no longer than their grey one: two balanced "
        f"models differ by as much. Longer are {named}."
    )


def reliance(rows: list[RelianceRow], setup: str, threshold: float) -> str:
    """What neutral tokens carry of a setup's change of the soft uptake; may be empty.

    Args:
        threshold: beside the smallest and the largest.
    """
    own = [r for r in rows if r["setup"] == setup]
    if not own:
        return ""
    now = min(own, key=lambda r: abs(r["threshold"] - threshold))
    text = (
        f"{escaped(setup)} changes the soft uptake by {_interval(now['total'], now['total_ci'])}. "
    )
    if now["share"] is None:
        text += "That is not apart from 0, so nothing is said of who carries it."
    else:
        text += (
            f"Of it neutral tokens carry {_share(now)}; {_share(own[0])}; {_share(own[-1])}: how "
            "much depends on the threshold."
        )
    if now["standard_error"] is not None:
        text += f" Thresholds below the standard error, {now['standard_error']:.3f}, cut noise."
    text += (
        f" The base value carries {_interval(now['base'], now['base_ci'])}: it depends on the "
        "number of tokens alone and is no sign of language."
    )
    if now["n_seeds"] < FEWEST_SEEDS:
        text += " Intervals are over test sentences alone: no verdict."
    return text


def _share(row: RelianceRow) -> str:
    share, ci = row["share"], row["share_ci"]
    if share is None or ci is None:  # then at every threshold of the setup
        return ""
    part = f"{percent(share)} [{signed(100 * ci[0], 0)}, {signed(100 * ci[1], 0)}]"
    tokens = percent(row["neutral_share_of_tokens"])
    return f"{part} at {row['threshold']:g} ({tokens} of the tokens)"


def _interval(value: float, ends: list[float]) -> str:
    return f"{signed(value, 3)} [{signed(ends[0], 3)}, {signed(ends[1], 3)}]"
