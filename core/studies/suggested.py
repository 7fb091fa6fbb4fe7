"""The study that answers what a corpus's audit asks: what does its own skew do to a model?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from core.config import Recipe
from core.corpora import find, saved
from core.corpora.choices import Choices, Mapped
from core.errors import InputError
from core.models import hub
from core.sampling import joint, limits
from core.storage import sql
from core.studies import sizes
from core.studies.study import SPLITS, Study

BEGINS = "corpus "  # what stands before a saved corpus's name among the studies to begin with
SEEDS = (0, 1, 2)  # below three there is no verdict on a difference
# Rows in all, at most: a study of minutes on a laptop, to be made larger where it is worth it.
_MOST = {"train": 4000, "validation": 1000, "test": 3000}
_TEST_CELL = 20  # rows of the smallest cell, from which on a uniform test set is large enough


def names() -> list[str]:
    """What the saved corpora are called among the studies to begin with."""
    return [BEGINS + name for name in saved.names()]


def read(begin: str) -> Study:
    """The study suggested for a saved corpus.

    A corpus with skew is trained on as it is (`natural`) against the product of its own marginals
    (`independent`), and with class weights where no cell is empty. In one without, a skew is made
    (`linear`), as in the paper. Languages or labels whose cells leave no row for that are left out.

    Args:
        begin: of `names`.

    Raises:
        InputError: no such corpus, or it does not read.
    """
    # With scipy's distributions, which take half a second that `names` need not.
    from core.audit.audit import table
    from core.audit.verdict import verdict

    name = begin.removeprefix(BEGINS)
    saved.read(name)  # says so where there is none
    corpus = find.mapped(find.source(name), Choices())
    counts = {split: table(corpus, split) for split in SPLITS}
    asked = Study(
        name=name,
        corpus=name,
        setups=("balanced", "imbalanced", "imbalanced+cw"),
        encoder=hub.EMBEDDED,
        design="natural",
        balanced="independent",
        seeds=SEEDS,
        training=_recipe(corpus, counts["train"]),
    )
    if verdict(counts["train"])["kind"] != "skewed":
        half = (len(corpus.languages) + 1) // 2
        groups = (corpus.languages[:half], corpus.languages[half:])
        asked = replace(asked, design="linear", balanced="uniform", groups=groups)
    asked, counts = _that_fits(asked, counts)
    if asked.design == "natural":
        if (counts["train"] == 0).to_numpy().any():
            asked = replace(asked, setups=("balanced", "imbalanced"))
        if counts["test"].to_numpy().min() < _TEST_CELL:
            asked = replace(asked, test="as found")
    return _with_sizes(asked, counts)


def _recipe(corpus: Mapped, counts: pd.DataFrame) -> Recipe:
    """The demo's, with as many tokens as nine in ten texts have at most, roughly."""
    with sql.connection(corpus.source.tables) as connection:
        found = connection.execute(
            f"""SELECT quantile_cont(length(text) + coalesce(length(text_b), 0), 0.9)
                FROM ({corpus.select}) WHERE reason IS NULL"""
        ).fetchone()
    characters = float(found[0]) if found else 0.0
    tokens = next((n for n in (40, 64, 96) if characters / 3 <= n), 128)
    small = int(counts.to_numpy().sum()) < 2000
    return Recipe(
        epochs=6 if small else 3,
        batch_size=8,
        accumulation=2 if small else 4,
        learning_rate=3e-4,
        max_length=tokens,
        frozen_layers=8,
    )


def _that_fits(
    asked: Study, counts: dict[str, pd.DataFrame]
) -> tuple[Study, dict[str, pd.DataFrame]]:
    """Without the languages, or the labels, that leave no row for the designs.

    Of the two ways the one is taken that leaves more to be seen of a skew: rows times V squared, by
    which the power of a test of it goes. Without some languages no skew may be left at all.
    """
    found = [cut for fixed in ("languages", "labels") if (cut := _cut(asked, counts, fixed))]
    if not found:  # planning says what is wrong
        return asked, counts
    languages, labels, _ = max(found, key=lambda cut: cut[2])
    train = counts["train"]
    if len(languages) < len(train.index):
        asked = replace(asked, languages=tuple(languages))
        if asked.groups:
            first, second = (tuple(x for x in g if x in languages) for g in asked.groups)
            asked = replace(asked, groups=(first, second))
    if len(labels) < len(train.columns):
        asked = replace(asked, labels=tuple(labels))
    return asked, {split: of.loc[languages, labels] for split, of in counts.items()}


def _cut(
    asked: Study, counts: dict[str, pd.DataFrame], fixed: str
) -> tuple[list[str], list[str], float] | None:
    """Languages and labels that leave rows for the designs, and how much of a skew can be seen.

    Args:
        fixed: of which none may be left out, `languages` or `labels`.

    Returns:
        None where there is no such way.
    """
    train = counts["train"]
    languages, labels = list(train.index), list(train.columns)

    def made(rows: list[str], columns: list[str]) -> list[pd.DataFrame]:
        kept, every = (rows, train.index) if fixed == "languages" else (columns, train.columns)
        if len(kept) < len(every):
            raise InputError(f"none of the {fixed} is to be left out.")
        return list(sizes.designs(asked, train.loc[rows, columns]))

    total = 0
    for split in ("train", "validation"):
        try:
            designs = made(languages, labels)
            steps = limits.limiting(designs, counts[split].loc[languages, labels], made)
        except InputError:
            return None
        enough = len(languages) * len(labels)
        for step in steps:
            if step.total >= enough:
                break
            languages = [x for x in languages if x != step.dropped]
            labels = [x for x in labels if x != step.dropped]
            enough = len(languages) * len(labels)
        total = limits.largest_total(
            made(languages, labels), counts["train"].loc[languages, labels]
        )
        if steps[-1].total < enough:
            return None
    return languages, labels, total * joint.cramers_v(train.loc[languages, labels]) ** 2


def _with_sizes(asked: Study, counts: dict[str, pd.DataFrame]) -> Study:
    """Sizes of a study of minutes, where the corpus has more."""
    for split in SPLITS:
        if int(counts[split].to_numpy().sum()) > _MOST[split]:
            n = len(counts[split])
            in_all = asked.test == "as found" if split == "test" else asked.design == "natural"
            size: dict[str, Any] = {f"{split}_rows": _MOST[split]} if in_all else {
                f"{split}_per_language": _MOST[split] // n
            }  # fmt: skip
            smaller = replace(asked, **size)
            try:
                sizes.fitting(smaller, counts)
            except InputError:  # fewer fit: the largest that does is taken
                continue
            asked = smaller
    return asked
