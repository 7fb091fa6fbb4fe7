"""Documents of core.results as data frames and sentences, for the pages."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.charts import language_order, setup_name

# How a column's numbers are shown (formats of st.column_config.NumberColumn).
FORMATS = {
    **dict.fromkeys(("predicted", "mean probability", "skewed training share", "truth"), "percent"),
    **dict.fromkeys(("accuracy", "from", "to", "skew uptake", "soft uptake"), "%.3f"),
}
HEADLINE = [
    "setup",
    "seed",
    "accuracy",
    "skew uptake",
    "soft uptake",
    "training rows",
    "test rows",
]


def headline(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a run: accuracy and uptake with the ends of their intervals, and n."""
    rows = []
    for run in runs:
        row: dict[str, Any] = {"setup": setup_name(run), "seed": run["seed"]}
        for key in ("accuracy", "skew_uptake", "soft_uptake"):
            name = key.replace("_", " ")
            ends = run[f"{key}_ci"] or [None, None]
            row |= {name: run[key], f"{name} from": ends[0], f"{name} to": ends[1]}
        rows.append(
            {**row, "training rows": run["n_train"], "test rows": run["n_test"], "run": run["run"]}
        )
    return pd.DataFrame(rows)


def shares(document: dict[str, Any], runs: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a language, class and run: predicted share, training share and truth."""
    rows = []
    for language in language_order(document):
        for label in document["labels"]:
            skewed = document["training_shares"].get(language, {}).get(label)
            for run in runs:
                rows.append(
                    {
                        "language": language,
                        "label": label,
                        "setup": setup_name(run),
                        "seed": run["seed"],
                        "predicted": run["predictions"][language][label],
                        "mean probability": run["soft_predictions"][language][label],
                        "skewed training share": skewed,
                        "truth": run["truth"][language][label],
                    }
                )
    return pd.DataFrame(rows)


def accuracy_by_language(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a run and language: accuracy with its interval and n."""
    rows = [
        {
            "setup": setup_name(run),
            "seed": run["seed"],
            "language": language,
            "accuracy": a["accuracy"],
            "from": a["low"],
            "to": a["high"],
            "n": a["n"],
        }
        for run in runs
        for language, a in run["accuracy_by_language"].items()
    ]
    return pd.DataFrame(rows)


def reading(document: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """The main finding in a sentence or two, from the numbers; empty without a skewed run."""
    skewed = next((r for r in runs if r["setup"] == "imbalanced"), None)
    if skewed is None or len(document["groups"]) != 2:
        return ""
    label = document["labels"][-1]
    over, under = (" ".join(group) for group in document["groups"])
    by_group = skewed["predictions_by_group"]
    members = document["groups"][0]
    truth = sum(skewed["truth"][x][label] for x in members) / len(members)
    text = (
        f"Trained on the skewed set, the model predicts **{label}** in "
        f"**{100 * by_group[over][label]:.0f} %** of the {over} texts and in "
        f"**{100 * by_group[under][label]:.0f} %** of the {under} texts; "
        f"the truth is {100 * truth:.0f} % in both."
    )
    return text + _against_the_null(skewed, runs)


def _against_the_null(skewed: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    balanced = [r for r in runs if r["setup"] == "balanced"]
    uptake, ends = skewed["skew_uptake"], skewed["skew_uptake_ci"]
    text = f" Its skew uptake is **{uptake:.2f}** [{ends[0]:.2f}, {ends[1]:.2f}]"
    if balanced:
        highest = max(r["skew_uptake_ci"][1] for r in balanced)
        beyond = "beyond" if ends[0] > highest else "not beyond"
        values = " and ".join(f"{r['skew_uptake']:.2f}" for r in balanced)
        text += (
            f", {beyond} the interval{'s' * (len(balanced) > 1)} of balanced training ({values})"
        )
    weighted = next((r for r in runs if r["setup"] == "imbalanced+cw"), None)
    if weighted:
        text += f"; with class weights per language it is **{weighted['skew_uptake']:.2f}**"
    return text + "."
