"""Steps that mend a corpus: each leaves out rows, or changes labels, and says how many.

A step is a word, with a number behind a colon where it takes one:

spellings   labels that differ in case, blanks or Unicode form become the commonest of them
conflicts   texts of one language that have two labels are left out, all their rows
leaks       rows of texts that stand in a later split too are left out: test goes before validation
            before train
copies      of rows with the same text, label and language one is kept
short:N     texts of less than N characters are left out
long:N      texts of more than N characters
near:S      of texts of one language that are alike by S or more one is kept (core.mending.near)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.corpora import labels, mapping
from core.corpora.choices import Mapped
from core.errors import InputError
from core.mending import near
from core.progress import Progress
from core.storage import sql

KINDS = ("spellings", "conflicts", "leaks", "copies", "short", "long", "near")
DEFAULTS = {"short": 2, "long": 20_000, "near": 0.8}
# Few texts have blanks around them, and to look for them is quicker than to take them away.
_TRIMMED = "CASE WHEN starts_with({0}, ' ') OR ends_with({0}, ' ') THEN trim({0}) ELSE {0} END"
_BOTH = (_TRIMMED.format("text"), _TRIMMED.format("coalesce(text_b, '')"))
TEXTS = ", ".join(_BOTH)  # by which rows are copies
LENGTH = " + ".join(f"length({text})" for text in _BOTH)
ORDER = "CASE split WHEN 'test' THEN 0 WHEN 'validation' THEN 1 ELSE 2 END"


def parse(text: str) -> tuple[str, float]:
    """The kind of a step and its number, 0 where it takes none.

    Raises:
        InputError: no such step, or no such number.
    """
    kind, colon, given = text.strip().partition(":")
    if kind not in KINDS or (colon and kind not in DEFAULTS):
        known = ", ".join(k + (f":{DEFAULTS[k]}" if k in DEFAULTS else "") for k in KINDS)
        raise InputError(f"mending step {text!r:.60} is unknown; known are {known}.")
    try:
        number = float(given) if colon else float(DEFAULTS.get(kind, 0))
    except ValueError:
        number = -1.0
    most = 1.0 if kind == "near" else float("inf")
    if not 0 <= number <= most or (kind == "near" and number < 0.3):
        expected = "a likeness from 0.3 to 1" if kind == "near" else "a number of characters"
        raise InputError(f"mending step {text!r:.60}: expected {expected} behind the colon.")
    return kind, number


def apply(
    corpus: Mapped, steps: Sequence[str], report: Progress | None = None
) -> tuple[Mapped, list[str]]:
    """A corpus with steps taken, and a line a step that says how many rows it touched.

    The order is that of KINDS, whatever the order of the steps: spellings before conflicts, and
    conflicts before copies, since a copy that is kept would hide the label of the other.

    Raises:
        InputError: no such step, or no row is left.
        duckdb.Error: a file does not read (see `core.storage.reading`).
    """
    chosen = sorted((parse(step) for step in steps), key=lambda s: KINDS.index(s[0]))
    done = []
    for kind, number in chosen:
        if kind == "spellings":
            joined = spellings(corpus)
            changed = sum(_rows_of_label(corpus, label) for label in joined)
            if joined:
                named = corpus.choices.labels  # in an order of their own, as of a saved corpus
                choices = replace(
                    corpus.choices,
                    joined={**corpus.choices.joined, **joined},
                    labels=None if named is None else [x for x in named if x not in joined],
                )
                corpus = mapping.map_columns(corpus.source, choices)
            pairs = ", ".join(f"{x!r} → {y!r}" for x, y in joined.items())
            done.append(f"{changed:,} rows with another spelling of their label: {pairs or 'none'}")
            continue
        before = corpus.rows
        corpus = _without(corpus, kind, number, report)
        done.append(f"{before - corpus.rows:,} rows left out: {_REASONS[kind].format(number)}")
    return corpus, done


_REASONS = {
    "conflicts": "text with two labels",
    "leaks": "text in a later split",
    "copies": "copy of a row",
    "short": "fewer than {:.0f} characters",
    "long": "more than {:.0f} characters",
    "near": "nearly the same text ({} or more)",
}


def spellings(corpus: Mapped) -> dict[str, str]:
    """Labels that are another spelling of a commoner one -> that one."""
    sizes = corpus.cells.groupby("label")["n"].sum()
    commonest: dict[str, str] = {}
    joined = {}
    for label in sorted(map(str, sizes.index), key=lambda x: (-sizes[x], x)):
        ours = commonest.setdefault(labels.folded(label), label)
        if ours != label:
            joined[label] = ours
    return joined


def reason(kind: str, number: float) -> str:
    """SQL over kept rows with TEXTS: whether a step leaves a row out."""
    if kind == "conflicts":
        window = f"OVER (PARTITION BY language, {TEXTS})"
        return f"min(label) {window} <> max(label) {window}"
    if kind == "leaks":
        return f"{ORDER} > min({ORDER}) OVER (PARTITION BY {TEXTS})"
    if kind == "copies":
        return (
            f"row_number() OVER (PARTITION BY label, language, {TEXTS} "
            f"ORDER BY {ORDER}, sentence) > 1"
        )
    return f"{LENGTH} {'<' if kind == 'short' else '>'} {number:.0f}"


def _without(corpus: Mapped, kind: str, number: float, report: Progress | None) -> Mapped:
    """A corpus without the rows that a step leaves out, counted anew."""
    why = sql.literal(_REASONS[kind].format(number))
    source = corpus.source
    if kind == "near":
        name = "near_copies"
        source = replace(
            source, tables={**source.tables, name: near.copies(corpus, number, report)}
        )
        test = f"(text, coalesce(text_b, ''), language) IN (SELECT * FROM {name})"
    else:
        test = reason(kind, number)
    select = (
        f"SELECT * REPLACE (CASE WHEN {test} THEN {why} END AS reason) FROM ({corpus.select}) "
        f"WHERE reason IS NULL"
    )
    return mapping.recounted(replace(corpus, source=source, select=select))


def _rows_of_label(corpus: Mapped, label: str) -> int:
    return int(corpus.cells.loc[corpus.cells["label"] == label, "n"].sum())
