"""Attributions of a study as documents: groups, cumulative differences, decomposition.

Everything follows from the stored values; another threshold is another aggregation, without a
forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from core import checkpoints, study
from core.attribution import store
from core.attribution.compared import available, compared, fingerprint
from core.attribution.differences import between
from core.config import BALANCED
from core.errors import InputError
from core.joint import deviation
from core.measured import skewed_design
from core.measures.cumulative import (
    Differences,
    Means,
    Value,
    cumulative,
    means_of,
    sides,
    token_counts,
    token_shares,
)
from core.measures.decomposition import decomposition
from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences

THRESHOLD = 0.01  # paper, section 2.3


def attributions(
    name: str,
    reference: str = "balanced",
    threshold: float = THRESHOLD,
    key: str | None = None,
    shown: tuple[str, int] | None = None,
) -> dict[str, Any]:
    """What the attributions of a study say of each run against its reference.

    Each run is compared with the run of the reference setup that has its seed; the null of that
    seed is another run of the reference setup. Differences minus the null are taken text by text.

    Args:
        reference: setup.
        threshold: of the token groups, in units of probability.
        key: method and budget as in `available`; by default the one with the most texts.
        shown: setup and seed of the one run whose `rows` and `sides` get intervals, which take most
            of the time; by default all do.

    Returns:
        `rows` (cumulative differences by setup, seed, label, language and part), `sides`,
        `decomposition`, `over_seeds` (of the sides and the decomposition, from three seeds on),
        `token_shares`, `cost`, `missing` (runs without attributions), and what was asked.

    Raises:
        InputError: no attributions, no run of the reference setup, a file that does not read.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold is {threshold}; expected 0 to 1, such as {THRESHOLD}.")
    kept = available(name)
    if not kept or (key is not None and key not in kept):
        there = f" by {key}; there are {', '.join(kept)}" if kept else ""
        raise InputError(
            f"study {name} has no attributions{there}. `python -m core attribute {name}` makes "
            "them."
        )
    key = key or next(iter(kept))
    entries = study.entries(name)
    with_files = _with_files(entries, key)
    configs = {e["run"]: checkpoints.read_config(e["run"]) for e in with_files}
    pairs = compared(with_files, reference)
    config = next(iter(configs.values()))
    stamp = fingerprint(name)
    found = between([(p["reference"], p["run"]) for p in pairs], key, threshold, config)
    skewed = skewed_design(configs)
    x = deviation(skewed) if skewed is not None else None
    represented = {} if x is None else x.stack().to_dict()
    rows: list[dict[str, Any]] = []
    by_side: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    drawn: dict[tuple[str, str], Means] = {}
    for pair in pairs:
        if (pair["reference"], pair["run"]) not in found:
            continue
        own, null, differences = _own_and_null(pair, found, drawn)
        with_ends = shown is None or shown == (pair["setup"], pair["seed"])
        cells = (own, null) if with_ends else (own.undrawn(), null.undrawn() if null else None)
        names = {key: pair[key] for key in ("setup", "seed", "run", "reference")}
        rows += _rows(names, differences, *cells, represented)
        if x is not None:
            of_sides = _against(*cells, lambda m: sides(m, x))
            by_side += [
                {**names, "label": label, "group": part, "side": side, **value,
                 "n_texts": len(differences.rows)}
                for (label, part, side), value in of_sides.items()
            ]  # fmt: skip
            of_parts = _against(own, null, lambda m: decomposition(m, x))
            parts += [
                {**names, "part": part, **value, "n_texts": len(differences.rows)}
                for part, value in of_parts.items()
            ]
        if pair["seed"] not in {share["seed"] for share in shares}:
            shares += [
                {"seed": pair["seed"], "label": label, **row, "n": int(row["n"])}
                for label, row in token_shares(differences).to_dict("index").items()
            ]
    return {
        "study": name,
        "reference": reference,
        "threshold": threshold,
        "key": key,
        "texts": kept[key],
        "labels": list(config.labels),
        "languages": list(config.languages),
        "missing": [e["run"] for e in entries if e not in with_files],
        "left_out": _left_out(pairs, found, with_files, reference),
        "rows": rows,
        "sides": by_side,
        "decomposition": parts,
        "over_seeds": {
            "sides": _over_seeds(by_side, ("setup", "label", "group", "side")),
            "decomposition": _over_seeds(parts, ("setup", "part")),
        },
        "token_shares": shares,
        "cost": dict(_cost(tuple(e["run"] for e in with_files), key, stamp)),
    }


def pairs_of(name: str, reference: str, key: str) -> list[tuple[str, int]]:
    """Setup and seed of the runs that have attributions to be read against a reference setup.

    Raises:
        InputError: no run of the reference setup has any.
    """
    with_files = _with_files(study.entries(name), key)
    return [(pair["setup"], pair["seed"]) for pair in compared(with_files, reference)]


def language_reliance(name: str) -> dict[str, dict[str, Any]]:
    """By run id `language_reliance`, its `_ci` and `_texts`, of the runs that have one.

    It is read against balanced, minus the null where there is one (the null's own is not), at the
    paper's threshold, by the method with the most texts.
    """
    try:
        found = attributions(name)["decomposition"]
    except InputError:  # no attributions; the page Tokens says what is wrong with broken ones
        return {}
    return {
        r["run"]: {
            "language_reliance": r["mean"] if r["minus_null"] is None else r["minus_null"],
            "language_reliance_ci": r["ci"] if r["minus_null"] is None else r["minus_null_ci"],
            "language_reliance_texts": r["n_texts"],
        }
        for r in found
        if r["part"] == "language_reliance"
    }


def runs_of(document: dict[str, Any], setup: str, seed: int) -> tuple[str, str]:
    """Run ids of the reference and of a setup's run that a document compares at a seed."""
    row = next(r for r in document["rows"] if (r["setup"], r["seed"]) == (setup, seed))
    return row["reference"], row["run"]


def _with_files(entries: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [e for e in entries if store.files([e["run"]], key)]


def _own_and_null(
    pair: dict[str, Any],
    found: Mapping[tuple[str, str], Differences],
    drawn: dict[tuple[str, str], Means],
) -> tuple[Means, Means | None, Differences]:
    """Means of a run's differences and of its null's, on the texts that both have.

    Args:
        drawn: means over all texts of a pair, filled as they are asked for.
    """

    def means(runs: tuple[str, str]) -> Means:
        if runs not in drawn:
            drawn[runs] = means_of(found[runs])
        return drawn[runs]

    runs, of_null = (pair["reference"], pair["run"]), (pair["reference"], pair["null"])
    if runs == of_null or of_null not in found:
        return means(runs), None, found[runs]
    if found[runs].rows["row"].equals(found[of_null].rows["row"]):
        return means(runs), means(of_null), found[runs]
    common = set(found[runs].rows["row"]) & set(found[of_null].rows["row"])
    differences = found[runs].only(common)
    return means_of(differences), means_of(found[of_null].only(common)), differences


def _left_out(
    pairs: list[dict[str, Any]],
    found: Mapping[tuple[str, str], Differences],
    entries: list[dict[str, Any]],
    reference: str,
) -> dict[str, str]:
    """Runs that have attributions but are not compared: run id -> why."""
    reasons = {
        pair["run"]: "no text in the same tokens as its reference"
        for pair in pairs
        if (pair["reference"], pair["run"]) not in found
    }
    named = {p["run"] for p in pairs} | {p["reference"] for p in pairs}
    for entry in entries:
        if entry["run"] not in named and entry["setup"] not in BALANCED:  # nulls of other setups
            reasons[entry["run"]] = f"no run of {reference} with seed {entry['seed']}"
    return reasons


T = TypeVar("T", bound=Hashable)


def _against(
    own: Means, null: Means | None, measure: Callable[[Means], Mapping[T, Value]]
) -> dict[T, dict[str, Any]]:
    """A measure of a run's differences, of the null's, and of the one minus the other."""
    if null is None:
        empty = {"null": None, "null_ci": None, "minus_null": None, "minus_null_ci": None}
        return {key: {**_named("mean", value), **empty} for key, value in measure(own).items()}
    of_null, of_less = measure(null), measure(own.minus(null))
    return {
        key: {
            **_named("mean", value),
            **_named("null", of_null[key]),
            **_named("minus_null", of_less[key]),
        }
        for key, value in measure(own).items()
    }


def _named(name: str, value: Value) -> dict[str, Any]:
    ends = None if np.isnan(value.low) else [value.low, value.high]
    key = "ci" if name == "mean" else f"{name}_ci"
    return {name: None if np.isnan(value.value) else value.value, key: ends}


def _rows(
    names: dict[str, Any],
    differences: Differences,
    own: Means,
    null: Means | None,
    represented: Mapping[tuple[str, str], float],
) -> list[dict[str, Any]]:
    counts = token_counts(differences)
    texts = differences.rows["language"].value_counts().to_dict()
    rows = []
    for (language, label, part), value in _against(own, null, cumulative).items():
        n_texts, n_tokens = int(texts.get(language, 0)), counts.get((language, label, part))
        rows.append(
            {
                **names,
                "label": label,
                "language": language,
                "side": _side(represented.get((language, label), 0.0)),
                "group": part,
                **value,
                "n_texts": n_texts,
                "n_tokens": n_tokens,
                "per_token": value["mean"] * n_texts / n_tokens if n_tokens else None,
            }
        )
    return rows


def _over_seeds(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Means over seeds with t-intervals, where there are three or more."""
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(tuple(row[name] for name in names), []).append(row)
    found = []
    for group, members in grouped.items():
        if len(members) < FEWEST_SEEDS:
            continue
        document = {**dict(zip(names, group, strict=True)), "n_seeds": len(members)}
        for key, ends in (("mean", "ci"), ("minus_null", "minus_null_ci")):
            values = [row[key] for row in members]
            if None in values:
                document |= {key: None, ends: None}
            else:
                one = seeds_and_sentences(np.array(values)[:, None], None)
                document |= {
                    key: float(one.value[0]),
                    ends: [float(one.low[0]), float(one.high[0])],
                }
        found.append(document)
    return found


@lru_cache(maxsize=16)
def _cost(runs: Sequence[str], key: str, stamp: str) -> dict[str, Any]:
    """Mean evaluations and seconds a text and model, tokens a text, and standard error."""
    table = store.read(
        """SELECT avg(evaluations) AS evaluations, avg(seconds) AS seconds,
                  avg(len(tokens)) AS tokens, count(DISTINCT row) AS texts,
                  sqrt(avg(list_avg(list_transform(errors, lambda e: e * e)))) AS standard_error
           FROM attributions""",
        store.files(runs, key),
    )
    return {k: None if pd.isna(v) else float(v) for k, v in table.iloc[0].to_dict().items()}


def _side(deviation: float) -> str | None:
    return "over" if deviation > 1e-9 else "under" if deviation < -1e-9 else None
