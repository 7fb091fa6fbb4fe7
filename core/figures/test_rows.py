"""The test set of a study in words: its rows, and how they are weighted."""

from __future__ import annotations

from collections.abc import Sequence

from core.results.schema import RunResults, TestWeighting

Runs = Sequence[RunResults]
_TO = {
    "uniform": "every label as frequent as every other in every language",
    "independent": "the languages' and labels' own shares, without the skew",
}


def name(runs: Runs) -> str:
    """What it is: `uniform test set`, or `test set as found, weighted`."""
    return "test set as found, weighted" if _weighting(runs) else "uniform test set"


def n(runs: Runs) -> str:
    """How many rows, and how many of equal weight tell as much."""
    text = f"n = {runs[0]['n_test']:,} test rows"
    if found := _weighting(runs):
        text += (
            f", weighted (they tell as much as {found['n_effective']['all']:,.0f} of equal weight)"
        )
    return text


def each(runs: Runs) -> str:
    """How many a language."""
    sizes = [row["n"] for row in runs[0]["accuracy_by_language"].values()]
    low, high = min(sizes), max(sizes)
    return f"{low:,} a language" if low == high else f"{low:,} to {high:,} a language"


def both(runs: Runs) -> str:
    """How many rows, in all and a language."""
    return f"{n(runs)}, {each(runs)}"


def line(runs: Runs) -> str:
    """A sentence on the test set that all runs share."""
    if found := _weighting(runs):
        return (
            "One test set serves all runs. It is as found in the corpus, and each row counts by "
            f"its weight, so that what is measured is that of a test set with {_TO[found['to']]}."
        )
    return "One uniform test set serves all runs."


def _weighting(runs: Runs) -> TestWeighting | None:
    return runs[0].get("test_weighting") if runs else None
