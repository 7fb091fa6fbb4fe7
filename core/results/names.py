"""What runs and setups are called, and the order of languages, wherever they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.results.schema import Run, StudyResults

# In the order shown.
SETUP_ORDER = (
    "balanced",
    "balanced (null)",
    "imbalanced",
    "imbalanced+cw",
    "balanced+entropy",
    "balanced+entropy (null)",
    "imbalanced+entropy",
    "imbalanced+cw+entropy",
    "imported",
)


def setup_name(run: Run) -> str:
    """A run's setup as pages and charts call it."""
    return f"{run['setup']} (null)" if run["null"] else run["setup"]


def run_name(run: Run) -> str:
    """A run as pages and charts call it."""
    return f"{setup_name(run)}, seed {run['seed']}"


def short_names(runs: Sequence[Run]) -> dict[str, str]:
    """Names of runs by their ids, no longer than it takes to tell them apart."""
    setups = Counter(setup_name(run) for run in runs)
    names = Counter(run_name(run) for run in runs)
    return {
        run["run"]: setup_name(run)
        if setups[setup_name(run)] == 1
        else run_name(run)
        if names[run_name(run)] == 1
        else f"{setup_name(run)} {run['run'][:6]}"
        for run in runs
    }


def language_order(document: StudyResults) -> list[str]:
    """Languages by group, so that the two sides of the design stand together."""
    grouped = [language for group in document["groups"] for language in group]
    return grouped + [x for x in document["languages"] if x not in grouped]
