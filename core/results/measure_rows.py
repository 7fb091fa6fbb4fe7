"""A study's results as rows, for SQL and pandas: a run, measure, language and class each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import pandas as pd

from core.results.schema import ProbeKey, RunResults, StudyResults
from core.results.seeds import Measure, value_of
from core.results.study_results import done_runs


class Row(NamedTuple):
    """A measure of one run.

    Attributes:
        measure: its name; of a probe with its texts and classifier.
        value: in `unit`.
        n: what the value is of: test rows, sentences (language effect) or CLS vectors (probes);
            None for the design's own shares.
        unit: `share`, `probability`, `slope`, `total variation`, or `p` of a permutation test.
        language, label: None where the measure is over all of them.
        low, high: of the 95 % interval over other test sentences, for this one training; None
            where the measure has none.
    """

    measure: str
    value: float | None
    n: int | None
    unit: str
    language: str | None = None
    label: str | None = None
    low: float | None = None
    high: float | None = None


_UPTAKES: tuple[Measure, ...] = ("skew_uptake", "soft_uptake")
COLUMNS = ("study", "run", "measure", "language", "class", "value", "low", "high", "n", "unit")
# A table over languages and classes: key in a run's results, name, unit.
_Cells = Literal["training_shares", "truth", "predictions", "soft_predictions"]
_CELLS: tuple[tuple[_Cells, str, str], ...] = (
    ("training_shares", "share in training", "share"),
    ("truth", "share in the test set", "share"),
    ("predictions", "share predicted", "share"),
    ("soft_predictions", "mean probability", "probability"),
)
# Keys of a probe, and of the same before fine-tuning.
_PROBES: tuple[tuple[str, ProbeKey, ProbeKey], ...] = (
    ("paper", "accuracy", "before_fine_tuning"),
    ("released", "accuracy_released", "before_fine_tuning_released"),
    ("15 neighbours", "knn", "before_fine_tuning_knn"),
)


def measure_rows(document: StudyResults) -> pd.DataFrame:
    """Rows of all finished runs of a study, with the columns COLUMNS.

    A run that several studies share has rows for each: uptake and language effect are read against
    the study's skewed design.
    """
    rows = [
        {"study": document["study"], "run": run["run"], **row._asdict()}
        for run in done_runs(document)
        for row in _of_run(run)
    ]
    frame = pd.DataFrame(rows, columns=["study", "run", *Row._fields])
    return frame.rename(columns={"label": "class"})[list(COLUMNS)]


def _of_run(run: RunResults) -> Iterator[Row]:
    n = {language: of["n"] for language, of in run["accuracy_by_language"].items()}
    yield Row("accuracy", run["accuracy"], run["n_test"], "share", None, None, *run["accuracy_ci"])
    for language, found in run["accuracy_by_language"].items():
        ends = found["low"], found["high"]
        yield Row("accuracy", found["accuracy"], found["n"], "share", language, None, *ends)
    for key, name, unit in _CELLS:
        for language, shares in run[key].items():
            counted = None if key == "training_shares" else n[language]
            for label, value in shares.items():
                yield Row(name, value, counted, unit, language, label)
    for language, error in run["calibration"].items():
        place, of = None if language == "all" else language, (error["n"], "probability")
        yield Row("calibration error", error["rms"], *of, place, None, *error["rms_ci"])
        yield Row("expected calibration error", error["ece"], *of, place)
    yield from _skew(run, n)
    if (base := run["base_values"]) is not None:
        for label, value in base["mean"].items():
            yield Row("base value", value, base["n"], "probability", None, label)
        off = base["distance_from_uniform"]
        yield Row("base value, off uniform", off, base["n"], "total variation")
    for kind, probe in run["probe"].items():
        for name, *keys in _PROBES:
            for accuracy, when in zip(keys, ("", ", before fine-tuning"), strict=True):
                if (told := probe[accuracy]) is not None:
                    named = f"language identification, {kind}, {name}{when}"
                    yield Row(named, told, probe["n"], "share")


def _skew(run: RunResults, n: Mapping[str, int]) -> Iterator[Row]:
    """Nothing of a study without a skewed design."""
    for measure in _UPTAKES:
        value, ci = value_of(run, measure)
        if value is not None:
            name = measure.replace("_", " ")
            yield Row(name, value, run["n_test"], "slope", None, None, *ci or ())
    for label, of in run["skew_uptake_by_class"].items():
        ends = of["ci"] or ()  # no value for a class that the design does not skew
        yield Row("skew uptake", of["value"], run["n_test"], "slope", None, label, *ends)
    for language, of in run["skew_uptake_by_language"].items():
        ends = of["ci"] or ()
        yield Row("skew uptake", of["value"], n[language], "slope", language, None, *ends)
    if run["language_effect"] is not None:
        effect, ci = value_of(run, "language_effect")
        p, sentences = run["language_effect_p"], run["language_effect_sentences"]
        yield Row("language effect", effect, sentences, "total variation", None, None, *ci or ())
        yield Row("language effect, permuted", p, sentences, "p")
