"""The measures of one finished run, from its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb
import pandas as pd

from core import checkpoints
from core.config import RunConfig
from core.errors import InputError
from core.joint import Groups, deviation
from core.measures.accuracy import accuracy_totals
from core.measures.bootstrap import Totals
from core.measures.calibration import (
    calibration_error,
    calibration_totals,
    confusion,
    reliability,
)
from core.measures.effect import effect_totals, language_effect
from core.measures.predictions import Predictions, group_shares, predicted_shares, true_shares
from core.measures.uptake import skew_uptake, uptake_totals

PROBES = ("original", "external")
_FROM_METRICS = ("n_train", "n_validation", "n_test", "accuracy", "accuracy_ci", "seconds")


def groups_of(skewed: pd.DataFrame) -> Groups:
    """The two sides of a skewed design: the languages in which the last label is over-represented,
    and those in which it is under-represented."""
    last = deviation(skewed).iloc[:, -1]
    over = tuple(str(x) for x in last.index[last > 1e-9])
    return over, tuple(str(x) for x in last.index[last < -1e-9])


def skewed_design(configs: Mapping[str, RunConfig]) -> pd.DataFrame | None:
    """The study's skewed design; None where no run has one."""
    tables = (c.shares_table() for c in configs.values() if c.skewed)
    return next((t for t in tables if (deviation(t).abs() > 1e-9).to_numpy().any()), None)


def within_language(shares: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Shares of the labels in each language."""
    document: dict[str, dict[str, float]] = shares.div(shares.sum(axis=1), axis=0).to_dict("index")
    return document


def measure(run_id: str, config: RunConfig, skewed: pd.DataFrame | None) -> dict[str, Any]:
    """All measures of a finished run.

    Args:
        skewed: the study's skewed design, for uptake and language effect; None where it has none.

    Raises:
        InputError: a file of the run does not read.
    """
    predictions = checkpoints.read_predictions(run_id)
    metrics = _read_json(run_id, "metrics.json")
    shares = predicted_shares(predictions)
    errors = calibration_error(predictions)
    measured = {
        **{key: metrics[key] for key in _FROM_METRICS},
        "accuracy_by_language": metrics["accuracy_by_language"],
        "best_epoch": metrics["training"]["best_epoch"],
        "validation_loss": metrics["training"]["validation_loss"],
        "predictions": shares.to_dict("index"),
        "soft_predictions": predicted_shares(predictions, soft=True).to_dict("index"),
        "truth": true_shares(predictions).to_dict("index"),
        "training_shares": within_language(config.shares_table()),
        "confusion": {x: table.to_dict("index") for x, table in confusion(predictions).items()},
        "calibration": {
            name: {"ece": row["ece"], "ci": [row["low"], row["high"]], "n": int(row["n"])}
            for name, row in errors.iterrows()
        },
        "reliability": reliability(predictions).to_dict("records"),
        "base_values": _base_values(run_id, config),
        "probe": _probes(run_id),
    }
    return measured | _skew_measures(predictions, shares, skewed)


def comparable(
    run_id: str, config: RunConfig, skewed: pd.DataFrame | None
) -> dict[str, Totals | float]:
    """The measures by which runs are compared: totals over test rows, else single values."""
    predictions = checkpoints.read_predictions(run_id)
    found: dict[str, Totals | float] = {
        "accuracy": accuracy_totals(predictions),
        "calibration": calibration_totals(predictions, by_language=False),
    }
    if skewed is not None:
        slope = deviation(skewed)
        found["skew_uptake"] = uptake_totals(predictions, slope)
        found["soft_uptake"] = uptake_totals(predictions, slope, soft=True)
        effect = effect_totals(predictions, groups_of(skewed))
        if effect is not None:
            found["language_effect"] = effect
    base = _base_values(run_id, config)
    if base is not None:
        found["base_values"] = base["distance_from_uniform"]
    for kind, probe in _probes(run_id).items():
        for key in ("accuracy", "accuracy_released", "knn"):
            found[f"probe_{kind}_{key}"] = probe[key]
    return found


def _skew_measures(
    predictions: Predictions, shares: pd.DataFrame, skewed: pd.DataFrame | None
) -> dict[str, Any]:
    names = ("skew_uptake", "soft_uptake", "language_effect")
    measured: dict[str, Any] = {key: None for name in names for key in (name, f"{name}_ci")}
    if skewed is None:
        return measured
    groups = groups_of(skewed)
    for name, soft in (("skew_uptake", False), ("soft_uptake", True)):
        uptake = skew_uptake(predictions, deviation(skewed), soft=soft)
        measured |= {name: uptake.value, f"{name}_ci": [uptake.low, uptake.high]}
    if (effect := language_effect(predictions, groups)) is not None:
        measured |= {
            "language_effect": effect.value,
            "language_effect_ci": [effect.low, effect.high],
            "language_effect_null": effect.null,
            "language_effect_sentences": effect.n_sentences,
        }
    n = predictions.rows["language"].value_counts()
    pooled = group_shares(shares, n, groups)
    return measured | {"predictions_by_group": pooled.to_dict("index")}


def _base_values(run_id: str, config: RunConfig) -> dict[str, Any] | None:
    """Mean base value of the test texts and its mean distance from uniform; None if missing.

    The distance is the total variation between a text's base value and the uniform distribution.
    """
    path = checkpoints.folder(run_id) / "base_values.parquet"
    if not path.exists():
        return None
    try:
        frame = checkpoints.query("SELECT * FROM read_parquet(?)", [str(path)])
        values = frame[[checkpoints.probability_column(x) for x in config.labels]].to_numpy()
    except (duckdb.Error, KeyError) as error:
        raise InputError(
            f"{path} does not read ({error}); delete it to compute it anew."
        ) from error
    weights = frame["texts"].to_numpy() / frame["texts"].sum()
    distances = abs(values - 1 / len(config.labels)).sum(axis=1) / 2
    return {
        "mean": dict(zip(config.labels, (weights @ values).tolist(), strict=True)),
        "distance_from_uniform": float(weights @ distances),
        "n": int(frame["texts"].sum()),
    }


def _probes(run_id: str) -> dict[str, dict[str, Any]]:
    """Language identification probes by kind; empty if missing."""
    if not (checkpoints.folder(run_id) / "probes.json").exists():
        return {}
    return _read_json(run_id, "probes.json")


def _read_json(run_id: str, name: str) -> dict[str, Any]:
    path = checkpoints.folder(run_id) / name
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path} does not read: {error}") from error
    return document
