"""What the paper's figures 1 to 3 and its threshold study say, beside a study's attributions.

The figures print no values: a published entry is a direction in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core import paper
from core.measures.cumulative import PARTS
from core.paper_comparison import done
from core.words import signed

Document = dict[str, Any]
# Token groups alone: the base value is another thing.
_GROUPS = tuple(part for part in PARTS if part != "base")
COLUMNS = ["label", "part", "side", "published"]
OURS = ["direction", "ours", "from", "to"]
CROSSED = ["direction cross-fitted", "cross-fitted", "crossed from", "crossed to"]


def panels_of(document: Document, figure: int) -> list[tuple[str, str]]:
    """The setup and label of each panel, in the paper's order: imbalanced first, then weighted.

    Labels 1 and 5 of amazon, entailment and contradiction of xnli: the first and the last.

    Args:
        document: from `attributed.attributions`.
    """
    suffix = paper.suffix_of(figure)
    setups = [f"imbalanced{suffix}", f"imbalanced+cw{suffix}"]
    there = {row["setup"] for row in document["rows"]}
    ends = dict.fromkeys((document["labels"][0], document["labels"][-1]))
    return [(setup, label) for setup in setups if setup in there for label in ends]


def directions(document: Document, corpus: str, figure: int, setup: str) -> pd.DataFrame:
    """What figures 1 and 2 say of a setup, by side of the design, beside ours.

    Args:
        document: from `attributed.attributions`, read against the balanced setup of the figure.
        figure: of figure 3 nothing is said by part, so that its table is empty.
        setup: one of those in `panels_of`.
    """
    if not document["sides"] or figure == 3:
        return pd.DataFrame(columns=[*COLUMNS, *OURS])
    labels, rows = document["labels"], []
    for said in paper.DIRECTIONS[corpus]:
        if said.setup != setup.removesuffix("+entropy"):
            continue
        for place in (0, -1) if said.label is None else (said.label,):
            for side in ("under", "over") if said.side == "both" else (said.side,):
                found = _found(document, setup, labels[place], said.part, side)
                rows.append(
                    {
                        "label": _label(labels[place], paper.LABELS[corpus][place]),
                        "part": "base value" if said.part == "base" else said.part,
                        "side": side.replace("-", "−"),
                        "published": said.says,
                        **_verdict(found, "mean", said.sign, OURS),
                        **_verdict(found, "crossed", said.sign, CROSSED),
                    }
                )
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *OURS, *CROSSED])
    if not frame["cross-fitted"].notna().any():
        frame = frame.drop(columns=CROSSED)
    return frame


def _label(ours: str, published: str) -> str:
    return ours if ours == published else f"{ours} ({published})"


def _found(document: Document, setup: str, label: str, part: str, side: str) -> Document:
    """A mean over the languages of one side, over seeds where there are enough."""
    place = (setup, label, part, side)
    for rows in (document["over_seeds"]["sides"], document["sides"]):
        for row in rows:
            if (row["setup"], row["label"], row["group"], row["side"]) == place:
                return dict(row)
    return {}


def _verdict(found: Document, name: str, sign: int, columns: Sequence[str]) -> Document:
    value, ends = found.get(name), found.get("ci" if name == "mean" else f"{name}_ci")
    low, high = ends or (None, None)
    text = "" if value is None else _direction(sign, value, low, high)
    return dict(zip(columns, (text, value, low, high), strict=True))


def _direction(sign: int, value: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "no interval"
    apart = low > 0 or high < 0
    if sign == 0:
        return "differs: apart from 0" if apart else "agrees: not apart from 0"
    if value == 0:
        return "no difference"
    word = "agrees" if sign * value > 0 else "opposite"
    return word if apart else f"{word}, not apart from 0"


def readings(
    document: Document, without: Document | None, study: Document, figure: int
) -> list[str]:
    """What is said of a figure as a whole, beside what is here, as sentences.

    Args:
        document: from `attributed.attributions`, read against the balanced setup of the figure.
        without: the same of the setups without equation 3, for figure 3.
        study: from `results.summary`.
    """
    text = weights_reading(document, figure) if figure != 3 else ""
    if figure == 3 and without is not None:
        text = entropy_reading(without, document, study)
    return [text] if text else []


def weights_reading(document: Document, figure: int) -> str:
    """Whether differences are smaller with class weights, as the paper says (figures 1b and 1d)."""
    suffix = paper.suffix_of(figure)
    sizes = [
        _mean_size(document, f"{setup}{suffix}", _GROUPS)
        for setup in ("imbalanced", "imbalanced+cw")
    ]
    if None in sizes:
        return ""
    before, after = (float(x or 0.0) for x in sizes)
    word = "agrees" if after < before else "does not agree"
    return (
        "With class weights the paper finds smaller differences on average. Here the mean size of "
        f"a bar of token groups goes from {signed(before, 3)} to {signed(after, 3)}: **{word}**."
    )


def entropy_reading(without: Document, with_it: Document, study: Document) -> str:
    """Figure 3 and appendix A.3: smaller base-value differences, task performance not hindered.

    Args:
        without: from `attributed.attributions`, read against balanced.
        with_it: the same, read against balanced+entropy.
        study: from `results.summary`.
    """
    sizes = [
        _mean_size(without, "imbalanced", ("base",)),
        _mean_size(with_it, "imbalanced+entropy", ("base",)),
    ]
    if None in sizes:
        return ""
    before, after = (float(x or 0.0) for x in sizes)
    word = "agrees" if after < before else "does not agree"
    text = (
        "The paper finds much smaller base-value differences with equation 3 (appendix A.3). Here "
        f"the mean size of the base value's bars, imbalanced, goes from {signed(before, 3)} to "
        f"{signed(after, 3)}: **{word}**."
    )
    changes = []
    for setup in paper.SETUPS:
        pair = [
            [r["accuracy"] for r in done(study) if r["setup"] == f"{setup}{suffix}"]
            for suffix in ("", "+entropy")
        ]
        if all(pair):
            one, two = (sum(values) / len(values) for values in pair)
            changes.append(f"{setup} {'+' if two > one else ''}{signed(two - one, 3)}")
    if changes:
        text += (
            f" Task performance is not hindered there; accuracy changes here by "
            f"{', '.join(changes)}."
        )
    return text


def _mean_size(document: Document, setup: str, parts: Sequence[str]) -> float | None:
    """Mean absolute cumulative difference over languages, first and last label, and parts."""
    ends = (document["labels"][0], document["labels"][-1])
    found = [
        abs(r["mean"])
        for r in document["rows"]
        if r["setup"] == setup and r["group"] in parts and r["label"] in ends
    ]
    return sum(found) / len(found) if found else None


def thresholds(documents: Mapping[float, Document]) -> pd.DataFrame:
    """Appendix A.4: per cent of tokens in each group, mean over classes and seeds, by threshold.

    Args:
        documents: from `attributed.attributions`, by threshold.
    """
    rows = []
    for threshold, document in documents.items():
        row: Document = {"threshold": threshold, "published": paper.THRESHOLDS[threshold]}
        shares = document["token_shares"]
        for group in ("negative", "neutral", "positive"):
            row[group] = 100 * sum(s[group] for s in shares) / len(shares) if shares else None
        first = [s for s in shares if s["label"] == document["labels"][0]]
        rows.append(row | {"tokens": sum(s["n"] for s in first)})
    columns = ["threshold", "published", "negative", "neutral", "positive", "tokens"]
    return pd.DataFrame(rows, columns=columns)
