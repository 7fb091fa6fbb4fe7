"""Typed texts as jobs: asking what runs say of them, and reading the answers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from core.checkpoints import run_folders
from core.errors import InputError
from core.jobs import ask as job_ask
from core.jobs import queue
from core.jobs.queue import Job
from core.results.schema import Sentence, TypedRun
from core.storage import reading

KIND = "sentence"
_NAME = re.compile("[0-9a-f]{16}")
_MEND = "ask for it anew"

Answers = dict[tuple[Sentence, str], TypedRun]  # by sentence and run


def ask(
    sentences: Sequence[Sentence], runs: Sequence[str], *, attributed: bool = False, by: str = ""
) -> Job:
    """Ask what some runs say of typed texts, and with `attributed` what their tokens do.

    The same texts and runs are the same job. See `core.jobs.ask.ask`.
    """
    arguments = {
        "sentences": [asdict(sentence) for sentence in sentences],
        "runs": list(runs),
        "attributed": attributed,
    }
    text = json.dumps(arguments, sort_keys=True)
    return job_ask.ask(KIND, hashlib.sha256(text.encode()).hexdigest()[:16], arguments, by)


def find(names: Iterable[str]) -> list[Job]:
    """Those of these jobs that there are; what is no name of one, as in a link, is left out."""
    found = (queue.find(f"{KIND}-{name}") for name in names if _NAME.fullmatch(name))
    return [job for job in found if job is not None]


def answers(job: Job) -> Answers:
    """What a job that is done found; nothing of runs that were trained anew since.

    A job of an older version, with one text and no list of them, has no answer here.

    Raises:
        InputError: what it holds does not read.
    """
    found: Answers = {}
    if job.state != "done" or "sentences" not in job.arguments:
        return found
    with reading.reading(f"job {job.id}", _MEND):
        sentences = [Sentence.read(one) for one in job.arguments["sentences"]]
        classes = len(job.result["labels"])
        for sentence, text in zip(sentences, job.result["sentences"], strict=True):
            for run, own in text["runs"].items():
                _check(own, classes)
                if not _is_older(job, run):
                    found[sentence, run] = own
    return found


def _check(own: TypedRun, classes: int) -> None:
    """Refuse what is not what one run says of one text.

    Raises:
        ValueError: it is something else.
    """
    tokens = own.get("tokens")
    rows = [own["output"]]
    if tokens is not None:
        rows += [tokens["base"], *tokens["values"], *(tokens["errors"] or [])]
        several = (tokens["tokens"], tokens["words"], tokens["values"])
        if len({len(x) for x in several}) > 1:
            raise ValueError("its tokens and values are not as many")
        if not all(isinstance(token, str) for token in tokens["tokens"]):
            raise ValueError("its tokens are no texts")
    for row in rows:
        if len(row) != classes or not all(reading.is_number(x) for x in row):
            raise ValueError(f"expected {classes} numbers, found {row!r:.60}")
    reading.check_number({**own}, "unknown", 0)


def _is_older(job: Job, run: str) -> bool:
    """Whether a run was finished after a job was asked for: it may be another model now."""
    try:
        return (run_folders.folder(run) / "COMPLETE").stat().st_mtime > job.asked
    except (OSError, InputError):
        return True
