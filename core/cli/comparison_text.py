"""Comparisons, and what seeds can see, as text for a terminal."""

from __future__ import annotations

import textwrap

from core.checkpoints.studies import Started
from core.config import BALANCED
from core.figures import comparison
from core.measures.intervals import FEWEST_SEEDS
from core.results import comparison_tables, power, study_results
from core.results.schema import ComparisonResults, PowerGuide
from core.terminal import interval, number, table

_MINUS_BALANCED = ("accuracy", "skew_uptake", "soft_uptake", "language_effect")


def minus_balanced(found: list[ComparisonResults]) -> list[str]:
    """Differences from the balanced runs of the same seeds, a setup a line."""
    cells = {
        (f"{c['a']} - {c['b']}", c["measure"]): interval(c["difference"], c["ci"])
        for c in found
        if c["b"] in BALANCED
    }
    if not cells:
        return []
    measures = [m for m in _MINUS_BALANCED if any(m == measure for _, measure in cells)]
    rows = [
        [pair, *(cells.get((pair, m), "–") for m in measures)]
        for pair in dict.fromkeys(pair for pair, _ in cells)
    ]
    covers = next(c["covers"] for c in found if c["b"] in BALANCED)
    return [
        "",
        f"minus balanced, paired by seed; 95 % intervals cover {covers}:",
        table(["", *(m.replace("_", " ") for m in measures)], rows),
    ]


def comparisons(found: list[ComparisonResults]) -> list[str]:
    """Every measure of the setups compared, with what the verdicts mean."""
    if not found:
        return []
    rows = [
        [
            f"{c['a']} - {c['b']}",
            c["measure"].replace("_", " "),
            interval(c["difference"], c["ci"]) if c["ci"] else number(c["difference"], 3),
            c["n_seeds"],
            _COVERS[c["method"]],
            "–" if c["margin"] is None else f"±{c['margin']:g}",
            comparison_tables.verdict(c),
        ]
        for c in found
    ]
    columns = ["difference", "measure", "value [95 %]", "seeds", "over", "margin", "verdict"]
    lines = ["", table(columns, rows), ""]
    said = [
        "Over both: the interval covers other seeds and other test sentences; over seeds: other "
        "seeds, on these test sentences; over sentences: other test sentences, these trained "
        "models.",
        f"{comparison.VERDICTS} Beyond chance over the lines of one measure together (Holm); "
        "mitigations beyond the paper's apart, those against balanced and those against none.",
        comparison.UNCORRECTED,
    ]
    if any(c["verdict"] == "no verdict" for c in found):
        said.append(comparison.NO_VERDICT)
    return lines + _wrapped(said)


_COVERS = {"seeds and sentences": "both", "seeds": "seeds", "sentences": "sentences", "none": "–"}


def power_lines(guide: PowerGuide) -> list[str]:
    """What so many seeds can see, and how many it takes."""
    frame = power.table(guide)
    if frame.empty:
        return []
    said = [power.reading(guide), power.source(guide)]
    return [
        "",
        table(list(frame), frame.to_numpy().tolist()),
        *_wrapped(said),
    ]


def power_text(study: Started) -> str:
    """What `python -m core show STUDY --power` prints: the guide, and the variances it is from."""
    document = study_results.summary(study)
    guide = power.for_study(document)
    if guide is None:
        return (
            f"study {study.name} has no two setups with {FEWEST_SEEDS} seeds, so that nothing is "
            "known of what its differences vary by."
        )
    known = power.of_study(study)
    rows = [[m, *(f"{x:.3g}" for x in of)] for m, of in known.items()]
    columns = ["variance of a seed-paired difference", "between seeds", "sentences", "both"]
    return "\n".join([f"study {study.name}", *power_lines(guide), "", table(columns, rows)])


def power_reading(guide: PowerGuide | None) -> list[str]:
    """What a study's seeds could have seen, in words; nothing where that is not known."""
    return [] if guide is None else ["", *_wrapped([power.reading(guide), power.source(guide)])]


def _wrapped(texts: list[str]) -> list[str]:
    return [line for text in texts for line in textwrap.wrap(text, 96, break_on_hyphens=False)]
