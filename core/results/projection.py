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

A layout of every text of a large test set would take hours (30,000 texts in nine runs and before
fine-tuning; 4 to 8 ms a text and run). So as many texts as POINTS allows are laid out, equally many
of each language and class; each of the others is placed at the mean of its nearest laid out texts,
weighed by how near they are among the CLS vectors of that run. A quarter of a run of the demo study
laid out and the rest placed so: trustworthiness 0.975 (of the placed alone 0.977), where all laid
out have 0.979 and UMAP's own `transform` of the rest 0.973.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints import outputs, run_folders
from core.checkpoints.studies import Started
from core.config import IMPORTED, RunConfig
from core.errors import InputError
from core.measures.neighbours import NEIGHBOURS
from core.results import neighbours
from core.results.neighbours import Same
from core.sampling import joint, subsets
from core.storage import atomic, reading

if TYPE_CHECKING:  # its module imports torch, which a page that reads a map must not
    from core.progress import Progress

UNTUNED = "before"  # the panel of the encoder before fine-tuning
POINTS = 20_000  # that are laid out, over all panels
TRUSTED = 3000  # texts by which the trustworthiness of a panel is measured, where it has more
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
_NOT_ASKED = "the map was made without it"

# CLS vectors of test rows from the encoder before fine-tuning; raises InputError.
Untouched = Callable[[RunConfig, list[str]], np.ndarray]


@dataclass(frozen=True)
class Projection:
    """Where the same texts lie in each run of a study.

    A panel is a run, by its id, or UNTUNED: the encoder before fine-tuning.

    Attributes:
        texts: one row a text: `row`, `sentence`, `language`, `label`, `fitted` (laid out, else
            placed by its neighbours), and for each panel its place, `x_<panel>` and `y_<panel>`,
            and `same_<panel>`, the share of its nearest neighbours in its own language. The axes
            have no unit.
        runs: ids, in the study's order.
        settings: SETTINGS and `points`, as asked for.
        trustworthiness: of each panel, for NEIGHBOURS neighbours (Venna and Kaski 2001): 1 where
            all neighbours on the map are neighbours among the vectors, about 0.5 at random; of up
            to TRUSTED texts.
        same: of each panel, the mean of `same_<panel>`. Empty for a map of an older version, which
            knows no neighbours.
        no_before: why UNTUNED is no panel; empty where it is.
    """

    texts: pd.DataFrame
    runs: tuple[str, ...]
    settings: dict[str, Any]
    trustworthiness: dict[str, float]
    same: dict[str, Same] = field(default_factory=dict)
    no_before: str = ""

    @property
    def panels(self) -> tuple[str, ...]:
        """What has a place for each text, the encoder before fine-tuning first."""
        before = (UNTUNED,) if f"x_{UNTUNED}" in self.texts else ()
        return (*before, *self.runs)

    def places(self, panel: str) -> np.ndarray:
        """Texts x 2."""
        places: np.ndarray = self.texts[[f"x_{panel}", f"y_{panel}"]].to_numpy()
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
        same = {key: Same(*map(float, values)) for key, values in document.get("same", {}).items()}
        panels = tuple(same) or runs
        texts = table.replace_schema_metadata().to_pandas()
        if not same:  # an older version laid all of its texts out
            texts["fitted"] = True
        axes = [f"{axis}_{panel}" for panel in panels for axis in "xy"]
        more = [f"same_{panel}" for panel in same]
        texts = texts[[*_COLUMNS, "fitted", *axes, *more]]
        if not np.isfinite(texts[[*axes, *more]].to_numpy(dtype=float)).all():
            raise ValueError("a place is no number")
        trust = {panel: float(document["trustworthiness"][panel]) for panel in panels}
        why = str(document.get("no_before", ""))
        return Projection(texts, runs, dict(document["settings"]), trust, same, why)


def outdated(projection: Projection, study: Started) -> list[str]:
    """Finished runs of the study that its map does not show, for which it has to be made anew."""
    return [m.run for m in study.finished if m.run not in projection.runs]


def stamp(study: Started) -> str:
    """Changes whenever the map may have changed; cheap, for caches."""
    path = path_of(study)
    return f"{path} {path.stat().st_mtime_ns}" if path.exists() else str(path)


def project(
    study: Started,
    report: Progress | None = None,
    points: int = POINTS,
    untouched: Untouched | None = None,
) -> Projection:
    """Make the map of a study's finished runs, unless it is there with the same runs and settings.

    It has all test texts that every run has; see above for which are laid out. Their nearest
    neighbours are kept beside it (`core.results.neighbours`). The old map stays until the new one
    is whole.

    Args:
        points: largest number of places that are laid out, over all panels.
        untouched: for a panel of the encoder before fine-tuning; without it there is none.

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
        whole = old and old.same and neighbours.path_of(study).exists()
        if old and whole and old.runs == tuple(runs) and old.settings == settings:
            report("done", 1.0)
            return old
    report("reading texts", 0.0)
    texts = _texts(study, runs)
    vectors, no_before = {}, _NOT_ASKED
    if untouched is not None:
        report("CLS vectors before fine-tuning", 0.02)
        found, no_before = _before(study, runs, texts["row"].tolist(), untouched)
        if found is not None:
            vectors[UNTUNED] = found
    for i, run_id in enumerate(runs):
        report("reading CLS vectors", 0.1 + 0.05 * i / len(runs))
        vectors[run_id] = _vectors(run_id, texts["row"].tolist())
    fitted = _fitted(study, texts, runs, len(vectors), points)
    texts["fitted"] = fitted
    report("laying out", 0.15)
    layouts = layout([v[fitted] for v in vectors.values()])
    trust, same, near = {}, {}, {}
    for i, (panel, laid_out) in enumerate(zip(vectors, layouts, strict=True)):
        report("placing texts and finding neighbours", 0.6 + 0.35 * i / len(vectors))
        places = placed(vectors[panel], fitted, laid_out)
        texts[f"x_{panel}"], texts[f"y_{panel}"] = places.T
        near[panel] = neighbours.nearest(vectors[panel], texts["sentence"].to_numpy())
        texts[f"same_{panel}"], same[panel] = neighbours.same_language(near[panel], texts)
    for i, panel in enumerate(vectors):
        report("measuring trustworthiness", 0.95 + 0.05 * i / len(vectors))
        trust[panel] = _trustworthiness(vectors[panel], texts[[f"x_{panel}", f"y_{panel}"]])
    document = {
        "runs": runs,
        "settings": settings,
        "trustworthiness": trust,
        "same": same,
        "no_before": no_before,
    }
    neighbours.write(study, texts["row"], near)
    _write(path_of(study), texts, document)
    report("done", 1.0)
    made = read(study)
    assert made is not None  # it was just written
    return made


def _texts(study: Started, runs: Sequence[str]) -> pd.DataFrame:
    """The test texts that every run has: `row`, `sentence`, `language`, `label`, by row."""
    rows = _rows(runs[0], _COLUMNS)
    for run_id in runs[1:]:
        rows = rows[rows["row"].isin(_rows(run_id, ["row"])["row"])]
    return rows.sort_values("row", ignore_index=True)


def _fitted(
    study: Started, texts: pd.DataFrame, runs: Sequence[str], panels: int, points: int
) -> np.ndarray:
    """Which texts are laid out (bool): all, or equally many of each language and class.

    Of a cell that has fewer, all. Translations of one sentence stay together.
    """
    room = points // panels
    if len(texts) <= room:
        fitted = np.ones(len(texts), dtype=bool)
    else:
        config = study.config_of(runs[0])
        counts = joint.count(texts, config.languages, config.labels)
        a_cell = max(room // counts.size, 0)
        chosen = subsets.sample(texts, counts.clip(upper=a_cell), seed=0, by="sentence")
        fitted = texts["row"].isin(chosen).to_numpy()
    if (laid_out := int(fitted.sum())) <= 2 * NEIGHBOURS:
        raise InputError(
            f"study {study.name}: of {points} points, {laid_out} are left for each of {panels} "
            f"panels, equally many of each language and class, where the test set has {len(texts)} "
            f"texts; a map of {NEIGHBOURS} neighbours needs more than {2 * NEIGHBOURS} texts a "
            "panel. Ask for more points, or test on more texts."
        )
    return fitted


def _before(
    study: Started, runs: Sequence[str], rows: list[str], untouched: Untouched
) -> tuple[np.ndarray | None, str]:
    """CLS vectors before fine-tuning, or why there are none."""
    trained = [run for run in runs if study.config_of(run).setup != IMPORTED]
    if not trained:
        return None, "all models are imported, and what they were trained from is not known"
    try:
        return untouched(study.config_of(trained[0]), rows), ""
    except (
        InputError
    ) as error:  # the corpus or the encoder is gone: the runs are mapped all the same
        return None, str(error)


def placed(vectors: np.ndarray, fitted: np.ndarray, layout: np.ndarray) -> np.ndarray:
    """Places (texts x 2): those laid out, and the others at the mean of their nearest among them.

    Args:
        vectors: of all texts.
        fitted: which of them are laid out.
        layout: the places of these.
    """
    places = np.empty((len(vectors), 2))
    places[fitted] = layout
    if not fitted.all():
        near, distances = neighbours.search(vectors[fitted], vectors[~fitted], NEIGHBOURS)
        weights = 1 / np.maximum(distances, 1e-9)
        weights /= weights.sum(axis=1, keepdims=True)
        places[~fitted] = (layout[near] * weights[:, :, None]).sum(axis=1)
    return places


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


def _trustworthiness(vectors: np.ndarray, places: np.ndarray | pd.DataFrame) -> float:
    """It takes memory and time by the square of the texts: of TRUSTED drawn ones, if more."""
    from sklearn.manifold import trustworthiness

    n = len(vectors)
    at = np.arange(n)
    if n > TRUSTED:
        at = np.random.default_rng(0).choice(n, TRUSTED, replace=False)
    return float(trustworthiness(vectors[at], np.asarray(places)[at], n_neighbors=NEIGHBOURS))


def _write(path: Path, texts: pd.DataFrame, document: dict[str, Any]) -> None:
    table = pa.Table.from_pandas(texts, preserve_index=False)
    table = table.replace_schema_metadata({_KEY: json.dumps(document).encode()})
    with atomic.replacing(path) as partial:
        pq.write_table(table, partial, compression="zstd")
