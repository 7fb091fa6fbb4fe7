"""How long the dashboard's pages take on a large study.

Builds a study of 30,000 test rows x 9 runs (6 languages, 5 classes, 3 setups, 3 seeds) from random
numbers in a temporary folder and prints, in seconds: each page's first script run and the median of
the following ones, the median after a widget is moved, and the time from a cold start of the server
to the first paint of the overview in Chromium. Targets: 1 s a script run, 0.3 s a move, 3 s to the
first paint. With --studies so many small studies stand beside it, of 7.5 runs each, with the jobs
that trained them. What the worker does at the end of a run is timed apart.

    python -m benchmarks.pages [--json] [--rows 30000] [--repeats 5] [--studies 40]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.attribution import store
from core.attribution.result import Attribution
from core.checkpoints import outputs, run_folders
from core.checkpoints.outputs import write_test
from core.checkpoints.studies import read_started
from core.config import RunConfig
from core.corpora import corpus, splits
from core.jobs import queue
from core.results import comparisons, index, neighbours, projection, thresholds
from core.sampling import designs, joint, subsets
from core.storage import atomic, places

ROOT = Path(__file__).parent.parent
LANGUAGES = ("de", "en", "es", "fr", "ja", "zh")
LABELS = ("1", "2", "3", "4", "5")
SETUPS = {
    "balanced": 0.0,
    "imbalanced": 0.4,
    "imbalanced+cw": 0.1,
}  # how much of the skew it copies
PAGES = sorted(
    p.stem for p in (ROOT / "pages").glob("*.py") if "\naccess.gate()\n" in p.read_text()
)
# A widget of each page, and what it is moved between.
MOVES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "data": ("cells", ("shares", "counts")),
    "predictions": ("label", ("1", "2")),
    "latent": ("colour", ("label", "correctness", "neighbours", "language")),
    "compare": ("b", ("balanced", "imbalanced+cw")),
    "runs": ("rows", ("setups", "runs")),
    "tokens": ("threshold", (0.001, 0.002, 0.005, 0.02, 0.05)),
}
FIRST = ("tokens",)  # each option is moved to once: nothing is kept from before
ATTRIBUTED = 200  # texts a language that have attributions, of TOKENS each
TOKENS = 24
METHOD = "gaussian_process-4"


SMALL = 300  # test rows of each of many studies


def build(folder: Path, test_rows: int) -> None:
    """A finished study of random numbers, as training would have left it."""
    file = _corpus(folder / "corpus.parquet", test_rows)
    _study("large", file, corpus.load(str(file)), test_rows // len(LANGUAGES), (0, 1, 2))
    thresholds.keep(read_started("large"), METHOD)  # as the command `attribute` does
    _write_map(np.random.default_rng(0))


def build_many(folder: Path, studies: int) -> int:
    """Small studies, by turns with three seeds and with two, and their jobs; how many runs."""
    file = _corpus(folder / "small.parquet", SMALL)
    loaded, runs = corpus.load(str(file)), 0
    for i in range(studies):
        seeds = (0, 1, 2) if i % 2 else (0, 1)
        members = _study(f"many-{i:02}", file, loaded, SMALL // len(LANGUAGES), seeds, train=50 + i)
        runs += len(members)
        for member in members:
            queue.enqueue("train", member["run"], {"study": f"many-{i:02}"})
            claimed = queue.claim({"train"})
            assert claimed is not None
            queue.finish(claimed, "done")
    return runs


def _corpus(file: Path, test_rows: int) -> Path:
    per_language = test_rows // len(LANGUAGES)
    rng = np.random.default_rng(0)
    sizes = {"train": 3 * per_language, "validation": per_language // 2, "test": per_language}
    words = np.array([f"word{i}" for i in range(2000)])
    rows = []
    for split, n in sizes.items():
        labels = np.resize(LABELS, n)
        for language in LANGUAGES:
            texts = [" ".join(x) for x in rng.choice(words, (n, 12))]
            sentences = [f"{split}-{i}" for i in range(n)]
            rows.append(
                pd.DataFrame({"text": texts, "label": labels, "sentence": sentences}).assign(
                    language=language, split=split
                )
            )
    pq.write_table(pa.Table.from_pandas(pd.concat(rows), preserve_index=False), file)
    return file


def _study(
    name: str,
    file: Path,
    loaded: corpus.Corpus,
    per_language: int,
    seeds: tuple[int, ...],
    train: int | None = None,
) -> list[dict[str, Any]]:
    """Its runs; with attributions where it trains on all that there is."""
    rng = np.random.default_rng(0)
    uniform = designs.design_shares("uniform", LANGUAGES, LABELS)
    skewed = designs.design_shares("linear", LANGUAGES, LABELS)
    members = []
    for seed in seeds:
        for setup, copied in SETUPS.items():
            config = RunConfig(
                setup=setup,
                seed=seed,
                corpus=str(file),
                corpus_hash=loaded.content_hash,
                labels=LABELS,
                languages=LANGUAGES,
                encoder="none",
                encoder_revision="none",
                shares=(uniform if setup == "balanced" else skewed).to_dict("index"),
                train_per_language=train or per_language,
                validation_per_language=per_language // 4,
                test_per_language=per_language,
            )
            _write_run(config, loaded, joint.deviation(skewed) * copied, rng, train is None)
            members.append({"run": config.run_id, "setup": setup, "seed": seed})
    study = places.checkpoints_dir() / "studies" / name
    study.mkdir(parents=True)
    lines = [f'name = "{name}"\ncorpus = "{file}"\nsetups = {json.dumps(list(SETUPS))}\n']
    lines += [f"[[runs]]\n{''.join(f'{k} = {json.dumps(v)}{chr(10)}' for k, v in m.items())}"
              for m in members]  # fmt: skip
    (study / "study.toml").write_text("\n".join(lines))
    return members


def _write_map(rng: np.random.Generator) -> None:
    """A place and neighbours of each test text in each run and before fine-tuning."""
    started = read_started("large")
    runs = [m.run for m in started.finished]
    texts = projection._texts(started, runs).assign(fitted=True)
    near, same = {}, {}
    for panel in (projection.UNTUNED, *runs):
        texts[f"x_{panel}"], texts[f"y_{panel}"] = rng.normal(size=(2, len(texts)))
        at = rng.integers(len(texts), size=(len(texts), projection.NEIGHBOURS))
        near[panel] = at, np.sort(rng.random(at.shape), axis=1)
        texts[f"same_{panel}"], same[panel] = neighbours.same_language(near[panel], texts)
    settings = {**projection.SETTINGS, "points": projection.POINTS}
    document = {"runs": runs, "settings": settings, "same": same, "no_before": ""}
    document["trustworthiness"] = dict.fromkeys(near, 0.9)
    neighbours.write(started, texts["row"], near)
    projection._write(projection.path_of(started), texts, document)


def _write_run(
    config: RunConfig,
    loaded: corpus.Corpus,
    copied: pd.DataFrame,
    rng: np.random.Generator,
    attributed: bool,
) -> None:
    path = run_folders.folder(run_folders.create(config))
    parts = {s: subsets.rows_of(loaded, subsets.subset(config, loaded, s)) for s in splits.SPLITS}
    pq.write_table(
        pa.concat_tables([part.select(["row", "split"]) for part in parts.values()]),
        path / "subset.parquet",
    )
    test = parts["test"]
    languages, labels = (np.array(test[c].to_pylist()) for c in ("language", "label"))
    logits = rng.normal(size=(len(labels), len(LABELS)))
    logits += 2.0 * (labels[:, None] == np.array(LABELS))
    logits += 5.0 * copied.loc[languages].to_numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    vectors = rng.normal(size=(len(labels), 8)).astype(np.float32)
    metrics = write_test(path, config, test, probabilities.astype(np.float32), vectors) | {
        "n_train": parts["train"].num_rows,
        "n_validation": parts["validation"].num_rows,
        "training": {"best_epoch": 1, "validation_loss": 1.0},
        "seconds": 1.0,
    }
    atomic.write_text(path / "metrics.json", json.dumps(metrics))
    probe = {"accuracy": 0.6, "accuracy_released": 0.5, "knn": 0.4, "chance": 1 / 6,
             "n": len(labels), "dimension": 384, "folds": 5,
             "before_fine_tuning": 0.9, "before_fine_tuning_released": 0.9,
             "before_fine_tuning_knn": 0.9}  # fmt: skip
    atomic.write_text(path / "probes.json", json.dumps({"original": probe}))
    base = {"length": [9], "texts": [len(labels)]}
    base |= {outputs.probability_column(x): [1 / len(LABELS)] for x in LABELS}
    pq.write_table(pa.table(base), path / "base_values.parquet")
    if attributed:
        _write_attributions(config, test, rng)
    steps = [
        {"step": i, "steps": 200, "epoch": i / 100, "seconds": i / 10}
        | ({"validation_loss": 1 + 1 / i} if i % 50 == 0 else {"loss": 1 + 1 / i})
        for i in range(1, 201)
    ]
    (path / "progress.jsonl").write_text("\n".join(map(json.dumps, steps)))
    run_folders.write_status(config.run_id, "done")
    atomic.write_text(path / "COMPLETE", "")


def _write_attributions(config: RunConfig, test: pa.Table, rng: np.random.Generator) -> None:
    """Random values for the first texts of each language."""
    frame = test.select(["row", "sentence", "language", "label"]).to_pandas()
    texts = frame.groupby("language").head(ATTRIBUTED).to_dict("records")
    words = np.random.default_rng(1).integers(2000, size=(len(texts), TOKENS))  # as all runs have
    found = []
    for own in words:
        values = rng.normal(size=(TOKENS, len(LABELS))) / 20
        base = rng.dirichlet(np.ones(len(LABELS)))
        found.append(
            Attribution(
                method="gaussian_process",
                tokens=tuple(f" word{i}" for i in own),
                positions=np.arange(1, TOKENS + 1),
                words=tuple(range(TOKENS)),
                values=values,
                errors=np.abs(values) / 10,
                base=base,
                output=base + values.sum(axis=0),
                evaluations=4 * TOKENS,
            )
        )
    store.write(config.run_id, METHOD, texts, found, LABELS, 0.5)


def script_runs(repeats: int) -> dict[str, dict[str, float]]:
    """Seconds of each page's script: `first`, `again` (median), `move` where it has a widget."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
    app.query_params["part"] = "disagreements"  # the part of Predictions that asks SQL
    found = {}
    for page in PAGES:
        times = {"first": _seconds(lambda page=page: app.switch_page(f"pages/{page}.py").run())}
        if app.exception:
            raise SystemExit(f"{page}: {app.exception[0].message}")
        times["again"] = statistics.median(_seconds(app.run) for _ in range(repeats))
        if page in MOVES:
            name, options = MOVES[page]
            if page not in FIRST:  # what both need is read once
                for option in options:
                    _move(app, name, option)
                options = options * repeats
            times["move"] = statistics.median(_move(app, name, x) for x in options)
        found[page] = times
    return found


def _move(app: Any, name: str, option: Any) -> float:
    key = f"view-{name}"
    widget = next(
        w
        for kind in ("selectbox", "button_group", "select_slider")
        for w in app.get(kind)
        if w.key == key
    )
    widget.set_value(option)
    return _seconds(app.run)


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def comparing() -> dict[str, float]:
    """Seconds of a comparison of two setups: `resampling` sentences, and of what is `kept`."""
    study = read_started("large")
    sides = [[m.run for m in study.members if m.setup == x] for x in ("imbalanced", "balanced")]
    shutil.rmtree(study.folder / "resampled")
    return {
        name: _seconds(lambda: comparisons.compare_runs(study, *sides))
        for name in ("resampling", "kept")
    }


def first_paint(repeats: int) -> float | None:
    """Median seconds from starting the server to the overview's title in Chromium; None without."""
    if (chromium := shutil.which("chromium")) is None:
        return None
    from playwright.sync_api import sync_playwright

    from docs.tools.screenshots import FLAGS

    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for _ in range(repeats):
            with socket.socket() as free:
                free.bind(("localhost", 0))
                port = free.getsockname()[1]
            command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port"]
            started = time.perf_counter()
            server = subprocess.Popen([*command, str(port)], cwd=ROOT, stdout=subprocess.DEVNULL)
            try:
                page = browser.new_page()
                while True:
                    try:
                        page.goto(f"http://localhost:{port}", wait_until="commit")
                        break
                    except Exception as error:
                        # Refused, or the browser still shows that it was.
                        if not any(
                            x in str(error) for x in ("ERR_CONNECTION_REFUSED", "interrupted")
                        ):
                            raise
                        time.sleep(0.05)
                page.wait_for_selector("h1", timeout=60_000)
                times.append(time.perf_counter() - started)
                page.close()
            finally:
                server.terminate()
                server.wait()
        browser.close()
    return statistics.median(times)


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--rows", type=int, default=30_000, help="test rows (%(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="script runs (%(default)s)")
    parser.add_argument("--studies", type=int, default=0, help="small ones beside it (%(default)s)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LANGSKEW_CHECKPOINTS"] = str(Path(folder) / "checkpoints")
        os.environ["LANGSKEW_CACHE"] = str(Path(folder) / "cache")
        Path(folder, "checkpoints").mkdir()
        build(Path(folder), chosen.rows)
        further = build_many(Path(folder), chosen.studies)
        document = {
            "rows": chosen.rows,
            "runs": 3 * len(SETUPS),
            "studies_beside": chosen.studies,
            "runs_beside": further,
            "end_of_first_run_seconds": _seconds(index.publish),  # all is measured
            "end_of_a_run_seconds": _seconds(index.publish),
            "compare_seconds": comparing(),
            "script_seconds": script_runs(chosen.repeats),
            "first_paint_seconds": first_paint(3),
        }
    if chosen.json:
        print(json.dumps(document, indent=1))
        return
    beside = f", beside {document['runs_beside']} runs in {document['studies_beside']} studies"
    print(f"{document['rows']:,} test rows x {document['runs']} runs{beside}; seconds")
    ends = (document["end_of_first_run_seconds"], document["end_of_a_run_seconds"])
    print(f"the index, by the worker: {ends[0]:.1f}, then {ends[1]:.1f} a run")
    two = document["compare_seconds"]
    print(f"comparing two setups: {two['resampling']:.2f} resampling, {two['kept']:.2f} kept")
    print(f"{'page':<14}{'first':>8}{'again':>8}{'move':>8}")
    for page, times in document["script_seconds"].items():
        cells = [
            f"{times[k]:>8.2f}" if k in times else f"{'':>8}" for k in ("first", "again", "move")
        ]
        print(f"{page:<14}{''.join(cells)}")
    paint = document["first_paint_seconds"]
    print(f"cold start to first paint: {'no Chromium' if paint is None else f'{paint:.2f}'}")


if __name__ == "__main__":
    main()
