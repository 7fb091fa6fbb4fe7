"""What the paper's tables are compared with: values of a study's runs, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from core.checkpoints import outputs
from core.errors import InputError
from core.measures.accuracy import accuracy_totals
from core.measures.bootstrap import LEVEL, Totals, draw_totals, ends, sums_by_sentence
from core.measures.comparison import compare
from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences
from core.measures.predictions import Predictions
from core.paper.verdicts import CHANGES, Ours
from core.results.schema import RunResults, StudyResults
from core.results.study_results import done_runs


@dataclass(frozen=True)
class Measured:
    """Values of a study's runs.

    Attributes:
        levels: by measure (`accuracy`, or a probe's texts: `original`, `external`) and setup.
        changes: the same of differences, by measure and pair of CHANGES.
        predicted: of the imbalanced setup, by group of the design and label: share of the group's
            test rows that is predicted as the label.
        apart: share in the first group minus that in the second, by label.
        uptake: skew uptake of the imbalanced setup.
    """

    levels: Mapping[str, Mapping[str, Ours]] = field(default_factory=dict)
    changes: Mapping[str, Mapping[tuple[str, str], Ours]] = field(default_factory=dict)
    predicted: Mapping[tuple[int, str], Ours] = field(default_factory=dict)
    apart: Mapping[str, Ours] = field(default_factory=dict)
    uptake: Ours | None = None


def done(document: StudyResults) -> list[RunResults]:
    """The finished runs of a study, without its null."""
    return [run for run in done_runs(document) if not run["null"]]


def measured(document: StudyResults, suffix: str) -> Measured:
    """All that the tables need.

    Args:
        suffix: of the setups, empty or `+entropy`.
    """
    found: dict[str, dict[str, dict[int, Totals | float]]] = {}
    n: dict[str, int] = {}
    shares: dict[int, Totals] = {}
    uptakes = []
    groups = [group for group in document["groups"] if group]
    for run in done(document):
        setup, seed = run["setup"], run["seed"]
        with suppress(InputError):  # the summary says what is wrong with a run
            predictions = outputs.read_predictions(run["run"])
            right = accuracy_totals(predictions).only("all")
            found.setdefault("accuracy", {}).setdefault(setup, {})[seed] = right
            n["accuracy"] = run["n_test"]
            if setup == f"imbalanced{suffix}" and len(groups) == 2:
                shares[seed] = share_totals(predictions, groups)
                uptakes.append(run)
        for texts, probe in run["probe"].items():
            of_setup = found.setdefault(texts, {}).setdefault(setup, {})
            of_setup[seed] = probe["accuracy_released"]
            n[texts] = probe["n"]
    of_setups = {
        name: {
            setup.removesuffix(suffix): over_runs(runs, n[name])[0]
            for setup, runs in setups.items()
            if setup.endswith("+entropy") == bool(suffix)
        }
        for name, setups in found.items()
    }
    changed = {
        name: {
            (a, b): change(setups[a + suffix], setups[b + suffix], n[name])
            for a, b in CHANGES
            if set(setups.get(a + suffix, ())) & set(setups.get(b + suffix, ()))
        }
        for name, setups in found.items()
    }
    predicted, apart = _predicted(document, shares)
    return Measured(of_setups, changed, predicted, apart, _uptake(uptakes))


def over_runs(runs: Mapping[int, Totals | float], n: int | Sequence[int]) -> list[Ours]:
    """Means over runs of different seeds, with their intervals.

    From three seeds on for other seeds and, of totals, other test sentences; below, of totals, for
    other test sentences (percentile bootstrap), of single values none.

    Args:
        runs: by seed, all of them totals on the same rows or all of them values.
        n: rows, of all values or of each.
    """
    given = [run if isinstance(run, Totals) else float(run) for run in runs.values()]
    totals = [run for run in given if isinstance(run, Totals)]
    if totals:
        values = np.array([run.values for run in totals])
    else:
        values = np.array(given, dtype=float)[:, None]
    drawn = _drawn(totals) if len(totals) == len(given) else None
    low = high = single = np.full(values.shape[1], np.nan)
    if len(values) >= FEWEST_SEEDS:
        found = seeds_and_sentences(values, drawn)
        low, high, single = found.low, found.high, _single(values)
    elif drawn is not None:
        low, high = ends(drawn)
    counts = [n] * values.shape[1] if isinstance(n, int) else n
    columns = zip(values.mean(axis=0), low, high, counts, single, strict=True)
    return [
        Ours(float(v), _known(a), _known(b), rows, len(values), _known(s))
        for v, a, b, rows, s in columns
    ]


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


def change(a: Mapping[int, Totals | float], b: Mapping[int, Totals | float], n: int) -> Ours:
    """Mean difference of the runs of two setups, paired by seed."""
    found = compare("a", "b", "x", a, b)
    pairs = [(a[seed], b[seed]) for seed in a if seed in b]
    values = np.array([[_value(x) - _value(y)] for x, y in pairs])
    single = float(_single(values)[0]) if len(values) >= FEWEST_SEEDS else None
    return Ours(found.difference, found.low, found.high, n, found.n_seeds, single)


def share_totals(predictions: Predictions, groups: Sequence[Sequence[str]]) -> Totals:
    """Share of each label predicted in two groups' rows, then the first group's minus the second's.

    Named `0 label`, `1 label` and `apart label`.
    """
    language = predictions.rows["language"].to_numpy()
    member = np.stack([np.isin(language, group) for group in groups], axis=1).astype(float)
    given = predictions.one_hot(predictions.predicted)
    spread = (member[:, :, None] * given[:, None, :]).reshape(len(given), -1)
    k = given.shape[1]

    def shares(totals: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            of = totals[:, : 2 * k] / np.repeat(totals[:, 2 * k :], k, axis=1)
        return np.hstack([of, of[:, :k] - of[:, k:]])

    names = [f"{of} {label}" for of in ("0", "1", "apart") for label in predictions.labels]
    return predictions.totals(tuple(names), np.hstack([spread, member]), shares)


def _predicted(
    document: StudyResults, shares: Mapping[int, Totals]
) -> tuple[dict[tuple[int, str], Ours], dict[str, Ours]]:
    if not shares:
        return {}, {}
    labels, k = document["labels"], len(document["labels"])
    sizes = next(iter(shares.values())).quantities[:, 2 * k :].sum(axis=0).astype(int).tolist()
    found = over_runs(shares, [size for size in (*sizes, sum(sizes)) for _ in labels])
    predicted = {(i, x): found[i * k + j] for i in (0, 1) for j, x in enumerate(labels)}
    return predicted, dict(zip(labels, found[2 * k :], strict=True))


def _uptake(runs: Sequence[RunResults]) -> Ours | None:
    """Over seeds where there are enough; else over sentences, of one run alone."""
    with_it = {run["seed"]: float(run["skew_uptake"]) for run in runs if run["skew_uptake"]}
    if not with_it:
        return None
    (found,) = over_runs(with_it, runs[0]["n_test"])
    if len(with_it) > 1:
        return found
    low, high = next(ci for run in runs if (ci := run["skew_uptake_ci"]) and run["skew_uptake"])
    return found._replace(low=low, high=high)


def _drawn(runs: Sequence[Totals]) -> np.ndarray:
    """Means over runs on resampled sentences, the same for all (draws x k)."""
    drawn = [r.statistic(draw_totals(sums_by_sentence(r.quantities, r.sentences))) for r in runs]
    means: np.ndarray = np.mean(drawn, axis=0)
    return means


def _single(values: np.ndarray) -> np.ndarray:
    """Half width of a 95 % interval for one more seed, its mean taken as known (k)."""
    quantile = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2))
    half: np.ndarray = quantile * values.std(axis=0, ddof=1)
    return half


def _value(run: Totals | float) -> float:
    return float(run.values[0]) if isinstance(run, Totals) else float(run)
