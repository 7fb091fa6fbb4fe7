"""What is wrong with a corpus: counted by one pass over it, with examples on demand."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from core.corpora.choices import Mapped
from core.mending import steps
from core.storage import sql

EXAMPLES = 3
_LONG = 20  # times the median length, from which on a text is absurdly long
_LEAST = 1000  # characters, below which none is
_SAYS = {
    "spellings": "rows whose label is another spelling of a commoner one",
    "conflicts": "rows whose text has two labels in one language",
    "leaks": "rows whose text stands in a later split too",
    "copies": "rows that repeat the text, label and language of another",
    "short": "rows with a text of one character",
    "long": "rows with a text of more than {:,.0f} characters",
}


class Finding(TypedDict):
    """One thing that is wrong."""

    step: str  # of core.mending.steps, which mends it
    says: str
    rows: int  # that the step, taken alone, leaves out or changes


class Looked(NamedTuple):
    """What one pass over the rows of a corpus tells.

    Attributes:
        findings: what is wrong.
        fingerprint: the same for the same rows in any order, as long as DuckDB hashes alike; 16
            hexadecimal digits.
    """

    findings: list[Finding]
    fingerprint: str


def look(corpus: Mapped) -> Looked:
    """What is wrong with a corpus, but for nearly equal texts, which take a job to find.

    Raises:
        duckdb.Error: a file does not read (see `core.storage.reading`).
    """
    languages, labels = (
        f"list_position([{', '.join(map(sql.literal, names))}], {column})"
        for column, names in (("language", corpus.languages), ("label", corpus.labels))
    )
    with sql.connection(corpus.source.tables) as connection:
        # Of a row numbers are kept and no text, so that little is in memory at once.
        connection.execute(
            f"""CREATE TEMP TABLE looked AS
            SELECT hash({steps.TEXTS}) AS text, CAST({languages} AS USMALLINT) AS language,
                   CAST({labels} AS USMALLINT) AS label, CAST({steps.ORDER} AS UTINYINT) AS split,
                   CAST({steps.LENGTH} AS UINTEGER) AS length,
                   hash(text, text_b, label, language, split, sentence) AS own
            FROM ({corpus.select}) WHERE reason IS NULL"""
        )
        median, own = connection.execute(
            "SELECT median(length), sum(CAST(own AS HUGEINT)) FROM looked"
        ).fetchone() or (0, 0)
        limit = max(_LEAST, int(round(_LONG * median, -2)))
        short, long = connection.execute(
            "SELECT count(*) FILTER (length < ?), count(*) FILTER (length > ?) FROM looked",
            [steps.DEFAULTS["short"], limit],
        ).fetchone() or (0, 0)
        connection.execute(
            """CREATE TEMP TABLE again AS SELECT * FROM looked WHERE text IN
               (SELECT text FROM looked GROUP BY text HAVING count(*) > 1)"""
        )
        conflicts, copies = connection.execute(
            """SELECT sum(n) FILTER (labels > 1), sum(n - labels) FROM (
                 SELECT count(*) AS n, count(DISTINCT label) AS labels
                 FROM again GROUP BY text, language)"""
        ).fetchone() or (0, 0)
        leaks = 0
        if corpus.has_splits:  # copies stay on one side of a split that is made
            (leaks,) = connection.execute(
                """SELECT count(*) FROM again
                   JOIN (SELECT text, min(split) AS first FROM again GROUP BY text)
                   USING (text) WHERE split > first"""
            ).fetchone() or (0,)
        connection.execute("DROP TABLE looked; DROP TABLE again")
    sizes = corpus.cells.groupby("label")["n"].sum()
    rows = {
        "spellings": sum(sizes[label] for label in steps.spellings(corpus)),
        "conflicts": conflicts,
        "leaks": leaks,
        "copies": copies,
        "short": short,
        "long": long,
    }
    findings: list[Finding] = [
        {
            "step": f"long:{limit}" if kind == "long" else kind,
            "says": _SAYS[kind].format(limit),
            "rows": int(n),
        }
        for kind, n in rows.items()
        if n
    ]
    return Looked(findings, f"{int(own) % 2**64:016x}")


def examples(corpus: Mapped, step: str) -> list[str]:
    """Some of the texts that a step leaves out, with language, labels and splits, or spellings.

    Raises:
        duckdb.Error: a file does not read (see `core.storage.reading`).
    """
    kind, number = steps.parse(step)
    if kind == "spellings":
        joined = steps.spellings(corpus)
        return [f"{x!r} → {y!r}" for x, y in joined.items()][:EXAMPLES]
    with sql.connection(corpus.source.tables) as connection:
        some = connection.execute(
            f"""SELECT text, any_value(language) AS language,
                string_agg(DISTINCT label, ' / ' ORDER BY label) AS labels,
                string_agg(DISTINCT split, ' / ' ORDER BY split) AS splits
                FROM (SELECT *, {steps.reason(kind, number)} AS out
                      FROM ({corpus.select}) WHERE reason IS NULL)
                WHERE out GROUP BY text ORDER BY text LIMIT {EXAMPLES}"""
        ).fetchall()
    found = []
    for text, *of in some:
        where = ", ".join(of if corpus.has_splits else of[:2])
        found.append(f"{where}: {text[:100]}{'…' if len(text) > 100 else ''}")
    return found
