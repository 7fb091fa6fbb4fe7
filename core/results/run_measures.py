"""The measures of one finished run, from its files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import numpy as np
import pandas as pd

from core.checkpoints import outputs, run_folders
from core.checkpoints.studies import Started
from core.config import RunConfig
from core.errors import InputError
from core.measures.accuracy import accuracy_totals
from core.measures.bootstrap import Totals
from core.measures.calibration import calibration_error, calibration_totals, confusion, reliability
from core.measures.language_effect import effect_totals, language_effect
from core.measures.predictions import Predictions, group_shares, predicted_shares, true_shares
from core.measures.skew_uptake import By, skew_uptake, uptake_by, uptake_totals
from core.results.schema import (
    BaseValues,
    Drawn,
    Measures,
    ProbeResults,
    Shares,
    SkewMeasures,
    UptakeOf,
    Weighted,
)
from core.sampling.joint import Groups, deviation, weights


def groups_of(skewed: pd.DataFrame) -> Groups:
    """The two sides of a skewed design, by all its labels: the languages that deviate one way, and
    those that deviate the other.

    The sides are the signs of the languages in the first singular vector of the deviation, weighted
    by p(language): the two-sided pattern that is nearest to it. A design with more than two
    patterns is split in two all the same, as well as one pattern can; a language that has nothing
    of the pattern is on neither side. The label that differs most between the sides (the last of
    several) is over-represented on the first.
    """
    x, w = deviation(skewed), np.sqrt(weights(skewed).to_numpy())
    left, sizes, right = np.linalg.svd(w[:, None] * x.to_numpy(), full_matrices=False)
    if sizes[0] < 1e-9:
        return (), ()
    size = np.abs(right[0])
    most = np.flatnonzero(size > size.max() - 1e-6)[-1]
    loading = left[:, 0] / w * np.sign(right[0, most])
    reach = 1e-6 * np.abs(loading).max()
    first, second = (x.index[sign * loading > reach] for sign in (1, -1))
    return tuple(map(str, first)), tuple(map(str, second))


def skewed_design(configs: Mapping[str, RunConfig]) -> pd.DataFrame | None:
    """The study's skewed design; None where no run has one."""
    tables = (c.shares_table() for c in configs.values() if c.skewed)
    return next((t for t in tables if (deviation(t).abs() > 1e-9).to_numpy().any()), None)


def within_language(shares: pd.DataFrame) -> Shares:
    """Shares of the labels in each language."""
    document: Shares = shares.div(shares.sum(axis=1), axis=0).to_dict("index")
    return document


def measure(run_id: str, config: RunConfig, skewed: pd.DataFrame | None) -> Measures:
    """All measures of a finished run.

    Args:
        skewed: the study's skewed design, for uptake and language effect; None where it has none.

    Raises:
        InputError: a file of the run does not read.
    """
    predictions = outputs.read_predictions(run_id)
    metrics = outputs.read_metrics(run_id, config)
    shares = predicted_shares(predictions)
    errors = calibration_error(predictions)
    return {
        "n_train": metrics["n_train"],
        "n_validation": metrics["n_validation"],
        "n_test": metrics["n_test"],
        "accuracy": metrics["accuracy"],
        "accuracy_ci": metrics["accuracy_ci"],
        "seconds": metrics["seconds"],
        "accuracy_by_language": metrics["accuracy_by_language"],
        "best_epoch": metrics["training"]["best_epoch"],
        "validation_loss": metrics["training"]["validation_loss"],
        "predictions": shares.to_dict("index"),
        "soft_predictions": predicted_shares(predictions, soft=True).to_dict("index"),
        "truth": true_shares(predictions).to_dict("index"),
        "training_shares": within_language(config.shares_table()),
        "confusion": {x: table.to_dict("index") for x, table in confusion(predictions).items()},
        "calibration": {
            name: {
                "ece": row["ece"],
                "rms": row["rms"],
                "rms_ci": [row["low"], row["high"]],
                "n": int(row["n"]),
            }
            for name, row in errors.iterrows()
        },
        "reliability": reliability(predictions).to_dict("records"),
        "base_values": _base_values(run_id, config),
        "probe": cast(dict[str, ProbeResults], outputs.read_probes(run_id)),
        **_skew_measures(predictions, shares, skewed),
        **_weighting(predictions, config),
        **_drawn(metrics),
    }


def on_other_sentences(study: Started) -> dict[str, str]:
    """Finished runs whose test rows are of other sentences than those of most runs: why, by run.

    Measures of such runs cannot be compared: their sentences are what is drawn anew.
    """
    found: dict[str, int] = {}
    for member in study.finished:
        with suppress(InputError):  # what does not read is said where it is measured
            rows = outputs.read_predictions(member.run).rows.sort_values("row")
            hashes = pd.util.hash_pandas_object(rows[["row", "sentence"]], index=False)
            found[member.run] = hash(tuple(hashes))
    usual = max(found.values(), key=list(found.values()).count, default=None)
    why = "does not read (its rows are of other sentences than those of the study's other runs)"
    return {
        run: f"{run_folders.folder(run) / 'predictions.parquet'} {why}; {run_folders.MEND}."
        for run, own in found.items()
        if own != usual
    }


def of_test_rows(run_id: str, skewed: pd.DataFrame | None) -> dict[str, Totals]:
    """The measures by which runs are compared, as far as they are of test rows; accuracy in each
    language too, as `accuracy, de`."""
    predictions = outputs.read_predictions(run_id)
    accuracy = accuracy_totals(predictions)
    found = {
        "accuracy": accuracy,
        "calibration": calibration_totals(predictions),
        **{f"accuracy, {x}": accuracy.only(x) for x in predictions.languages},
    }
    if skewed is not None:
        found["skew_uptake"] = uptake_totals(predictions, skewed)
        found["soft_uptake"] = uptake_totals(predictions, skewed, soft=True)
        effect = effect_totals(predictions, groups_of(skewed))
        if effect is not None:
            found["language_effect"] = effect
    return found


def of_the_run(run_id: str, config: RunConfig) -> dict[str, float]:
    """The measures by which runs are compared that have one value a run."""
    found = {}
    base = _base_values(run_id, config)
    if base is not None:
        found["base_values"] = base["distance_from_uniform"]
    for kind, probe in outputs.read_probes(run_id).items():
        found[f"probe_{kind}_accuracy"] = probe["accuracy"]
        found[f"probe_{kind}_accuracy_released"] = probe["accuracy_released"]
        found[f"probe_{kind}_knn"] = probe["knn"]
    return found


def _skew_measures(
    predictions: Predictions, shares: pd.DataFrame, skewed: pd.DataFrame | None
) -> SkewMeasures:
    measured: SkewMeasures = {
        "skew_uptake": None,
        "skew_uptake_ci": None,
        "soft_uptake": None,
        "soft_uptake_ci": None,
        "language_effect": None,
        "language_effect_ci": None,
        "skew_uptake_by_class": {},
        "skew_uptake_by_language": {},
    }
    if skewed is None:
        return measured
    groups = groups_of(skewed)
    hard, soft = (skew_uptake(predictions, skewed, soft=soft) for soft in (False, True))
    measured |= {
        "skew_uptake": hard.value,
        "skew_uptake_ci": [hard.low, hard.high],
        "soft_uptake": soft.value,
        "soft_uptake_ci": [soft.low, soft.high],
        "skew_uptake_by_class": _uptake_of(predictions, skewed, "class"),
        "skew_uptake_by_language": _uptake_of(predictions, skewed, "language"),
    }
    if (effect := language_effect(predictions, groups)) is not None:
        measured |= {
            "language_effect": effect.value,
            "language_effect_ci": [effect.low, effect.high],
            "language_effect_p": effect.p,
            "language_effect_observed": effect.observed,
            "language_effect_null": effect.null,
            "language_effect_sentences": effect.n_sentences,
        }
    once = predictions.weighted(np.ones((len(predictions.rows), 1)))[:, 0]
    n = pd.Series(once).groupby(predictions.rows["language"].to_numpy()).sum()
    pooled = group_shares(shares, n, groups)
    return measured | {"predictions_by_group": pooled.to_dict("index")}


def _drawn(metrics: Mapping[str, Any]) -> Drawn:
    """Rows that an epoch passes over; empty where they are all."""
    drawn = metrics.get("n_drawn")
    return {"n_drawn": drawn} if type(drawn) is int and drawn > 0 else {}


def _weighting(predictions: Predictions, config: RunConfig) -> Weighted:
    """How the test rows are weighted; empty where every row counts once."""
    target = config.target_table()
    if target is None:
        return {}
    even = np.allclose(target, target.to_numpy().mean())
    sizes = predictions.effective_sizes.tolist()
    return {
        "test_weighting": {
            "to": "uniform" if even else "independent",
            "n_effective": dict(zip(("all", *predictions.languages), sizes, strict=True)),
            "test_shares": config.test_table().to_dict("index"),
            "target_shares": target.to_dict("index"),
        }
    }


def _uptake_of(predictions: Predictions, skewed: pd.DataFrame, by: By) -> dict[str, UptakeOf]:
    return {
        name: {"value": None, "ci": None}
        if part is None
        else {"value": part.value, "ci": [part.low, part.high]}
        for name, part in uptake_by(predictions, skewed, by).items()
    }


def _base_values(run_id: str, config: RunConfig) -> BaseValues | None:
    """Mean base value of the test texts and its mean distance from uniform; None if missing.

    The distance is the total variation between a text's base value and the uniform distribution.
    """
    found = outputs.read_base_values(run_id, config)
    if found is None:
        return None
    values, texts = found
    weights = texts / texts.sum()
    distances = abs(values - 1 / len(config.labels)).sum(axis=1) / 2
    return {
        "mean": dict(zip(config.labels, (weights @ values).tolist(), strict=True)),
        "distance_from_uniform": float(weights @ distances),
        "n": int(texts.sum()),
    }
