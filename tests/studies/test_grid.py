"""Grids: their studies, what these share, and what is refused."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checkpoints import run_folders
from core.cli.main import main
from core.errors import InputError
from core.jobs import ask, queue
from core.models.session import Session
from core.studies import forecast, grid, study
from core.studies.grid import Grid
from core.studies.study import Study
from tests.conftest import SMALL_STUDY

BASE = Study(
    name="g",
    corpus="synthetic",
    setups=("balanced", "imbalanced", "imbalanced+cw"),
    encoder="tiny",
    seeds=(0, 1, 2),
    train_per_language=30,
    validation_per_language=12,
    test_per_language=24,
)


def write(study_file: Path, axes: str, base: str = SMALL_STUDY) -> Path:
    """A grid beside the small study's corpus."""
    path = study_file.parent / "grid.toml"
    path.write_text(base.replace("small", "grid", 1) + f"[grid]\n{axes}\n")
    return path


@pytest.fixture
def small_grid(study_file) -> Path:
    return write(study_file, "strength = [0, 0.5, 1]\nsize = [18, 30]")


@given(
    st.lists(st.integers(0, 8).map(lambda n: n / 4), unique=True, max_size=4),
    st.lists(st.integers(1, 500), unique=True, max_size=3),
    st.lists(st.sampled_from(["tiny", "xlm-roberta-base", "a/b", "a/b@c"]), unique=True),
)
def test_a_grid_has_a_study_a_point_which_differs_in_its_axes_alone(
    strengths, sizes, encoders
) -> None:
    made = Grid(BASE, tuple(strengths), tuple(sizes), tuple(encoders))
    points = made.points()
    assert len(points) == (len(strengths) or 1) * (len(sizes) or 1) * (len(encoders) or 1)
    assert len({p.name for p in points}) == len(points)
    wanted = {
        (s, n, e)
        for s in strengths or [BASE.strength]
        for n in sizes or [BASE.train_per_language]
        for e in encoders or [BASE.encoder]
    }
    assert {(p.strength, p.train_per_language, p.encoder) for p in points} == wanted
    for point in points:
        assert point.name.startswith("g")
        setups = BASE.setups if point.strength else ("balanced",)
        assert replace(
            point, name="g", strength=1.0, train_per_language=30, encoder="tiny", setups=BASE.setups
        ) == BASE and point.setups == setups  # fmt: skip
    document = grid.to_document(made)
    if len(document) > len(study.to_document(BASE)) and document["grid"]:
        assert grid.from_document(document, Path.cwd() / "g.toml") == made
        with pytest.raises(InputError, match=r"\[grid\], so it stands for several studies"):
            study.from_document(document, Path.cwd() / "g.toml")


def test_names_are_those_of_the_axes() -> None:
    made = Grid(BASE, (0.25,), (30, 60), ("org/model@main",))
    assert [p.name for p in made.points()] == [
        "g-s0.25-n30-org-model-main", "g-s0.25-n60-org-model-main"
    ]  # fmt: skip
    in_all = replace(BASE, train_per_language=None, train_rows=90)
    [point] = Grid(in_all, sizes=(60,)).points()
    assert (point.train_rows, point.train_per_language) == (60, None)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("", r"\[grid\] is \{\}; known keys are strength, size, encoder"),
        ("dose = [1]", "known keys are strength, size, encoder"),
        ("strength = 1", r"\[grid\] strength is 1; expected a list of numbers"),
        ("strength = []", "strength is .*; expected a list of numbers"),
        ("strength = [true]", "strength is .*; expected a list of numbers"),
        ("strength = [-1]", "strength is -1.0; expected a number from 0"),
        ("strength = [1, 1.0]", "two of its studies are called grid-s1; give each value once"),
        ("size = [1.5]", "size is .*; expected a list of whole numbers"),
        ("size = [0]", "train_per_language is 0"),
        ("encoder = ['a/b', 'a-b']", "two of its studies are called grid-a-b"),
    ],
)
def test_what_is_no_grid_is_refused_by_name(study_file, axes, message) -> None:
    with pytest.raises(InputError, match=message):
        grid.read(str(write(study_file, axes)))


def test_sizes_and_setups_that_do_not_fit_a_grid_are_refused(study_file) -> None:
    for key, said in (("train", "or size under"), ("validation", "give validation_per_language")):
        base = "\n".join(x for x in SMALL_STUDY.splitlines() if not x.startswith(key)) + "\n"
        with pytest.raises(InputError, match=f"has no size of {key}.*{said}"):
            grid.read(str(write(study_file, "strength = [0.5, 1]", base)))
    with pytest.raises(InputError, match="strength 0, .* Add balanced"):
        Grid(replace(BASE, setups=("imbalanced",)), (0.0, 1.0))


def test_what_is_no_grid_is_none_and_an_unknown_name_is_told_by_the_study(study_file) -> None:
    assert grid.read(str(study_file)) is None
    assert grid.read("demo") is None and grid.read("nothing") is None and grid.read("\0") is None
    with pytest.raises(InputError, match="never started; started are none"):
        grid.read_started("dose")


def test_the_shipped_grid_shares_its_runs_with_the_demo() -> None:
    dose = grid.read("dose")
    assert dose is not None and "dose" in study.shipped()
    assert dose.strengths == (0, 0.25, 0.5, 0.75, 1, 1.5)
    demo = study.read("demo-entropy")
    at_one = next(p for p in dose.points() if p.strength == 1)
    assert at_one == replace(demo, name="dose-s1", setups=at_one.setups)


def test_runs_of_several_studies_are_counted_and_queued_once(small_grid, done) -> None:
    asked = grid.read(str(small_grid))
    assert asked is not None
    checked = grid.check(asked, Session())
    assert not checked.problems and checked.forecast is not None
    # At each size two balanced runs, and two imbalanced ones at each strength above 0.
    assert len(checked.plans) == 6 and sum(len(p.runs) for p in checked.plans) == 2 * (2 + 4 + 4)
    ahead = checked.forecast
    assert (ahead["runs"], ahead["shared"]) == (2 * (2 + 2 + 2), 2 * 2)
    assert len(checked.runs) == ahead["runs"]
    # All of the small study are done: those of its size at strength 1.
    assert (ahead["reused"], ahead["new"]) == (4, 8)
    parts = grid.once(checked.plans)
    assert sorted(run for p in parts for run in p.runs) == sorted(checked.runs)
    seconds = [forecast.of(p)["seconds"] for p in parts]
    assert ahead["seconds"] == pytest.approx(sum(x for x in seconds if x is not None))
    kept = sum(forecast.of(p)["disk_kept"] or 0 for p in parts)
    assert ahead["disk"] is not None and kept < ahead["disk"] < 2.5 * kept
    every = grid.of("grid", [*checked.plans, *checked.plans])
    for key in ("runs", "new", "reused", "seconds", "disk"):
        assert every[key] == ahead[key]  # type: ignore[literal-required]


def test_a_grid_that_does_not_fit_says_so_once(small_grid, monkeypatch) -> None:
    asked = grid.read(str(small_grid))
    assert asked is not None
    monkeypatch.setattr(forecast, "_disk_free", lambda: 1000)
    found = grid.check(asked, Session())
    assert any("GB of disk, 0.0 GB are free" in p for p in found.problems)
    with pytest.raises(InputError, match="GB of disk"):
        found.planned()
    too_strong = grid.check(replace(asked, strengths=(1.0, 3.0)), Session())
    assert len([p for p in too_strong.problems if "the largest strength is 2" in p]) == 1


def test_a_dry_run_says_what_is_shared_and_starts_nothing(small_grid, capsys) -> None:
    assert main(["study", str(small_grid), "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "grid-s0.5-n18" in text
    assert "6 studies, 12 runs (4 of several studies, counted once); 12 to be trained" in text
    assert not grid.started() and not queue.listing() and run_folders.list_runs().empty
    assert main(["study", str(small_grid), "--dry-run", "--seeds", "0,1"]) == 0
    assert "20 runs (4 of several" in capsys.readouterr().out  # two seeds of each, and no nulls
    assert main(["study", str(small_grid), "--dry-run", "--encoder", "nobody/nothing"]) == 2
    assert "hub did not answer for nobody/nothing" in capsys.readouterr().err


def test_in_the_background_each_study_is_a_job(small_grid, monkeypatch, capsys) -> None:
    monkeypatch.setattr(ask.slots, "see_to", lambda slot: None)
    assert main(["study", str(small_grid), "--background"]) == 0
    assert "6 studies are in the queue" in capsys.readouterr().out
    names = [p.name for p in grid.read_started("grid").points()]
    assert [job.name for job in queue.listing()] == names
    # What was started is read again by its name, with the paths that it was given.
    assert grid.read("grid") == grid.read(str(small_grid))
    assert tomllib.loads(grid._file("grid").read_text())["grid"]["size"] == [18, 30]
