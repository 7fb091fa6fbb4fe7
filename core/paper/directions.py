"""What the paper's figures 1 to 3 and its threshold study say, beside a study's attributions.

The figures print no values: a published entry is a statement in words. Token groups are chosen by
their value in a balanced model. Read against that same model, as in the paper, positive tokens fall
and negative ones rise by that choice alone (regression to the mean), whatever the setup does: those
numbers stand beside the paper's words, verdicts come from the cross-fitted ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from core.measures.cumulative import TOKEN_GROUPS
from core.measures.intervals import FEWEST_SEEDS, Estimate, seeds_and_sentences
from core.paper import published as paper
from core.paper.statements import ALL_TOKENS, Bar, statements
from core.paper.verdicts import AGREES, CANNOT, DISAGREES, NO_VERDICT, Row, close, direction
from core.results.names import PART_NAMES
from core.results.schema import Attributions, MeanSideRow, SideRow

# Cumulative differences up to this are close to 0: our choice, the paper names none. It is the
# paper's threshold of the token groups: all of a text's tokens together move by less than what
# makes a single one count.
CLOSE = 0.01
Key = Literal["crossed", "mean"]
CROSSED: Final = "crossed"
PAPER: Final = "mean"  # the keys of a row
COLUMNS: dict[Key, tuple[str, str, str]] = {
    CROSSED: ("cross-fitted", "from", "to"),
    PAPER: ("as in the paper", "paper's from", "paper's to"),
}
WHY_TWO = (
    "The paper chooses token groups by a balanced model and reads differences against that same "
    "model: a token that its noise made high is lower in any other model, so supporting tokens "
    "fall and opposing ones rise without any effect (regression to the mean by selection). "
    "Cross-fitted, another balanced model chooses the groups."
)
SHARES = [PART_NAMES[group] for group in ("negative", "neutral", "positive")]
_ENDS: dict[Key, Literal["crossed_ci", "ci"]] = {CROSSED: "crossed_ci", PAPER: "ci"}


class Found(NamedTuple):
    """A bar's value with its 95 % interval, and its value at each seed."""

    value: float | None
    low: float | None
    high: float | None
    by_seed: dict[int, float]


def panels_of(document: Attributions, figure: int) -> list[tuple[str, str]]:
    """The setup and label of each panel, in the paper's order: imbalanced first, then weighted.

    Labels 1 and 5 of amazon, entailment and contradiction of xnli: the first and the last.
    """
    suffix = paper.suffix_of(figure)
    setups = [f"imbalanced{suffix}", f"imbalanced+cw{suffix}"]
    there = {row["setup"] for row in document["rows"]}
    ends = dict.fromkeys((document["labels"][0], document["labels"][-1]))
    return [(setup, label) for setup in setups if setup in there for label in ends]


def directions(document: Attributions, corpus: str, figure: int, setup: str) -> pd.DataFrame:
    """What figures 1 and 2 say of a setup, by side of the design, beside ours.

    Args:
        document: from `attributions.attributions`, read against the balanced setup of the figure.
        figure: of figure 3 nothing is said by part, so that its table is empty.
        setup: one of those in `panels_of`.
    """
    columns = ["label", "part", "side", "published", "verdict"]
    names = [name for of in COLUMNS.values() for name in of]
    if not document["sides"] or figure == 3:
        return pd.DataFrame(columns=[*columns, *names])
    labels, rows = document["labels"], []
    bars = {key: _Bars(document, setup, key) for key in COLUMNS}
    for statement in statements(corpus, setup):
        for place in (0, -1) if statement.label is None else (statement.label,):
            for bar in statement.bars:
                row: Row = {
                    "label": _label(labels[place], paper.LABELS[corpus][place]),
                    "part": PART_NAMES.get(bar.part, bar.part),
                    "side": bar.side.replace("-", "−"),
                    "published": bar.says,
                    "verdict": _verdict(bars[CROSSED], labels[place], bar),
                }
                for key, of in COLUMNS.items():
                    found = bars[key].found(labels[place], bar.part, bar.side)
                    row |= dict(zip(of, found[:3], strict=True))
                rows.append(row)
    frame = pd.DataFrame(rows, columns=[*columns, *names])
    return frame.astype(dict.fromkeys(names, float))


def reading(tables: list[pd.DataFrame]) -> str:
    """How many of a figure's statements on bars hold here, as a sentence; may be empty."""
    said = pd.concat([table["verdict"] for table in tables]) if tables else pd.Series(dtype=str)
    if not len(said):
        return ""
    n = said.value_counts()
    if n.get(NO_VERDICT, 0) == len(said):
        return (
            f"The paper's **{len(said)}** statements on bars stand below, without a verdict: that "
            "takes three seeds or more with attributions."
        )
    agree, not_so = (int(n.get(word, 0)) for word in (AGREES, DISAGREES))
    return (
        f"Of the paper's **{len(said)}** statements on bars **{agree}** agree with what is here, "
        f"**{not_so}** disagree, and **{len(said) - agree - not_so}** cannot be told with these "
        "seeds. Each is judged by itself, at 95 %."
    )


def over(by_seed: Mapping[int, float]) -> Estimate | None:
    """Mean over seeds with its interval, on the same texts; None below three."""
    if len(by_seed) < FEWEST_SEEDS:
        return None
    return seeds_and_sentences(np.array(list(by_seed.values()))[:, None], None)


class _Bars:
    """A setup's values by label, part and side of the design.

    Args:
        key: `mean` or `crossed`.
    """

    def __init__(self, document: Attributions, setup: str, key: Key) -> None:
        self.key, self.ends = key, _ENDS[key]
        self.single: dict[tuple[str, str, str], dict[int, SideRow]] = {}
        for row in document["sides"]:
            if row["setup"] == setup and row[key] is not None:
                place = (row["label"], row["group"], row["side"])
                self.single.setdefault(place, {})[row["seed"]] = row
        self.over = {
            (row["label"], row["group"], row["side"]): row
            for row in document["over_seeds"]["sides"]
            if row["setup"] == setup and row[key] is not None
        }

    def found(self, label: str, part: str, side: str) -> Found:
        """Over seeds where there are three, else of one seed over its texts, of two the mean."""
        if part == ALL_TOKENS:
            return self._sum(label, side)
        rows = self.single.get((label, part, side), {})
        by_seed = {s: value for s, row in rows.items() if (value := row[self.key]) is not None}
        if not by_seed:
            return Found(None, None, None, {})
        row: SideRow | MeanSideRow | None = self.over.get((label, part, side))
        if row is None and len(rows) == 1:
            (row,) = rows.values()
        if row is None:
            return Found(sum(by_seed.values()) / len(by_seed), None, None, by_seed)
        low, high = row[self.ends] or (None, None)
        return Found(row[self.key], low, high, by_seed)

    def _sum(self, label: str, side: str) -> Found:
        """Of the token groups; over seeds, on these texts."""
        parts = [self.found(label, part, side).by_seed for part in TOKEN_GROUPS]
        seeds = set.intersection(*(set(part) for part in parts))
        by_seed = {seed: sum(part[seed] for part in parts) for seed in sorted(seeds)}
        if not by_seed:
            return Found(None, None, None, {})
        value, estimate = sum(by_seed.values()) / len(by_seed), over(by_seed)
        if estimate is None:
            return Found(value, None, None, by_seed)
        return Found(value, float(estimate.low[0]), float(estimate.high[0]), by_seed)


def _verdict(bars: _Bars, label: str, bar: Bar) -> str:
    found = bars.found(label, bar.part, bar.side)
    seeds = len(found.by_seed)
    if bar.claim == "close to 0":
        return close(found.low, found.high, CLOSE, seeds)
    if bar.claim != "less than neutral":
        return direction(1 if bar.claim == "up" else -1, found.low, found.high, seeds)
    neutral = bars.found(label, "neutral", bar.side).by_seed
    both = [seed for seed in found.by_seed if seed in neutral]
    # Smaller whatever its sign: neutral tokens gain more than these fall, and than these rise.
    apart = [over({s: neutral[s] + sign * found.by_seed[s] for s in both}) for sign in (1, -1)]
    made = [estimate for estimate in apart if estimate is not None]
    if len(made) < len(apart):
        return NO_VERDICT
    if all(estimate.low[0] > 0 for estimate in made):
        return AGREES
    return DISAGREES if any(estimate.high[0] < 0 for estimate in made) else CANNOT


def _label(ours: str, published: str) -> str:
    return ours if ours == published else f"{ours} ({published})"


def thresholds(documents: Mapping[float, Attributions]) -> pd.DataFrame:
    """Appendix A.4: per cent of tokens in each group, mean over classes and seeds, by threshold.

    Args:
        documents: from `attributions.attributions`, by threshold.
    """
    rows = []
    for threshold, document in documents.items():
        row: Row = {"threshold": threshold, "published": paper.THRESHOLDS[threshold]}
        shares = document["token_shares"]
        groups = [(s["negative"], s["neutral"], s["positive"]) for s in shares]
        means = 100 * np.mean(groups, axis=0) if groups else [None] * len(SHARES)
        row |= dict(zip(SHARES, means, strict=True))
        first = [s for s in shares if s["label"] == document["labels"][0]]
        rows.append(row | {"tokens": sum(s["n"] for s in first)})
    columns = ["threshold", "published", *SHARES, "tokens"]
    return pd.DataFrame(rows, columns=columns)
