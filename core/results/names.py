"""What runs and setups are called, and the order of languages, wherever they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from core.config import IMPORTED
from core.mitigation.setups import suggested
from core.results.schema import Run, StudyResults

# Those of the paper, and models from elsewhere, in the order shown.
SETUP_ORDER = (
    "balanced",
    "balanced (null)",
    "imbalanced",
    "imbalanced+cw",
    "balanced+entropy",
    "balanced+entropy (null)",
    "imbalanced+entropy",
    "imbalanced+cw+entropy",
    IMPORTED,
)

# Parts of a change, as shown; the paper's words stay in brackets and are the keys of all files:
# positive and negative are classes of many corpora too.
PART_NAMES = {
    "positive": "supporting (positive)",
    "negative": "opposing (negative)",
    "neutral": "neutral",
    "base": "base value",
    "total": "total",
}


@cache
def further_setups() -> tuple[str, ...]:
    """Setups of one mitigation that are not the paper's, in the order shown."""
    return tuple(setup for setup in suggested() if setup not in SETUP_ORDER)


def setups_in_order(setups: Iterable[str]) -> list[str]:
    """Setups by their names, each once: the paper's, those of one mitigation, others by name."""
    known = [s for s in SETUP_ORDER if s != IMPORTED] + [*further_setups()]
    place = {setup: i for i, setup in enumerate(known)}

    def key(setup: str) -> tuple[bool, int, str]:
        return setup == IMPORTED, place.get(setup, len(place)), setup

    return sorted(set(setups), key=key)


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
