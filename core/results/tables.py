"""Documents of core.results.study_results.study_results as data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.results.names import language_order, setup_name, short_names
from core.results.schema import Run, RunResults, StudyResults
from core.results.seeds import Measure, value_of
from core.sampling.joint import skew

# How a column's numbers are shown (formats of st.column_config.NumberColumn); others have three
# decimals, or none where all are whole.
FORMATS = dict.fromkeys(
    ("predicted", "mean probability", "skewed training share", "truth"), "percent"
)
OF_HEADLINE: tuple[Measure, ...] = ("accuracy", "skew_uptake", "soft_uptake")
HEADLINE = [
    "setup",
    "seed",
    "accuracy",
    "skew uptake",
    "soft uptake",
    "training rows",
    "test rows",
]


def headline(runs: Sequence[RunResults]) -> pd.DataFrame:
    """One row a run: accuracy and uptake with the ends of their intervals, and n."""
    rows = []
    for run in runs:
        row: dict[str, Any] = {"setup": setup_name(run), "seed": run["seed"]}
        for measure in OF_HEADLINE:
            name, (value, ci) = measure.replace("_", " "), value_of(run, measure)
            low, high = ci or (None, None)
            row |= {name: value, f"{name} from": low, f"{name} to": high}
        rows.append(
            {**row, "training rows": run["n_train"], "test rows": run["n_test"], "run": run["run"]}
        )
    return pd.DataFrame(rows)


def shares(document: StudyResults, runs: Sequence[RunResults]) -> pd.DataFrame:
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


def uptake_by(document: StudyResults, runs: Sequence[RunResults]) -> pd.DataFrame:
    """One row a run and class, then language: skew uptake over its cells, interval, test rows."""
    rows = []
    for by, order in (("class", document["labels"]), ("language", language_order(document))):
        for run in runs:
            for name in order:
                of = run["skew_uptake_by_class" if by == "class" else "skew_uptake_by_language"]
                found = of[name]
                low, high = found["ci"] or (None, None)
                row: dict[str, Any] = {"of": by, "name": name, "setup": setup_name(run)}
                row |= {"seed": run["seed"], "skew uptake": found["value"], "from": low, "to": high}
                n = run["n_test"] if by == "class" else run["accuracy_by_language"][name]["n"]
                rows.append({**row, "n": n})
    return pd.DataFrame(rows)


def accuracy_by_language(runs: Sequence[RunResults]) -> pd.DataFrame:
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


def confusion(document: StudyResults, run: RunResults) -> pd.DataFrame:
    """One row a language and label: how often each class is predicted for it."""
    rows = [
        {"language": language, "label": label, **{f"as {x}": cells[x] for x in document["labels"]}}
        for language in language_order(document)
        for label, cells in run["confusion"][language].items()
    ]
    return pd.DataFrame(rows)


def calibration(runs: Sequence[RunResults]) -> pd.DataFrame:
    """One row a run and language: calibration errors, the first with its interval, and n."""
    rows = [
        {
            "setup": setup_name(run),
            "seed": run["seed"],
            "language": language,
            "calibration error, rms": found["rms"],
            "from": found["rms_ci"][0],
            "to": found["rms_ci"][1],
            "expected calibration error": found["ece"],
            "n": found["n"],
        }
        for run in runs
        for language, found in run["calibration"].items()
    ]
    return pd.DataFrame(rows)


SKEW_SAYS = {
    "mutual information (bits)": "how much knowing a text's language says about its label; 0 where "
    "it says nothing",
    "normalised mutual information": "the same over the mean of the two entropies: 0 to 1, "
    "whatever the number of classes",
    "Cramér's V": "strength of the association between language and label, from 0 (independent) "
    "to 1",
    "accuracy from the language alone": "what a classifier gets right that sees the language and "
    "not the text; without skew it is the share of the commonest label",
}


def skew_measures(counts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """How skewed some joint distributions are, one a row; SKEW_SAYS says what each measure says.

    Args:
        counts: rows by language and label, by what they are called; those without a row are left
            out.
    """
    rows = []
    for name, table in counts.items():
        if n := int(table.to_numpy().sum()):
            measured = dict(zip(SKEW_SAYS, skew(table).values(), strict=True))
            rows.append({"rows of": name, "n": n, **measured})
    return pd.DataFrame(rows)


def named_runs(shared: pd.DataFrame, runs: Sequence[Run]) -> pd.DataFrame:
    """Rows that two runs share (`overlap.shared_rows`), with the runs' names."""
    names = short_names(runs)
    frame = shared.assign(run=shared["run"].map(names), other=shared["other"].map(names))
    return frame.rename(columns={"n": "rows in both", "largest": "most possible"})
