"""One map for several runs: how aligned, how faithful, how long.

Run by hand: `python -m benchmarks.projection STUDY [--json]`. The same texts of a started study are
laid out by UMAP, a fit a run; by those fits turned onto the first (orthogonal Procrustes); by fits
that start from one layout of all runs' vectors side by side, turned onto it; and by AlignedUMAP, at
several strengths of its alignment. Printed for each: how far a text's places in two balanced runs
(balanced and its null) and in balanced and imbalanced are apart, as a share of the layout's size
(about 1.4 for layouts that have nothing in common), the trustworthiness of each run's panel, and
seconds after everything was compiled.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import umap
from scipy.linalg import orthogonal_procrustes

from core.checkpoints import studies
from core.results import projection
from core.results.projection import SETTINGS, Projection

UMAP = {key: SETTINGS[key] for key in ("n_neighbors", "min_dist", "metric", "random_state")}
Layouts = list[np.ndarray]


def separate(vectors: Layouts, **more: Any) -> Layouts:
    """A fit a run."""
    return [umap.UMAP(**UMAP, **more).fit_transform(v) for v in vectors]


def turned(layouts: Layouts, onto: np.ndarray) -> Layouts:
    """Each layout moved, turned or mirrored onto one of the same texts; never stretched."""
    target = onto - onto.mean(axis=0)
    centred = [layout - layout.mean(axis=0) for layout in layouts]
    return [layout @ orthogonal_procrustes(layout, target)[0] for layout in centred]


def from_one_start(vectors: Layouts) -> Layouts:
    """Fits that start from one layout of all runs' vectors, each scaled to the same size."""
    centred = [v - v.mean(axis=0) for v in vectors]
    sized = [v / np.sqrt((v**2).sum(axis=1).mean()) for v in centred]
    start = umap.UMAP(**UMAP).fit_transform(np.hstack(sized))
    return turned(separate(vectors, init=start), start)


def aligned(strength: float) -> Callable[[Layouts], Layouts]:
    """AlignedUMAP with another strength than ours."""

    def layout(vectors: Layouts) -> Layouts:
        SETTINGS["alignment"] = strength
        return projection.layout(vectors)

    return layout


def onto_the_first(vectors: Layouts) -> Layouts:
    """Separate fits, turned."""
    layouts = separate(vectors)
    return turned(layouts, layouts[0])


METHODS: dict[str, Callable[[Layouts], Layouts]] = {
    "UMAP, a fit a run": separate,
    "  turned onto the first": onto_the_first,
    "  from one start, turned": from_one_start,
    **{f"AlignedUMAP {s}": aligned(s) for s in (0.01, 0.1, 0.5)},
}


def measure(name: str, points: int) -> dict[str, Any]:
    """All methods on the finished runs of a study."""
    study = studies.read_started(name)
    runs = [member.run for member in study.finished]
    texts = projection._sample(study, runs, points)
    vectors = [projection._vectors(run, texts["row"].tolist()) for run in runs]
    balanced = [m.run for m in study.finished if m.setup == "balanced"]
    skewed = [m.run for m in study.finished if m.setup == "imbalanced"]
    for layout in (separate, aligned(0.1)):
        layout([v[:60] for v in vectors])  # compiles
    found = {}
    for method, method_layout in METHODS.items():
        started = time.monotonic()
        layouts = method_layout(vectors)
        seconds = time.monotonic() - started
        columns = {
            f"{axis}_{run}": places[:, i]
            for run, places in zip(runs, layouts, strict=True)
            for i, axis in enumerate("xy")
        }
        made = Projection(pd.DataFrame(columns), tuple(runs), {}, {})
        found[method] = {
            "balanced_apart": [made.apart(a, b) for a, b in pairwise(balanced)],
            "imbalanced_apart": [made.apart(balanced[0], run) for run in skewed],
            "trustworthiness": [
                projection._trustworthiness(v, p) for v, p in zip(vectors, layouts, strict=True)
            ],
            "seconds": seconds,
        }
    return {"study": name, "runs": len(runs), "texts": len(texts), "methods": found}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--points", type=int, default=projection.POINTS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", message="n_jobs value")
    document = measure(chosen.study, chosen.points)
    if chosen.json:
        print(json.dumps(document))
        return
    print(f"{document['runs']} runs, {document['texts']} texts")
    print(f"{'':<26}balanced, null  balanced, imbalanced  trustworthiness      seconds")
    for method, m in document["methods"].items():
        null, skew = (
            np.mean(m[k]) if m[k] else np.nan for k in ("balanced_apart", "imbalanced_apart")
        )
        trust = m["trustworthiness"]
        print(
            f"{method:<26}{null:<16.2f}{skew:<22.2f}{min(trust):.3f} to {max(trust):.3f}"
            f"{m['seconds']:>13.1f}"
        )


if __name__ == "__main__":
    main()
