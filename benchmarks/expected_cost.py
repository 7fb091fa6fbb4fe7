"""Expected cost of a skew against what trained models had.

Run by hand: `python -m benchmarks.expected_cost STUDY... [--json]`, started studies with balanced
and imbalanced runs of the same seeds in LANGSKEW_CHECKPOINTS. For each seed the strengths (see
core/audit/expected.py) that give the measured uptakes; then each study predicted with the strengths
of the other sources alone. The paper's own strengths come from its Tables 2 and 3, through the
model of `from_accuracy`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.audit.expected import MEASURED, Measured, calibrated, curve, expected, from_accuracy
from core.checkpoints import studies
from core.paper import published
from core.results.expected_cost import OVER, Trained, power, powers, trained
from core.sampling.designs import design_shares


def of_study(name: str) -> dict[str, Any]:
    """What a study measured, and the strengths that give it."""
    found = trained(studies.read_started(name))
    assert found is not None
    return {"name": name, "trained": found, "known": powers(found, name)}


def of_paper(corpus: str) -> tuple[Measured, pd.DataFrame]:
    """The strength that gives mBERT's uptake in the paper, and its design."""
    labels = published.LABELS[corpus]
    languages = [x for group in published.GROUPS[corpus] for x in group]
    skewed = design_shares("linear", languages, labels, published.GROUPS[corpus])
    uniform = design_shares("uniform", languages, labels)
    made = calibrated(published.ACCURACY["mBERT", corpus][0], uniform)
    rows = published.ROWS[corpus]["train"]
    hard = power(curve(made, skewed, OVER, rows), "skew_uptake", published.uptake(corpus))
    return Measured(f"the paper's {corpus} (mBERT)", (hard,), ()), skewed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a source: measured, and told by the other sources' strengths."""
    parser = argparse.ArgumentParser(prog="benchmarks.expected_cost")
    parser.add_argument("studies", nargs="*")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    measured = [of_study(name) for name in chosen.studies]
    paper = {corpus: of_paper(corpus) for corpus in published.CORPORA}
    known = {m["name"]: m["known"] for m in measured}
    known |= {corpus: found[0] for corpus, found in paper.items()}
    rows = []
    for m in measured:
        others = [one for name, one in known.items() if name != m["name"]]
        if not any(one.soft for one in others):
            others = list(MEASURED)
        of: Trained = m["trained"]
        told = expected(of.balanced, of.skewed, of.rows, others)
        blind = from_accuracy(told["accuracy"], of.skewed, of.target, of.rows, others)
        rows.append(row(m["name"], m["known"], of.changes.mean(axis=0), told, blind))
    for corpus, (one, skewed) in paper.items():
        others = [other for name, other in known.items() if name != corpus]
        before, after = published.ACCURACY["mBERT", corpus][:2]
        uniform = design_shares("uniform", skewed.index, skewed.columns)
        n = published.ROWS[corpus]["train"]
        others = others if measured else list(MEASURED)
        blind = from_accuracy(before, skewed, uniform, n, others)
        change = np.array([after - before, published.uptake(corpus), np.nan])
        rows.append(row(one.source, one, change, None, blind))
    if chosen.json:
        print(json.dumps(rows, indent=1))
    else:
        print(pd.DataFrame(rows).to_string(index=False))


def row(
    name: str, one: Measured, change: np.ndarray, told: Any | None, blind: Any
) -> dict[str, Any]:
    """What was measured beside what the other sources' strengths tell."""
    found: dict[str, Any] = {"study": name, "strength": one.hard, "soft strength": one.soft}
    for i, key in enumerate(("accuracy_change", "skew_uptake", "soft_uptake")):
        found[f"{key}: measured"] = round(float(change[i]), 3)
        for what, document in (("told", told), ("from accuracy", blind)):
            if document is not None:
                part = document[key]
                found[f"{key}: {what}"] = "{value:.3f} ({low:.3f} to {high:.3f})".format(**part)
    return found


if __name__ == "__main__":
    main()
