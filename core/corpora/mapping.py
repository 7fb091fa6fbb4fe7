"""From the columns of a source to ours: one statement of SQL, and an account of every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from core.corpora import guess, labels, names
from core.corpora.choices import ALL, Choices, Mapped
from core.corpora.guess import NEEDED, OURS, Guess
from core.errors import InputError
from core.sources.source import NAME_FILE, Source
from core.storage import sql

_BLANKS = "".join(map(chr, [*range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8203)])) + (
    "\u2028\u2029\u202f\u205f\u3000"
)
# No letter that is no blank, which is found at the first one.
_EMPTY = r"NOT coalesce(regexp_matches({0}, '[^\s\x1c-\x1f\x{{85}}\p{{Z}}]'), false)"


def map_columns(source: Source, choices: Choices, also: Sequence[str] = ()) -> Mapped:
    """Map a source's columns to ours, and count what is kept and what is not, by one pass over it.

    Args:
        also: columns of the source that `select` has besides.

    Raises:
        InputError: columns are missing (all of them are named), a choice does not fit, or no row is
            left.
        duckdb.Error: a file does not read (see `core.storage.reading`).
    """
    columns = _columns(source, choices)
    raw = _raw(source, choices, columns, also)
    with sql.connection(source.tables) as connection:
        counted = connection.execute(
            f"SELECT split, language, label, gap, count(*) AS n FROM ({raw}) GROUP BY ALL"
        ).df()
    if counted.empty:
        raise InputError(f"corpus {source.name} has no rows.")
    raw, counted = _without_blanks(raw, counted)
    notes = [*source.notes, *_said(columns)]
    values = names.Values(source.name, counted)
    language = names.of_languages(values, choices, notes)
    missing, label = names.of_labels(values, choices, language, notes)
    split = names.of_splits(values, choices, notes)
    reason = _reason(missing, choices, language, label)
    select = f"""SELECT text, text_b, {_renamed("label", label)} AS label,
        {_renamed("language", language)} AS language, {_renamed("split", split)} AS split,
        {", ".join(["sentence", *map(sql.name, also)])}, {reason} AS reason FROM ({raw})"""
    with sql.connection({"counted": counted}) as connection:
        named = connection.execute(
            f"""SELECT {_renamed("split", split)} AS split, {_renamed("language", language)}
                AS language, {_renamed("label", label)} AS label, {reason} AS reason,
                CAST(sum(n) AS BIGINT) AS n FROM counted GROUP BY ALL ORDER BY ALL"""
        ).df()
    kept = named["reason"].isna()
    cells = named.loc[kept, ["split", "language", "label", "n"]].reset_index(drop=True)
    dropped = named[~kept].groupby(["reason", "language"], dropna=False)["n"].sum().reset_index()
    if cells.empty:
        raise InputError(
            f"corpus {source.name} has no usable row left; dropped {_counts(dropped)}."
        )
    for lines, n in source.refused.items():
        dropped.loc[len(dropped)] = [lines, None, n]
    order = tuple(choices.labels or labels.default_order(set(cells["label"])))
    known = tuple(sorted(set(cells["language"])))
    asked = tuple(dict.fromkeys(language.get(x, x) for x in choices.languages or known))
    several = "" if choices.several else labels.looks_like_several(set(cells["label"]))
    return Mapped(source, choices, columns, select, order, asked, cells, dropped, tuple(notes),
                  several)  # fmt: skip


def _without_blanks(raw: str, counted: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """SQL and its counts, with no blanks around labels, languages and splits; empty ones missing.

    There are few values and many rows: it is the values that are looked at.
    """
    cleaned = []
    for column in ("label", "language", "split"):
        known = counted[column].dropna().unique()
        other = {value: value.strip() for value in known if value != value.strip()}
        if other or "" in known:
            cleaned.append(f"NULLIF({_cased(column, other)}, '') AS {column}")
            stripped = counted[column].str.strip()
            counted = counted.assign(**{column: stripped.where(stripped != "")})
    return (f"SELECT * REPLACE ({', '.join(cleaned)}) FROM ({raw})" if cleaned else raw), counted


def recounted(corpus: Mapped) -> Mapped:
    """A corpus whose `select` leaves out more rows than before: its rows counted anew.

    Raises:
        InputError: no row is left.
    """
    with sql.connection(corpus.source.tables) as connection:
        counted = connection.execute(
            f"""SELECT split, language, label, reason, count(*) AS n FROM ({corpus.select})
                GROUP BY ALL ORDER BY ALL"""
        ).df()
    kept = counted["reason"].isna()
    cells = counted.loc[kept, ["split", "language", "label", "n"]].reset_index(drop=True)
    more = counted[~kept].groupby(["reason", "language"], dropna=False)["n"].sum().reset_index()
    dropped = pd.concat([corpus.dropped, more], ignore_index=True)
    if cells.empty:
        raise InputError(
            f"corpus {corpus.source.name} has no row left: {_counts(dropped)}. Mend less."
        )
    order = tuple(x for x in corpus.labels if x in set(cells["label"]))
    known = tuple(x for x in corpus.languages if x in set(cells["language"]))
    return replace(corpus, cells=cells, dropped=dropped, labels=order, languages=known)


def _counts(dropped: pd.DataFrame) -> str:
    return ", ".join(f"{n} rows: {why}" for why, n in by_reason(dropped).items())


def by_reason(dropped: pd.DataFrame) -> dict[str, int]:
    """Rows that are left out, by reason."""
    sums = dropped.groupby("reason", sort=False)["n"].sum()
    return {str(reason): int(n) for reason, n in sums.items()}


def _columns(source: Source, choices: Choices) -> dict[str, Guess]:
    """Our columns that the source has; what is needed must be there."""
    if unknown := set(choices.columns) - set(OURS):
        raise InputError(
            f"unknown column name {', '.join(sorted(unknown))}; ours are {', '.join(OURS)}."
        )
    wrong = []
    for ours, theirs in choices.columns.items():
        if not theirs and (ours not in NEEDED or (ours == "language" and choices.language)):
            continue
        parts = theirs.split("+") if ours == "label" and theirs not in source.columns else [theirs]
        wrong += [part for part in parts if part not in source.columns]
    found = {o: g for o, g in guess.columns(source, choices.columns).items() if g.column}
    if choices.language:
        found.pop("language", None)
    needed = [
        ours
        for ours in NEEDED
        if not (ours == "label" and not choices.labelled)
        and not (ours == "language" and (choices.language or choices.identify))
    ]
    missing = [ours for ours in needed if ours not in found]
    if wrong or missing:
        table = "columns" if choices.labelled else "external_columns"
        raise InputError(_refusal(source, wrong, missing, found, table))
    return found


def _refusal(
    source: Source,
    wrong: Sequence[str],
    missing: Sequence[str],
    found: Mapping[str, Guess],
    table: str,
) -> str:
    """Of all columns that are missing, with what could be meant."""
    has = ", ".join(c for c in source.columns if c != NAME_FILE)
    said = [f"column {name!r} not found" for name in wrong]
    taken = [g.column for g in found.values()]
    ways = []
    for ours in missing:
        said.append(f"column {ours!r} not found")
        likely = guess.candidates(source, ours, taken)[:3]
        ways.append(f"--column {ours}={likely[0] if likely else '<name>'}")
        if len(likely) > 1:
            said[-1] += f" (perhaps {' or '.join(likely)})"
    if "language" in missing:
        ways[-1] += ", --language de for all rows, or --identify-language"
    ways = ways or ["one of these"]
    keys = ", ".join(f'{ours} = "…"' for ours in missing)
    study = f" (in a study: [{table}] {keys})" if keys else ""
    return (
        f"corpus {source.name}: {'; '.join(said)}; the file has: {has or 'no column'}. Name "
        f"{' '.join(ways)}{study}, or rename it."
    )


def _said(columns: Mapping[str, Guess]) -> list[str]:
    """Columns that were guessed by anything but our own name."""
    guessed = [
        f"{ours} is the column {g.column!r} ({g.why})"
        for ours, g in columns.items()
        if g.why != "as named" and g.column not in (ours, *guess.OWN)
    ]
    return ["; ".join(guessed)] if guessed else []


def _raw(
    source: Source, choices: Choices, columns: Mapping[str, Guess], also: Sequence[str]
) -> str:
    """SQL of our columns as texts, with `gap`: the first needed one that has no content."""
    parts = {
        ours: _text(source, columns[ours].column) if ours in columns else "CAST(NULL AS VARCHAR)"
        for ours in ("text", "text_b", "sentence", "split", "language")
    }
    if choices.language:
        parts["language"] = sql.literal(choices.language)
    parts["label"] = parts["language"]
    if "label" in columns:
        parts["label"] = _label(source, columns["label"].column, choices)
    if not choices.labelled:
        blank = f"trim({parts['label']}, {sql.literal(_BLANKS)}) = ''"
        parts["label"] = (
            f"CASE WHEN {parts['label']} IS NULL OR {blank} THEN {parts['language']} "
            f"ELSE {parts['label']} END"
        )
    if columns.get("sentence", Guess("", "")).column == "pair_id" and "split" in columns:
        # XNLI counts pairs anew in each split.
        parts["sentence"] = f"trim({parts['split']}) || '-' || {parts['sentence']}"
    gaps = [("text", _EMPTY.format("text"))]
    if "text_b" in columns:
        gaps.append(("text_b", _EMPTY.format("text_b")))
    cases = " ".join(f"WHEN {test} THEN 'empty {ours}'" for ours, test in gaps)
    named = ", ".join(
        [*(f"{expression} AS {ours}" for ours, expression in parts.items()), *map(sql.name, also)]
    )
    return f"SELECT *, CASE {cases} END AS gap FROM (SELECT {named} FROM ({source.select}))"


def _text(source: Source, column: str) -> str:
    """A column as text: whole numbers without a point, names of classes in place of numbers."""
    kind, own = source.columns[column], sql.name(column)
    if column in source.classes:
        names = ", ".join(map(sql.literal, source.classes[column]))
        return f"CASE WHEN {own} >= 0 THEN list_extract([{names}], CAST({own} AS BIGINT) + 1) END"
    if kind in ("DOUBLE", "FLOAT"):
        return (
            f"CASE WHEN isnan({own}) THEN NULL WHEN {own} = trunc({own}) AND abs({own}) < 1e15 "
            f"THEN CAST(CAST({own} AS BIGINT) AS VARCHAR) ELSE CAST({own} AS VARCHAR) END"
        )
    if kind == "BOOLEAN":
        return f"CASE {own} WHEN true THEN 'True' WHEN false THEN 'False' END"
    return f"CAST({own} AS VARCHAR)"


def _label(source: Source, column: str, choices: Choices) -> str:
    """The label of a row, of one column or of one a label."""
    if column not in source.columns:  # one-hot
        columns = column.split("+")
        marks = ", ".join(map(sql.literal, labels.YES))
        members = ", ".join(
            f"CASE WHEN lower({_text(source, c)}) IN ({marks}) THEN {sql.literal(c)} END"
            for c in columns
        )
        return labels.one_of(f"list_filter([{members}], lambda x: x IS NOT NULL)", choices.several)
    kind = source.columns[column]
    if kind.endswith("]"):
        own = f"CAST({sql.name(column)} AS VARCHAR[])"
        if column in source.classes:
            listed = ", ".join(map(sql.literal, source.classes[column]))
            own = (
                f"list_transform({sql.name(column)}, lambda x: list_extract([{listed}], "
                "CAST(x AS BIGINT) + 1))"
            )
        return labels.one_of(own, choices.several)
    if choices.several:
        parts = f"string_split_regex({_text(source, column)}, '[,;|]')"
        own = f"list_transform({parts}, lambda x: trim(x, {sql.literal(_BLANKS)}))"
        return labels.one_of(f"list_filter({own}, lambda x: x <> '')", choices.several)
    return _text(source, column)


def _renamed(column: str, names: Mapping[str, str]) -> str:
    """A column with other names for some of its values; rows without a split are of ALL."""
    return _cased(f"coalesce({column}, '{ALL}')" if column == "split" else column, names)


def _cased(own: str, names: Mapping[str, str]) -> str:
    if not names:
        return own
    cases = " ".join(f"WHEN {sql.literal(x)} THEN {sql.literal(y)}" for x, y in names.items())
    return f"CASE {own} {cases} ELSE {own} END"


def _reason(
    missing: Sequence[str],
    choices: Choices,
    language: Mapping[str, str],
    label: Mapping[str, str],
) -> str:
    """Why a row is left out; NULL for one that is kept."""

    def among(column: str, values: Iterable[str]) -> str:
        listed = ", ".join(map(sql.literal, values))
        return f"{column} IN ({listed})" if listed else "false"

    nothing = [x for x, code in language.items() if not code]
    cases = [
        ("gap IS NOT NULL", "gap"),
        (f"label IS NULL OR {among('label', missing)}", "'empty label'"),
        (f"label = {sql.literal(labels.SEVERAL)}", "'several labels'"),
        (f"language IS NULL OR {among('language', nothing)}", "'empty language'"),
    ]
    if choices.labels is not None:
        renamed = _renamed("label", label)
        cases.append((f"NOT ({among(renamed, choices.labels)})", "'label left out'"))
    if choices.left_out:
        cases.append((among("label", choices.left_out), "'label left out'"))
    if choices.languages is not None:
        wanted = [language.get(x, x) for x in choices.languages]
        renamed = _renamed("language", language)
        cases.append((f"NOT ({among(renamed, wanted)})", "'language left out'"))
    return "CASE " + " ".join(f"WHEN {test} THEN {why}" for test, why in cases) + " END"
