"""What a worker can do: one line a kind. Libraries are loaded when a job needs them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.checkpoints import prune, run_folders
from core.checkpoints.studies import Started, read_started
from core.errors import InputError
from core.storage import reading
from core.studies.study import Study, from_document

if TYPE_CHECKING:
    from core.attribution.result import TypedTexts
    from core.models.session import Session
    from core.progress import Progress, Stop
    from core.studies.planning import Plan

_POLL_SECONDS = 1.0


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
        ask: asks for a further job, of a kind, name and arguments, for who asked for this one.
    """

    name: str
    arguments: dict[str, Any]
    session: Callable[[], Session]
    report: Progress
    stop: Stop
    ask: Callable[[str, str, dict[str, Any]], object]

    def given(self, name: str) -> Any:
        """An argument that the job cannot do without.

        Raises:
            InputError: it is missing.
        """
        if name not in self.arguments:
            raise InputError(
                f"job {self.name} has no argument {name}; it has: "
                f"{', '.join(self.arguments) or 'none'}. Ask for it anew."
            )
        return self.arguments[name]


def _nothing(*_: Any) -> None:
    """The queue is all that knows of such a job."""


class Kind(NamedTuple):
    """A kind of job.

    Attributes:
        do: does it and returns its result, as JSON has it.
        quick: answered in seconds: a worker of its own does it, on the CPU, so that it does not
            wait behind a training run or take its memory on the device.
        asked: called with the name and who asks, before such a job is put into the queue; raises
            InputError where it cannot be.
        cancelled: called with the name when a job that waited is cancelled.
        deleted: called with the name; deletes what is left of it beside the queue.
        log: gives the file for what such a job prints; None: one in the queue's folder.
    """

    do: Callable[[Work], Any]
    quick: bool = False
    asked: Callable[[str, str], None] = _nothing
    cancelled: Callable[[str], None] = _nothing
    deleted: Callable[[str], None] = _nothing
    log: Callable[[str], Path] | None = None


def _train(work: Work) -> None:
    """Train a run, measure it, and publish the index."""
    from core.results.index import refresh
    from core.training import evaluation
    from core.training.run import train_run

    train_run(work.name, work.session(), work.report, work.stop)
    evaluation.complete(work.name, work.session(), work.report)
    refresh()


def _study(work: Work) -> None:
    """Fetch what a study needs, lay out its runs and put them into the queue, then what follows."""
    from core.studies import checks

    asked = _asked(work)
    _fetch(asked, work.report)
    work.report("planning", 0.9)
    plan = checks.check(asked, work.session()).planned()
    for run_id in lay_out(plan):
        work.ask("train", run_id, {"study": asked.name})
    for kind in work.arguments.get("then", ()):  # behind the runs
        more: dict[str, Any] = {}
        if kind == "attribute" and (texts := work.arguments.get("texts")):
            config = next(iter(plan.runs.values()))
            more["per_language"] = min(max(texts, len(config.labels)), config.test_per_language)
        work.ask(kind, asked.name, {"study": asked.name, "when_trained": True, **more})


def _fetch(asked: Study, report: Progress) -> None:
    """Fetch the embedded corpus and encoder, where a study needs them and they are not here."""
    from core.corpora import multiemo
    from core.models import hub
    from core.studies import checks

    if "multiemo" in checks.must_fetch(asked):
        report("downloading the corpus (358 MB, once)", 0.0)
        multiemo.fetch()
    if asked.encoder == hub.EMBEDDED:
        report("looking for the encoder (91 MB to download, once)", 0.5)
        hub.fetch_embedded()


def _plan(work: Work) -> dict[str, Any]:
    """Say what a study would run, without starting it."""
    from core.results import power
    from core.studies import checks

    asked = _asked(work)
    _fetch(asked, work.report)
    work.report("reading the corpus", 0.9)
    found = checks.check(asked, work.session())
    if found.plan is None or found.forecast is None:
        found.planned()  # raises
        raise AssertionError("without a plan there is a problem")
    told = {"problems": [problem.text for problem in found.problems], "notes": list(found.notes)}
    return {**found.forecast, **told, "power": power.for_plan(found.plan)}


def _attribute(work: Work) -> dict[str, Any]:
    """Attributions of a study's runs; `study`, `when_trained` as of `_trained`, and what else
    core.attribution.attribute takes."""
    from core.attribution.attribute import attribute
    from core.results import thresholds

    more = {k: v for k, v in work.arguments.items() if k not in ("study", "when_trained")}
    study = _trained(work)
    done = attribute(study, work.session(), work.report, **more)
    thresholds.keep(study, done.key)
    return asdict(done)


def _project(work: Work) -> None:
    """The aligned map of a study's runs; `study`, `when_trained` as of `_trained`."""
    from core.results.projection import project
    from core.training import untouched

    project(
        _trained(work),
        work.report,
        untouched=lambda config, rows: untouched.vectors(config, rows, work.session()),
    )


def _trained(work: Work) -> Started:
    """A job's study; with the argument `when_trained` only once all of its runs are trained.

    A run that another worker trains is waited for.

    Raises:
        InputError: a run failed, was stopped, or waits behind this job.
    """
    study = read_started(work.given("study"))
    if not work.arguments.get("when_trained"):
        return study
    states = _states(study)
    while "running" in states.values():
        work.report("waits for the runs that are trained", 0.0)
        time.sleep(_POLL_SECONDS)
        states = _states(study)
    if missing := [f"{name}: {state}" for name, state in states.items() if state != "done"]:
        raise InputError(
            f"study {study.name} is not trained: {len(missing)} of {len(states)} runs are not done "
            f"({'; '.join(missing[:4])}{' …' if len(missing) > 4 else ''}). Resume or retry them, "
            "then this."
        )
    return read_started(study.name)


def _states(study: Started) -> dict[str, str]:
    """The states of a study's runs, by what they are called."""
    return {
        f"{m.setup}, seed {m.seed}": run_folders.read_status(m.run)["state"] for m in study.members
    }


def _report(work: Work) -> None:
    """The report of a study; `study`."""
    from core.report import files as report_files

    report_files.write(read_started(work.given("study")), work.report)


def _corpus(work: Work) -> dict[str, Any]:
    """Mend and save a corpus under the job's name; `corpus` (of core.corpora.asked) and `steps`."""
    from core.corpora import asked, corpus, saved
    from core.mending import steps

    saved.check_name(work.name)
    work.report("reading the corpus", 0.0)
    of = work.given("corpus")
    found, done = steps.apply(asked.mapped(of, work.report), work.given("steps"), work.report)
    work.report("saving", 0.9)
    kept = corpus.save(work.name, found, asked.options(of), done)
    return {"rows": kept.table.num_rows, "done": done}


def _sentence(work: Work) -> TypedTexts:
    """What runs say of typed texts; `runs` (ids), `sentences`, and `attributed` for the tokens too.

    A job of an older version has one `text` and maybe its `text_b`, and asks for the tokens.
    """
    from core.attribution.result import Sentence
    from core.attribution.typed_text import read_sentences

    given = work.arguments
    with reading.reading(f"job {work.name}", "ask for it anew"):
        if "sentences" in given:
            sentences = [Sentence.read(one) for one in given["sentences"]]
        else:
            sentences = [Sentence.read(given)]
        attributed = bool(given.get("attributed", "sentences" not in given))
    return read_sentences(work.given("runs"), sentences, work.report, attributed=attributed)


def _asked(work: Work) -> Study:
    with reading.reading(f"job {work.name}", "ask for it anew"):
        return from_document(dict(work.given("document")), Path.cwd() / f"{work.name}.toml")


def _run_asked(run_id: str, by: str) -> None:
    run_folders.read_config(run_id)
    run_folders.write_status(run_id, "queued", by=by)


def _run_cancelled(run_id: str) -> None:
    message = "cancelled while it waited; train it again to go on"
    run_folders.write_status(run_id, "cancelled", message)


def _run_deleted(run_id: str) -> None:
    if run_folders.folder(run_id).is_dir():
        prune.delete([run_id])


def _run_log(run_id: str) -> Path:
    return run_folders.folder(run_id) / "log.txt"


KINDS = {
    "study": Kind(_study),
    # A run's state is in its own folder, for whoever asks of the run and not of the job.
    "train": Kind(
        _train, asked=_run_asked, cancelled=_run_cancelled, deleted=_run_deleted, log=_run_log
    ),
    "attribute": Kind(_attribute),
    "project": Kind(_project),
    "corpus": Kind(_corpus, quick=True),
    "plan": Kind(_plan, quick=True),
    "sentence": Kind(_sentence, quick=True),
    "report": Kind(_report, quick=True),
}


def of_lane(*, quick: bool) -> set[str]:
    """The kinds that one worker does."""
    return {name for name, kind in KINDS.items() if kind.quick == quick}


def kind_of(name: str) -> Kind:
    """A kind by its name; of one that a newer version knows, what all have in common."""
    return KINDS.get(name, Kind(_nothing))


def lay_out(plan: Plan) -> list[str]:
    """Record a study, make its run folders, and give the runs that lack something, in order."""
    from core.studies import planning
    from core.training import evaluation  # with the libraries for models; a plan needs none of them

    planning.record(plan)
    for config in plan.runs.values():
        run_folders.create(config)
    return [
        run_id
        for run_id in plan.runs
        if not (run_folders.is_current(run_id) and evaluation.has_all(run_id))
    ]
