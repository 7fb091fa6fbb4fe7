"""Single texts and tokens of two runs: which moved, and by how much."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.attribution import store

BY = ("subwords", "words")
LEAST_SEEN = 2  # times that a token occurs in a language before it is listed


def shifts(
    reference: str, other: str, key: str, label: str, threshold: float, language: str | None = None
) -> pd.DataFrame:
    """Texts by how far their probability of a class moved, the largest shift first.

    Args:
        reference, other: run ids.
        key: method and budget.
        label: the class.
        threshold: of the token groups.
        language: only these texts; None for all.

    Returns:
        `language`, `label` (true), `text` (its tokens in a row), `reference` and `other`
        (probabilities of the class), `shift`, its parts `positive`, `negative`, `neutral`, `base`,
        `tokens` (their number), `sentence`, `row`.

    Raises:
        InputError: a file does not read.
    """
    t = repr(float(threshold))
    chosen = "" if language is None else "AND r.language = ?"
    return store.read(
        f""", pairs AS (
            SELECT r.language, r.label, array_to_string(r.tokens, '') AS text,
                   r.output AS reference, o.output AS other, o.output - r.output AS shift,
                   list_zip(r."values", o."values") AS z, o.base - r.base AS base,
                   len(r.tokens) AS tokens, r.sentence, r.row
            FROM attributions r JOIN attributions o USING (row, class)
            WHERE r.run = ? AND o.run = ? AND r.class = ? AND r.tokens = o.tokens {chosen}
        )
        SELECT language, label, text, reference, other, shift,
               {_sum(f"x[1] > {t}")} AS positive, {_sum(f"x[1] < -{t}")} AS negative,
               {_sum(f"abs(x[1]) <= {t}")} AS neutral, base, tokens, sentence, row
        FROM pairs ORDER BY abs(shift) DESC, row""",
        store.files(sorted({reference, other}), key),
        [reference, other, label, *([language] if language is not None else [])],
    )


def one_text(
    reference: str, other: str, key: str, label: str, row: str, threshold: float, by: str = BY[0]
) -> pd.DataFrame:
    """The tokens of one text in their order, with what both runs attribute to them.

    Args:
        by: `subwords` or `words`, which sum their subwords.

    Returns:
        `position`, `token`, `reference`, `other`, `difference`, `group` (of the reference's value),
        and the standard errors `reference error`, `other error` (None where there are none, and of
        words).

    Raises:
        InputError: a file does not read.
    """
    found = store.read(
        """SELECT run, tokens, words, "values", errors FROM attributions
           WHERE row = ? AND class = ? AND run IN (?, ?)""",
        store.files(sorted({reference, other}), key),
        [row, label, reference, other],
    ).set_index("run")
    if not {reference, other} <= set(found.index):
        return pd.DataFrame()
    one, two = found.loc[reference], found.loc[other]
    return _frame(
        list(one["tokens"]),
        list(one["words"]),
        (one["values"], two["values"]),
        (one["errors"], two["errors"]),
        threshold,
        by,
    )


def _frame(
    pieces: list[str],
    words: list[int],
    values: tuple[Any, Any],
    errors: tuple[Any, Any],
    threshold: float,
    by: str,
) -> pd.DataFrame:
    """Columns of `one_text`."""
    frame = pd.DataFrame({"token": pieces, "word": words})
    for name, of_run, spread in zip(("reference", "other"), values, errors, strict=True):
        frame[name] = list(of_run)
        frame[f"{name} error"] = None if spread is None else list(spread)
    if by == "words":
        summed = {"token": "".join, "reference": "sum", "other": "sum"}
        frame = frame.groupby("word", sort=False).agg(summed).reset_index()
        frame["reference error"] = frame["other error"] = None
    frame["difference"] = frame["other"] - frame["reference"]
    frame["group"] = [group_of(value, threshold) for value in frame["reference"]]
    frame["position"] = range(1, len(frame) + 1)
    columns = ["position", "token", "reference", "other", "difference", "group"]
    return frame[[*columns, "reference error", "other error"]]


def gained(
    reference: str, other: str, key: str, label: str, language: str | None = None, limit: int = 200
) -> pd.DataFrame:
    """Tokens by how much attribution they gained, over all texts they occur in.

    Returns:
        `language`, `token` (without the blanks around it), `n` (times it occurs), `reference` (mean
        value), `gain` (mean difference), `standard error` (of the gain, over its occurrences), the
        largest gains and the largest losses first.

    Raises:
        InputError: a file does not read.
    """
    chosen = "" if language is None else "AND r.language = ?"
    return store.read(
        f""", pairs AS (
            SELECT r.language, unnest(r.tokens) AS token, unnest(r."values") AS s,
                   unnest(o."values") AS other_s
            FROM attributions r JOIN attributions o USING (row, class)
            WHERE r.run = ? AND o.run = ? AND r.class = ? AND r.tokens = o.tokens {chosen}
        )
        SELECT language, trim(token) AS token, count(*) AS n, avg(s) AS reference,
               avg(other_s - s) AS gain,
               stddev_samp(other_s - s) / sqrt(count(*)) AS "standard error"
        FROM pairs WHERE trim(token) <> ''
        GROUP BY language, trim(token) HAVING count(*) >= {LEAST_SEEN}
        ORDER BY abs(sum(other_s - s)) DESC, token LIMIT {limit}""",
        store.files(sorted({reference, other}), key),
        [reference, other, label, *([language] if language is not None else [])],
    )


def group_of(value: float, threshold: float) -> str:
    """Token group of a value in the reference model; neutral is the closed interval."""
    return "positive" if value > threshold else "negative" if value < -threshold else "neutral"


def _sum(condition: str) -> str:
    """SQL: sum of other - reference over the tokens of z that meet a condition on x[1]."""
    picked = f"list_filter(z, lambda x: {condition})"
    return f"coalesce(list_sum(list_transform({picked}, lambda x: x[2] - x[1])), 0)"
