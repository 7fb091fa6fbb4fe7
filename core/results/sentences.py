"""Single sentences in several languages and by several runs: stored, or typed and asked anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from core.attribution import store
from core.attribution.result import Sentence
from core.checkpoints import outputs, run_folders
from core.checkpoints.studies import Started
from core.corpora import texts
from core.results import disagreements, references
from core.results.names import language_order
from core.results.schema import Run, StudyResults, TypedRun, TypedTokens
from core.storage import reading

BOXES = 6
EXAMPLES = 4
FEW_RUNS = 6  # so many are all shown


class Cell(NamedTuple):
    """What one run says of one sentence.

    Attributes:
        output: probability of each class.
        stored: whether the study has it of its test set; else it was asked for.
        unknown: tokens that the vocabulary does not have.
        cut: whether the text is longer than what the run reads.
        told: the language that the run was told, where its answer hangs on it.
    """

    output: tuple[float, ...]
    stored: bool
    unknown: int = 0
    cut: bool = False
    told: str | None = None

    @property
    def predicted(self) -> int:
        """Number of the class predicted, the first of a tie."""
        return self.output.index(max(self.output))


@dataclass(frozen=True)
class Row:
    """One sentence in the table of sentences and runs.

    Attributes:
        name: `1` for the first box, `b1` for the first of those before an edit.
        box: number of its box, from 1.
        sentence: what is in it.
        label: its true label, where it is one of the test set.
        cells: by run; of those that are known.
        before: whether it is what stood in its box before an edit.
    """

    name: str
    box: int
    sentence: Sentence
    label: str | None
    cells: Mapping[str, Cell]
    before: bool = False


class Example(NamedTuple):
    """A sentence of the test set to look at, in one or more languages.

    Attributes:
        sentences: as many as there are boxes at most.
        difference: total variation by which it was chosen.
        between: of what: two languages, or two runs.
    """

    sentences: tuple[Sentence, ...]
    difference: float
    between: tuple[str, str]


class Examples(NamedTuple):
    """Sentences of the test set to look at, the most telling first.

    Attributes:
        by: `language`, where translations change a prediction of `run`; `run`, where it and
            `other` say different things; `none`, the first of the test set.
        run, other: run ids; empty where they are not needed.
        n: sentences that were looked through.
    """

    by: str
    run: str
    other: str
    n: int
    found: tuple[Example, ...]


def distance(a: Sequence[float], b: Sequence[float]) -> float:
    """Total variation between two distributions: half the sum of the absolute differences."""
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / 2


def first_of_each(runs: Sequence[Run]) -> list[str]:
    """The runs that are shown by default: all where they are few, else the first of each setup."""
    if len(runs) <= FEW_RUNS:
        return [run["run"] for run in runs]
    first: dict[str, str] = {}
    for run in sorted(runs, key=lambda r: (r["null"], r["seed"])):
        first.setdefault(run["setup"], run["run"])
    return [run["run"] for run in runs if run["run"] in first.values()]


def most_changed(run: str, limit: int = EXAMPLES) -> tuple[pd.DataFrame, int]:
    """Translated test sentences whose prediction changes most with the language.

    The change of a sentence is the largest total variation between what the run predicts of it in
    two languages. Sentences that stand in a language twice are left out.

    Args:
        run: its id.

    Returns:
        `sentence`, `first` and `second` (the two languages), `difference`, the largest first; and
        how many sentences stand in two languages or more.

    Raises:
        InputError: the run's predictions do not read.
    """
    labels = run_folders.read_config(run).labels
    columns = [f'"{outputs.probability_column(x).replace(chr(34), chr(34) * 2)}"' for x in labels]
    gap = " + ".join(f"abs(a.{x}::DOUBLE - b.{x}::DOUBLE)" for x in columns)
    file = run_folders.folder(run) / "predictions.parquet"
    found = reading.query(
        f"""
        WITH p AS (SELECT * FROM read_parquet(?)), whole AS (
            SELECT sentence FROM p GROUP BY sentence
            HAVING count(*) > 1 AND count(*) = count(DISTINCT language)
        ), pairs AS (
            SELECT sentence, a.language AS first, b.language AS second, ({gap}) / 2 AS difference
            FROM p a JOIN p b USING (sentence)
            WHERE a.language < b.language AND sentence IN (SELECT sentence FROM whole)
        ), largest AS (
            SELECT * FROM pairs QUALIFY row_number() OVER (
                PARTITION BY sentence ORDER BY difference DESC, first, second) = 1
        )
        SELECT *, count(*) OVER () AS n FROM largest
        ORDER BY difference DESC, sentence LIMIT {limit}
        """,
        [str(file)],
        [file],
        run_folders.MEND,
    )
    n = int(found["n"].iloc[0]) if len(found) else 0
    return found.drop(columns="n"), n


def examples(document: StudyResults, runs: Sequence[Run], file: Path) -> Examples:
    """Sentences of the test set to begin with.

    Where it is translated, those that change most with the language (`most_changed`) in the first
    imbalanced run, else the texts of which the first balanced and imbalanced run disagree most.

    Args:
        runs: that are done.
        file: from `texts.texts_file`.

    Raises:
        InputError: a file does not read.
    """
    by_setup: dict[str, str] = {}
    for run in sorted(runs, key=lambda r: (r["null"], r["seed"])):
        by_setup.setdefault(run["setup"], run["run"])
    skewed = by_setup.get("imbalanced", runs[0]["run"])
    changed, n = most_changed(skewed)
    if n:
        return Examples("language", skewed, "", n, _translated(document, changed, skewed, file))
    balanced = by_setup.get("balanced", skewed)
    if balanced != skewed:
        rows, n = disagreements.disagreements(balanced, skewed, file)
        if n:
            found = _single(rows.head(EXAMPLES), (balanced, skewed))
            return Examples("run", skewed, balanced, n, found)
    rows, n = texts.browse(file, split="test", limit=EXAMPLES)
    return Examples("none", skewed, "", n, _single(rows.assign(difference=0.0), ("", "")))


def _translated(
    document: StudyResults, changed: pd.DataFrame, run: str, file: Path
) -> tuple[Example, ...]:
    order = language_order(document)
    found = []
    for one in changed.to_dict("records"):
        rows = disagreements.translations(run, one["sentence"], file)
        between = (str(one["first"]), str(one["second"]))
        # The two that differ most are among them, however many languages there are.
        picked = sorted(rows["language"], key=lambda x: (x not in between, order.index(x)))
        picked = sorted(picked[:BOXES], key=order.index)
        sentences = {row["language"]: _sentence(row) for row in rows.to_dict("records")}
        found.append(Example(tuple(sentences[x] for x in picked), one["difference"], between))
    return tuple(found)


def _single(rows: pd.DataFrame, between: tuple[str, str]) -> tuple[Example, ...]:
    return tuple(
        Example((_sentence(row),), row["difference"], between) for row in rows.to_dict("records")
    )


def _sentence(row: dict[str, Any]) -> Sentence:
    second = row.get("text_b")
    return Sentence(row["text"], second if isinstance(second, str) else None, row["language"])


class TestRow(NamedTuple):
    """A sentence's row in the test set."""

    row: str
    label: str


def in_test_set(file: Path, sentences: Iterable[Sentence]) -> dict[Sentence, TestRow]:
    """Which of these sentences are texts of the test set, letter by letter, in their language.

    Args:
        file: from `texts.texts_file`.

    Raises:
        InputError: it does not read.
    """
    wanted = set(sentences)
    if not wanted:
        return {}
    rows = reading.query(
        "SELECT text, text_b, language, row, label FROM read_parquet(?) "
        "WHERE split = 'test' AND text IN (SELECT unnest(?)) ORDER BY row",
        [str(file), sorted({s.text for s in wanted})],
        [file],
        "delete it, and it is made anew",
    )
    found: dict[Sentence, TestRow] = {}
    for row in rows.to_dict("records"):
        if (sentence := _sentence(row)) in wanted:
            found.setdefault(sentence, TestRow(row["row"], row["label"]))
    return found


def stored(runs: Sequence[str], rows: Sequence[str]) -> dict[tuple[str, str], Cell]:
    """What runs predicted of rows of the test set, by row and run; of those that they have.

    Raises:
        InputError: a run's predictions do not read.
    """
    found: dict[tuple[str, str], Cell] = {}
    for run in runs if rows else ():
        columns = [outputs.probability_column(x) for x in run_folders.read_config(run).labels]
        file = run_folders.folder(run) / "predictions.parquet"
        own = reading.query(
            "SELECT * FROM read_parquet(?) WHERE row IN (SELECT unnest(?))",
            [str(file), list(rows)],
            [file],
            run_folders.MEND,
        )
        for row in own.to_dict("records"):
            output = tuple(float(row[column]) for column in columns)
            found[row["row"], run] = Cell(output, stored=True)
    return found


def asked(run: TypedRun) -> Cell:
    """What a run said of a typed text, as a cell."""
    told = run.get("language")
    return Cell(tuple(run["output"]), False, run["unknown"], run["cut"], told)


def stored_tokens(
    study: Started, run: str, row: str, labels: Sequence[str]
) -> tuple[Cell, TypedTokens] | None:
    """What the tokens of a row of the test set do to a run's prediction; None where not stored.

    Args:
        labels: in their order.

    Raises:
        InputError: a file does not read.
    """
    for key in references.available(study):
        files = store.files([run], key)
        if not files:
            continue
        rows = store.read("SELECT * FROM attributions WHERE row = ?", files, [row])
        by_class = {one["class"]: one for one in rows.to_dict("records")}
        if not set(labels) <= set(by_class):
            continue
        own = [by_class[label] for label in labels]
        errors = [one["errors"] for one in own]
        tokens: TypedTokens = {
            "method": key,
            "tokens": list(own[0]["tokens"]),
            "words": [int(word) for word in own[0]["words"]],
            "values": _across([one["values"] for one in own]),
            "errors": None if any(e is None for e in errors) else _across(errors),
            "base": [float(one["base"]) for one in own],
        }
        return Cell(tuple(float(one["output"]) for one in own), stored=True), tokens
    return None


def _across(by_class: Sequence[Sequence[float]]) -> list[list[float]]:
    """Classes x tokens as tokens x classes."""
    return [[float(value) for value in token] for token in zip(*by_class, strict=True)]


def frame(tokens: TypedTokens, label: int, by: str) -> pd.DataFrame:
    """Tokens of one text in their order: `position`, `token`, `value`, `standard error`.

    Args:
        label: number of the class.
        by: of `core.results.tokens.BY`; words sum their subwords, and have no standard error.
    """
    errors = tokens["errors"]
    found = pd.DataFrame(
        {
            "token": tokens["tokens"],
            "value": [own[label] for own in tokens["values"]],
            "standard error": [None] * len(tokens["tokens"])
            if errors is None
            else [own[label] for own in errors],
            "word": tokens["words"],
        }
    )
    if by == "words":
        summed = {"token": "".join, "value": "sum"}
        found = found.groupby("word", sort=False).agg(summed).reset_index()
        found["standard error"] = None
    found["position"] = range(1, len(found) + 1)
    return found[["position", "token", "value", "standard error"]]


def apart(rows: Sequence[Row], run: str) -> dict[int, list[Row]]:
    """The classes that a run predicts of translations, where they are more than one.

    Args:
        rows: of which those before an edit do not count.

    Returns:
        By number of the class, the commonest first, the rows that it is predicted of.
    """
    found: dict[int, list[Row]] = {}
    for row in rows:
        if not row.before and run in row.cells:
            found.setdefault(row.cells[run].predicted, []).append(row)
    by_size = dict(sorted(found.items(), key=lambda item: -len(item[1])))
    return by_size if len(by_size) > 1 else {}


def farthest(rows: Sequence[Row], runs: Sequence[str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two cells (row, run) that are compared first.

    Of an edit, before and after by the run that it moved most; of several sentences, the two that
    one run tells apart most; of one sentence, the two runs that differ most.

    Args:
        rows: with one cell at least.
    """
    known = [(row, run) for row in rows for run in runs if run in row.cells]
    pairs = [
        (_rank(a, x, b, y), distance(a.cells[x].output, b.cells[y].output), i)
        for i, ((a, x), (b, y)) in enumerate(combinations(known, 2))
    ]
    if not pairs:
        return (known[0][0].name, known[0][1]), (known[0][0].name, known[0][1])
    best = max(pairs, key=lambda pair: (pair[0], pair[1], -pair[2]))
    (a, x), (b, y) = list(combinations(known, 2))[best[2]]
    if b.before and not a.before:
        (a, x), (b, y) = (b, y), (a, x)
    return (a.name, x), (b.name, y)


def _rank(a: Row, x: str, b: Row, y: str) -> int:
    """How well two cells compare, whatever is in them."""
    if x == y and a.box == b.box and a.before != b.before:
        return 3
    if x == y and not (a.before or b.before):
        return 2
    return int(a.name == b.name)


def long(
    rows: Sequence[Row], runs: Mapping[str, str], labels: Sequence[str], headings: Sequence[str]
) -> pd.DataFrame:
    """The table's numbers, a row a sentence, run and class.

    Args:
        runs: their names by id.
        headings: of the rows.
    """
    return pd.DataFrame(
        [
            {
                "text": heading,
                "language": row.sentence.language or "other",
                "label": row.label,
                "model": runs[run],
                "class": label,
                "probability": cell.output[c],
                "predicted": c == cell.predicted,
                "stored": cell.stored,
            }
            for row, heading in zip(rows, headings, strict=True)
            for run, cell in row.cells.items()
            for c, label in enumerate(labels)
        ]
    )
