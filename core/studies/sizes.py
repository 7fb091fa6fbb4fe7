"""How many rows of each split the runs of a study take: as asked, or the most that fit."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.errors import InputError
from core.sampling import limits
from core.sampling.designs import design_shares, independent, strengthened
from core.sampling.subsets import largest_size
from core.studies.study import SPLITS, Study

TEST_DEFAULT = 1000  # rows a language


def designs(study: Study, natural: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The joint distributions that the imbalanced and the balanced setups are trained on.

    Args:
        natural: rows of the training split, languages x labels.

    Raises:
        InputError: a design does not fit the languages and labels, or the strength is too large.
    """
    languages, labels = list(natural.index), list(natural.columns)
    skewed = design_shares(study.design, languages, labels, study.groups, natural)
    balanced = design_shares("uniform", languages, labels)
    if study.balanced == "independent":
        balanced = independent(skewed)
    return strengthened(balanced, skewed, study.strength), balanced


def test_shares(study: Study, found: pd.DataFrame) -> pd.DataFrame:
    """The joint distribution of the test set.

    Args:
        found: rows of the test split, languages x labels.
    """
    total = found.to_numpy().sum()
    if study.test == "as found" and total:
        return found / total
    return design_shares("uniform", list(found.index), list(found.columns))


def fitting(study: Study, counts: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """Rows of each split, as fields of a configuration: `*_per_language`, or `*_rows`.

    Args:
        counts: rows by language and label of each split.

    Raises:
        InputError: a split is empty, or a size is too large or too small.
    """
    found = {}
    for split in SPLITS:
        total = _total(study, split, counts)
        n = len(counts[split])
        # The same size is the same run, whichever way it was asked for.
        found[f"{split}_per_language"] = 0 if total % n else total // n
        found[f"{split}_rows"] = total if total % n else 0
    return found


def _total(study: Study, split: str, counts: Mapping[str, pd.DataFrame]) -> int:
    available = counts[split]
    if not available.to_numpy().sum():
        raise InputError(
            f"study {study.name}: the corpus has no {split} rows. Name some of its rows {split!r} "
            "in the column split, or leave that column out: a split is then made, by sentence."
        )

    def made(languages: list[str], labels: list[str]) -> list[pd.DataFrame]:
        if split == "test":
            return [test_shares(study, available.loc[languages, labels])]
        skewed, balanced = designs(study, counts["train"].loc[languages, labels])
        both = [skewed] * any(not s.startswith("balanced") for s in study.setups)
        return [balanced, *both]

    wanted_designs = made(list(available.index), list(available.columns))
    per_language, in_all = (getattr(study, f"{split}_{unit}") for unit in ("per_language", "rows"))
    natural = study.test == "as found" if split == "test" else study.balanced == "independent"
    total = in_all is not None or (natural and per_language is None)
    key = f"{split}_rows" if total else f"{split}_per_language"
    unit = 1 if total else len(available)
    wanted = in_all if total else per_language
    least = available.size // unit
    if wanted is None:
        most = limits.largest_total if total else largest_size
        wanted = most(wanted_designs, available)
        if wanted < least:
            raise InputError(
                f"study {study.name}, {split}: there are too few rows for its designs. "
                f"{limits.said(limits.limiting(wanted_designs, available, made))} "
                f"{_way_out(study, split)}"
            )
        wanted = min(wanted, TEST_DEFAULT * len(available) // unit) if split == "test" else wanted
    elif wanted < least:
        raise InputError(
            f"study {study.name}: {key} is {wanted}, too few for {least} "
            f"{'cells' if total else 'labels'}; the corpus has {int(available.to_numpy().min())} "
            f"rows in its smallest cell of {split}."
        )
    what = f"study {study.name}, {split}"
    limits.check_size(wanted, wanted_designs, available, what, key, in_all=total, remake=made)
    return int(wanted) * unit


def _way_out(study: Study, split: str) -> str:
    ways = ["Leave languages or labels out (languages = [...], labels = [...] in the study)"]
    if split == "test" and study.test == "uniform":
        ways.append('take the test set as found (test = "as found")')
    if split != "test" and study.balanced == "uniform":
        ways.append('balance to the marginals of the design (balanced = "independent")')
    return f"{', or '.join(ways)}."


def check_weights(study: Study, counts: pd.DataFrame, target: pd.DataFrame) -> None:
    """Refuse a test set that no weights make into what its target asks for.

    Args:
        counts: rows of the test set by language and label.
        target: joint distribution that they are weighted to.

    Raises:
        InputError: names the cells without a row.
    """
    empty = [
        f"({language}, {label})"
        for language in counts.index
        for label in counts.columns
        if not counts.loc[language, label] and target.loc[language, label] > 0
    ]
    if empty:
        raise InputError(
            f"study {study.name}, test: no row in {', '.join(empty[:4])}"
            f"{' …' if len(empty) > 4 else ''}, and no weights make up for it. Leave the language "
            "or the label out (languages = [...], labels = [...] in the study), or take more test "
            "rows."
        )
