"""Everything that is wrong with a study, found before anything of it is trained."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from core.config import Recipe
from core.corpora import multiemo
from core.corpora.corpus import Corpus
from core.corpora.splits import SPLITS
from core.errors import InputError
from core.models import hub, usable
from core.models.session import Session
from core.models.usable import Problem
from core.storage.places import cache_dir
from core.studies import forecast, planning
from core.studies.forecast import Forecast
from core.studies.planning import Plan
from core.studies.study import Study

_FIELDS = [f.name for f in (*fields(Study), *fields(Recipe))]


@dataclass(frozen=True)
class Checked:
    """What a study would run, and what stands in its way.

    Attributes:
        plan: its runs; None where they cannot be laid out.
        forecast: what they take; None without a plan.
        problems: all that were found; with any, nothing may be started.
        notes: what a user should know that stands in no way.
    """

    plan: Plan | None
    forecast: Forecast | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    def planned(self) -> Plan:
        """The plan of a study in whose way nothing stands.

        Raises:
            InputError: names all that does, in the words of a study's file.
        """
        if self.problems or self.plan is None:
            raise InputError(usable.listed([problem.text for problem in self.problems]))
        return self.plan


def check(
    study: Study, session: Session, encoder: tuple[list[Problem], list[str]] | None = None
) -> Checked:
    """Look at everything that a study names: corpora, encoder, recipe, sizes, memory and disk.

    Args:
        encoder: what `usable.encoder_problems` said of its encoder and recipe, where that was
            asked before; it takes seconds.
    """
    found, notes = encoder or usable.encoder_problems(study.encoder, study.training)
    of_corpora, corpus = _of_corpora(study, session)
    problems = [*of_corpora, *found]
    plan = ahead = None
    if corpus is not None and not of_corpora:  # else sizes would say the same in other words
        try:
            plan = planning.plan(study, session)
        except InputError as error:
            if str(error) not in {problem.text for problem in problems}:
                problems.append(Problem(_field_in(str(error)), str(error)))
        else:
            ahead = forecast.of(plan)
            problems += [Problem(_field_in(text), text) for text in ahead["problems"]]
    return Checked(plan, ahead, tuple(problems), tuple(notes))


def problems(study: Study, session: Session) -> list[Problem]:
    """All that stands in a study's way; nothing where it can be started."""
    return list(check(study, session).problems)


def must_fetch(study: Study) -> list[str]:
    """What of the embedded default a study needs and this machine lacks; it is fetched first."""
    lacking = []
    if study.corpus == "multiemo" and not multiemo.corpus_file().exists():
        lacking.append("multiemo")
    folder = cache_dir() / "encoders" / hub.EMBEDDED
    if study.encoder == hub.EMBEDDED and not (folder / "config.json").exists():
        lacking.append(hub.EMBEDDED)
    return lacking


def _of_corpora(study: Study, session: Session) -> tuple[list[Problem], Corpus | None]:
    """What is wrong with the corpus and the external one; the corpus, where it loads."""
    found: list[Problem] = []
    try:
        corpus = session.load_corpus(study.corpus, study.columns, study.labels, study.languages)
    except InputError as error:
        return [Problem("corpus", str(error))], None
    for name, known, why in (
        ("languages", corpus.languages, "languages can only differ where there are two"),
        ("labels", corpus.labels, "a classifier needs two to tell apart"),
    ):
        if len(known) < 2:
            found.append(
                Problem(
                    name,
                    f"corpus {corpus.name} has {len(known)} of {name} ({', '.join(known)}); {why}. "
                    f"Choose a corpus with more, or name another column by [columns] "
                    f"{name[:-1]} = ….",
                )
            )
    there = set(corpus.table["split"].unique().to_pylist())
    for split in (s for s in SPLITS if s not in there):
        found.append(
            Problem(
                f"{split}_per_language",
                f"corpus {corpus.name} has no row in the split {split}; its splits are "
                f"{', '.join(s for s in SPLITS if s in there) or 'none'}. Give it rows of "
                f"{split}, or leave out its column of splits for one that is made here.",
            )
        )
    if study.external:
        try:
            session.load_external(study.external, corpus.languages, study.external_columns)
        except InputError as error:
            found.append(Problem("external", str(error)))
    return found, corpus


def _field_in(text: str) -> str:
    """The first key of a study that a sentence names; empty where it names none."""
    words = re.findall(r"\w+_\w+", text)
    return next((word for word in words if word in _FIELDS), "")
