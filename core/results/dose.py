"""Dose and response: what each study of a grid measures, over the skew that it was trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypedDict

import numpy as np
import pandas as pd

from core.checkpoints.studies import Started, read_started
from core.config import BALANCED
from core.errors import InputError
from core.results.schema import StudyResults
from core.results.seeds import Measure, over_seeds, value_of
from core.results.study_results import done_runs, summary
from core.sampling import joint
from core.sampling.subsets import training_counts
from core.studies.grid import Grid
from core.studies.study import Study

# Key in a study's comparisons -> in its runs; in the order shown. The neighbours, since they
# saturate less than the other probes.
MEASURES: dict[str, Measure] = {
    "skew_uptake": "skew_uptake",
    "soft_uptake": "soft_uptake",
    "accuracy": "accuracy",
    "language_effect": "language_effect",
    "probe_original_knn": "knn",
}
NOTHING = "nothing: the same models"


class DoseRow(TypedDict):
    """A measure of a setup at one point of a grid, minus the balanced setup it is read against."""

    study: str
    strength: float
    size: int  # rows of the training set, all languages together
    encoder: str
    cramers_v: float  # of the training set's rows, as the audit has it
    mutual_information_bits: float
    setup: str
    measure: str  # of MEASURES; uptakes are in units of this point's own skew
    seeds: int
    value: float  # the setup's own, mean over seeds
    difference: float  # minus balanced
    low: float | None  # of its 95 % interval
    high: float | None
    covers: str  # what the interval is over
    verdict: str
    between_balanced: float | None  # what two balanced runs differ by, root mean square


class Dose(TypedDict):
    """What the studies of a grid measure: `dose --json`."""

    grid: str
    rows: list[DoseRow]
    missing: dict[str, str]  # by study: what of it is not there yet


def dose(grid: Grid) -> Dose:
    """The table of a grid, as far as its studies are done.

    Differences, intervals and verdicts are those of each study's own comparisons; nothing is
    corrected over the points. At strength 0 the balanced setups stand for all: what would be
    imbalanced is the same model, and the difference 0. An uptake and a language effect need a skew,
    and have no row there.
    """
    rows: list[DoseRow] = []
    missing: dict[str, str] = {}
    for point in grid.points():
        try:
            study = read_started(point.name)
            document = summary(study)
        except InputError as error:
            missing[point.name] = str(error)
            continue
        done, n = len(done_runs(document)), len(document["runs"])
        if done < n:
            missing[point.name] = f"{done} of {n} runs are done"
        rows += _rows(point, study, document)
    return {"grid": grid.name, "rows": rows, "missing": missing}


def table(document: Dose) -> pd.DataFrame:
    """The rows, with the keys of `DoseRow` as columns."""
    frame = pd.DataFrame(document["rows"], columns=list(DoseRow.__annotations__))
    return frame.astype(dict.fromkeys(("low", "high", "between_balanced"), float))


def _rows(point: Study, study: Started, document: StudyResults) -> Iterator[DoseRow]:
    configs = list(study.configs.values())
    config = next((c for c in configs if c.skewed), configs[0])
    skew = joint.skew(training_counts(config, "train"))
    noise = {(b, m): _between(document, b, m) for b in BALANCED for m in MEASURES}
    means = {
        (row["setup"], measure): row
        for measure, of_runs in MEASURES.items()
        for row in over_seeds(done_runs(document), of_runs).to_dict("records")
    }

    def row(
        setup: str,
        balanced: str,
        measure: str,
        seeds: int,
        difference: float,
        ci: list[float] | None,
        covers: str,
        verdict: str,
    ) -> DoseRow:
        return {
            "study": point.name,
            "strength": point.strength,
            "size": config.rows("train"),
            "encoder": point.encoder,
            "cramers_v": skew["cramers_v"],
            "mutual_information_bits": skew["mutual_information_bits"],
            "setup": setup,
            "measure": measure,
            "seeds": seeds,
            "value": float(means[setup, measure]["value"]),
            "difference": difference,
            "low": ci[0] if ci else None,
            "high": ci[1] if ci else None,
            "covers": covers,
            "verdict": verdict,
            "between_balanced": noise[balanced, measure],
        }

    apart = [
        c
        for c in document["comparisons"]
        if c["b"] in BALANCED and not c["a"].startswith("balanced")
    ]
    for measure in MEASURES:
        for c in (c for c in apart if c["measure"] == measure):
            found = (c["n_seeds"], c["difference"], c["ci"], c["covers"], c["verdict"])
            yield row(c["a"], c["b"], measure, *found)
        for setup in BALANCED if point.strength == 0 else ():
            if (setup, measure) in means:
                seeds = int(means[setup, measure]["seeds"])
                yield row(setup, setup, measure, seeds, 0.0, None, NOTHING, "no verdict")


def _between(document: StudyResults, setup: str, measure: str) -> float | None:
    """What two runs of a setup differ by: the root of the mean square over all pairs of them."""
    runs = [run for run in done_runs(document) if run["setup"] == setup]
    found = [value_of(run, MEASURES[measure])[0] for run in runs]
    values = np.array([value for value in found if value is not None])
    return math.sqrt(2 * values.var(ddof=1)) if len(values) > 1 else None
