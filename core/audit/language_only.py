"""What a classifier that sees only the language reaches, beside one that sees nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from core.audit.independence import used

FOLDS, REPEATS = 10, 50
_TABLES = 200  # drawn anew for the interval, parted _TIMES each
_TIMES = 3


class LanguageOnly(NamedTuple):
    """Accuracies on rows that the rule was not made from.

    Attributes:
        accuracy: of guessing each language's commonest label.
        of_nothing: of guessing the commonest label everywhere.
        gain: their difference.
        low, high: its 95 % interval.
        in_sample: of guessing each language's commonest label, on the very rows: too high, the more
            so the fewer rows there are.
    """

    accuracy: float
    of_nothing: float
    gain: float
    low: float
    high: float
    in_sample: float


def language_only(counts: pd.DataFrame, seed: int = 0) -> LanguageOnly:
    """Accuracy of the best guess by the language alone, and what it gains over one guess for all.

    The commonest label of the same rows is right too often: noise makes some label the commonest.
    So the label is chosen on nine tenths of the rows and counted on the tenth, over all tenths, the
    mean over 50 ways to part the rows. Labels that tie in a language are chosen between as all
    languages would, and neither accuracy is below that of tossing, 1 / labels. Where language and
    label are independent the gain is 0 or below on average, since what is learned is noise.

    The interval is normal, its error that of the gain in tables drawn anew (bootstrap). In
    simulations it covers what the rule gains on other rows in 91 to 100 % and is above 0 without
    cause in at most 3 %.
    """
    table = used(counts).to_numpy()
    n = int(table.sum())
    rng = np.random.default_rng(seed)
    # Who tosses is right in one of so many; held out of a tie, a tenth is against its own label.
    tossed = 1 / table.shape[1]
    accuracy, of_nothing = (
        max(tossed, float(x[0])) for x in _accuracies(table[None], REPEATS, rng)
    )
    drawn = rng.multinomial(n, table.ravel() / n, size=_TABLES).reshape(-1, *table.shape)
    own, every = _accuracies(drawn, _TIMES, rng)
    gain, half = accuracy - of_nothing, 1.959964 * float((own - every).std())
    in_sample = float(table.max(axis=1).sum() / n)
    return LanguageOnly(accuracy, of_nothing, gain, gain - half, gain + half, in_sample)


def _accuracies(
    tables: np.ndarray, repeats: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cross-validated accuracies of the guess by language, and of one for all (tables each)."""
    many = np.broadcast_to(tables[:, None], (len(tables), repeats, *tables.shape[1:]))
    held = np.moveaxis(rng.multinomial(many, np.full(FOLDS, 1 / FOLDS)), -1, 2)
    kept = many[:, :, None] - held  # tables x repeats x folds x languages x labels
    pooled = kept.sum(axis=3, keepdims=True)
    one = np.broadcast_to(pooled.argmax(axis=4)[..., None], (*kept.shape[:4], 1))
    # Shares of all rows are below 1, so that they decide ties alone.
    n = tables.sum(axis=(1, 2))
    own = (kept + pooled / (n.max() + 1)).argmax(axis=4)[..., None]
    own, one = (
        np.take_along_axis(held, rule, axis=4).sum(axis=(1, 2, 3, 4)) for rule in (own, one)
    )
    return own / (n * repeats), one / (n * repeats)
