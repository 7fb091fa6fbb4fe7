"""The command line's verbs on training: `study`, `train` and `import`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import corpora, grids
from core.errors import InputError
from core.terminal import Line, quiet, say

if TYPE_CHECKING:
    from core.studies.study import Study


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the verbs."""
    study = commands.add_parser(
        "study", help="train every run of a study, or of a grid of studies, that is missing"
    )
    study.add_argument(
        "study",
        metavar="NAME|FILE.toml",
        help="a shipped or started study or grid, a file, or "
        "'corpus NAME': what is suggested for a saved corpus",
    )
    study.add_argument("--seeds", metavar="0,1,2", help="in place of the study's own")
    for name in ("corpus", "encoder", "external"):
        study.add_argument(f"--{name}", metavar="SOURCE", help="in place of the study's own")
    study.add_argument("--dry-run", action="store_true", help="say what would run, and stop")
    study.add_argument(
        "--background", action="store_true", help="put it into the queue, start a worker, and stop"
    )
    study.add_argument(
        "--train-only",
        action="store_true",
        help="with --background: do not explain and map it when it is trained (a grid never is)",
    )
    study.set_defaults(command=_study)

    train = commands.add_parser("train", help="train one run, or go on with it")
    train.add_argument("run", help="run id, or how it begins")
    train.set_defaults(command=_train)

    brought = commands.add_parser(
        "import", help="turn a fine-tuned sequence classifier in transformers' layout into a run"
    )
    brought.add_argument("folder", help="config.json, safetensors and a fast tokenizer")
    source = brought.add_mutually_exclusive_group(required=True)
    source.add_argument("--corpus", help="what it is tested on: a preset or file")
    source.add_argument("--study", help="a started study whose test set it is tested on")
    brought.add_argument("--outputs", metavar="A,B,…", help="labels in the order of its outputs")
    corpora.add_mapping(brought)
    brought.add_argument(
        "--test-per-language", type=int, help="rows of the test set (largest that fits, up to 1000)"
    )
    brought.add_argument("--max-length", type=int, default=128, help="tokens a text (%(default)s)")
    brought.add_argument(
        "--prefix", default="", metavar="TEXT", help="what it was trained to have before each text"
    )
    brought.set_defaults(command=_import)


def _study(chosen: argparse.Namespace) -> None:
    from core.studies import grid as asked_grid
    from core.studies import study as asked_study
    from core.studies import suggested

    if (grid := asked_grid.read(chosen.study)) is not None:
        shared = _in_place(chosen, grid.study)
        encoders = () if chosen.encoder else grid.encoders
        grids.train(replace(grid, study=shared, encoders=encoders), chosen)
    elif chosen.study.startswith(suggested.BEGINS):
        _one_study(_in_place(chosen, suggested.read(chosen.study)), chosen)
    else:
        _one_study(_in_place(chosen, asked_study.read(chosen.study)), chosen)


def _in_place(chosen: argparse.Namespace, asked: Study) -> Study:
    """A study with what is given in place of its own."""
    from core.studies import study as asked_study

    if chosen.seeds:
        try:
            asked = replace(asked, seeds=tuple(int(s) for s in chosen.seeds.split(",")))
        except ValueError as error:
            raise InputError(
                f"--seeds is {chosen.seeds!r}; expected whole numbers such as 0,1,2."
            ) from error
    given = {name: getattr(chosen, name) for name in ("corpus", "encoder", "external")}
    if given := {name: value for name, value in given.items() if value is not None}:
        document = asked_study.to_document(asked) | given
        asked = asked_study.from_document(document, Path.cwd() / f"{asked.name}.toml")
    return asked


def _one_study(asked: Study, chosen: argparse.Namespace) -> None:
    if chosen.background:
        from core.jobs import ask
        from core.models.session import Session
        from core.studies import checks

        quiet()
        if not checks.must_fetch(asked):  # else the job says what is wrong, once it has fetched
            checks.check(asked, Session()).planned()
        then = () if chosen.train_only else ask.THEN
        job = ask.ask_study(asked, then, texts=ask.THEN_TEXTS)
        say(f"{job.id} is in the queue; `python -m core queue` shows what becomes of it.")
        return
    quiet()
    from core.checkpoints.studies import read_started
    from core.cli import text
    from core.jobs import ask, worker
    from core.models.session import Session
    from core.results.index import refresh
    from core.results.study_results import summary
    from core.studies import checks

    session = Session()
    checked = checks.check(asked, session)
    if chosen.dry_run and checked.plan is not None:
        say(text.plan_text(checked.plan))
    for note in checked.notes:
        say(f"note: {note}", file=sys.stderr)
    plan = checked.planned()
    if chosen.dry_run:
        return
    worker.work_through(ask.ask_runs(plan), session, grids.lines(plan.runs))
    refresh()
    say(text.study_text(summary(read_started(asked.name))))


def _train(chosen: argparse.Namespace) -> None:
    quiet()
    from core.checkpoints import run_folders
    from core.jobs import worker

    run_id = run_folders.resolve(chosen.run)
    worker.train_here(run_id, Line(run_id))
    say(f"{run_id} is done: {run_folders.folder(run_id)}")


def _import(chosen: argparse.Namespace) -> None:
    quiet()
    from core.checkpoints.studies import read_started
    from core.cli import text
    from core.results.index import refresh
    from core.results.study_results import summary
    from core.training import import_model

    name = import_model.import_to_study(
        Path(chosen.folder),
        corpus=chosen.corpus,
        study_name=chosen.study,
        outputs=chosen.outputs.split(",") if chosen.outputs else None,
        test_per_language=chosen.test_per_language,
        max_length=chosen.max_length,
        prefix=chosen.prefix,
        report=Line(Path(chosen.folder).name),
        **corpora.mapping_of(chosen),
    )
    refresh()
    say(text.study_text(summary(read_started(name))))
