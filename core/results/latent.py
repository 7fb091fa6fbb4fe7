"""What the page on the latent space shows: the map's texts, which stand out, and the probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.checkpoints import outputs
from core.corpora.texts import of_rows
from core.results import density
from core.results.names import language_order, run_name, setup_name
from core.results.projection import UNTUNED, Projection
from core.results.schema import ProbeKey, ProbeResults, RunResults, StudyResults
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
FORMATS = dict.fromkeys(("accuracy", "chance", "distance"), "%.3f")
TEXTS = ("text", "second text")
SHOWN_CHARACTERS = 80  # of a text beside its mark: 30,000 of them go to the browser
# What points are coloured by.
COLOURS = ("language", "group", "label", "prediction", "correctness", "neighbours")
SIDES = ("over-represented", "under-represented", "neither")
NEIGHBOURHOODS = ("chance or less", "above chance", "more than half")
UNTOLD = "no prediction"


def panels(
    runs: Sequence[RunResults], projection: Projection | None
) -> dict[str, RunResults | None]:
    """The panels of the map by their keys, with their runs; UNTUNED, which has none, first."""
    if projection is None:
        return {}
    mapped = {run["run"]: run for run in runs if run["run"] in projection.runs}
    before = mapped and UNTUNED in projection.panels
    return {**({UNTUNED: None} if before else {}), **mapped}


def panel_name(panel: str, run: RunResults | None) -> str:
    """What a panel is called."""
    return BEFORE if run is None else run_name(run)


def texts(projection: Projection, file: Path | None) -> pd.DataFrame:
    """The map's texts, a row each.

    Args:
        file: the texts of the corpus, from `core.corpora.texts.texts_file`; None where it is gone.

    Returns:
        The columns of `Projection.texts`, `text` (and for pairs `text_b`), and `shown` (the text as
        a tooltip has it).
    """
    rows = projection.texts[["row"]]
    said = of_rows(file, rows) if file else rows.assign(text="")
    columns = {c: said[c] for c in ("text", "text_b") if c in said}
    columns["shown"] = [
        excerpt(" | ".join(pair)) for pair in zip(*list(columns.values()), strict=True)
    ]
    return pd.concat([projection.texts, pd.DataFrame(columns)], axis=1)


def predictions(run_id: str, rows: pd.Series) -> pd.DataFrame:
    """What a run predicts for texts: `predicted`, `correct` (right or wrong), `p_<class>`.

    Args:
        rows: their ids.

    Raises:
        InputError: the run's predictions do not read.
    """
    found = outputs.read_predictions(run_id)
    at = pd.Index(found.rows["row"]).get_indexer(pd.Index(rows))
    right = found.predicted[at] == found.truth[at]
    columns: dict[str, Any] = {
        "predicted": np.array(found.labels)[found.predicted[at]],
        "correct": np.where(right, "right", "wrong"),
    }
    for i, label in enumerate(found.labels):
        columns[f"p_{label}"] = found.probabilities[at, i]
    return pd.DataFrame(columns)


def excerpt(text: str) -> str:
    """A text cut to SHOWN_CHARACTERS, isolated from the direction of what is around it."""
    return isolated(text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…")


def colours(document: StudyResults, projection: Projection) -> list[str]:
    """Those of COLOURS that there are: groups need a skewed design, neighbours a map with them."""
    has = {"group": bool(document["training_shares"]), "neighbours": bool(projection.same)}
    return [colour for colour in COLOURS if has.get(colour, True)]


def kinds(document: StudyResults, colour: str) -> list[str]:
    """The kinds of texts that a colouring tells apart, in the order of its key."""
    return {
        "language": language_order(document),
        "group": list(SIDES),
        "correctness": ["right", "wrong"],
        "neighbours": list(NEIGHBOURHOODS),
    }.get(colour, list(document["labels"]))


def kind_of_texts(
    document: StudyResults,
    projection: Projection,
    panel: str,
    predicted: pd.DataFrame | None,
    colour: str,
    label: str,
) -> np.ndarray:
    """The kind of each text by a colouring.

    Args:
        predicted: by the panel's run, from `predictions`; None for UNTUNED.
        label: the class for which languages are over- or under-represented.
    """
    frame = projection.texts
    if colour == "group":
        side = sides(document, label)
        return np.array([side[language] for language in frame["language"]])
    if colour == "neighbours":
        share, chance = frame[f"same_{panel}"].to_numpy(), projection.same[panel].chance
        at = (share > chance).astype(int) + (share > 0.5)
        return np.array(NEIGHBOURHOODS)[at]
    if colour in ("prediction", "correctness"):
        if predicted is None:
            return np.full(len(frame), UNTOLD)
        return predicted["predicted" if colour == "prediction" else "correct"].to_numpy(dtype=str)
    return frame[colour].to_numpy(dtype=str)


def sides(document: StudyResults, label: str) -> dict[str, str]:
    """Whether a class is over- or under-represented in each language's training texts (SIDES).

    Against the mean share of the class over languages, in the study's skewed design.
    """
    shares = {x: document["training_shares"][x][label] for x in document["languages"]}
    mean = float(np.mean(list(shares.values())))
    return {
        x: SIDES[0] if s > mean + 1e-6 else SIDES[1] if s < mean - 1e-6 else SIDES[2]
        for x, s in shares.items()
    }


def extent(projection: Projection, shown: Sequence[str]) -> np.ndarray:
    """Lowest and highest x, then y, over these panels, with some room: one for all of them."""
    places = np.concatenate([projection.places(panel) for panel in shown])
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.03 * (high - low) + 1e-6
    return np.column_stack([low - room, high + room])


def outlines(
    projection: Projection, kinds_of: Mapping[str, np.ndarray], ends: np.ndarray
) -> pd.DataFrame:
    """Where each kind of texts lies densest in each panel; see `core.results.density`.

    Args:
        kinds_of: of each panel shown, from `kind_of_texts`.
        ends: from `extent`.
    """
    return pd.concat(
        [
            density.outlines(panel, projection.places(panel), of, ends)
            for panel, of in kinds_of.items()
        ]
    )


def selection_table(
    chosen: pd.DataFrame,
    runs: Sequence[RunResults],
    predicted: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
) -> tuple[pd.DataFrame, list[str]]:
    """Selected texts with predictions and probabilities a run, and the columns for the page.

    The columns for the page leave out all probabilities but that of the label.

    Args:
        chosen: rows of `texts`, with their index.
        predicted: of each run, for all texts.
    """
    first = [c for c in ("language", "label", "text", "text_b") if c in chosen]
    table, shown = chosen[first].rename(columns={"text_b": "second text"}), []
    for run in runs:
        name, of = run_name(run), predicted[run["run"]].loc[chosen.index]
        table[name] = of["predicted"]
        of_class = {label: of[f"p_{label}"] for label in labels}
        table[f"p(label), {name}"] = _of_label(of_class, chosen["label"])
        shown += [name, f"p(label), {name}"]
        for label in labels:
            table[f"p({label}), {name}"] = of_class[label]
    return table.assign(row=chosen["row"]), [*table.columns[: len(first)], *shown]


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
