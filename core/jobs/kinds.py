"""What a worker can do: one line a kind. Libraries are loaded when a job needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.checkpoints import run_folders
from core.jobs import queue
from core.studies.study import Study, from_document

if TYPE_CHECKING:
    from core.models.session import Session
    from core.progress import Progress, Stop
    from core.studies.planning import Plan


@dataclass(frozen=True)
class Work:
    """What a job's function is given.

    Attributes:
        name: what it is done to: the id of a run, the name of a study.
        arguments: further ones, as JSON has them.
        session: gives what the jobs of one study share in this process.
        report: what is being done, and how much of it (0 to 1); raises Cancelled or Terminated
            where the job is to stop.
        stop: for who looks more often than it reports.
        by: who asked for it, and so for the jobs that it asks for.
    """

    name: str
    arguments: dict[str, Any]
    session: Callable[[], Session]
    report: Progress
    stop: Stop
    by: str


class Kind(NamedTuple):
    """A kind of job.

    Attributes:
        do: does it and returns its result, as JSON has it.
        quick: answered in seconds: a worker of its own does it, on the CPU, so that it does not
            wait behind a training run or take its memory on the device.
    """

    do: Callable[[Work], Any]
    quick: bool = False


def _train(work: Work) -> None:
    """Train a run, measure it, and publish the index."""
    from core.results.index import publish
    from core.training import evaluation
    from core.training.run import train_run

    train_run(work.name, work.session(), work.report, work.stop)
    evaluation.complete(work.name, work.session(), work.report)
    publish()


def _study(work: Work) -> None:
    """Fetch what a study needs, lay out its runs and put them into the queue, then what follows."""
    from core.jobs import queue
    from core.studies import planning

    asked = _asked(work)
    _fetch(asked, work.report)
    work.report("planning", 0.9)
    enqueue_plan(planning.plan(asked, work.session()), work.by)
    for kind in work.arguments.get("then", ()):  # behind the runs
        queue.enqueue(kind, asked.name, {"study": asked.name}, work.by)


def _fetch(asked: Study, report: Progress) -> None:
    """Fetch the embedded corpus and encoder, where a study needs them and they are not here."""
    from core.corpora import multiemo
    from core.models import hub

    if asked.corpus == "multiemo" and not multiemo.corpus_file().exists():
        report("downloading the corpus (358 MB, once)", 0.0)
        multiemo.fetch()
    if asked.encoder == hub.EMBEDDED:
        report("looking for the encoder (91 MB to download, once)", 0.5)
        hub.fetch_embedded()


def _plan(work: Work) -> dict[str, Any]:
    """Say what a study would run, without starting it."""
    from core.results import power
    from core.studies import forecast, planning

    asked = _asked(work)
    _fetch(asked, work.report)
    work.report("reading the corpus", 0.9)
    plan = planning.plan(asked, work.session())
    return {**forecast.of(plan), "power": power.for_plan(plan)}


def _attribute(work: Work) -> dict[str, Any]:
    """Attributions of a study's runs; `study`, and what else core.attribution.attribute takes."""
    from core.attribution.attribute import attribute
    from core.results import thresholds

    more = {k: v for k, v in work.arguments.items() if k != "study"}
    done = attribute(work.arguments["study"], work.session(), work.report, **more)
    thresholds.keep(work.arguments["study"], done.key)
    return asdict(done)


def _project(work: Work) -> None:
    """The aligned map of a study's runs; `study`."""
    from core.results.projection import project

    project(work.arguments["study"], work.report)


def _report(work: Work) -> None:
    """The report of a study; `study`."""
    from core.report import files as report_files

    report_files.write(work.arguments["study"], work.report)


def _sentence(work: Work) -> dict[str, Any]:
    """Attributions of a typed text; `runs` (ids), `text` and, for a pair, `text_b`."""
    from core.attribution.typed_text import explain_sentence

    given = work.arguments
    return explain_sentence(given["runs"], given["text"], given.get("text_b"), work.report)


def _asked(work: Work) -> Study:
    return from_document(work.arguments["document"], Path.cwd() / f"{work.name}.toml")


KINDS = {
    "study": Kind(_study),
    "train": Kind(_train),
    "attribute": Kind(_attribute),
    "project": Kind(_project),
    "plan": Kind(_plan, quick=True),
    "sentence": Kind(_sentence, quick=True),
    "report": Kind(_report, quick=True),
}


def of_lane(*, quick: bool) -> set[str]:
    """The kinds that one worker does."""
    return {name for name, kind in KINDS.items() if kind.quick == quick}


def enqueue_plan(plan_: Plan, by: str = "") -> list[queue.Job]:
    """Record a study and put every run that lacks something into the queue, in their order.

    Args:
        by: who asks; see `queue.enqueue`.
    """
    from core.studies import planning
    from core.training import evaluation  # with the libraries for models; a plan needs none of them

    planning.record(plan_)
    for config in plan_.runs.values():
        run_folders.create(config)
    return [
        queue.enqueue("train", run_id, {"study": plan_.study.name}, by)
        for run_id in plan_.runs
        if not (run_folders.is_current(run_id) and evaluation.has_all(run_id))
    ]
