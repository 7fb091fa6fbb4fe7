"""Which cells of the table the skew lies in."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betaincinv, ndtri

from core.audit.independence import used
from core.measures.bootstrap import LEVEL


def cells(counts: pd.DataFrame) -> pd.DataFrame:
    """Each cell's part of the mutual information, and how far it is over- or under-represented.

    The part is p log(p / q) - p + q, q the product of the marginals: never below 0, and the parts
    add up to the mutual information, since p and q both sum to 1 (the generalised Kullback-Leibler
    divergence, cell by cell). The plain p log(p / q) is negative for cells with too few rows.

    The deviation p(label | language) - p(label) is (1 - p(language)) times the difference between
    the language and all others, two groups of different rows. Its interval is put together of those
    of the two shares and of p(language) (method of variance estimates recovery: Newcombe, Interval
    estimation for the difference between independent proportions, 1998; the shares' are exact,
    Clopper and Pearson 1934, so that cells of few rows or none have one). All intervals together
    hold with 95 % (Bonferroni), since the strongest are picked out of them.

    Returns:
        A row a cell, the largest part first: `language`, `label`, `n` (its rows), `share` (of the
        mutual information), `deviation`, `low`, `high` (NaN with one language), `p_label` (the
        label's share over all languages) and `n_language`.
    """
    table = used(counts)
    n = table.to_numpy(dtype=float)
    total = n.sum()
    p = n / total
    languages, labels = p.sum(axis=1, keepdims=True), p.sum(axis=0, keepdims=True)
    q = languages * labels
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(p > 0, p * np.log(p / q), 0.0) - p + q
    part = np.maximum(part, 0.0)
    rows = n.sum(axis=1, keepdims=True)
    others = total - rows
    with np.errstate(divide="ignore", invalid="ignore"):
        own, rest = n / rows, (n.sum(axis=0, keepdims=True) - n) / others
        tail = (1 - LEVEL) / 2 / n.size
        (l1, u1), (l2, u2) = _exact(n, rows, tail), _exact(n.sum(axis=0) - n, others, tail)
        apart, difference = 1 - languages, own - rest
        of_language = (difference * ndtri(tail)) ** 2 * languages * apart / total
        low = apart * difference - np.sqrt(
            apart**2 * ((own - l1) ** 2 + (u2 - rest) ** 2) + of_language
        )
        high = apart * difference + np.sqrt(
            apart**2 * ((u1 - own) ** 2 + (rest - l2) ** 2) + of_language
        )
    n_rows, n_columns = n.shape
    found = pd.DataFrame(
        {
            "language": np.repeat(table.index.to_numpy(), n_columns),
            "label": np.tile(table.columns.to_numpy(), n_rows),
            "n": n.ravel().astype(int),
            "share": (part / part.sum() if part.sum() > 1e-15 else np.zeros_like(part)).ravel(),
            "deviation": (own - labels).ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "p_label": np.broadcast_to(labels, n.shape).ravel(),
            "n_language": np.broadcast_to(rows, n.shape).ravel().astype(int),
        }
    )
    return found.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _exact(n: np.ndarray, rows: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Clopper and Pearson's interval of shares n / rows, each tail left out."""
    n, rows = np.broadcast_arrays(n, rows)
    low = np.where(n > 0, betaincinv(np.maximum(n, 1), rows - n + 1, tail), 0.0)
    high = np.where(n < rows, betaincinv(n + 1, np.maximum(rows - n, 1), 1 - tail), 1.0)
    return low, high
