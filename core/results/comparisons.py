"""Setups and runs of a study against those that they are read against, by every measure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import pandas as pd

from core.checkpoints.studies import Started
from core.config import BALANCED, IMPORTED
from core.errors import InputError
from core.measures.bootstrap import Drawn
from core.measures.comparison import Comparison, Spread, compare, holm, margin_of
from core.mitigation.setups import parse
from core.results import resampled
from core.results.names import SETUP_ORDER
from core.results.run_measures import skewed_design
from core.results.schema import ComparisonResults, RunComparison, SpreadResults


def setup_comparisons(
    study: Started, skewed: pd.DataFrame | None, left_out: Collection[str] = ()
) -> list[ComparisonResults]:
    """Every measure of each setup of a study against the setup it is read against.

    Imbalanced against balanced, with class weights against without and against balanced, with the
    masked-input entropy against without, and with one seed its nulls against balanced.
    `beyond_chance` is corrected (Holm) for the pairs of setups that answer one `question`, by the
    same measure; not over measures or questions: each is one of its own, and with few seeds a
    correction over all of them would find nothing. Below three seeds it is None, and the `verdict`
    "no verdict".

    Args:
        skewed: the study's skewed design.
        left_out: runs that cannot be compared.
    """
    measures: dict[str, dict[int, dict[str, Drawn | float]]] = {}
    for member in study.finished:
        if member.config is not None and member.run not in left_out:
            with suppress(InputError):  # summary says what is wrong with it
                found = resampled.measures(study, member.run, member.config, skewed)
                overall = {name: of for name, of in found.items() if ", " not in name}
                measures.setdefault(member.setup, {})[member.seed] = overall
    compared = []
    for a, b in pairs(list(measures)):
        compared += _compare(a, b, measures[a], measures[b])
    nulls = {(m.setup, m.seed) for m in study.members if m.null}
    for setup in BALANCED:
        own = sorted(measures.get(setup, {}), key=lambda seed: ((setup, seed) in nulls, seed))
        if len(own) > 1 and (setup, own[0]) not in nulls and (setup, own[1]) in nulls:
            # Two at most: differences from one and the same run are no seeds for a verdict.
            null = {seed: measures[setup][seed] for seed in own[1:3]}
            one = dict.fromkeys(null, measures[setup][own[0]])
            compared += _compare(f"{setup} (null)", setup, null, one)
    families: dict[tuple[str, str], list[Comparison]] = {}
    for name in dict.fromkeys(c.measure for c in compared):
        for c in (c for c in compared if c.measure == name):
            families.setdefault((name, question(c.a, c.b)), []).append(c)
    return [_document(c) for family in families.values() for c in holm(family)]


def question(a: str, b: str) -> str:
    """What a pair of setups is to answer: the paper's, or of mitigations one of two.

    Were all corrected together, each mitigation that is added to a study would take from the
    evidence that there is a skew to mitigate.
    """
    if a.removesuffix(" (null)") in SETUP_ORDER:
        return "the paper's pairs"
    return "mitigations against balanced" if b in BALANCED else "mitigations against none"


def most_together(compared: Collection[tuple[str, str]]) -> int:
    """The most pairs of setups that answer one question, of all that are compared."""
    questions = [question(a, b) for a, b in compared]
    return max(map(questions.count, questions), default=0)


def compare_runs(
    study: Started, a: Sequence[str], b: Sequence[str], margins: float = 1.0
) -> list[RunComparison]:
    """Every measure of some runs of a study against others of it, such as two setups or two runs.

    Runs of one seed are paired; a single run is compared with a single one whatever their seeds.
    Each measure is a question of its own, at 5 %; accuracy by language is one question, corrected
    (Holm) over the languages.

    Args:
        a: ids of finished runs of the study, of different seeds.
        b: what they are read against.
        margins: what the usual ones are multiplied by.

    Returns:
        As `setup_comparisons`, with the means `value_a` and `value_b`; accuracy in each language
        too.

    Raises:
        InputError: no seed in common, different test rows, or a file does not read.
    """
    table = skewed_design(study.configs)
    seeds = {m.run: m.seed for m in study.members}
    sides = []
    for runs in (a, b):
        side: dict[int, dict[str, Drawn | float]] = {}
        for run_id in runs:
            config = study.config_of(run_id)
            seed = 0 if len(a) == len(b) == 1 else seeds[run_id]
            side[seed] = resampled.measures(study, run_id, config, table)
        sides.append(side)
    common = set(sides[0]) & set(sides[1])
    if not common:
        raise InputError(
            f"no seed in common: one side has {sorted(sides[0])}, the other {sorted(sides[1])}; "
            "choose single runs, or train both setups on one seed."
        )
    documents: list[RunComparison] = []
    compared = _compare("a", "b", sides[0], sides[1], margins)
    questions = dict.fromkeys(_question(c) for c in compared)
    for judged in (c for q in questions for c in holm([c for c in compared if _question(c) == q])):
        means = []
        for side in sides:
            found = [side[seed][judged.measure] for seed in common]
            values = [x.value if isinstance(x, Drawn) else x for x in found]
            means.append(sum(values) / len(values))
        documents.append({**_document(judged), "value_a": means[0], "value_b": means[1]})
    return documents


def _question(c: Comparison) -> str:
    return c.measure.partition(", ")[0] + ("," if ", " in c.measure else "")


def _compare(
    a: str,
    b: str,
    runs_a: Mapping[int, Mapping[str, Drawn | float]],
    runs_b: Mapping[int, Mapping[str, Drawn | float]],
    margins: float = 1.0,
) -> list[Comparison]:
    """By every measure that all runs of the common seeds have; nothing where there is none."""
    common = sorted(set(runs_a) & set(runs_b))
    if not common:
        return []
    of_a, of_b = ([runs[s] for s in common] for runs in (runs_a, runs_b))
    return [
        compare(
            a,
            b,
            m,
            dict(enumerate(x[m] for x in of_a)),
            dict(enumerate(x[m] for x in of_b)),
            margin=None if (usual := margin_of(m)) is None else margins * usual,
        )
        for m in of_a[0]
        if all(m in x for x in (*of_a, *of_b))
    ]


def _document(c: Comparison) -> ComparisonResults:
    return {
        "a": c.a,
        "b": c.b,
        "measure": c.measure,
        "difference": c.difference,
        "ci": None if c.low is None or c.high is None else [c.low, c.high],
        "p": c.p,
        "n_seeds": c.n_seeds,
        "method": c.method,
        "covers": c.covers,
        "beyond_chance": c.beyond_chance,
        "margin": c.margin,
        "within_margin": c.within_margin,
        "verdict": c.verdict,
        "spread": _spread(c.spread) if c.spread else None,
    }


def _spread(s: Spread) -> SpreadResults:
    return {"seeds": s.seeds, "sentences": s.sentences, "one_seed": s.one_seed}


def pairs(setups: Sequence[str]) -> list[tuple[str, str]]:
    """The setups of a study that are compared, each with the one it is read against.

    Those of the paper as it does. Every other one against balanced (with the masked-input entropy
    where it has that), against the setup that it corrects, and against its rows without mitigation.
    """
    wanted = [
        ("imbalanced", "balanced"),
        ("imbalanced+cw", "imbalanced"),
        ("imbalanced+cw", "balanced"),
        *((s, s.removesuffix("+entropy")) for s in setups if s.endswith("+entropy")),
        ("imbalanced+entropy", "balanced+entropy"),
        ("imbalanced+cw+entropy", "imbalanced+entropy"),
        ("imbalanced+cw+entropy", "balanced+entropy"),
        (IMPORTED, "balanced"),
    ]
    if "balanced+entropy" not in setups:
        wanted += [(s, "balanced") for s in ("imbalanced+entropy", "imbalanced+cw+entropy")]
    for setup in setups:
        if setup in SETUP_ORDER:
            continue
        try:
            read = parse(setup)
        except InputError:  # of a version that knows other mitigations
            continue
        lossy = "balanced+entropy" if "entropy" in read.parts else "balanced"
        against = (lossy if lossy in setups else "balanced", read.trained, read.base)
        wanted += [(setup, other) for other in against if other != setup]
    return [(a, b) for a, b in dict.fromkeys(wanted) if a in setups and b in setups]
