"""Attributions of a study's runs on the same test texts, stored in the run folders."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.attribution import store
from core.attribution.explain import DEFAULT, check, explain
from core.attribution.game import Game, games
from core.attribution.result import Attribution
from core.checkpoints import run_folders
from core.checkpoints.studies import Started
from core.config import RunConfig
from core.corpora.corpus import Corpus
from core.errors import InputError
from core.mitigation.setups import languages_told
from core.models.classifier import Classifier, best_device
from core.models.imported import open_model
from core.models.session import Session
from core.progress import Progress
from core.sampling import subsets
from core.sampling.subsets import TEST_SEED, rows_of, subset

PER_LANGUAGE = 20
SECONDS_A_FILE = 15.0  # what a kill can lose


@dataclass(frozen=True)
class Attributed:
    """What a call of `attribute` did.

    Attributes:
        key: method and budget, as in the run folders.
        texts: that every run now has attributions of.
        computed: attributions (text and run) that were missing.
    """

    key: str
    texts: int
    computed: int


def attribute(
    study: Started,
    session: Session,
    report: Progress,
    *,
    per_language: int = PER_LANGUAGE,
    method: str = DEFAULT,
    budget: int | None = None,
    tolerance: float | None = None,
) -> Attributed:
    """Compute what is missing for all finished runs of a study.

    The texts are of the uniform test set, the same for every run, with every label alike; where
    sentences are translated, the same sentences in every language. Asking for more keeps those that
    are there. Runs that lack the same texts are explained together, which is cheaper and changes no
    value. A model from elsewhere that has a vocabulary of its own is explained on its own tokens.

    Args:
        per_language: texts a language.
        method, budget, tolerance: as in `explain`.

    Raises:
        InputError: no finished run, more texts than the test set has, another
            process works on a run, or a method or budget that does not exist.
    """
    key = store.key(method, *check(method, budget, tolerance))
    configs = {m.run: study.config_of(m.run) for m in study.finished}
    if not configs:
        raise InputError(
            f"study {study.name} has no finished run; `python -m core study {study.name}` trains "
            "them."
        )
    report("loading the models", 0.0)
    config = next(iter(configs.values()))
    texts = _texts(study.name, config, session.corpus(config), per_language)
    with ExitStack() as claims:
        for run in configs:
            claims.enter_context(run_folders.claim(run))
        missing = {run: set(texts["row"]) - store.done(run, key) for run in configs}
        compared = _compared({r: c for r, c in configs.items() if missing[r]}, texts)
        jobs = [
            (runs, rows, models, games_)
            for models, games_ in compared
            for runs, rows in _jobs(texts, models, configs, missing).items()
        ]
        todo = sum(len(runs) * len(rows) for runs, rows, *_ in jobs)
        done = 0
        for runs, rows, models, games_ in jobs:
            chosen = {run: models[run] for run, _ in runs}
            for run, language in runs:
                if (corrected := models[run].correction) is not None and language:
                    corrected.speak([language])
            work = explain(chosen, [games_[i] for i in rows], method, budget, tolerance=tolerance)
            keeper = _Keeper(key, texts.iloc[rows], config.labels, list(chosen))
            try:
                for number, found in work:
                    keeper.add(number, found)
                    done += len(runs)
                    report("attributing", done / todo)
            finally:  # a cancel loses nothing that is done
                keeper.flush()
    report("done", 1.0)
    return Attributed(key, len(texts), todo)


def _compared(
    configs: dict[str, RunConfig], texts: pd.DataFrame
) -> list[tuple[dict[str, Classifier], list[Game]]]:
    """Models that are given the same token ids, with the games of the texts."""
    found: list[tuple[dict[str, Classifier], list[Game]]] = []
    for run, config in configs.items():
        model = _open(run, config)
        own = _games(model, texts, config)
        for models, others in found:
            if all(
                (a.tokens, a.mask) == (b.tokens, b.mask) for a, b in zip(own, others, strict=True)
            ):
                models[run] = model
                break
        else:
            found.append(({run: model}, own))
    return found


def _jobs(
    texts: pd.DataFrame,
    models: dict[str, Classifier],
    configs: dict[str, RunConfig],
    missing: dict[str, set[str]],
) -> dict[tuple[tuple[str, str], ...], list[int]]:
    """Numbers of the texts, by the runs that lack them.

    With each run the language that it is told they are in; none where its answer does not hang on
    it, so that the texts of all languages are explained together.
    """
    languages = texts["language"].tolist()
    told = {
        run: languages_told(configs[run], texts["text"].tolist(), languages)
        if model.by_language
        else [""] * len(texts)
        for run, model in models.items()
    }
    jobs: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for i, row in enumerate(texts["row"]):
        if lacking := tuple((run, told[run][i]) for run in models if row in missing[run]):
            jobs.setdefault(lacking, []).append(i)
    return jobs


class _Keeper:
    """Gathers attributions and writes them every few seconds, each run's into its own folder."""

    def __init__(
        self, key: str, texts: pd.DataFrame, labels: tuple[str, ...], runs: list[str]
    ) -> None:
        self.key, self.labels, self.runs = key, labels, runs
        self.texts = texts[["row", "sentence", "language", "label"]].to_dict("records")
        self.held: list[tuple[int, dict[str, Attribution]]] = []
        self.since = time.monotonic()

    def add(self, number: int, found: dict[str, Attribution]) -> None:
        self.held.append((number, found))
        if time.monotonic() - self.since >= SECONDS_A_FILE:
            self.flush()

    def flush(self) -> None:
        now = time.monotonic()
        if self.held:
            seconds = (now - self.since) / len(self.held) / len(self.runs)
            texts: list[dict[str, Any]] = [self.texts[number] for number, _ in self.held]
            for run in self.runs:
                own = [found[run] for _, found in self.held]
                store.write(run, self.key, texts, own, self.labels, seconds)
        self.held, self.since = [], now


def _texts(name: str, config: RunConfig, corpus: Corpus, per_language: int) -> pd.DataFrame:
    """Rows of the test set: the first of each cell in the order in which it was drawn."""
    uniform = pd.DataFrame(1.0, index=list(config.languages), columns=list(config.labels))
    uniform /= uniform.size
    most = subsets.largest_size([uniform], subsets.training_counts(config, "test"))
    if not len(config.labels) <= per_language <= most:
        raise InputError(
            f"{per_language} texts a language are asked for; study {name} has "
            f"{most} a language in its test set with every label alike, and {len(config.labels)} "
            f"labels. Ask for {len(config.labels)} to {most}."
        )
    ids = set(subset(config, corpus, "test"))
    rows = corpus.rows("test")
    rows = rows[rows["row"].isin(ids)]
    counts = subsets.allocate(per_language * len(config.languages), uniform)
    chosen = subsets.sample(rows, counts, TEST_SEED, by="sentence")
    found: pd.DataFrame = rows_of(corpus, chosen).to_pandas()
    # What is there halfway is of all languages.
    return found.sample(frac=1, random_state=TEST_SEED).reset_index(drop=True)


def _open(run_id: str, config: RunConfig) -> Classifier:
    model = open_model(run_folders.folder(run_id) / "model", config)
    model.to(best_device())
    return model.eval()


def _games(model: Classifier, texts: pd.DataFrame, config: RunConfig) -> list[Game]:
    pairs = texts["text_b"].tolist() if texts["text_b"].notna().all() else None
    recipe = config.training
    first = texts["text"].tolist()
    return games(model.tokenizer, first, pairs, recipe.max_length, recipe.prefix)
