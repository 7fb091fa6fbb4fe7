"""One map of the CLS vectors of all runs of a study: UMAP in an aligned layout.

UMAP (McInnes, Healy and Melville 2018) keeps a text's nearest neighbours near, but is free to turn,
mirror and place the rest: two fits of the same texts cannot be compared by eye. AlignedUMAP (Dadu
et al., Patterns 2023) lays all runs out together and pulls the places of one text in runs that
stand near each other in the study towards each other, more so where its neighbours agree, so that
what differs between the panels is the model, not the layout. A second seed is another model too: it
moves a text as far as the skew does (0.43 and 0.41 below), so what to read is which texts stand
together, not where.

Measured on the demo study (`benchmarks/projection.py`; four runs, 1,242 texts). Apart: distance
between a text's places in the two balanced runs, as a share of the layout's size. Trust: lowest
trustworthiness of a panel.

==================================  =====  =====  =======
layout                              apart  trust  seconds
==================================  =====  =====  =======
UMAP, a fit a run                    1.73  0.970       20
those fits, turned onto the first    0.54  0.970       15
from one start, turned onto it       0.53  0.970       20
AlignedUMAP, alignment 0.01          0.49  0.970       54
AlignedUMAP, alignment 0.1           0.43  0.968       41
AlignedUMAP, alignment 0.5           0.37  0.952       47
==================================  =====  =====  =======
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints import outputs, run_folders
from core.checkpoints.studies import Started
from core.errors import InputError
from core.sampling import joint, subsets
from core.storage import atomic, reading

if TYPE_CHECKING:  # its module imports torch, which a page that reads a map must not
    from core.progress import Progress

PANELS = 6  # runs that a page shows at once
POINTS = 5000  # over the panels that are shown at once
NEIGHBOURS = 15  # as in the nearest-neighbour probe, whose accuracy stands beside the map
# Pull between the places of one text in two runs; more of it costs neighbours (see above).
ALIGNMENT = 0.1
SETTINGS: dict[str, Any] = {
    "method": "AlignedUMAP",
    "n_neighbors": NEIGHBOURS,
    "min_dist": 0.1,  # the one that AlignedUMAP's layout has, whatever it is told
    "metric": "euclidean",  # raw vectors, as the nearest-neighbour probe sees them
    "alignment": ALIGNMENT,
    "epochs": 200,
    "random_state": 0,
}
_COLUMNS = ("row", "sentence", "language", "label")
_KEY = b"langskew"


@dataclass(frozen=True)
class Projection:
    """Where the same texts lie in each run of a study.

    Attributes:
        texts: one row a text: `row`, `sentence`, `language`, `label`, and for each run its place,
            `x_<run id>` and `y_<run id>`. The axes have no unit.
        runs: ids, in the study's order.
        settings: SETTINGS and `points`, as asked for.
        trustworthiness: of each run's panel, for NEIGHBOURS neighbours (Venna and Kaski 2001): 1
            where all neighbours on the map are neighbours among the vectors, about 0.5 at random.
    """

    texts: pd.DataFrame
    runs: tuple[str, ...]
    settings: dict[str, Any]
    trustworthiness: dict[str, float]

    def places(self, run_id: str) -> np.ndarray:
        """Texts x 2."""
        places: np.ndarray = self.texts[[f"x_{run_id}", f"y_{run_id}"]].to_numpy()
        return places

    def apart(self, one: str, other: str) -> float:
        """How far a text's places in two runs are apart, as a share of the layout's size.

        Root mean square over texts; the size is the root mean square distance from the middle, of
        both runs. About 1.4 for layouts that have nothing in common.
        """
        a, b = self.places(one), self.places(other)
        size = np.mean([((x - x.mean(axis=0)) ** 2).sum(axis=1).mean() for x in (a, b)])
        return float(np.sqrt(((a - b) ** 2).sum(axis=1).mean() / size))


def path_of(study: Started) -> Path:
    """The file of a study's map."""
    return study.folder / "projection.parquet"


def read(study: Started) -> Projection | None:
    """The map of a study; None where none was made.

    Raises:
        InputError: its file does not read.
    """
    path = path_of(study)
    if not path.exists():
        return None
    with reading.reading(path, f"make it anew with `python -m core project {study.name}`"):
        table = pq.read_table(path)
        document = json.loads((table.schema.metadata or {})[_KEY])
        runs = tuple(document["runs"])
        texts = table.replace_schema_metadata().to_pandas()
        axes = [f"{axis}_{run}" for run in runs for axis in "xy"]
        texts = texts[[*_COLUMNS, *axes]]
        if not np.isfinite(texts[axes].to_numpy(dtype=float)).all():
            raise ValueError("a place is no number")
        trust = {run: float(document["trustworthiness"][run]) for run in runs}
        return Projection(texts, runs, dict(document["settings"]), trust)


def outdated(projection: Projection, study: Started) -> list[str]:
    """Finished runs of the study that its map does not show, for which it has to be made anew."""
    return [m.run for m in study.finished if m.run not in projection.runs]


def stamp(study: Started) -> str:
    """Changes whenever the map may have changed; cheap, for caches."""
    path = path_of(study)
    return f"{path} {path.stat().st_mtime_ns}" if path.exists() else str(path)


def project(study: Started, report: Progress | None = None, points: int = POINTS) -> Projection:
    """Make the map of a study's finished runs, unless it is there with the same runs and settings.

    The texts are the same in every run: the same sentences in every language that has them, equally
    many of each language and class. The old map stays until the new one is whole.

    Args:
        points: largest number over the panels shown at once (up to PANELS).

    Raises:
        InputError: no finished run, vectors that do not read or are not finite, or too few texts.
    """
    report = report or (lambda what, share: None)
    runs = [m.run for m in study.finished]
    if not runs:
        raise InputError(
            f"study {study.name} has no finished run to project; train one with "
            f"`python -m core study {study.name}`."
        )
    settings = {**SETTINGS, "points": points}
    with suppress(InputError):  # one that does not read is made anew
        old = read(study)
        if old and old.runs == tuple(runs) and old.settings == settings:
            report("done", 1.0)
            return old
    report("reading texts", 0.0)
    texts = _sample(study, runs, points)
    vectors = []
    for i, run_id in enumerate(runs):
        report("reading CLS vectors", 0.1 * i / len(runs))
        vectors.append(_vectors(run_id, texts["row"].tolist()))
    report("laying out", 0.1)
    layouts = layout(vectors)
    trust = {}
    for i, run_id in enumerate(runs):
        report("measuring trustworthiness", 0.9 + 0.1 * i / len(runs))
        trust[run_id] = _trustworthiness(vectors[i], layouts[i])
        texts[f"x_{run_id}"], texts[f"y_{run_id}"] = layouts[i].T
    document = {"runs": runs, "settings": settings, "trustworthiness": trust}
    _write(path_of(study), texts, document)
    report("done", 1.0)
    made = read(study)
    assert made is not None  # it was just written
    return made


def _sample(study: Started, runs: Sequence[str], points: int) -> pd.DataFrame:
    """The texts that are shown: `row`, `sentence`, `language`, `label`, ordered by row."""
    config = study.config_of(runs[0])
    rows = _rows(runs[0], _COLUMNS)
    for run_id in runs[1:]:
        rows = rows[rows["row"].isin(_rows(run_id, ["row"])["row"])]
    counts = joint.count(rows, config.languages, config.labels)
    panels = min(len(runs), PANELS)
    available = int(counts.to_numpy().min())
    a_cell = min(points // (panels * counts.size), available)
    if a_cell * counts.size <= 2 * NEIGHBOURS:
        raise InputError(
            f"study {study.name}: {points} points over {panels} panels and {counts.size} cells of "
            f"language and class are {max(a_cell, 0)} texts a cell, where the test set has "
            f"{available}; a map of {NEIGHBOURS} neighbours needs more than {2 * NEIGHBOURS} texts "
            "a panel. Ask for more points, or test on more texts."
        )
    chosen = subsets.sample(rows, counts.clip(upper=a_cell), seed=0, by="sentence")
    sample: pd.DataFrame = rows.set_index("row").loc[chosen].reset_index()
    return sample


def _vectors(run_id: str, rows: list[str]) -> np.ndarray:
    """CLS vectors (texts x dimension) of these rows of a run, in their order."""
    vectors = outputs.read_vectors(run_id, rows)
    if broken := int((~np.isfinite(vectors)).any(axis=1).sum()):
        raise InputError(
            f"run {run_id}: {broken} of {len(vectors)} vectors hold NaN or infinite numbers: its "
            f"training has diverged. Train it with a lower learning rate, or delete it with "
            f"`python -m core prune {run_id}`; the map is then made without it."
        )
    return vectors


def _rows(run_id: str, columns: Sequence[str]) -> pd.DataFrame:
    path = run_folders.folder(run_id) / "embeddings.parquet"
    statement = f"SELECT {', '.join(columns)} FROM read_parquet(?)"
    return reading.query(statement, [str(path)], [path], run_folders.MEND)


def layout(vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Each run's texts x 2, aligned; one thread, so that the same vectors give the same map."""
    import numba
    import umap  # the first import compiles for half a minute

    keys = ("n_neighbors", "min_dist", "metric", "random_state")
    options = {**{key: SETTINGS[key] for key in keys}, "n_epochs": SETTINGS["epochs"]}
    threads = numba.get_num_threads()
    numba.set_num_threads(1)  # AlignedUMAP's own loop takes all of them whatever random_state is
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_jobs value")
            if len(vectors) == 1:  # nothing to be aligned with
                return [umap.UMAP(**options).fit_transform(vectors[0])]
            same = {i: i for i in range(len(vectors[0]))}
            fitted = umap.AlignedUMAP(**options, alignment_regularisation=SETTINGS["alignment"])
            fitted.fit(list(vectors), relations=[same] * (len(vectors) - 1))
        return [np.asarray(layout) for layout in fitted.embeddings_]
    finally:
        numba.set_num_threads(threads)


def _trustworthiness(vectors: np.ndarray, layout: np.ndarray) -> float:
    from sklearn.manifold import trustworthiness

    return float(trustworthiness(vectors, layout, n_neighbors=NEIGHBOURS))


def _write(path: Path, texts: pd.DataFrame, document: dict[str, Any]) -> None:
    table = pa.Table.from_pandas(texts, preserve_index=False)
    table = table.replace_schema_metadata({_KEY: json.dumps(document).encode()})
    with atomic.replacing(path) as partial:
        pq.write_table(table, partial, compression="zstd")
