"""A natural study on real text, end to end: its uptake, and the cost that was expected of it.

Run by hand. `python -m benchmarks.natural write FOLDER` subsamples MultiEmo to a corpus as users
have them, 10:1 over languages and 4:1 over labels with skew between, and writes it and a study
beside it; keep the folder outside the repository, since rows of MultiEmo are not to be
redistributed. Then `python -m core study FOLDER/natural.toml` trains it, and `python -m
benchmarks.natural compare natural [--json]` puts what was measured beside what
`core.audit.expected` tells.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.expected_cost import of_study
from core.audit.expected import expected, from_accuracy
from core.audit.verdict import verdict
from core.checkpoints import studies
from core.models.session import Session
from core.results import study_results
from core.sampling.joint import count
from core.sampling.subsets import allocate, sample

LANGUAGES = ("en", "de", "es", "fr", "ja", "zh")
LABELS = ("negative", "neutral", "positive")
ROWS = {"train": 6000, "validation": 2400, "test": 6000}
# How much a language leans to each label: three patterns, on both sides of the frequent and rare.
LEAN = {
    "en": (1.5, 1.0, 0.5),
    "de": (0.6, 1.0, 2.0),
    "es": (0.6, 1.8, 0.8),
    "fr": (1.4, 0.7, 0.7),
    "ja": (0.5, 1.2, 2.0),
    "zh": (0.8, 1.8, 0.6),
}
STUDY = """# 10:1 over languages, 4:1 over labels, skewed between: a corpus as found.
name = "natural"
corpus = "natural.csv"
encoder = "multilingual-e5-small"
design = "natural"
balanced = "independent"
test = "as found"
setups = ["balanced", "imbalanced", "imbalanced+cw"]
labels = ["negative", "neutral", "positive"]
seeds = [0, 1, 2]
train_rows = 1500
validation_rows = 600

[training]
epochs = 3
batch_size = 8
accumulation = 4
learning_rate = 3e-4
head_learning_rate = 5e-4
max_length = 40
frozen_layers = 8
"""


def joint_distribution() -> pd.DataFrame:
    """With these marginals (10:1 geometric over languages, 4:2:1 over labels) and this lean."""
    by_language = 10 ** (-np.arange(len(LANGUAGES)) / (len(LANGUAGES) - 1))
    by_label = np.array([4.0, 2.0, 1.0])
    shares = np.array([LEAN[x] for x in LANGUAGES])
    for _ in range(500):  # iterative proportional fitting keeps the odds ratios
        shares *= (by_language / by_language.sum() / shares.sum(axis=1))[:, None]
        shares *= by_label / by_label.sum() / shares.sum(axis=0)
    return pd.DataFrame(shares, list(LANGUAGES), list(LABELS))


def write(folder: Path) -> None:
    """The corpus and the study."""
    corpus = Session().load_corpus("multiemo", {}, LABELS, None)
    shares, parts = joint_distribution(), []
    frame = corpus.table.to_pandas().set_index("row")
    for split, rows in ROWS.items():
        ids = sample(corpus.rows(split), allocate(rows, shares), seed=0)
        parts.append(frame.loc[ids, ["text", "label", "language", "split", "sentence"]])
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat(parts).to_csv(folder / "natural.csv", index=False)
    (folder / "natural.toml").write_text(STUDY)
    found = verdict(count(parts[0], LANGUAGES, LABELS))
    print(count(pd.concat(parts), LANGUAGES, LABELS).to_string(), "", found["sentence"], sep="\n")
    print(*found["reasons"], sep="\n")


def compare(name: str) -> dict[str, Any]:
    """Measured against expected, and against class weights."""
    found = of_study(name)
    started = studies.read_started(name)
    document = study_results.summary(started)
    config = next(c for c in started.configs.values() if c.skewed)
    target = config.target_table()
    assert target is not None
    told = expected(found["balanced"], found["skewed"], found["rows"])
    blind = from_accuracy(told["accuracy"], found["skewed"], target, found["rows"])
    keys = ("difference", "ci", "n_seeds", "covers", "verdict")
    wanted = ("accuracy", "skew_uptake", "soft_uptake")
    return {
        "accuracy": {
            setup: round(float(np.mean([r["accuracy"] for r in of])), 3)
            for setup in dict.fromkeys(r["setup"] for r in document["runs"])
            if (of := [r for r in study_results.done_runs(document) if r["setup"] == setup])
        },
        "weighting": study_results.done_runs(document)[0]
        .get("test_weighting", {})
        .get("n_effective"),
        "differences": {
            f"{c['a']} - {c['b']}, {c['measure']}": {k: c.get(k) for k in keys}
            for c in document["comparisons"]
            if c["measure"] in wanted
        },
        "change by seed (accuracy, skew uptake, soft uptake)": found["change"],
        "strengths": {"hard": found["hard"], "soft": found["soft"]},
        "expected from the balanced models": {k: told[f"{k}"] for k in EXPECTED},
        "expected from their accuracy alone": {k: blind[f"{k}"] for k in EXPECTED},
        "sentence": told["sentence"],
    }


EXPECTED = ("accuracy_change", "skew_uptake", "soft_uptake")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the corpus and the study, or compare what the study measured."""
    parser = argparse.ArgumentParser(prog="benchmarks.natural")
    parser.add_argument("what", choices=("write", "compare"))
    parser.add_argument("where", help="a folder, or the name of the study")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    if chosen.what == "write":
        write(Path(chosen.where))
    else:
        found = compare(chosen.where)
        print(json.dumps(found, indent=None if chosen.json else 1))


if __name__ == "__main__":
    main()
