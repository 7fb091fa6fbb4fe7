"""From a study to its runs: sizes that fit, one config a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import tomli_w

from core.checkpoints.studies import Member, read_started, started_folder
from core.config import BALANCED, IMPORTED, RunConfig
from core.corpora.corpus import Corpus
from core.errors import InputError
from core.models.session import Session
from core.sampling import designs as sampling_designs
from core.sampling import joint, subsets
from core.sampling.class_weights import class_weights
from core.sampling.subsets import training_counts
from core.storage import atomic
from core.studies.study import Study, to_document

TEST_DEFAULT = 1000


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
    uniform = sampling_designs.design_shares("uniform", corpus.languages, corpus.labels)
    skewed = sampling_designs.design_shares(
        study.design, corpus.languages, corpus.labels, study.groups, counts["train"]
    )
    in_use = {s: uniform if s.startswith("balanced") else skewed for s in study.setups}
    sizes = {}
    for split, available in counts.items():
        designs = [uniform] if split == "test" else [uniform, *in_use.values()]
        key = f"{split}_per_language"
        wanted = getattr(study, key)
        if wanted is None:
            wanted = subsets.largest_size(designs, available)
            wanted = min(wanted, TEST_DEFAULT) if split == "test" else wanted
        if wanted < len(corpus.labels):
            raise InputError(
                f"study {study.name}: {key} is {wanted}, too few for {len(corpus.labels)} labels; "
                f"the corpus has {int(available.to_numpy().min())} rows in its smallest cell of "
                f"{split}."
            )
        subsets.check_size(wanted, designs, available, f"study {study.name}, {split}", key)
        sizes[key] = wanted

    revision = session.encoder_revision(study.encoder, corpus)
    external_hash = ""
    if study.external:
        external = session.load_external(study.external, corpus.languages, study.external_columns)
        external_hash = external.content_hash
    runs = {}
    for seed in study.seeds:
        for setup in study.setups:
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
                **sizes,
            )
            runs[config.run_id] = config
    if len(study.seeds) == 1:
        for config in [c for c in runs.values() if c.setup in BALANCED]:
            for further in range(1, study.nulls + 1):
                null = replace(config, seed=config.seed + further)
                runs[null.run_id] = null
    for config in runs.values():
        if config.weighted:
            class_weights(training_counts(config, "train"))  # refuses empty cells before training
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
