"""Single test rows of runs: where two runs disagree, where the language changes a prediction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.checkpoints import outputs, run_folders
from core.corpora.texts import ANY, of_rows, search
from core.storage import reading

DIRECTIONS = (ANY, "only the first is right", "only the second is right", "both are wrong")
LIMIT = 200


def disagreements(
    first: str,
    second: str,
    file: Path | None,
    *,
    language: str = ANY,
    label: str = ANY,
    direction: str = ANY,
    within: Collection[str] | None = None,
) -> tuple[pd.DataFrame, int]:
    """Test rows for which two runs predict different classes, and how many there are.

    Args:
        first, second: run ids.
        file: from `texts.texts_file`; without it the rows have no text.
        language, label: of the rows; ANY for all.
        direction: of DIRECTIONS.
        within: ids of rows; None for all.

    Returns:
        The LIMIT rows of which the probabilities differ most (`difference`, total variation):
        `language`, `label`, `first`, `second` (predicted classes), `p first`, `p second` (their
        probabilities), `difference`, `sentence`, `row`, and the texts; and the number of all.

    Raises:
        InputError: a run's predictions do not read.
    """
    labels = run_folders.read_config(first).labels
    gap = " + ".join(f"abs(a.{_column(x)} - b.{_column(x)})" for x in labels)
    conditions = {"a.language = ?": language, "a.label = ?": label}
    chosen = {k: v for k, v in conditions.items() if v != ANY}
    told = [*chosen, *_RIGHT.get(direction, ()), *_within("a.row", within)]
    where = " AND ".join(["a.predicted <> b.predicted", *told])
    found = _query(
        f"""
        WITH a AS ({_predicted(labels)}), b AS ({_predicted(labels)})
        SELECT a.language, a.label, a.predicted AS first, b.predicted AS second, a.p AS "p first",
               b.p AS "p second", ({gap}) / 2 AS difference, a.sentence, a.row,
               count(*) OVER () AS total
        FROM a JOIN b USING (row) WHERE {where} ORDER BY difference DESC, row LIMIT {LIMIT}
        """,
        [first, second],
        [*chosen.values(), *_listed(within)],
    )
    total = int(found["total"].iloc[0]) if len(found) else 0
    found = found.drop(columns="total")
    return (of_rows(file, found) if file else found), total


_RIGHT = {
    DIRECTIONS[1]: ("a.predicted = a.label",),
    DIRECTIONS[2]: ("b.predicted = a.label",),
    DIRECTIONS[3]: ("a.predicted <> a.label", "b.predicted <> a.label"),
}


def texts(
    run: str,
    file: Path | None,
    *,
    language: str = ANY,
    label: str = ANY,
    predicted: str = ANY,
    containing: str = "",
    within: Collection[str] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Test rows of one cell of a run's confusion, or that hold some letters.

    Args:
        run: its id.
        file: from `texts.texts_file`; without it nothing is searched for and rows have no text.
        language, label, predicted: of the rows; ANY for all.
        containing: letters that stand in the text, in whichever case.
        within: ids of rows; None for all.

    Returns:
        The first LIMIT rows: `language`, `label`, `predicted`, `p`, `sentence`, `row`, and the
        texts; and the ids of all.

    Raises:
        InputError: the run's predictions or the texts do not read.
    """
    conditions = {"language = ?": language, "label = ?": label, "predicted = ?": predicted}
    chosen = {k: v for k, v in conditions.items() if v != ANY}
    where = " AND ".join([*chosen, *_within("row", within)]) or "true"
    found = _query(
        f"SELECT language, label, predicted, p, sentence, row FROM "
        f"({_predicted(run_folders.read_config(run).labels)}) WHERE {where} ORDER BY sentence, row",
        [run],
        [*chosen.values(), *_listed(within)],
    )
    if containing and file:
        found = found[found["row"].isin(search(file, containing))].reset_index(drop=True)
    shown = found.head(LIMIT)
    return (of_rows(file, shown) if file else shown), found["row"].tolist()


def _within(column: str, rows: Collection[str] | None) -> list[str]:
    return [] if rows is None else [f"{column} IN (SELECT unnest(?))"]


def _listed(rows: Collection[str] | None) -> list[list[str]]:
    return [] if rows is None else [list(rows)]


def changing(
    run: str, label: str = ANY, within: Collection[str] | None = None
) -> tuple[pd.DataFrame, int, int]:
    """Sentences whose prediction changes with the language, on a translated test set.

    Args:
        run: its id.
        label: of the sentences; ANY for all.
        within: ids of rows, of which a sentence has one or more; None for all.

    Returns:
        The LIMIT sentences of which the most languages differ from the commonest prediction:
        `sentence`, `label`, `commonest`, `languages that differ`, then a column a language with the
        class predicted in it; the number of such sentences; and of all sentences in two or more
        languages, 0 where the test set is not translated.

    Raises:
        InputError: the run's predictions do not read.
    """
    config = run_folders.read_config(run)
    told = ["label = ?"] if label != ANY else []
    if within is not None:
        told.append("sentence IN (SELECT sentence FROM a WHERE row IN (SELECT unnest(?)))")
    where = f"WHERE {' AND '.join(told)}" if told else ""
    found = _query(
        f"""
        WITH a AS ({_predicted(config.labels)}),
        sentences AS (
            SELECT sentence, any_value(label) AS label, mode(predicted ORDER BY predicted)
                   AS commonest, count(*) AS n, count(DISTINCT predicted) AS classes,
                   map(list(language), list(predicted)) AS by_language
            FROM a {where} GROUP BY sentence
            HAVING count(DISTINCT language) > 1 AND count(*) = count(DISTINCT language)
        )
        SELECT sentence, label, commonest,
               len(list_filter(map_values(by_language), lambda x : x <> commonest))
               AS "languages that differ", by_language,
               (SELECT count(*) FROM sentences) AS translated, count(*) OVER () AS total
        FROM sentences WHERE classes > 1
        ORDER BY "languages that differ" DESC, sentence LIMIT {LIMIT}
        """,
        [run],
        [*([] if label == ANY else [label]), *_listed(within)],
    )
    if not len(found):
        return found, 0, _translated(run)
    by_language = pd.DataFrame(found["by_language"].tolist())
    present = [x for x in config.languages if x in by_language]
    total, translated = int(found["total"].iloc[0]), int(found["translated"].iloc[0])
    kept = found.drop(columns=["by_language", "translated", "total"])
    return pd.concat([kept, by_language[present]], axis=1), total, translated


def _translated(run: str) -> int:
    found = _query(
        "SELECT count(*) AS n FROM (SELECT sentence FROM read_parquet(?) GROUP BY sentence "
        "HAVING count(DISTINCT language) > 1)",
        [run],
    )
    return int(found["n"].iloc[0])


def translations(run: str, sentence: str, file: Path | None) -> pd.DataFrame:
    """One sentence in all languages: `row`, `language`, `label`, `predicted`, `p`, and the texts.

    Args:
        run: its id.
        sentence: its id.
        file: from `texts.texts_file`; without it there are no texts.

    Raises:
        InputError: the run's predictions do not read.
    """
    config = run_folders.read_config(run)
    found = _query(
        f"SELECT row, language, label, predicted, p FROM ({_predicted(config.labels)}) "
        "WHERE sentence = ?",
        [run],
        [sentence],
    )
    order = {language: i for i, language in enumerate(config.languages)}
    found = found.sort_values("language", key=lambda x: x.map(order), ignore_index=True)
    return of_rows(file, found) if file else found


def _predicted(labels: tuple[str, ...]) -> str:
    """SQL over one predictions.parquet: its columns, `predicted` (first of a tie), `p`."""
    columns = ", ".join(_column(x) for x in labels)
    names = ", ".join("'" + x.replace("'", "''") + "'" for x in labels)
    most = f"greatest({columns})"
    return (
        f"SELECT *, [{names}][list_position([{columns}], {most})] AS predicted, {most} AS p "
        "FROM read_parquet(?)"
    )


def _column(label: str) -> str:
    return '"' + outputs.probability_column(label).replace('"', '""') + '"'


def _query(statement: str, runs: list[str], more: Sequence[Any] = ()) -> pd.DataFrame:
    """Answer SQL over the predictions of runs: its first `?` are theirs, then come others."""
    files = [str(run_folders.folder(run) / "predictions.parquet") for run in runs]
    return reading.query(statement, [*files, *more], files, run_folders.MEND)
