"""From a study to its runs: sizes that fit, one config a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import tomli_w

from core.checkpoints.studies import Member, read_started, started_folder
from core.config import BALANCED, IMPORTED, RunConfig
from core.corpora.corpus import Corpus
from core.mitigation.setups import parse
from core.models.session import Session
from core.sampling import joint
from core.sampling.subsets import training_counts
from core.storage import atomic
from core.studies import sizes
from core.studies.study import Study, to_document


@dataclass(frozen=True)
class Plan:
    """The runs that a study stands for.

    Attributes:
        study: what was asked.
        runs: config by run id, in the order in which they are trained.
        skewed: target joint distribution of the imbalanced setups, languages x labels.
        corpus: the loaded corpus.
    """

    study: Study
    runs: dict[str, RunConfig]
    skewed: pd.DataFrame
    corpus: Corpus


def plan(study: Study, session: Session) -> Plan:
    """Load the corpus and lay out the runs.

    Raises:
        InputError: the corpus does not load, a design does not fit it, or a size is too large.
    """
    corpus = session.load_corpus(study.corpus, study.columns, study.labels, study.languages)
    counts = {
        split: joint.count(corpus.rows(split), corpus.languages, corpus.labels)
        for split in ("train", "validation", "test")
    }
    rows: dict[str, Any] = sizes.fitting(study, counts)
    skewed, balanced = sizes.designs(study, counts["train"])
    in_use = {s: balanced if parse(s).base == "balanced" else skewed for s in study.setups}
    if study.test == "as found":
        found = sizes.test_shares(study, counts["test"])
        rows |= {"test_shares": _rounded(found), "test_target": _rounded(balanced)}

    revision = session.encoder_revision(study.encoder, corpus)
    external_hash = ""
    if study.external:
        external = session.load_external(study.external, corpus.languages, study.external_columns)
        external_hash = external.content_hash
    runs = {}
    for seed in study.seeds:
        for setup in sorted(study.setups, key=lambda s: parse(s).correction is not None):
            config = RunConfig(
                setup=setup,
                seed=seed,
                corpus=study.corpus,
                corpus_hash=corpus.content_hash,
                labels=corpus.labels,
                languages=corpus.languages,
                encoder=study.encoder,
                encoder_revision=revision,
                shares=_rounded(in_use[setup]),
                columns=study.columns,
                external=study.external,
                external_hash=external_hash,
                external_columns=study.external_columns,
                training=study.training,
                **rows,
            )
            runs[config.run_id] = config
    if len(study.seeds) == 1:
        for config in [c for c in runs.values() if c.setup in BALANCED]:
            for further in range(1, study.nulls + 1):
                null = replace(config, seed=config.seed + further)
                runs[null.run_id] = null
    first = next(iter(runs.values()))
    if (target := first.target_table()) is not None:
        sizes.check_weights(study, training_counts(first, "test"), target)
    for config in runs.values():
        rows_of_cells = (training_counts(config, split) for split in ("train", "validation"))
        parse(config.setup).check(*rows_of_cells)
    return Plan(study, runs, skewed, corpus)


def record(plan_: Plan) -> None:
    """Write the study's folder: what was asked, and the runs it stands for."""
    members = [Member(run, c.setup, c.seed) for run, c in plan_.runs.items()]
    name = plan_.study.name
    if (started_folder(name) / "study.toml").exists():  # models that were brought to it stay
        members += [m for m in read_started(name).members if m.setup == IMPORTED]
    record_members(plan_.study, members)


def record_members(study: Study, members: Sequence[Member]) -> None:
    """Write what was asked and these runs into the study's folder."""
    runs = [{"run": m.run, "setup": m.setup, "seed": m.seed} for m in members]
    document = to_document(study) | {"runs": runs}
    folder = started_folder(study.name)
    atomic.make_folder(folder)
    atomic.write_text(folder / "study.toml", tomli_w.dumps(document))


def _rounded(shares: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Shares with 12 digits, so that a run's id does not hang on how they were summed."""
    return {
        str(lang): {str(c): round(float(v), 12) for c, v in row.items()}
        for lang, row in shares.iterrows()
    }
