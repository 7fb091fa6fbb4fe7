"""What a worker can do: one line a kind. Libraries are loaded when a job needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.study import Study, from_document

if TYPE_CHECKING:
    from core.session import Report, Session
    from core.stopping import Stop


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
    report: Report
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
    from core import artefacts
    from core.index import publish
    from core.run import train_run

    train_run(work.name, work.session(), work.report, work.stop)
    artefacts.complete(work.name, work.session(), work.report)
    publish()


def _study(work: Work) -> None:
    """Fetch what a study needs, lay out its runs and put them into the queue, then what follows."""
    from core import jobs, planning

    asked = _asked(work)
    _fetch(asked, work.report)
    work.report("planning", 0.9)
    planning.enqueue(planning.plan(asked, work.session()), work.by)
    for kind in work.arguments.get("then", ()):  # behind the runs
        jobs.enqueue(kind, asked.name, {"study": asked.name}, work.by)


def _fetch(asked: Study, report: Report) -> None:
    """Fetch the embedded corpus and encoder, where a study needs them and they are not here."""
    from core import hub, multiemo

    if asked.corpus == "multiemo" and not multiemo.corpus_file().exists():
        report("downloading the corpus (358 MB, once)", 0.0)
        multiemo.fetch()
    if asked.encoder == hub.EMBEDDED:
        report("looking for the encoder (91 MB to download, once)", 0.5)
        hub.fetch_embedded()


def _plan(work: Work) -> dict[str, Any]:
    """Say what a study would run, without starting it."""
    from core import forecast, planning

    asked = _asked(work)
    _fetch(asked, work.report)
    work.report("reading the corpus", 0.9)
    return forecast.of(planning.plan(asked, work.session()))


def _attribute(work: Work) -> dict[str, Any]:
    """Attributions of a study's runs; `study`, and what else core.attribution.study takes."""
    from core import thresholds
    from core.attribution.study import attribute

    more = {k: v for k, v in work.arguments.items() if k != "study"}
    done = attribute(work.arguments["study"], work.session(), work.report, **more)
    thresholds.keep(work.arguments["study"], done.key)
    return asdict(done)


def _project(work: Work) -> None:
    """The aligned map of a study's runs; `study`."""
    from core.projection import project

    project(work.arguments["study"], work.report)


def _report(work: Work) -> None:
    """The report of a study; `study`."""
    from core import report

    report.write(work.arguments["study"], work.report)


def _sentence(work: Work) -> dict[str, Any]:
    """Attributions of a typed text; `runs` (ids), `text` and, for a pair, `text_b`."""
    from core.attribution.sentence import explain_sentence

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
