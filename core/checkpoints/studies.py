"""Started studies: their folders, and the runs that each stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import tomli_w

from core.checkpoints import run_folders
from core.config import BALANCED, IMPORTED, RunConfig
from core.errors import InputError
from core.storage import atomic, places, reading

# What results are read from, in the folder of a run.
_READ = (
    "config.json",
    "status.json",
    "metrics.json",
    "predictions.parquet",
    "base_values.parquet",
    "probes.json",
    "COMPLETE",
)


@dataclass(frozen=True)
class Member:
    """A run that a study stands for.

    Attributes:
        run: its id.
        setup, seed: as in the study's file.
        null: whether it is a balanced run whose seed no other setup has, there for the noise alone.
        config: None where it does not read.
        problem: why it does not; else empty.
    """

    run: str
    setup: str
    seed: int
    null: bool = False
    config: RunConfig | None = None
    problem: str = ""


@dataclass(frozen=True)
class Started:
    """A started study, read once and handed on.

    Attributes:
        name: of the study.
        folder: where its file and what belongs to several of its runs are.
        members: its runs, in the order of the file.
    """

    name: str
    folder: Path
    members: tuple[Member, ...]

    @property
    def configs(self) -> dict[str, RunConfig]:
        """The configs that read, by run."""
        return {m.run: m.config for m in self.members if m.config is not None}

    @property
    def config(self) -> RunConfig:
        """The first of them, for what all runs share: corpus, labels, languages.

        Raises:
            InputError: none reads.
        """
        return self.config_of(next(iter(self.configs), self.members[0].run))

    def config_of(self, run_id: str) -> RunConfig:
        """The config of one of its runs.

        Raises:
            InputError: it does not read.
        """
        member = next(m for m in self.members if m.run == run_id)
        if member.config is None:
            raise InputError(member.problem)
        return member.config

    @property
    def finished(self) -> tuple[Member, ...]:
        """Those that are finished by now."""
        return tuple(m for m in self.members if run_folders.is_complete(m.run))

    @property
    def stamp(self) -> str:
        """Changes whenever the study's results may have changed; cheap, for caches."""
        files = [run_folders.folder(m.run) / file for m in self.members for file in _READ]
        times = _times(self.folder / "study.toml", *files)
        return " ".join([str(places.checkpoints_dir()), *times, self.attributions_stamp])

    @property
    def attributions_stamp(self) -> str:
        """Changes whenever its attributions may have changed, and not as further runs are done."""
        files = [self.folder / "study.toml"]
        for member in self.members:
            files += sorted(run_folders.folder(member.run).glob("attributions/*/*.parquet"))
        return " ".join(f"{f.name} {at}" for f, at in zip(files, _times(*files), strict=True))


def started_folder(name: str) -> Path:
    """Folder of a started study."""
    return places.checkpoints_dir() / "studies" / name


def started() -> list[str]:
    """Names of the studies that were started."""
    found = (places.checkpoints_dir() / "studies").glob("*/study.toml")
    return sorted(path.parent.name for path in found)


def damaged() -> list[str]:
    """Names of the started studies whose file does not read; `read_started` says what is wrong."""
    found = []
    for name in started():
        try:
            _entries(name)
        except InputError:
            found.append(name)
    return found


def read_started(name: str) -> Started:
    """A started study with the configs of its runs.

    Raises:
        InputError: it was never started, or its file does not read.
    """
    members = []
    for member in listed(name):
        config, problem = None, ""
        try:
            config = run_folders.read_config(member.run)
        except InputError as error:
            problem = str(error)
        members.append(replace(member, config=config, problem=problem))
    return Started(name, started_folder(name), tuple(members))


def listed(name: str) -> list[Member]:
    """The runs that a started study stands for, without their configs.

    Raises:
        InputError: it was never started, or its file does not read.
    """
    entries = _entries(name)
    others = {seed for _, setup, seed in entries if setup not in (*BALANCED, IMPORTED)}
    return [
        Member(run, setup, seed, bool(others) and setup in BALANCED and seed not in others)
        for run, setup, seed in entries
    ]


def remove(name: str, runs: Collection[str]) -> None:
    """Have a study no longer stand for some runs; it does again when it is started again.

    Raises:
        InputError: it was never started, its file does not read, or nothing would be left of it.
    """
    if not set(run_ids(name)) - set(runs):
        raise InputError(
            f"study {name} would stand for no runs; it has {len(run_ids(name))}, all of which were "
            "to be removed. Keep one, or delete the study's folder."
        )
    path = started_folder(name) / "study.toml"
    with reading.reading(path, "start the study again"):
        document = reading.toml(path, "start the study again")
        document["runs"] = [entry for entry in document["runs"] if entry["run"] not in runs]
        text = tomli_w.dumps(document)
    atomic.write_text(path, text)


def run_ids(name: str) -> list[str]:
    """Ids of the runs that a started study stands for, of which nothing is read.

    Raises:
        InputError: as `read_started`.
    """
    return [run for run, _, _ in _entries(name)]


def _entries(name: str) -> list[tuple[str, str, int]]:
    """Run, setup and seed of each."""
    path = started_folder(name) / "study.toml"
    if not places.is_name(name) or not places.exists(path):
        raise InputError(
            f"study {name!r:.120} was never started; started are {', '.join(started()) or 'none'}. "
            f"Start it with `python -m core study NAME`."
        )
    with reading.reading(path, "start the study again"):
        return list(_read_entries(path, *_file_stamp(path)))


def _file_stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=512)  # TOML reads slowly, and pages ask for all studies
def _read_entries(path: Path, time: int, size: int) -> tuple[tuple[str, str, int], ...]:
    """What stands in a study's file of so many bytes, written at this time."""
    with reading.reading(path, "start the study again"):
        entries = tuple(
            (e["run"], e["setup"], e["seed"])
            for e in reading.toml(path, "start the study again")["runs"]
        )
        if not entries:
            raise ValueError("it stands for no runs")
        for run, setup, seed in entries:
            run_folders.folder(run)  # refuses what is no id
            if type(setup) is not str or type(seed) is not int:
                raise ValueError(f"run {run!r} has setup {setup!r:.60} and seed {seed!r:.60}")
    return entries


def _times(*files: Path) -> Iterator[str]:
    """When each was last written; a dash for one that is not there."""
    for file in files:
        time = "-"
        with suppress(OSError):
            time = str(file.stat().st_mtime_ns)
        yield time
