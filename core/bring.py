"""Where an imported model's run belongs: to a started study, or to one of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from core import artefacts, checkpoints, joint, study
from core.config import IMPORTED, RunConfig
from core.errors import InputError
from core.imported import import_model
from core.planning import TEST_DEFAULT, record_members
from core.session import Report, Session
from core.study import Study


def bring(
    folder: Path,
    *,
    corpus: str | None,
    study_name: str | None,
    outputs: Sequence[str] | None,
    test_per_language: int | None,
    max_length: int,
    report: Report,
    columns: Mapping[str, str],
    labels: tuple[str, ...] | None,
    languages: tuple[str, ...] | None,
) -> str:
    """Import a model and enter its run in a study; see `imported.import_model`.

    Args:
        corpus: what it is tested on; or
        study_name: a started study, whose corpus and test set it is tested on, so that it is
            compared with the study's runs.

    Returns:
        The study's name.

    Raises:
        InputError: no such folder, corpus or study, or the model's classes are others.
    """
    session = Session()
    pooling = "paper"
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; expected a model in transformers' layout.")
    if study_name is not None:
        first = checkpoints.read_config(study.run_ids(study_name)[0])
        loaded = session.corpus(first)
        columns, size, name = first.columns, first.test_per_language, study_name
        pooling = first.training.pooling
        members = [e for e in study.entries(name) if e["setup"] != IMPORTED]
        asked = study.read(str(study.started_folder(name) / "study.toml"))
    else:
        assert corpus is not None  # the command line asks for one of the two
        loaded = session.load_corpus(corpus, columns, labels, languages)
        counts = joint.count(loaded.rows("test"), loaded.languages, loaded.labels)
        uniform = joint.design_shares("uniform", loaded.languages, loaded.labels)
        size = test_per_language or min(TEST_DEFAULT, joint.largest_size([uniform], counts))
        joint.check_size(size, [uniform], counts, f"test set of {corpus}", "--test-per-language")
        name = "imported-" + (re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.resolve().name) or "model")
        members = []
        asked = Study(name, corpus, ("balanced",), columns=columns)
    config = import_model(
        folder,
        loaded,
        outputs=outputs,
        test_per_language=size,
        max_length=max_length,
        columns=dict(columns),
        pooling=pooling,
        report=report,
    )
    artefacts.complete(config.run_id, session, report)
    known = study.entries(name) if name in study.started() else []
    brought = [e for e in known if e["setup"] == IMPORTED and e["run"] != config.run_id]
    record_members(asked, [*members, *brought, _entry(config)])
    return name


def _entry(config: RunConfig) -> dict[str, object]:
    return {"run": config.run_id, "setup": config.setup, "seed": config.seed}
