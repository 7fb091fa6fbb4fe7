"""What the page on the latent space shows: the map's texts with predictions, and the probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.checkpoints import outputs
from core.corpora.texts import of_rows
from core.results.names import run_name, setup_name
from core.results.projection import PANELS, Projection
from core.results.schema import ProbeKey, ProbeResults, RunResults
from core.text import isolated

KINDS = {"original": "test set", "external": "external corpus"}
# Name of a probe -> its key in a run's probes, and the key before fine-tuning.
PROBES: dict[str, tuple[ProbeKey, ProbeKey]] = {
    "linear, paper": ("accuracy", "before_fine_tuning"),
    "linear, released": ("accuracy_released", "before_fine_tuning_released"),
    "15-NN": ("knn", "before_fine_tuning_knn"),
}
BEFORE = "before fine-tuning"
PROBE_COLUMNS = ["texts", "probe", "setup", "seed", "accuracy", "chance", "n", "dimension"]
FORMATS = dict.fromkeys(("accuracy", "chance"), "%.3f")
TEXTS = ("text", "second text")
SHOWN_CHARACTERS = 160


def on_map(runs: Sequence[RunResults], projection: Projection | None) -> list[RunResults]:
    """Those runs whose panels are shown: on the map, and at most PANELS of them."""
    return [r for r in runs if projection and r["run"] in projection.runs][:PANELS]


def shown_in(runs: Sequence[RunResults], frame: pd.DataFrame) -> list[RunResults]:
    """Those runs whose predictions are in a frame of `points`."""
    return [run for run in runs if f"predicted_{run['run']}" in frame]


def points(projection: Projection, run_ids: Sequence[str], file: Path | None) -> pd.DataFrame:
    """The map's texts, a row each, with what the runs predict for them.

    Args:
        run_ids: done, and on the map.
        file: the texts of the corpus, from `core.corpora.texts.texts_file`; None where it is gone.

    Returns:
        The columns of `Projection.texts`, `text` (and for pairs `text_b`), `shown` (the text as a
        tooltip has it), and for each run `predicted_<id>`, `correct_<id>` (right or wrong) and, a
        class each, `p_<id>_<class>`.

    Raises:
        InputError: a run's predictions do not read.
    """
    rows = projection.texts[["row"]]
    said = of_rows(file, rows) if file else rows.assign(text="")
    columns: dict[str, Any] = {c: said[c] for c in ("text", "text_b") if c in said}
    columns["shown"] = [
        excerpt(" | ".join(pair)) for pair in zip(*list(columns.values()), strict=True)
    ]
    for key in run_ids:
        found = outputs.read_predictions(key)
        at = pd.Index(found.rows["row"]).get_indexer(pd.Index(projection.texts["row"]))
        columns[f"predicted_{key}"] = np.array(found.labels)[found.predicted[at]]
        right = found.predicted[at] == found.truth[at]
        columns[f"correct_{key}"] = np.where(right, "right", "wrong")
        for i, label in enumerate(found.labels):
            columns[f"p_{key}_{label}"] = found.probabilities[at, i]
    return pd.concat([projection.texts, pd.DataFrame(columns)], axis=1)


def excerpt(text: str) -> str:
    """A text cut to SHOWN_CHARACTERS, isolated from the direction of what is around it."""
    return isolated(text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…")


def inside(frame: pd.DataFrame, rectangle: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Rows of `points` in a rectangle drawn on one panel, as a chart's selection gives it.

    Args:
        rectangle: column -> lowest and highest value; empty, or of a run that is not there: none.
    """
    if not rectangle or not set(rectangle) <= set(frame):
        return frame.iloc[:0]
    kept = np.ones(len(frame), dtype=bool)
    for column, ends in rectangle.items():
        kept &= frame[column].between(min(ends), max(ends)).to_numpy()
    return frame[kept]


def selection_table(
    chosen: pd.DataFrame, runs: Sequence[RunResults], labels: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """The selected texts with predictions and probabilities a run, and the columns for the page.

    The columns for the page leave out all probabilities but that of the label.
    """
    first = [c for c in ("language", "label", "text", "text_b") if c in chosen]
    table, shown = chosen[first].rename(columns={"text_b": "second text"}), []
    for run in runs:
        name, key = run_name(run), run["run"]
        table[name] = chosen[f"predicted_{key}"]
        of_class = {label: chosen[f"p_{key}_{label}"] for label in labels}
        table[f"p(label), {name}"] = _of_label(of_class, chosen["label"])
        shown += [name, f"p(label), {name}"]
        for label in labels:
            table[f"p({label}), {name}"] = of_class[label]
    return table, [*table.columns[: len(first)], *shown]


def _of_label(of_class: Mapping[str, pd.Series], label: pd.Series) -> np.ndarray:
    probabilities = np.column_stack(list(of_class.values())).reshape(len(label), len(of_class))
    taken: np.ndarray = probabilities[
        np.arange(len(label)), pd.Index(list(of_class)).get_indexer(pd.Index(label))
    ]
    return taken


def probe_table(runs: Sequence[RunResults]) -> pd.DataFrame:
    """One row a kind of texts, probe and run: `accuracy` beside chance, n, dimension and folds.

    Rows of the setup BEFORE are of the encoder as pretrained, one for all runs of equal n.
    """
    rows = []
    for kind, texts in KINDS.items():
        probed = [(run, run["probe"][kind]) for run in runs if kind in run["probe"]]
        for probe, (key, before) in PROBES.items():
            first = {p["n"]: p for _, p in reversed(probed) if p.get(before) is not None}
            measured: list[tuple[str, int | None, float | None, ProbeResults, str | None]] = [
                (BEFORE, None, p.get(before), p, None) for p in first.values()
            ]
            measured += [(setup_name(run), run["seed"], p[key], p, run["run"]) for run, p in probed]
            for setup, seed, accuracy, p, run_id in measured:
                row = {"texts": texts, "probe": probe, "setup": setup, "seed": seed}
                rows.append({**row, **p, "accuracy": accuracy, "run": run_id})
    table = pd.DataFrame(rows, columns=[*PROBE_COLUMNS, "folds", "run"])
    return table.astype({"seed": "Int64"})
