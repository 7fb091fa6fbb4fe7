"""How many seeds a study needs, and which differences its seeds can see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.checkpoints import studies
from core.checkpoints.studies import Started
from core.config import BALANCED
from core.errors import InputError
from core.measures.comparison import ALPHA, Spread
from core.measures.intervals import FEWEST_SEEDS
from core.measures.power import MOST_SEEDS, POWER, Sources, detectable, seeds_needed, sources
from core.results import comparisons as result_comparisons
from core.results import references, study_results, thresholds
from core.results.schema import ComparisonResults, Interval, PowerGuide, PowerRow, StudyResults
from core.sampling.subsets import effective_test_rows
from core.text import percent

if TYPE_CHECKING:
    from core.studies.planning import Plan

# What is asked for: measure, difference, and why that one.
EFFECTS = (
    ("accuracy", 0.03, "the paper's larger loss (Tables 3 and 6)"),
    ("accuracy", 0.02, "the paper's smaller losses"),
    ("skew_uptake", 0.10, "the margin; the paper's is .35 (Table 2)"),
    ("soft_uptake", 0.10, "the margin"),
    ("language_effect", 0.02, "the margin"),
    ("probe_original_knn", 0.05, "the margin"),
    ("neutral_tokens", 0.02, "sum over a text's neutral tokens, over- minus under-represented"),
)
# What the demo's differences from balanced vary by (`python -m core show demo --power` prints it):
# variances between seeds, over the sentences of its test set, and of both together. Three seeds
# (0, 1, 2), 1,800 test rows of 300 sentences.
SHIPPED_SOURCE = "the demo study, 3 seeds, which is another corpus or encoder than yours may be"
SHIPPED_ROWS = 1800
SHIPPED = {
    "accuracy": Sources(1.94e-4, 1.99e-6, 9.6e-5),
    "skew_uptake": Sources(4.93e-3, 6.88e-4, 1.27e-3),
    "soft_uptake": Sources(2.54e-3, 2.81e-4, 1.85e-4),
    "language_effect": Sources(1.51e-4, 9.18e-5, 5.43e-5),
    "probe_original_knn": Sources(7.73e-4, 0.0, 0.0),
    "neutral_tokens": Sources(2.39e-4, 1.28e-4, 0.0),  # 120 texts
}


def of_study(study: Started) -> dict[str, Sources]:
    """By measure, what the differences from balanced of a started study vary by.

    Means over the setups that are compared with balanced over three seeds or more; empty where
    there are none. `neutral_tokens` (`of_tokens`) where the study has attributions.
    """
    found = of_comparisons(study_results.summary(study)["comparisons"])
    tokens = of_tokens(study)
    return found if tokens is None else {**found, "neutral_tokens": tokens}


def of_comparisons(comparisons: Sequence[ComparisonResults]) -> dict[str, Sources]:
    """The same from the comparisons of `study_results.summary`, without tokens."""
    by_measure: dict[str, list[Sources]] = {}
    for c in comparisons:
        if c["b"] in BALANCED and c["n_seeds"] >= FEWEST_SEEDS and c["spread"]:
            one = sources(Spread(**c["spread"]), c["n_seeds"])
            by_measure.setdefault(c["measure"], []).append(one)
    return {m: Sources(*np.mean(of, axis=0).tolist()) for m, of in by_measure.items()}


def of_tokens(study: Started) -> Sources | None:
    """What the neutral tokens' difference between over- and under-represented languages varies by.

    In cross-fitted groups; the mean over labels and setups; of as many texts as were explained. The
    variance over texts is a single seed's, as if all seeds shared it. None below three seeds, or
    without attributions against balanced.
    """
    if not references.available(study) or "balanced" not in references.references(study):
        return None
    found: dict[tuple[str, str], list[tuple[float, Interval | None]]] = {}
    for row in thresholds.attributions(study)["sides"]:
        wanted = (row["group"], row["side"]) == ("neutral", "over - under")
        if wanted and (value := row["crossed"]) is not None and row["setup"] not in BALANCED:
            own = found.setdefault((row["label"], row["setup"]), [])
            own.append((value, row["crossed_ci"]))
    several = [values for values in found.values() if len(values) >= FEWEST_SEEDS]
    if not several:
        return None
    seeds = np.mean([np.var([value for value, _ in values], ddof=1) for values in several])
    ends = [ci for values in several for _, ci in values if ci]
    halves = [(high - low) / 2 / 1.96 for low, high in ends]
    return Sources(float(seeds), float(np.mean(np.square(halves))) if halves else 0.0, 0.0)


def for_plan(plan: Plan) -> PowerGuide:
    """What a plan's seeds and test rows can see; see `guide`.

    From the finished study with the most seeds on the same corpus with the same encoder, else from
    what was measured on the demo.
    """
    asked = next(iter(plan.runs.values()))
    rows = effective_test_rows(asked)
    known, source, of_rows = SHIPPED, SHIPPED_SOURCE, float(SHIPPED_ROWS)
    most = 0
    for name in studies.started():
        try:
            study = studies.read_started(name)
            configs = list(study.configs.values())
            alike = configs and (configs[0].corpus_hash, configs[0].encoder) == (
                asked.corpus_hash,
                asked.encoder,
            )
            seeds = len({c.seed for c in configs})
            if not alike or seeds <= max(most, FEWEST_SEEDS - 1):
                continue
            if found := of_study(study):
                most, known, source = seeds, found, f"the study {name}, {seeds} seeds"
                of_rows = effective_test_rows(configs[0])
        except InputError:  # what does not read tells nothing
            continue
    seeds = len(plan.study.seeds)
    setups = list(plan.study.setups)
    together = result_comparisons.most_together(result_comparisons.pairs(setups))
    return guide(known, source, seeds, together, rows / of_rows)


def for_study(document: StudyResults) -> PowerGuide | None:
    """What a study's seeds could have seen; None without three seeds of two setups."""
    known = of_comparisons(document["comparisons"])
    if not known:
        return None
    seeds = max(c["n_seeds"] for c in document["comparisons"] if c["b"] in BALANCED)
    pairs = result_comparisons.most_together({(c["a"], c["b"]) for c in document["comparisons"]})
    return guide(known, f"the study itself, {seeds} seeds", seeds, pairs)


def guide(
    known: Mapping[str, Sources], source: str, seeds: int, pairs: int, times: float = 1.0
) -> PowerGuide:
    """Seeds that differences of given sizes take, and differences that so many seeds see.

    With 80 % power at the two-sided 5 % level, and at the first step of Holm's procedure.

    Args:
        known: by measure.
        source: where that is from, in words.
        seeds: planned.
        pairs: of setups that answer one question, the most there are.
        times: sentences of the test set, as a multiple of those that `known` is of.
    """
    first_step = ALPHA / max(1, pairs)
    rows: list[PowerRow] = []
    for measure, effect, why in EFFECTS:
        if measure not in known:
            continue
        # How many texts are explained does not hang on the test set.
        of = known[measure].on(1.0 if measure == "neutral_tokens" else times)
        rows.append(
            {
                "measure": measure,
                "effect": effect,
                "why": why,
                "seeds_needed": seeds_needed(effect, of),
                "seeds_needed_holm": seeds_needed(effect, of, first_step),
                "detectable": detectable(seeds, of),
                "detectable_holm": detectable(seeds, of, first_step),
            }
        )
    return {"seeds": seeds, "pairs": pairs, "source": source, "rows": rows}


def table(document: PowerGuide) -> pd.DataFrame:
    """A guide for a reader: a difference a row."""
    n, pairs = document["seeds"], document["pairs"]
    rows = [
        {
            "measure": NAMES.get(r["measure"], r["measure"].replace("_", " ")),
            "difference": r["effect"],
            "seeds needed": _seeds(r["seeds_needed"]),
            f"seeds needed, Holm over {pairs}": _seeds(r["seeds_needed_holm"]),
            f"seen with {n} seed{'s' * (n > 1)}": _seen(r["detectable"]),
            f"seen, Holm over {pairs}": _seen(r["detectable_holm"]),
            "that difference is": r["why"],
        }
        for r in document["rows"]
    ]
    return pd.DataFrame(rows)


NAMES = {
    "probe_original_knn": "probe, 15 neighbours",
    "neutral_tokens": "neutral tokens",
}


def reading(document: PowerGuide) -> str:
    """What a guide says, in a sentence or two."""
    seeds = document["seeds"]
    rows = {(r["measure"], r["effect"]): r for r in document["rows"]}
    accuracy = rows.get(("accuracy", 0.03))
    text = ""
    if seeds < FEWEST_SEEDS:
        text = (
            f"With {seeds} seed{'s' if seeds > 1 else ''} there is no verdict on any difference: "
            "it takes three or more. "
        )
    if accuracy is None:
        return text.strip()
    if accuracy["detectable"] is not None:
        text += (
            f"With {seeds} seeds a true difference in accuracy of ±{accuracy['detectable']:.3f} "
            f"is found with {percent(POWER)} power (±{accuracy['detectable_holm']:.3f} at Holm's "
            f"first step over {document['pairs']} pairs of setups); a smaller one may well go "
            "unseen. "
        )
    smaller = rows["accuracy", 0.02]
    return (
        f"{text}A loss of accuracy of .03 takes {_seeds(accuracy['seeds_needed'])} seeds "
        f"({_seeds(accuracy['seeds_needed_holm'])} with Holm), one of .02 "
        f"takes {_seeds(smaller['seeds_needed'])} ({_seeds(smaller['seeds_needed_holm'])})."
    )


def source(document: PowerGuide) -> str:
    """Where a guide's variances are from, and what that is worth."""
    return (
        f"At {percent(POWER)} power, two-sided 5 %. Variances between seeds and over test "
        f"sentences: {document['source']}. Over {MOST_SEEDS}: the test set has too few sentences, "
        f"more seeds hardly help. A variance out of few seeds is itself "
        "uncertain: take the numbers as a guide."
    )


def _seeds(n: int | None) -> str:
    return f"over {MOST_SEEDS}" if n is None else str(n)


def _seen(difference: float | None) -> str:
    return "no verdict" if difference is None else f"±{difference:.3f}"
