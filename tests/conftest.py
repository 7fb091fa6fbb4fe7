"""What all tests share: folders of their own, and a small study trained once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says more of the machine's other work than of the code.
settings.register_profile("langskew", deadline=None)
settings.load_profile("langskew")

# Before torch is imported anywhere. `make test` runs two processes: a thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["HF_HUB_OFFLINE"] = "1"


# A process compiles for half a minute before its first map.
MAPS = (
    "tests/cli/test_hostile.py",
    "tests/pages/test_damaged.py",
    "tests/pages/test_hostile.py",
    "tests/pages/test_latent.py",
    "tests/results/test_latent.py",
    "tests/results/test_projection.py",
)


class Groups(LoadScopeScheduling):
    """Which tests run in one process: those of a file; all in a browser, since two browsers at once
    wait for each other; all of maps."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/browser/"):
            return "browser"
        return "maps" if file in MAPS else file


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The two longest groups begin."""

    def rank(item: pytest.Item) -> int:
        file = item.nodeid.partition("::")[0]
        return 0 if file.startswith("tests/browser/") else 1 if file in MAPS else 2

    items.sort(key=rank)


REAL_CACHE = os.environ.get("LANGSKEW_CACHE")
SMALL_STUDY = """
name = "small"
corpus = "reviews.parquet"
encoder = "tiny"
setups = ["balanced", "imbalanced", "imbalanced+cw"]
train_per_language = 30
validation_per_language = 12
test_per_language = 24
[training]
epochs = 2
batch_size = 16
accumulation = 1
learning_rate = 1e-3
head_learning_rate = 1e-3
max_length = 32
"""


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's checkpoints; derived caches go to a folder of the run."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("LANGSKEW_CACHE", str(cache))
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))


@pytest.fixture
def real_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own cache, for tests of the embedded default; they skip where it is empty."""
    if REAL_CACHE:
        monkeypatch.setenv("LANGSKEW_CACHE", REAL_CACHE)
    else:
        monkeypatch.delenv("LANGSKEW_CACHE")


Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make a folder by its name once for all processes that run tests, and give it to each."""
    from core.storage import locks

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder_of(name: str, make: Callable[[Path], None]) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with locks.holding(shared / f"{name}.lock"), pytest.MonkeyPatch.context() as patch:
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
                folder.mkdir()
                patch.setenv("LANGSKEW_CHECKPOINTS", str(folder))
                patch.setenv("LANGSKEW_CACHE", str(base / "cache"))
                make(folder)
                made.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def study_file(once: Once) -> Path:
    """A small study on synthetic texts, as a TOML file beside its corpus."""
    import pyarrow.parquet as pq

    from core.corpora import synthetic

    def make(folder: Path) -> None:
        texts = synthetic.generate({"train": 40, "validation": 16, "test": 10})
        pq.write_table(texts, folder / "reviews.parquet")
        (folder / "small.toml").write_text(SMALL_STUDY)

    return once("study", make) / "small.toml"


@pytest.fixture(scope="session")
def trained(study_file: Path, once: Once) -> Path:
    """Checkpoints folder in which the small study is done; tests copy it before they change it."""
    from core.cli.main import main

    def make(folder: Path) -> None:
        assert main(["study", str(study_file)]) == 0

    return once("trained", make)


GRID = """
[grid]
strength = [0, 1, 1.5]
"""


@pytest.fixture(scope="session")
def dosed(trained: Path, study_file: Path, once: Once) -> Path:
    """Checkpoints folder in which a grid of the small study over strengths is done, read only; its
    runs of one seed at strength 1 are the small study's."""
    from core.cli.main import main

    def make(folder: Path) -> None:
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        file = study_file.parent / "dosed.toml"
        text = SMALL_STUDY.replace('name = "small"', 'name = "dosed"\nseeds = [0, 1, 2]')
        file.write_text(text.replace(', "imbalanced+cw"]', "]") + GRID)
        assert main(["study", str(file)]) == 0

    return once("dosed", make)


@pytest.fixture
def done(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained checkpoints, read only."""
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(trained))
    return trained


@pytest.fixture(scope="session")
def explained(trained: Path, once: Once) -> Path:
    """A copy of the trained checkpoints with attributions of three texts a language."""
    from core.attribution.attribute import attribute
    from core.models.session import Session
    from tests.helpers.started import small_study

    def make(folder: Path) -> None:
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        done = attribute(small_study(), Session(), lambda what, share: None, per_language=3)
        found = (done.key, done.texts, done.computed)
        assert found == ("gaussian_process-16@0.01", 18, 4 * 18)

    return once("explained", make)


@pytest.fixture(scope="session")
def hostile_done(once: Once) -> Path:
    """Checkpoints folder with a study whose texts and names are hostile, explained and mapped."""
    from core.cli.main import main
    from tests.helpers import hostile

    def make(folder: Path) -> None:
        file = hostile.write(once("hostile-study", lambda folder: None))
        assert main(["study", str(file)]) == 0
        assert main(["attribute", "hostile", "--per-language", "3"]) == 0
        assert main(["project", "hostile"]) == 0

    return once("hostile", make)


@pytest.fixture(scope="session")
def projected(trained: Path, once: Once) -> Path:
    """Checkpoints folder with the small study and its map, read only."""
    from core.cli.main import main

    def make(folder: Path) -> None:
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        assert main(["project", "small"]) == 0

    return once("projected", make)


@pytest.fixture(scope="session")
def mitigated(study_file: Path, once: Once) -> Path:
    """Checkpoints folder, read only, with the study `mitigated`: three seeds of a setup that draws
    its rows and of one that corrects a model, beside the bases."""
    from core.cli.main import main

    def make(folder: Path) -> None:
        text = study_file.read_text().replace('"small"', '"mitigated"\nseeds = [0, 1, 2]')
        text = text.replace('"imbalanced+cw"', '"imbalanced+undersample", "imbalanced+prior"')
        file = study_file.with_name("mitigated.toml")
        file.write_text(text)
        assert main(["study", str(file)]) == 0

    return once("mitigated", make)


@pytest.fixture(scope="session")
def three_seeds(explained: Path, once: Once) -> Path:
    """The explained study as if trained with seeds 0 to 2, read only: copies of its runs, and
    attributions to which what all share and noise of each run are added, since its models have
    learnt nothing. Nothing else of the copies is their own."""

    def make(folder: Path) -> None:
        shutil.copytree(explained, folder, dirs_exist_ok=True)
        _as_three_seeds(folder)

    return once("three-seeds", make)


def _as_three_seeds(folder: Path) -> None:
    from dataclasses import replace

    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from core.checkpoints import run_folders, studies
    from tests.helpers.started import small_study

    first = [member for member in small_study().members if member.seed == 0]
    there, lines = set(studies.run_ids("small")), []
    for member in first:
        for seed in (1, 2):
            config = replace(run_folders.read_config(member.run), seed=seed)
            if config.run_id not in there:
                shutil.copytree(folder / member.run, folder / config.run_id)
                (folder / config.run_id / "config.json").write_text(config.canonical_json())
                named = f'run = "{config.run_id}", setup = "{member.setup}"'
                lines.append(f"    {{ {named}, seed = {seed} }},\n")
    path = folder / "studies" / "small" / "study.toml"
    listed = path.read_text()
    assert listed.count("]\n\n[training]") == 1
    path.write_text(listed.replace("]\n\n[training]", f"{''.join(lines)}]\n\n[training]"))
    for number, run in enumerate(studies.run_ids("small")):
        shared, own = np.random.default_rng(100), np.random.default_rng(number)
        for file in sorted((folder / run).glob("attributions/*/*.parquet")):
            table = pq.read_table(file)
            frame = table.to_pandas()
            frame["values"] = [
                v + shared.normal(0, 0.02, len(v)) + own.normal(0.002, 0.01, len(v))
                for v in frame["values"]
            ]
            frame["output"] = frame["base"] + frame["values"].map(np.sum)
            made = pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False)
            pq.write_table(made, file)
