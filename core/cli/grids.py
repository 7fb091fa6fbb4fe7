"""Grids of studies on the command line: what they take, and training them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from core.terminal import Line, quiet, say, table

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.studies.grid import Checked, Grid


def train(asked: Grid, chosen: argparse.Namespace) -> None:
    """Train every run of a grid that is missing, here or in a worker; what `study` does with one.

    Args:
        chosen: `dry_run` and `background`.
    """
    quiet()
    from core.jobs import ask, worker
    from core.models.session import Session
    from core.results.index import refresh
    from core.studies import checks, grid

    session = Session()
    points = asked.points()
    if chosen.background and any(checks.must_fetch(point) for point in points):
        plans = None  # the jobs say what is wrong, once they have fetched
    else:
        checked = grid.check(asked, session)
        if not chosen.background:
            say(plan_text(checked))
        for note in checked.notes:
            say(f"note: {note}", file=sys.stderr)
        plans = checked.planned()
    if chosen.dry_run:
        return
    grid.record(asked)
    if plans is None or chosen.background:
        for point in points:
            ask.ask_study(point)
        say(f"{len(points)} studies are in the queue; `python -m core queue` shows them.")
        return
    worker.work_through(ask.ask_runs(*plans), session, lines(checked.runs))
    refresh()
    say(f"grid {asked.name} is done.")


def lines(runs: Mapping[str, RunConfig]) -> Callable[[str], Line]:
    """The line of progress of each run, with its number among all."""
    place = {run_id: i for i, run_id in enumerate(runs, start=1)}

    def line(run_id: str) -> Line:
        config = runs[run_id]
        return Line(f"[{place[run_id]}/{len(runs)}] {config.setup} seed {config.seed} {run_id}")

    return line


def plan_text(checked: Checked) -> str:
    """What a grid would run: a study a line, and all of them together, runs counted once."""
    from core.checkpoints import run_folders

    rows, seen = [], set[str]()
    for plan in checked.plans:
        fresh = [run for run in plan.runs if run not in seen]
        seen |= set(fresh)
        new = sum(run_folders.state_to_plan_by(run) != "done" for run in fresh)
        first = next(iter(plan.runs.values()))
        rows.append(
            [plan.study.name, first.encoder, first.rows("train"), len(plan.runs), len(fresh), new]
        )
    columns = ["study", "encoder", "training rows", "runs", "of its own", "to be trained"]
    lines_ = [table(columns, rows)]
    if (ahead := checked.forecast) is not None:
        takes = [f"{ahead['new']} to be trained"]
        if ahead["seconds"] is not None:
            takes.append(f"some {ahead['seconds'] / 60:.0f} minutes by the speed of earlier runs")
        if ahead["disk"] is not None:
            takes.append(f"up to {ahead['disk'] / 1e9:.1f} GB of disk")
        lines_ += [
            "",
            f"grid {ahead['grid']}: {ahead['studies']} studies, {ahead['runs']} runs "
            f"({ahead['shared']} of several studies, counted once); {', '.join(takes)}.",
        ]
    return "\n".join(lines_)
