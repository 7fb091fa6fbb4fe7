"""Attributions of a study as documents: groups, cumulative differences, decomposition, reliance.

Everything follows from the stored values; another threshold is another aggregation, without a
forward pass.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import pandas as pd

from core.attribution import store
from core.checkpoints.studies import Started
from core.errors import InputError
from core.measures.cumulative import token_shares
from core.results import attribution_rows
from core.results.cross_fitted import Pair, between_references, pairs
from core.results.references import available, compared, references
from core.results.reliance_curve import curve
from core.results.run_measures import skewed_design
from core.results.schema import Attributions, Cost, CrossFitted, RelianceRow, TokenShare
from core.sampling.joint import deviation

THRESHOLD = 0.01  # paper, section 2.3
Texts = Literal["all", "label"]
TEXTS: tuple[Texts, ...] = ("all", "label")


def attributions(
    study: Started,
    reference: str = "balanced",
    threshold: float = THRESHOLD,
    key: str | None = None,
    texts: Texts = "all",
) -> Attributions:
    """What the attributions of a study say of each run against its reference.

    Each run is compared with the run of the reference setup that has its seed, in token groups of
    two kinds. `mean`, as in the paper: groups chosen by that same reference, so that positive
    tokens fall and negative ones rise by selection alone. `crossed`, cross-fitted: groups chosen by
    each reference run of another seed, the mean over these; if a setup does nothing, its
    expectation is 0. `ci` and `crossed_ci` are 95 % intervals; of one seed over other test
    sentences, and in `over_seeds` over other seeds and other test sentences.

    The paper leaves open whether for a class all texts count or those whose true label it is
    (section 2.3: the pairs of a text and a label, {T, y}); both readings are here.

    Args:
        reference: setup.
        threshold: of the token groups, in units of probability.
        key: method and budget as in `available`; by default the one with the most texts.
        texts: `all`, or `label`: for a class only the texts whose true label it is. The
            decomposition is of all texts, as the soft uptake is, and left out there.

    In each row `between_balanced` is the root mean square of what two reference runs of different
    seeds differ by (groups by the others; None below three): they share less than two setups of one
    seed, so it is noise of the larger kind, and nothing is subtracted.

    Raises:
        InputError: no attributions, no run of the reference setup, a file that does not read.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold is {threshold}; expected 0 to 1, such as {THRESHOLD}.")
    if texts not in TEXTS:
        raise InputError(f"texts is {texts!r}; expected {' or '.join(map(repr, TEXTS))}.")
    asked = _Asked(study, reference, key)
    config, design = asked.config, asked.design
    found = pairs(asked.compared, asked.key, config)
    own_label = texts == "label"
    read = [
        attribution_rows.compare(pair, threshold, design, own_label=own_label) for pair in found
    ]
    balanced = between_references(asked.references, asked.key, threshold, config)
    if own_label:
        balanced = [each.of_own_label() for each in balanced]
    noise = attribution_rows.spread(balanced, design)
    represented = {} if design is None else design.deviation.stack().to_dict()
    shares: list[TokenShare] = []
    for one in read:
        if one.pair.seed not in {share["seed"] for share in shares}:
            shares += [
                {
                    "seed": one.pair.seed,
                    "label": label,
                    "positive": row["positive"],
                    "negative": row["negative"],
                    "neutral": row["neutral"],
                    "n": int(row["n"]),
                }
                for label, row in token_shares(one.own).to_dict("index").items()
            ]
    return {
        "study": study.name,
        "reference": reference,
        "threshold": threshold,
        "key": asked.key,
        "counted": texts,
        "texts": available(study)[asked.key],
        "labels": list(config.labels),
        "languages": list(config.languages),
        "missing": [m.run for m in study.members if m not in asked.with_files],
        "left_out": _left_out(asked, found),
        **attribution_rows.of_seeds(read, noise, represented),
        "over_seeds": attribution_rows.over_seeds(read, noise, represented),
        "cross_fitted": _cross_fitted(found),
        "token_shares": shares,
        "cost": _cost(asked.runs, asked.key, study.attributions_stamp),
    }


def reliance_curve(
    study: Started, reference: str | None = None, key: str | None = None
) -> list[RelianceRow]:
    """The change of the soft uptake that neutral tokens carry, by setup and threshold.

    Groups are cross-fitted where the reference setup has two seeds or more (`cross_fitted` says
    so). Why a curve: `core.measures.language_reliance`.

    Args:
        reference: setup; by default `balanced`, or the first balanced one with attributions.
        key: method and budget; by default the one with the most texts.

    Returns:
        A row a setup and threshold, ascending; none without attributions to compare or without a
        skewed design.
    """
    try:
        reference = reference or next(iter(references(study)), "balanced")
        asked = _Asked(study, reference, key)
    except InputError:  # no attributions; the page Tokens says what is wrong with broken ones
        return []
    if asked.design is None or not reference.startswith("balanced"):
        return []
    error = _cost(asked.runs, asked.key, study.attributions_stamp)["standard_error"]
    return curve(pairs(asked.compared, asked.key, asked.config), asked.design, error)


class _Asked:
    """Runs of a study that have attributions of one kind.

    Raises:
        InputError: no attributions, or no run of the reference setup has any.
    """

    def __init__(self, study: Started, reference: str, key: str | None) -> None:
        kept = available(study)
        if not kept or (key is not None and key not in kept):
            there = f" by {key}; there are {', '.join(kept)}" if kept else ""
            raise InputError(
                f"study {study.name} has no attributions{there}. `python -m core attribute "
                f"{study.name}` makes them."
            )
        self.reference = reference
        self.key = key or next(iter(kept))
        self.with_files = [m for m in study.members if store.files([m.run], self.key)]
        self.runs = tuple(m.run for m in self.with_files)
        self.compared = compared(self.with_files, reference)
        configs = {run: study.config_of(run) for run in self.runs}
        self.config = configs[self.runs[0]]  # for labels and languages
        # The study's skewed design, where it has one.
        self.design = None
        if (skewed := skewed_design(configs)) is not None:
            self.design = attribution_rows.Design(deviation(skewed), skewed.sum(axis=1))

    @property
    def references(self) -> list[str]:
        """Runs of the reference setup."""
        return [m.run for m in self.with_files if m.setup == self.reference]


def pairs_of(study: Started, reference: str, key: str) -> list[tuple[str, int]]:
    """Setup and seed of the runs that have attributions to be read against a reference setup.

    Raises:
        InputError: no run of the reference setup has any.
    """
    return [(pair.setup, pair.seed) for pair in _Asked(study, reference, key).compared]


def runs_of(document: Attributions, setup: str, seed: int) -> tuple[str, str]:
    """Run ids of the reference and of a setup's run that a document compares at a seed."""
    row = next(r for r in document["rows"] if (r["setup"], r["seed"]) == (setup, seed))
    return row["reference"], row["run"]


def _cross_fitted(found: list[Pair]) -> dict[str, CrossFitted]:
    """By setup what its cross-fitted values are of."""
    setups: dict[str, CrossFitted] = {}
    for pair in found:
        if pair.common is None:
            continue
        texts = len(pair.common.rows)
        of = setups.setdefault(pair.setup, {"pairs": 0, "seeds": [], "texts": texts})
        of["pairs"] += len(pair.choosers)
        of["seeds"].append(pair.seed)
    return setups


def _left_out(asked: _Asked, found: list[Pair]) -> dict[str, str]:
    """Runs that have attributions but are not compared: run id -> why."""
    compared_runs = {pair.run for pair in found}
    reasons = {}
    for pair in asked.compared:
        if pair.run not in compared_runs:
            reasons[pair.run] = "no text in the same tokens as its reference"
    listed = {pair.run for pair in asked.compared}
    for member in asked.with_files:
        if member.setup != asked.reference and member.run not in listed:
            reasons[member.run] = f"no run of {asked.reference} with seed {member.seed}"
    return reasons


@lru_cache(maxsize=16)
def _cost(runs: tuple[str, ...], key: str, stamp: str) -> Cost:
    """Mean evaluations and seconds a text and model, tokens a text, and standard error."""
    table = store.read(
        """SELECT avg(evaluations) AS evaluations, avg(seconds) AS seconds,
                  avg(len(tokens)) AS tokens, count(DISTINCT row) AS texts,
                  sqrt(avg(list_avg(list_transform(errors, lambda e: e * e)))) AS standard_error
           FROM attributions""",
        store.files(runs, key),
    )
    found = table.iloc[0]
    error = found["standard_error"]
    return {
        "evaluations": float(found["evaluations"]),
        "seconds": float(found["seconds"]),
        "tokens": float(found["tokens"]),
        "texts": float(found["texts"]),
        "standard_error": None if pd.isna(error) else float(error),
    }
