"""Damaged files by the thousand: what is done to them, and what reads them.

A case is right if the reader answers or raises InputError in time, and what is said of a healthy
study beside the damaged one stays as it was. Everything follows from the seed.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.checkpoints import outputs, prune, run_folders, studies
from core.corpora import corpus, synthetic
from core.errors import InputError
from core.jobs import monitoring, queue
from core.results import (
    attributions,
    comparisons,
    disagreements,
    index,
    overlap,
    projection,
    references,
    study_results,
    thresholds,
    tokens,
)
from core.storage import places
from core.studies import grid, overview, study

SECONDS = 60  # after which a reader hangs
DAMAGED, HEALTHY = "damaged", "small"

# What stands in a file in place of what was there: text, as bytes.
PIECES = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"null",
    b"NaN",
    b"-1e999",
    b"9" * 5000,
    b"[" * 3000,
    b'{"a":' * 3000,
    b'"',
    b"\\ud800",
    b"\n",
    b",",
    b"\t",
    b"a" * 70_000,
    b"../../..",
    b"=cmd()",
    "\u202e".encode(),
]
# The same, as what JSON and TOML hold.
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    10**4000,
    1e300,
    float("nan"),
    float("inf"),
    "",
    "x" * 5000,
    "../..",
    "\x00",
    [],
    {},
    [[]],
    {"a": 1},
    ["a", 1],
]


class HangError(BaseException):
    """A reader takes longer than SECONDS."""


@dataclass
class Counted:
    """Cases of one target, and those that were not right: `seed: error`."""

    cases: int = 0
    findings: list[str] = field(default_factory=list)


def damaged_bytes(content: bytes, random_: random.Random) -> bytes:
    """A file's bytes after one to three accidents."""
    for _ in range(random_.randint(1, 3)):
        at = random_.randrange(len(content) + 1)
        end = min(len(content), at + random_.choice((1, 1, 4, 64, 4096)))
        accident = random_.randrange(6)
        if accident == 0:
            content = content[:at]
        elif accident == 1:
            content = content[:at] + random_.choice(PIECES) + content[end:]
        elif accident == 2:
            content = content[:at] + random_.randbytes(end - at) + content[end:]
        elif accident == 3:
            content = content[:at] + content[end:]
        elif accident == 4:
            content = content[:end] + content[at:]
        elif at < len(content):
            flipped = bytes([content[at] ^ (1 << random_.randrange(8))])
            content = content[:at] + flipped + content[at + 1 :]
    return content


def damaged_document(document: Any, random_: random.Random) -> Any:
    """What JSON has, with one value lost, replaced or misplaced."""
    if isinstance(document, dict) and document and random_.random() < 0.8:
        name = random_.choice(sorted(document))
        changed = dict(document)
        if random_.random() < 0.2:
            del changed[name]
        else:
            changed[name] = damaged_document(document[name], random_)
        return changed
    if isinstance(document, list) and document and random_.random() < 0.8:
        at = random_.randrange(len(document))
        return [*document[:at], damaged_document(document[at], random_), *document[at + 1 :]]
    return random_.choice(VALUES)


def damaged_table(table: pa.Table, random_: random.Random) -> pa.Table:
    """A table with a column of another kind, lost, empty in places, or with other rows."""
    name = random_.choice(table.column_names)
    at, n = table.column_names.index(name), table.num_rows
    accident = random_.randrange(8)
    if accident == 0:
        return table.drop_columns([name])
    if accident == 1:
        return table.slice(0, random_.randrange(n + 1))
    if accident == 2:
        return pa.concat_tables([table, table.slice(0, 1 + n // 2)])
    if accident == 3:
        return table.rename_columns([c + "x" if c == name else c for c in table.column_names])
    old = table[name].to_pylist()
    if accident == 4:
        values: pa.Array = pa.array([None if random_.random() < 0.3 else v for v in old])
    elif accident == 5 and pa.types.is_floating(table[name].type):
        strange = random_.choice((float("nan"), float("inf"), -1.0, 3.0))
        values = pa.array([strange if random_.random() < 0.1 else v for v in old])
    elif accident == 6:
        values = pa.array(random_.sample(old, n), table[name].type)
    else:
        values = random_.choice(
            (
                pa.array(range(n)),
                pa.array([float(i) for i in range(n)]),
                pa.array([str(i) for i in range(n)]),
                pa.array([b"\xff\x00"] * n, pa.binary()),
                pa.array([[i, None] for i in range(n)]),
                pa.array([{"a": i} for i in range(n)]),
                pa.array([True] * n),
                pa.nulls(n),
                pa.array(range(n), pa.timestamp("us", "UTC")),
                pa.array(["x"] * n).dictionary_encode(),
                pa.array([f"{i:x}" * 50 for i in range(n)], pa.large_string()),
            )
        )
    return table.set_column(at, name, values)


def damage(path: Path, random_: random.Random) -> None:
    """Do to a file what one of the others does."""
    content = path.read_bytes()
    if path.suffix == ".json" and random_.random() < 0.7:
        document = damaged_document(json.loads(content), random_)
        with suppress(ValueError):  # more digits than may be written
            content = json.dumps(document).encode()
        path.write_bytes(content)
    elif path.suffix == ".parquet" and random_.random() < 0.5:
        pq.write_table(damaged_table(pq.read_table(path), random_), path)
    elif random_.random() < 0.05:
        path.unlink()
    else:
        path.write_bytes(damaged_bytes(content, random_))


# --- the targets: each is given a seed and a folder of its own ----------------------------------


def corpus_bytes(seed: int, folder: Path) -> None:
    """CSV, TSV, JSON Lines and Parquet by bytes."""
    random_ = random.Random(seed)
    suffix = random_.choice((".csv", ".tsv", ".jsonl", ".parquet"))
    path = folder / f"corpus{suffix}"
    write_corpus(path)
    path.write_bytes(damaged_bytes(path.read_bytes(), random_))
    read(lambda: corpus.load(str(path)))


def parquet_types(seed: int, folder: Path) -> None:
    """Parquet whose columns are of other kinds."""
    random_ = random.Random(seed)
    path = folder / "corpus.parquet"
    pq.write_table(damaged_table(_texts(), random_), path)
    read(lambda: corpus.load(str(path)))


_GRID = """
[grid]
strength = [0, 0.5]
size = [10, 20]
encoder = ["tiny"]
"""


def study_files(seed: int, folder: Path) -> None:
    """Studies and grids as TOML, by bytes and by values."""
    random_ = random.Random(seed)
    path = folder / "study.toml"
    whole = _STUDY + random_.choice(("", _GRID))
    lines = whole.splitlines()
    if random_.random() < 0.5:
        path.write_bytes(damaged_bytes(whole.encode(), random_))
    else:
        at = random_.choice([i for i, line in enumerate(lines) if " = " in line])
        value = random_.choice(
            ("[" * 2000, "9" * 5000, "nan", "[]", "[[]]", "{}", "'x'", "-1", "1979-05-27", "true",
             '["\\u0000"]', "[1, 'a']", "{a = {b = -1}}", '"' + "a" * 5000 + '"', "''")
        )  # fmt: skip
        lines[at] = f"{lines[at].partition(' = ')[0]} = {value}"
        path.write_text("\n".join(lines))
    read(lambda: study.read(str(path)) if grid.read(str(path)) is None else None)


def queue_files(seed: int, folder: Path) -> None:
    """Files of jobs, and the queue that reads them, claims and ends what is left."""
    random_ = random.Random(seed)
    with checkpoints(folder):
        for number in range(3):
            queue.enqueue("report", f"job{number}", {"study": "x"}, "somebody")
        path = queue.folder() / "waiting" / "report-job1.json"
        state = random_.choice(("waiting", "running", "ended"))
        name = random_.choice(("report-job1.json", "other.json", "report-.json", "x-y.json"))
        target = queue.folder() / state / name
        path.replace(target)
        damage(target, random_)
        for look in (queue.listing, monitoring.overview, lambda: queue.waiting(["report"])):
            read(look)
        queue.set_aside(["report", "train"])
        claims = 0
        while claimed := queue.claim(["report", "train"]):
            claims += 1
            assert claims <= 3, "claimed for ever"
            queue.finish(claimed, "done")
        states = {job.id: job.state for job in queue.listing()}
        for job in ("report-job0", "report-job2"):
            assert states[job] == "done", states
        for job in list(states):
            read(lambda job=job: queue.cancel(job))
            read(lambda job=job: queue.remove(job))


def checkpoint_files(seed: int, folder: Path) -> None:
    """Any file of a run or study, beside a study that stays as it is."""
    random_ = random.Random(seed)
    with checkpoints(folder):
        ids = studies.run_ids(DAMAGED)
        of_study = studies.started_folder(DAMAGED)
        files = sorted(
            path
            for run in ids
            for path in run_folders.folder(run).iterdir()
            if path.suffix in (".json", ".jsonl", ".parquet") or path.name == "FORMAT"
        )
        files += [of_study / "study.toml", *of_study.glob("*.json"), *of_study.glob("*.parquet")]
        with mended(path := random_.choice(files)):
            damage(path, random_)
            _look_at_all(ids, random_)


def attribution_files(seed: int, folder: Path) -> None:
    """Attribution files of a run."""
    random_ = random.Random(seed)
    with checkpoints(folder):
        ids = studies.run_ids(DAMAGED)
        files = sorted(p for r in ids for p in run_folders.folder(r).glob("attributions/*/*"))
        with mended(path := random_.choice(files)):
            damage(path, random_)
            started = studies.read_started(DAMAGED)
            key = path.parent.name
            read(lambda: references.available(started))
            threshold = random_.choice((0.001, 0.01, 0.1))
            read(lambda: attributions.attributions(started, "balanced", threshold, key))
            read(lambda: attributions.reliance_curve(started, "balanced", key))
            label = started.config.labels[0]
            read(lambda: tokens.gained(ids[0], ids[1], key, label))
            read(lambda: tokens.shifts(ids[0], ids[1], key, label, threshold))
            _as_before()


def _look_at_all(ids: list[str], random_: random.Random) -> None:
    def started() -> studies.Started:
        return studies.read_started(DAMAGED)

    label = _labels()[0]
    readers: list[Callable[[], object]] = [
        run_folders.list_runs,
        overview.studies,
        overview.broken_runs,
        prune.sizes,
        prune.unused,
        monitoring.overview,
        lambda: study_results.summary(started()),
        lambda: overlap.shared_rows(started(), "train"),
        lambda: overlap.designs(started()),
        lambda: projection.read(started()),
        lambda: thresholds.attributions(started()),
        lambda: disagreements.disagreements(ids[0], ids[1], None),
        lambda: disagreements.changing(ids[0], label),
        lambda: comparisons.compare_runs(started(), ids[:1], ids[1:2]),
        *(lambda run=run: outputs.read_predictions(run) for run in ids),
        *(lambda run=run: study_results.run_summary(run) for run in ids),
        *(lambda run=run: monitoring.curves(run) for run in ids),
    ]
    for reader in readers:
        read(reader)
    for reader in (run_folders.list_runs, overview.studies, prune.sizes, monitoring.overview):
        reader()  # these list what does not read, and never refuse
    if random_.random() < 0.3:
        index.publish()
    _as_before()


_before: dict[str, str] = {}


def _as_before() -> None:
    """The healthy study says what it said."""
    said = json.dumps(study_results.summary(studies.read_started(HEALTHY)))
    assert said == _before.setdefault(str(places.checkpoints_dir()), said), (
        "the other study changed"
    )
    listed = run_folders.list_runs().set_index("run")["state"]
    assert set(listed[studies.run_ids(HEALTHY)]) == {"done"}, "the other study's runs changed"


def _labels() -> tuple[str, ...]:
    return studies.read_started(HEALTHY).config.labels


TARGETS: dict[str, Callable[[int, Path], None]] = {
    "corpus files by bytes": corpus_bytes,
    "Parquet column types": parquet_types,
    "study TOML": study_files,
    "queue files": queue_files,
    "checkpoint files": checkpoint_files,
    "attribution files": attribution_files,
}
IN_CHECKPOINTS = ("checkpoint files", "attribution files")


def run(
    target: str, folder: Path, *, seed: int = 0, cases: int | None = None, seconds: float = 1e9
) -> Counted:
    """Cases of a target from a seed on, until their number or the time is reached.

    Args:
        folder: of checkpoints with both studies (`beside`), or for the other targets an empty one.
    """
    counted, until = Counted(), time.monotonic() + seconds
    while time.monotonic() < until and counted.cases != cases:
        own = seed + counted.cases
        place = folder if target in IN_CHECKPOINTS else folder / f"{target}-{own}"
        place.mkdir(exist_ok=True)
        try:
            with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
                TARGETS[target](own, place)
        except (Exception, HangError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{Path(where.filename).name}:{where.lineno}"
            counted.findings.append(f"{own}: {type(error).__name__} {str(error)[:200]} at {at}")
        counted.cases += 1
        if place != folder:
            shutil.rmtree(place)
    return counted


def read(reader: Callable[[], object]) -> None:
    """Let a reader answer, or refuse with InputError; anything else is a finding."""
    with in_time(), suppress(InputError):
        reader()


@contextmanager
def in_time() -> Iterator[None]:
    """Within, a reader that takes longer than SECONDS raises HangError."""

    def hang(*_: object) -> None:
        raise HangError(f"longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def checkpoints(folder: Path) -> Iterator[None]:
    """Within, the checkpoints folder is this one."""
    before = os.environ.get("LANGSKEW_CHECKPOINTS")
    os.environ["LANGSKEW_CHECKPOINTS"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LANGSKEW_CHECKPOINTS"]
        else:
            os.environ["LANGSKEW_CHECKPOINTS"] = before


@contextmanager
def mended(path: Path) -> Iterator[None]:
    """Bring a file back at the end."""
    content = path.read_bytes()
    try:
        yield
    finally:
        path.write_bytes(content)


def made(folder: Path) -> Path:
    """Train, explain and map the small study, with its neighbour; the checkpoints folder."""
    from core.cli.main import main
    from tests.conftest import SMALL_STUDY

    texts = synthetic.generate({"train": 40, "validation": 16, "test": 10})
    pq.write_table(texts, folder / "reviews.parquet")
    (folder / "small.toml").write_text(SMALL_STUDY)
    with checkpoints(folder / "checkpoints"):
        for command in (
            ["study", str(folder / "small.toml")],
            ["attribute", HEALTHY, "--per-language", "3"],
            ["project", HEALTHY],
        ):
            if main(command):
                raise RuntimeError(f"{command} did not work")
    return beside(folder / "checkpoints")


def beside(folder: Path, name: str = DAMAGED, later: int = 10) -> Path:
    """Give a checkpoints folder with the small study another one of copies, to be damaged.

    Args:
        later: its seeds are as many larger.
    """
    with checkpoints(folder):
        lines = []
        for member in studies.read_started(HEALTHY).members:
            assert member.config is not None
            config = replace(member.config, seed=member.seed + later)
            shutil.copytree(folder / member.run, folder / config.run_id)
            (folder / config.run_id / "config.json").write_text(config.canonical_json())
            lines.append(
                f'{{run = "{config.run_id}", setup = "{member.setup}", seed = {config.seed}}}'
            )
        document = (studies.started_folder(HEALTHY) / "study.toml").read_text()
        start, end = document.index("runs = ["), document.index("]\n\n[training]")
        document = document[:start] + "runs = [" + ", ".join(lines) + document[end:]
        target = studies.started_folder(name)
        target.mkdir()
        (target / "study.toml").write_text(document.replace('name = "small"', f'name = "{name}"'))
    return folder


def write_corpus(path: Path) -> None:
    """A few texts in the format that a file's ending names."""
    table = _texts()
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        table.to_pandas().to_csv(path, sep=separator, index=False)


def _texts() -> pa.Table:
    texts = synthetic.generate({"train": 2, "validation": 1, "test": 1})
    return texts.select(["text", "label", "language", "split", "sentence"])


_STUDY = """
name = "small"
corpus = "reviews.parquet"
encoder = "tiny"
setups = ["balanced", "imbalanced"]
strength = 1.5
design = "linear"
groups = [["fr"], ["de"]]
seeds = [0, 1]
nulls = 1
train_per_language = 30
validation_per_language = 12
test_per_language = 24
labels = ["a", "b"]
languages = ["de", "fr"]
external = ""
[columns]
text = "body"
[training]
epochs = 2
batch_size = 16
learning_rate = 1e-3
max_length = 32
trim = true
masked_input = "paper"
"""
