"""Asking for jobs, and seeing to it that a worker is there to do them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.checkpoints import run_folders
from core.errors import InputError
from core.jobs import kinds, queue, slots
from core.jobs.queue import Job
from core.studies.study import Study, to_document

if TYPE_CHECKING:
    from core.studies.planning import Plan


def ask(kind: str, name: str, arguments: dict[str, Any] | None = None, by: str = "") -> Job:
    """Put a job into the queue and see to it that a worker is there to do it.

    Args:
        by: who asks; by default the user of this process and its machine.

    Raises:
        InputError: a run is to be trained that does not exist.
    """
    job = queue.enqueue(kind, name, arguments, by)
    slots.see_to(slots.QUICK if kinds.KINDS[kind].quick else slots.FIRST)
    return job


# What follows where a study is started without a word on it, and of how many texts a language: few,
# since a large encoder takes a minute a text; `attribute --per-language` adds more.
THEN = ("attribute", "project")
THEN_TEXTS = 6


def ask_study(
    study: Study, then: Sequence[str] = (), by: str = "", texts: int | None = None
) -> Job:
    """Ask for a study: what it needs is fetched, then its runs are laid out and trained.

    Args:
        then: kinds of jobs that follow once all runs are trained; where one is not, they say so.
        by: who asks, for its runs too; see `ask`.
        texts: that are explained, a language: as many as there are labels at least, and no more
            than the test set has. None: as many as attributions have by default.
    """
    arguments: dict[str, Any] = {"document": to_document(study), "then": list(then)}
    return ask("study", study.name, arguments | ({"texts": texts} if texts else {}), by)


def ask_plan(study: Study, by: str = "") -> Job:
    """Ask what a study would run (`core.studies.forecast.of`, and `power`). See `ask`."""
    document = to_document(study)
    return ask("plan", plan_name(study), {"document": document}, by)


def plan_name(study: Study) -> str:
    """Name of the plan job of a study: the same for the same study."""
    text = json.dumps(to_document(study), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def again(job_id: str, by: str = "") -> Job:
    """Ask once more for a job that stopped or failed, or a run that nobody asked for; see `ask`.

    Raises:
        InputError: no such job and no such run.
    """
    job = queue.find(job_id)
    if job is None:
        kind, _, name = job_id.partition("-")
        job = Job(kind, run_folders.resolve(name))
    if job.kind not in kinds.KINDS:
        raise InputError(
            f"{job_id} is no job of a kind that this version knows; delete it, and ask for what "
            "you want anew."
        )
    return ask(job.kind, job.name, job.arguments, by)


def ask_runs(*plans: Plan) -> list[Job]:
    """Record studies and put every run that lacks something into the queue, in their order.

    A run that several of them have is put there once, and stands in the list for each.
    """
    asked: list[Job] = []
    try:
        for plan in plans:
            for run_id in kinds.lay_out(plan):
                asked.append(queue.enqueue("train", run_id, {"study": plan.study.name}))
    except BaseException:  # such as a full disk: nobody waits for the first of them
        queue.withdraw([job.id for job in asked])
        raise
    return asked
