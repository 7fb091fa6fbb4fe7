"""Joint distributions of language and label: measures of skew, designs, sampling of subsets.

Tables here are pandas DataFrames, languages down, labels across, in the corpus's orders. Sampling
orders the rows of each cell once by a seeded hash of their ids and takes the first n: every design
of a study draws from the same order, so two subsets share sum over cells of min(n1, n2) rows, the
largest overlap there can be (paper, section 2.1), without one having to know of the other.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.errors import InputError

Groups = tuple[tuple[str, ...], tuple[str, ...]]
DESIGNS = ("uniform", "linear", "natural", "independent")
# Paper, Table 1a: shares rise over the labels for the first group and fall for the second.
PAPER_GROUPS: Groups = (("fr", "es", "ja"), ("de", "en", "zh"))


def count(rows: pd.DataFrame, languages: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """Rows by language (down) and label (across), zeros included.

    Args:
        rows: has the columns `language` and `label`.
    """
    table = pd.crosstab(rows["language"], rows["label"])
    return table.reindex(index=list(languages), columns=list(labels), fill_value=0).astype(int)


# --- measures of skew ---------------------------------------------------------------------------


def mutual_information_bits(counts: pd.DataFrame) -> float:
    """I(language; label) in bits of the empirical joint distribution; 0 if independent.

    Cover and Thomas, Elements of Information Theory, equation 2.28.
    """
    p = _shares(counts)
    independent = np.outer(p.sum(1), p.sum(0))
    seen = p > 0
    return max(0.0, float((p[seen] * np.log2(p[seen] / independent[seen])).sum()))


def normalised_mutual_information(counts: pd.DataFrame) -> float:
    """I(language; label) over the mean of the two entropies, 0 to 1 (scikit-learn's default)."""
    p = _shares(counts)
    mean_entropy = (_entropy_bits(p.sum(1)) + _entropy_bits(p.sum(0))) / 2
    return mutual_information_bits(counts) / mean_entropy if mean_entropy > 0 else 0.0


def cramers_v(counts: pd.DataFrame) -> float:
    """Cramér's V, 0 (independent) to 1, without bias correction.

    Cramér, Mathematical Methods of Statistics (1946), section 21.9. Languages and labels without a
    row do not count towards the smaller side; with fewer than two of either it is 0.
    """
    p = _shares(counts)
    p = p[p.sum(1) > 0][:, p.sum(0) > 0]
    if min(p.shape) < 2:
        return 0.0
    independent = np.outer(p.sum(1), p.sum(0))
    phi_squared = ((p - independent) ** 2 / independent).sum()
    return float(math.sqrt(phi_squared / (min(p.shape) - 1)))


def language_only_accuracy(counts: pd.DataFrame) -> float:
    """Accuracy of the best classifier that sees only the language: each language's commonest label.

    On a uniform joint distribution it is 1 / (number of labels).
    """
    return float(counts.max(axis=1).sum() / counts.to_numpy().sum())


def divergence_bits(counts: pd.DataFrame) -> pd.Series:
    """Kullback-Leibler divergence in bits of each language's labels from the pooled labels.

    Its mean over rows is the mutual information (Cover and Thomas, equation 2.35). A language
    without rows has no divergence (NaN).
    """
    p = _shares(counts)
    pooled = p.sum(0)
    totals = p.sum(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        conditional = p / totals
        terms = np.where(conditional > 0, conditional * np.log2(conditional / pooled), 0.0)
    # Rounding can leave an exact 0 slightly below it.
    values = np.where(totals[:, 0] > 0, np.maximum(terms.sum(1), 0.0), np.nan)
    return pd.Series(values, index=counts.index, name="divergence_bits")


def skew(counts: pd.DataFrame) -> dict[str, float]:
    """The measures of skew by name."""
    return {
        "mutual_information_bits": mutual_information_bits(counts),
        "normalised_mutual_information": normalised_mutual_information(counts),
        "cramers_v": cramers_v(counts),
        "language_only_accuracy": language_only_accuracy(counts),
    }


def _shares(counts: pd.DataFrame) -> np.ndarray:
    values = counts.to_numpy(dtype=float)
    if values.sum() <= 0:
        raise InputError("a joint distribution needs at least one row; found none.")
    return values / values.sum()


def _entropy_bits(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


# --- designs ------------------------------------------------------------------------------------


def default_groups(languages: Sequence[str]) -> Groups:
    """The paper's groups, for as many of their languages as there are."""
    rising, falling = (tuple(x for x in group if x in languages) for group in PAPER_GROUPS)
    return rising, falling


def design_shares(
    design: str | Mapping[str, Mapping[str, float]],
    languages: Sequence[str],
    labels: Sequence[str],
    groups: Groups | None = None,
    natural: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The target joint distribution of a design; sums to 1.

    Args:
        design: `uniform`, `linear` (paper, Tables 1a and 1b: shares 1..C over the labels in their
            order for the first group of languages, C..1 for the second; the larger group's shares
            are drawn towards even ones, so that the labels stay even over all), `natural` (the
            corpus's own counts), `independent` (the product of their marginals: natural without the
            skew), or a table language -> label -> share (any scale: it is normalised as a whole).
        groups: for `linear`; the paper's by default. Each language stands in exactly one.
        natural: counts of the training split, for `natural` and `independent`.

    Raises:
        InputError: an unknown design, or a language or label that is missing or too much.
    """
    shares = pd.DataFrame(1.0, index=list(languages), columns=list(labels))
    if isinstance(design, Mapping):
        shares = _own_table(design, languages, labels)
    elif design == "linear":
        groups = groups or default_groups(languages)
        named = [*groups[0], *groups[1]]
        if sorted(named) != sorted(languages) or not groups[0] or not groups[1]:
            raise InputError(
                f"design 'linear' needs every language in exactly one of two groups; groups are "
                f"{list(groups[0])} and {list(groups[1])}, languages are {list(languages)}. "
                "Set groups = [[...], [...]] in the study: shares rise over the labels in the "
                "first and fall in the second."
            )
        for language in languages:
            shares.loc[language] = _linear(language, len(labels), groups)
    elif design in ("natural", "independent"):
        if natural is None:
            raise InputError(f"design '{design}' needs the corpus's own counts.")
        shares = natural.astype(float)
        if design == "independent":
            shares.loc[:, :] = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    elif design != "uniform":
        raise InputError(
            f"unknown design {design!r}; known are {', '.join(DESIGNS)}, or a table "
            "language -> label -> share."
        )
    return shares / shares.to_numpy().sum()


def _linear(language: str, n_labels: int, groups: Groups) -> np.ndarray:
    """Shares of a language in `linear`: 1..C or C..1; nearer to even in the larger group.

    By as much as makes both marginals even, as the paper's are (section 2.1).
    """
    rising = np.arange(1.0, n_labels + 1)
    own, other = groups if language in groups[0] else groups[::-1]
    shares = rising if language in groups[0] else rising[::-1]
    even = rising.mean()
    return shares if len(own) <= len(other) else even + len(other) / len(own) * (shares - even)


def _own_table(
    design: Mapping[str, Mapping[str, float]], languages: Sequence[str], labels: Sequence[str]
) -> pd.DataFrame:
    if set(design) != set(languages):
        raise InputError(
            f"the design's table names the languages {', '.join(design)}; the corpus has "
            f"{', '.join(languages)}. Give each of them once."
        )
    for language, row in design.items():
        if not isinstance(row, Mapping) or set(row) != set(labels):
            found = ", ".join(row) if isinstance(row, Mapping) else repr(row)
            raise InputError(
                f"the design's row {language} names the labels {found}; the corpus has "
                f"{', '.join(labels)}. Give each of them a share."
            )
    for language in languages:
        for label in labels:
            share: object = design[language][label]
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not share >= 0:
                raise InputError(
                    f"the design's share of ({language}, {label}) is {share!r}; expected a number "
                    "of 0 or more."
                )
    table = pd.DataFrame(design).T.loc[list(languages), list(labels)]
    if (table.sum(axis=1) == 0).any():
        raise InputError("the design's table has a language without any share above 0.")
    return table.astype(float)


def deviation(shares: pd.DataFrame) -> pd.DataFrame:
    """p(label | language) - p(label): how far each cell is over- (> 0) or under-represented (< 0).

    The regressor of skew uptake (share in training minus share under independence).
    """
    return shares.div(shares.sum(axis=1), axis=0) - shares.sum(axis=0) / shares.to_numpy().sum()


def weights(shares: pd.DataFrame) -> pd.Series:
    """p(language), by which cells of the deviation count in a slope on it.

    Weighted so, the deviation sums to 0 over the languages for each label, whatever the marginals:
    what is the same in every language has slope 0.
    """
    by_language: pd.Series = shares.sum(axis=1) / shares.to_numpy().sum()
    return by_language


# --- sampling -----------------------------------------------------------------------------------


def allocate(total: int, shares: pd.DataFrame) -> pd.DataFrame:
    """Whole counts that sum to `total`: largest remainder over languages, then within each.

    Two steps, so that languages with equal shares get equal numbers. Ties go to the earlier one.
    """
    by_language = _largest_remainder(total, shares.sum(axis=1).to_numpy())
    cells = [
        _largest_remainder(n, row) for n, row in zip(by_language, shares.to_numpy(), strict=True)
    ]
    return pd.DataFrame(cells, index=shares.index, columns=shares.columns).astype(int)


def _largest_remainder(total: int, shares: np.ndarray) -> np.ndarray:
    if shares.sum() == 0:
        return np.zeros(len(shares), dtype=int)
    # Rounding keeps remainders that are equal on paper equal in floating point.
    exact = np.round(total * shares / shares.sum(), 9)
    counts = np.floor(exact).astype(int)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: total - counts.sum()]] += 1
    return counts


def fits(per_language: int, shares: pd.DataFrame, available: pd.DataFrame) -> bool:
    """Whether every cell holds the rows that the design asks of it."""
    wanted = allocate(per_language * len(shares), shares)
    return bool((wanted <= available).to_numpy().all())


def largest_size(designs: Sequence[pd.DataFrame], available: pd.DataFrame) -> int:
    """The largest number of rows a language for which every design fits the available counts.

    Rows a language are the mean over languages where a design's languages differ in size.
    """
    bounds = [
        available.loc[lang, label] / (len(shares) * shares.loc[lang, label])
        for shares in designs
        for lang in shares.index
        for label in shares.columns
        if shares.loc[lang, label] > 0
    ]
    # Rounding can allow or forbid one row more than the bound; it is not monotone, so look down.
    size = int(min(bounds)) + 2
    while size > 0 and not all(fits(size, shares, available) for shares in designs):
        size -= 1
    return size


def check_size(
    per_language: int,
    designs: Sequence[pd.DataFrame],
    available: pd.DataFrame,
    what: str,
    key: str,
) -> None:
    """Refuse a size that some cell cannot fill in some design.

    Args:
        what: the study and split, for the message.
        key: the setting to lower, for the message.

    Raises:
        InputError: names the cells, what they have, and the largest size that works for all.
    """
    total = per_language * len(available)
    wanted = np.maximum.reduce([allocate(total, shares).to_numpy() for shares in designs])
    stock = available.to_numpy()
    short = [
        f"({lang}, {label}) needs {wanted[i, j]} and has {stock[i, j]}"
        for i, lang in enumerate(available.index)
        for j, label in enumerate(available.columns)
        if wanted[i, j] > stock[i, j]
    ]
    if short:
        raise InputError(
            f"{what}: {key} = {per_language} asks for more rows than there are: "
            f"{'; '.join(short[:4])}{' …' if len(short) > 4 else ''}. The largest {key} that works "
            f"is {largest_size(designs, available)}."
        )


def sample(rows: pd.DataFrame, counts: pd.DataFrame, seed: int, by: str = "row") -> list[str]:
    """Row ids of a subset with exactly `counts` rows in each cell, ordered by id.

    Args:
        rows: `row`, `language`, `label`, `sentence` of one split.
        counts: rows wanted of each cell.
        seed: fixes the order from which every design takes its first rows.
        by: `row` draws each language's texts independently of the others'; `sentence` draws the
            same sentences in every language that has them.

    Raises:
        InputError: a cell holds fewer rows than wanted.
    """
    # Digests as numbers have the order of their bytes, and sort ten times as fast.
    number, values = pd.factorize(rows[by])
    hashed = [
        hashlib.blake2b(f"{seed} {value}".encode(), digest_size=8).digest() for value in values
    ]
    keys = np.frombuffer(b"".join(hashed), dtype=">u8").astype(np.uint64)
    ordered = rows.assign(key=keys[number])
    unique = len(set(keys.tolist())) == len(rows)
    ordered = ordered.sort_values("key" if unique else ["key", "row"])
    chosen: list[str] = []
    cells = {cell: group["row"] for cell, group in ordered.groupby(["language", "label"])}
    for language in counts.index:
        for label in counts.columns:
            wanted = int(counts.loc[language, label])
            ids = cells.get((language, label), pd.Series(dtype=str))
            if wanted > len(ids):
                raise InputError(
                    f"({language}, {label}) has {len(ids)} rows, {wanted} are wanted; ask for "
                    "fewer rows a language."
                )
            chosen += ids.iloc[:wanted].tolist()
    return sorted(chosen)
