"""A grid: one study at several strengths of its skew, training sizes and encoders.

Each of its points is a study like any other, with a name of its own; the grid's own file is what
its points are found by again. Runs have the ids of their configurations: balanced ones are the same
at every strength, and are trained once.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import tomli_w

from core.config import RunConfig
from core.errors import InputError
from core.models import usable
from core.models.session import Session
from core.storage import atomic, places, reading
from core.studies import checks, forecast, study
from core.studies.planning import Plan
from core.studies.study import Study

_AXES = {"strength": "numbers", "size": "whole numbers", "encoder": "names"}
_MEND = "write [grid] as docs/studies.md says"


@dataclass(frozen=True)
class Grid:
    """What is asked. An axis without values has the study's own, and no part in the names.

    Attributes:
        study: what all points share.
        strengths: of the skew. At 0 the imbalanced setups would be trained on the rows of the
            balanced ones, so that this point has balanced setups alone: a difference from them is 0
            there, and what balanced runs differ by is the noise.
        sizes: rows of the training set, a language; in all where the study has `train_rows`.
        encoders: as in a study.

    Raises:
        InputError: a point is no study, two have one name, or a size is left out: the largest that
            fits differs between strengths, and with it the balanced runs.
    """

    study: Study
    strengths: tuple[float, ...] = ()
    sizes: tuple[int, ...] = ()
    encoders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        asked = self.study
        for split, given in (("train", bool(self.sizes)), ("validation", False)):
            keys = [f"{split}_per_language", f"{split}_rows"]
            if not given and all(getattr(asked, key) is None for key in keys):
                raise InputError(
                    f"grid {self.name} has no size of {split}, and the largest that fits is "
                    f"another at each strength; give {' or '.join(keys)}"
                    f"{', or size under [grid]' if split == 'train' else ''}."
                )
        names = [point.name for point in self.points()]
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(
                f"grid {self.name}: two of its studies are called {twice[0]}; give each value "
                "once, and encoders with names that differ in letters, digits, '-', '_' or '.'."
            )

    @property
    def name(self) -> str:
        """That of the study; the names of the points begin with it."""
        return self.study.name

    def points(self) -> tuple[Study, ...]:
        """One study a point, such as `dose-s0.25-n198`: encoders, then sizes, then strengths."""
        axes = (self.encoders or (None,), self.sizes or (None,), self.strengths or (None,))
        return tuple(self._point(*values) for values in itertools.product(*axes))

    def _point(self, encoder: str | None, size: int | None, strength: float | None) -> Study:
        name, changed = self.name, dict[str, Any]()
        if strength is not None:
            name, changed["strength"] = f"{name}-s{strength:g}", strength
        if size is not None:
            unit = "per_language" if self.study.train_rows is None else "rows"
            name, changed[f"train_{unit}"] = f"{name}-n{size}", size
        if encoder is not None:
            of = Path(encoder).name if Path(encoder).is_absolute() else encoder
            name, changed["encoder"] = f"{name}-{re.sub(r'[^-_.a-zA-Z0-9]', '-', of)}", encoder
        if strength == 0:
            changed["setups"] = tuple(s for s in self.study.setups if s.startswith("balanced"))
            if not changed["setups"]:
                raise InputError(
                    f"grid {self.name} has strength 0, where imbalanced setups are trained on the "
                    f"rows of balanced ones; its setups are {', '.join(self.study.setups)}. Add "
                    "balanced to them, or leave out 0."
                )
        return replace(self.study, name=name, **changed)


def read(source: str) -> Grid | None:
    """A grid by the name of a shipped or started one, or by the path of a TOML file.

    Returns:
        None where there is no such grid; it may be a study.

    Raises:
        InputError: it does not read.
    """
    for path in (study.file_of(source), _file(source) if places.is_name(source) else None):
        if path is not None and path.is_file():
            document = reading.toml(path, _MEND, "is not TOML")
            if "grid" in document:
                return from_document(document, path)
    return None


def from_document(document: dict[str, Any], path: Path) -> Grid:
    """A grid from what its file holds: a study with a table `grid`.

    Args:
        path: of the file; paths in it are relative to its folder.

    Raises:
        InputError: an unknown key or a wrong value.
    """
    document = dict(document)
    axes = document.pop("grid")
    if not isinstance(axes, dict) or not axes or set(axes) - set(_AXES):
        raise InputError(f"{path}: [grid] is {axes!r:.200}; known keys are {', '.join(_AXES)}.")
    kinds = {"strength": (int, float), "size": (int,), "encoder": (str,)}
    for key, values in axes.items():
        if not isinstance(values, list) or not values or {type(v) for v in values} - {*kinds[key]}:
            raise InputError(
                f"{path}: [grid] {key} is {values!r:.200}; expected a list of {_AXES[key]}."
            )
    with reading.reading(path, _MEND):
        encoders = [
            study.from_document({**document, "encoder": encoder}, path).encoder
            for encoder in axes.get("encoder", ())
        ]
        return Grid(
            study.from_document(document, path),
            tuple(float(s) for s in axes.get("strength", ())),
            tuple(axes.get("size", ())),
            tuple(encoders),
        )


def to_document(grid: Grid) -> dict[str, Any]:
    """A grid as TOML has it; `from_document` reads it."""
    axes = {"strength": grid.strengths, "size": grid.sizes, "encoder": grid.encoders}
    return study.to_document(grid.study) | {"grid": {k: list(v) for k, v in axes.items() if v}}


def record(grid: Grid) -> None:
    """Write the grid's file, by which its studies are found again."""
    path = _file(grid.name)
    atomic.make_folder(path.parent)
    atomic.write_text(path, tomli_w.dumps(to_document(grid)))


def started() -> list[str]:
    """Names of the grids that were started."""
    return sorted(path.stem for path in (places.checkpoints_dir() / "grids").glob("*.toml"))


def read_started(name: str) -> Grid:
    """A started grid.

    Raises:
        InputError: it was never started, or its file does not read.
    """
    if name not in started():
        raise InputError(
            f"grid {name!r:.120} was never started; started are {', '.join(started()) or 'none'}. "
            "Start it with `python -m core study FILE.toml`, a study with [grid]."
        )
    document = reading.toml(_file(name), "start the grid again")
    with reading.reading(_file(name), "start the grid again"):
        return from_document(document, _file(name))


def _file(name: str) -> Path:
    return places.checkpoints_dir() / "grids" / f"{name}.toml"


class GridForecast(TypedDict):
    """What a grid will take; a run that several of its studies have is counted once."""

    grid: str
    studies: int
    runs: int
    shared: int  # runs that more than one of its studies has
    new: int  # runs to be trained
    reused: int
    seconds: float | None  # of all new ones; None where nothing is known of one
    disk: float | None  # bytes, at most
    disk_free: float
    problems: list[str]


@dataclass(frozen=True)
class Checked:
    """What a grid would run, and what stands in its way.

    Attributes:
        plans: of its studies that can be laid out, in their order.
        forecast: what they take; None without a plan.
        problems: all that were found, each once; with any, nothing may be started.
        notes: what a user should know that stands in no way.
    """

    plans: tuple[Plan, ...]
    forecast: GridForecast | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def runs(self) -> dict[str, RunConfig]:
        """Config by run id, each once, in the order in which they are trained."""
        return {run: config for plan in self.plans for run, config in plan.runs.items()}

    def planned(self) -> tuple[Plan, ...]:
        """The plans of a grid in whose way nothing stands.

        Raises:
            InputError: names all that does.
        """
        if self.problems:
            raise InputError(usable.listed(list(self.problems)))
        return self.plans


def check(grid: Grid, session: Session) -> Checked:
    """Look at everything that the studies of a grid name, as `checks.check` does."""
    points = grid.points()
    recipe = grid.study.training  # of all points
    said = {e: usable.encoder_problems(e, recipe) for e in {p.encoder: None for p in points}}
    found = [checks.check(point, session, said[point.encoder]) for point in points]
    plans = [one.plan for one in found if one.plan is not None]
    problems = [problem.text for one in found for problem in one.problems]
    ahead = of(grid.name, plans) if plans else None
    problems += ahead["problems"] if ahead else []
    notes = dict.fromkeys(note for one in found for note in one.notes)
    return Checked(tuple(plans), ahead, tuple(dict.fromkeys(problems)), tuple(notes))


def of(name: str, plans: Sequence[Plan]) -> GridForecast:
    """What the studies of a grid take together.

    Args:
        name: of the grid.
        plans: one or more.
    """
    parts = [forecast.of(part) for part in once(plans)]
    runs = [run for plan in plans for run in plan.runs]
    known = [p["seconds"] for p in parts if p["seconds"] is not None]
    disks = [(p["disk"], p["disk_kept"]) for p in parts]
    # One run trains at a time: what it needs beside its model is not added up.
    kept = [kept for _, kept in disks if kept is not None]
    beside = [disk - kept for disk, kept in disks if disk is not None and kept is not None]
    disk = sum(kept) + max(beside) if len(kept) == len(parts) else None
    new = sum(p["new"] for p in parts)
    free, memory = parts[0]["disk_free"], max((p["memory"] or 0.0) for p in parts)
    return {
        "grid": name,
        "studies": len(plans),
        "runs": len(set(runs)),
        "shared": sum(runs.count(run) > 1 for run in set(runs)),
        "new": new,
        "reused": len(set(runs)) - new,
        "seconds": sum(known) if all(p["seconds"] is not None for p in parts if p["new"]) else None,
        "disk": disk,
        "disk_free": free,
        "problems": forecast.too_large(disk, free, memory),
    }


def once(plans: Sequence[Plan]) -> list[Plan]:
    """Plans without the runs that an earlier one has; those that have no other are left out."""
    seen: set[str] = set()
    parts = []
    for plan in plans:
        fresh = {run: config for run, config in plan.runs.items() if run not in seen}
        seen |= set(fresh)
        if fresh:
            parts.append(replace(plan, runs=fresh))
    return parts
