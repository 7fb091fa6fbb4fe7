"""Sentences on the probes of the latent space, from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from core.measures.intervals import FEWEST_SEEDS
from core.results.latent import BEFORE
from core.text import percent, signed

PROBE_HOW = (
    "A probe is a simple classifier that reads the language off the vectors, tested on sentences "
    "that it was not fitted to. Marks near the dashed line (chance): the language is gone. Near "
    "the encoder before fine-tuning: it is all still there. 15-NN asks the neighbourhoods "
    "that the map shows, the linear probes ask for any direction, however weak. (Paper, Tables 4 "
    "and 7: the probe of its released code is the one called released.)"
)


def no_probes(name: str) -> str:
    """What to do where no run was probed."""
    return f"These runs have not been probed yet; `python -m core study {name}` does it."


def probe_caption(table: pd.DataFrame) -> str:
    """n, dimension, chance and what the marks are, for one kind of texts of `probe_table`."""
    first = table.iloc[0]
    return (
        f"n = {first['n']:,} texts, {first['dimension']} dimensions, {first['folds']} folds by "
        f"sentence. A mark a run; before fine-tuning: the encoder as pretrained. Dashed: chance, "
        f"{first['chance']:.3f}."
    )


def probe_reading(table: pd.DataFrame) -> str:
    """What training leaves of the language, by two probes, for one kind of texts; Markdown.

    Args:
        table: rows of `core.results.latent.probe_table`.
    """
    found = [_Accuracies.of(table, probe) for probe in ("15-NN", "linear, paper")]
    found = [f for f in found if f.balanced]
    return "\n".join([*(f.line() for f in found), "", _verdict(found)]).strip()


@dataclass(frozen=True)
class _Accuracies:
    """What one probe finds, a number a run."""

    probe: str
    chance: float
    before: list[float]
    balanced: list[float]
    imbalanced: list[float]
    weighted: list[float]

    @classmethod
    def of(cls, table: pd.DataFrame, probe: str) -> _Accuracies:
        rows = table[table["probe"] == probe]

        def of(*setups: str) -> list[float]:
            return rows.loc[rows["setup"].isin(setups), "accuracy"].tolist()

        return cls(
            probe,
            float(rows["chance"].max()),
            of(BEFORE),
            of("balanced", "balanced (null)"),
            of("imbalanced"),
            of("imbalanced+cw"),
        )

    @property
    def gain(self) -> float:
        """What imbalanced training leaves more than balanced training."""
        return fmean(self.imbalanced) - fmean(self.balanced)

    @property
    def noise(self) -> float:
        """What differs between balanced runs."""
        return max(self.balanced) - min(self.balanced)

    def line(self) -> str:
        parts = [f"before fine-tuning {fmean(self.before):.2f}"] if self.before else []
        for when, accuracies in (
            ("after balanced training", self.balanced),
            ("after imbalanced training", self.imbalanced),
            ("with class weights", self.weighted),
        ):
            if accuracies:
                parts.append(f"{when} {_mean(accuracies)}{self._erased(accuracies)}")
        return f"- **{self.probe}**: {'; '.join(parts)}."

    def _erased(self, after: list[float]) -> str:
        """How much of what was above chance is gone; silent where there was hardly any."""
        above = fmean(self.before) - self.chance if self.before else 0.0
        if above < 0.05:
            return ""
        share = (fmean(self.before) - fmean(after)) / above
        return f", {percent(max(0.0, share))} erased"


def _mean(accuracies: list[float]) -> str:
    text = f"**{fmean(accuracies):.2f}**"
    if len(accuracies) > 1:
        text += f" ({len(accuracies)} runs, {min(accuracies):.2f} to {max(accuracies):.2f})"
    return text


def _verdict(found: Sequence[_Accuracies]) -> str:
    """Imbalanced against balanced training, read against what differs between balanced runs."""
    compared = [f for f in found if f.imbalanced]
    if not compared:
        return ""
    if len(compared[0].balanced) < 2:
        return "There is one balanced run, and so no null to read the difference against."
    by = " and ".join(
        f"{signed(f.gain)} by {f.probe} (balanced runs differ by {f.noise:.2f})" for f in compared
    )
    beyond = [f for f in compared if min(f.imbalanced) > max(f.balanced)]
    if any(len(runs) < FEWEST_SEEDS for f in compared for runs in (f.balanced, f.imbalanced)):
        text = (
            f"Imbalanced less balanced training: {by}. Fewer than {FEWEST_SEEDS} runs of each do "
            "not show whether another seed would agree."
        )
    elif len(beyond) == len(compared):
        text = f"Imbalance keeps language that balanced training erases: {by}."
    elif beyond:
        text = f"Only {beyond[0].probe} shows imbalance keeping more of the language: {by}."
    else:
        text = f"These runs do not show that imbalance keeps more of the language: {by}."
    return f"{text} Erased: share of what was above chance before fine-tuning."
