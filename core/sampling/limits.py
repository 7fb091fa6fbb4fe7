"""How large subsets can be, which cell limits them, and what going without it would win."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.errors import InputError
from core.sampling.subsets import allocate, largest_size

Designs = Sequence[pd.DataFrame]
# The designs of fewer languages and labels; where they cannot be, an InputError.
Remake = Callable[[list[str], list[str]], Designs]
_MOST = 6


@dataclass(frozen=True)
class Limit:
    """The cell that limits the size of subsets, and what each way around it wins.

    Attributes:
        language, label: of the cell.
        rows: that it has.
        total: rows of the largest subset, all languages together.
        n_languages: languages that share it.
        without_language, without_label: the total without the cell's language, or its label; None
            where fewer than two would be left, or the design cannot be without it.
        dropped: the one that the next step goes without; empty at the last step.
    """

    language: str
    label: str
    rows: int
    total: int
    n_languages: int
    without_language: int | None
    without_label: int | None
    dropped: str

    @property
    def per_language(self) -> int:
        """Rows a language, the mean, rounded down."""
        return self.total // self.n_languages


def largest_total(designs: Designs, available: pd.DataFrame) -> int:
    """The largest number of rows in all for which every design fits the available counts.

    For independent: the least over cells of available rows / share.
    """
    bound = _bound(designs, available)[0]
    if bound == 0:  # so few that an empty cell is asked for nothing are no subset of the design
        return 0
    # Rounding can allow or forbid some rows more than the bound; it is not monotone, so look down.
    total = int(bound) + available.size
    while total > 0 and not all(_fits(total, shares, available) for shares in designs):
        total -= 1
    return total


def limiting(
    designs: Designs, available: pd.DataFrame, remake: Remake | None = None, most: int = _MOST
) -> list[Limit]:
    """The cell that limits the size, then the one that does without its language or label, ….

    Greedy: each step goes without the language of the cell that limits; or, where that leaves more
    rows in all in the end, each without the label. It ends where no further step wins.

    Args:
        designs: that have to fit, languages x labels each.
        available: rows by language and label.
        remake: makes the designs of fewer languages and labels; by default these shares, cut and
            scaled up.
        most: steps.

    Returns:
        One at least. The last one's `dropped` is empty; its `total` is what all steps lead to.
    """

    def cut(languages: list[str], labels: list[str]) -> Designs:
        parts = (shares.loc[languages, labels] for shares in designs)
        return [part / (part.to_numpy().sum() or 1.0) for part in parts]

    by_language, by_label = (
        _steps(designs, available, remake or cut, most, by) for by in ("language", "label")
    )
    return by_language if by_language[-1].total >= by_label[-1].total else by_label


def _steps(
    designs: Designs, available: pd.DataFrame, remake: Remake, most: int, by: str
) -> list[Limit]:
    def without(language: str, label: str) -> tuple[list[str], list[str]]:
        return [x for x in languages if x != language], [x for x in labels if x != label]

    def made(rows: list[str], columns: list[str]) -> Designs | None:
        if min(len(rows), len(columns)) < 2:
            return None
        try:
            return remake(rows, columns)
        except InputError:  # such as a group without a language
            return None

    def size(designs: Designs | None, rows: list[str], columns: list[str]) -> int | None:
        return None if designs is None else largest_total(designs, available.loc[rows, columns])

    languages, labels = list(available.index), list(available.columns)
    current: Designs | None = designs
    steps: list[Limit] = []
    while current is not None and len(steps) <= most:
        here = available.loc[languages, labels]
        _, language, label = _bound(current, here)
        fewer, others = without(language, label)
        ways = made(fewer, labels), made(languages, others)
        steps.append(
            Limit(
                language=str(language),
                label=str(label),
                rows=int(here.loc[language, label]),
                total=largest_total(current, here),
                n_languages=len(languages),
                without_language=size(ways[0], fewer, labels),
                without_label=size(ways[1], languages, others),
                dropped=str(language if by == "language" else label),
            )
        )
        if by == "language":
            languages, current = fewer, ways[0]
        else:
            labels, current = others, ways[1]
    # Going without something wins nothing by itself where another cell limits as much.
    best = max(range(len(steps)), key=lambda i: (steps[i].total, -i))
    return [*steps[:best], replace(steps[best], dropped="")]


def said(limits: Sequence[Limit]) -> str:
    """What limits the size and what going without it would win, in a sentence or two."""
    first, last = limits[0], limits[-1]
    has = f"has {first.rows:,} row{'s' * (first.rows != 1)}" if first.rows else "has no row"
    text = f"The cell ({first.language}, {first.label}) {has}, which is what limits it"
    if last.total <= first.total:
        return f"{text}; going without a language or label wins nothing."
    dropped = [step.dropped for step in limits[:-1]]
    kind = "language" if first.dropped == first.language else "label"
    return (
        f"{text}: {first.per_language:,} rows a language ({first.total:,} in all) become "
        f"{last.per_language:,} ({last.total:,}) without the {kind}{'s' * (len(dropped) > 1)} "
        f"{', '.join(dropped)}."
    )


def check_size(
    size: int,
    designs: Designs,
    available: pd.DataFrame,
    what: str,
    key: str,
    *,
    in_all: bool = False,
    remake: Remake | None = None,
) -> None:
    """Refuse a size that some cell cannot fill in some design.

    Args:
        size: rows a language, or `in_all`.
        what: the study and split, for the message.
        key: the setting to lower, for the message.
        remake: as in `limiting`.

    Raises:
        InputError: names the cells, what they have, the largest size that works for all, and what
            going without the cell that limits it would win.
    """
    total = size if in_all else size * len(available)
    wanted = np.maximum.reduce([allocate(total, shares).to_numpy() for shares in designs])
    stock = available.to_numpy()
    short = [
        f"({lang}, {label}) needs {wanted[i, j]} and has {stock[i, j]}"
        for i, lang in enumerate(available.index)
        for j, label in enumerate(available.columns)
        if wanted[i, j] > stock[i, j]
    ]
    if not short:
        return
    largest = largest_total(designs, available) if in_all else largest_size(designs, available)
    enough = largest >= (available.size if in_all else len(available.columns))
    works = f"The largest {key} that works is {largest}." if enough else "No size works."
    raise InputError(
        f"{what}: {key} = {size} asks for more rows than there are: {'; '.join(short[:4])}"
        f"{' …' if len(short) > 4 else ''}. {works} {said(limiting(designs, available, remake))}"
    )


def _bound(designs: Designs, available: pd.DataFrame) -> tuple[float, str, str]:
    """Rows in all that the scarcest cell allows, and the cell."""
    stock = available.to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = [np.where(shares > 0, stock / shares, np.inf) for shares in map(_values, designs)]
    least = np.minimum.reduce(ratios)
    i, j = np.unravel_index(int(least.argmin()), least.shape)
    bound = float(least[i, j]) if np.isfinite(least[i, j]) else 0.0  # a design that asks nothing
    return bound, available.index[i], available.columns[j]


def _values(shares: pd.DataFrame) -> np.ndarray:
    values: np.ndarray = shares.to_numpy(dtype=float)
    return values


def _fits(total: int, shares: pd.DataFrame, available: pd.DataFrame) -> bool:
    return bool((allocate(total, shares) <= available).to_numpy().all())
