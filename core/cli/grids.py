"""Grids of studies on the command line: what they take, training them, and the verb `dose`."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.terminal import Line, as_json, interval, number, quiet, say, table

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.results.dose import Dose
    from core.results.expected_cost import CheckRow
    from core.studies.grid import Checked, Grid


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the verb."""
    dose = commands.add_parser(
        "dose", help="dose and response: what the studies of a grid measure, over the skew"
    )
    dose.add_argument("grid", help="a started grid; it need not be done")
    dose.add_argument("--json", action="store_true", help="one JSON document")
    dose.add_argument(
        "--folder", metavar="DIR", help="write the curves (SVG, PNG) and the table (CSV, LaTeX)"
    )
    dose.add_argument(
        "--check",
        action="store_true",
        help="each point beside the cost that the audit expects of its skew",
    )
    dose.add_argument(
        "--fit",
        metavar="S,S",
        help="with --check: told by what was measured at these strengths of the grid, which are "
        "left out, and not by the audit's own sources",
    )
    dose.set_defaults(command=_dose)


def _dose(chosen: argparse.Namespace) -> None:
    from core.results import dose, expected_cost
    from core.studies import grid

    asked = grid.read_started(chosen.grid)
    if chosen.check:
        checked = expected_cost.check(asked, _strengths(chosen.fit))
        say(as_json({"rows": checked}) if chosen.json else check_text(checked))
        return
    document = dose.dose(asked)
    if chosen.folder:
        from core.figures import dose as figures
        from core.report import files

        folder = Path(chosen.folder).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        for block in (figures.curves(document), figures.rows(document)):
            if block is not None:
                files.write_block(folder / block.name, block)
    say(as_json(document) if chosen.json else dose_text(document))


def _strengths(text: str | None) -> list[float]:
    try:
        return [float(s) for s in (text or "").split(",") if s.strip()]
    except ValueError as error:
        raise InputError(f"--fit is {text!r}; expected strengths such as 0.5,1.") from error


def dose_text(document: Dose) -> str:
    """What `python -m core dose` prints."""
    from core.results.dose import MEASURES

    lines_ = [f"grid {document['grid']}: minus balanced, paired by seed"]
    for measure in MEASURES:
        rows = [
            [
                row["strength"],
                row["size"],
                row["encoder"],
                number(row["cramers_v"], 3),
                row["setup"],
                row["seeds"],
                number(row["value"], 3),
                interval(row["difference"], [row["low"], row["high"]])
                if row["low"] is not None and row["high"] is not None
                else number(row["difference"], 3),
                number(row["between_balanced"], 3),
                row["verdict"],
            ]
            for row in document["rows"]
            if row["measure"] == measure
        ]
        columns = ["strength", "training rows", "encoder", "Cramér's V", "setup", "seeds", "value"]
        columns += ["minus balanced [95 %]", "between balanced", "verdict"]
        if rows:
            lines_ += ["", measure.replace("_", " "), table(columns, rows)]
    lines_ += ["", *_wrapped(_READ)] if document["rows"] else []
    lines_ += [f"{name}: {why}" for name, why in document["missing"].items()]
    return "\n".join(lines_)


_READ = (
    "Uptakes are in units of the skew that the models were trained on. Between balanced: what two "
    "balanced runs of other seeds differ by, root mean square. At strength 0 imbalanced training "
    "is balanced training, so that the difference is 0. Nothing is corrected over the points."
)


def check_text(rows: Sequence[CheckRow]) -> str:
    """What `python -m core dose --check` prints."""
    cells = [
        [
            row["strength"],
            row["size"],
            row["encoder"],
            row["measure"].replace("_", " "),
            row["told_from"],
            interval(row["observed"], row["observed_ci"]),
            interval(row["value"], [row["low"], row["high"]]),
            "yes" if row["inside"] else "no",
            {True: "yes", False: "no", None: "–"}[row["contradicted"]],
        ]
        for row in rows
    ]
    columns = ["strength", "training rows", "encoder", "minus balanced", "told from"]
    columns += ["observed [95 %]", "told [range]", "inside", "contradicted"]
    inside, against = (sum(bool(r[key]) for r in rows) for key in ("inside", "contradicted"))
    return (
        f"{table(columns, cells)}\n{inside} of {len(rows)} lie in the range that is told; "
        f"{against} contradict it: their interval over seeds has nothing of it."
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 96, break_on_hyphens=False)


def train(asked: Grid, chosen: argparse.Namespace) -> None:
    """Train every run of a grid that is missing, here or in a worker; what `study` does with one.

    Args:
        chosen: `dry_run` and `background`.
    """
    quiet()
    from core.jobs import ask, worker
    from core.models.session import Session
    from core.results import dose
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
    say(dose_text(dose.dose(asked)))


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
